//! The forms of the operators that the kernel reads. `proofs-data/OPERATORS.md` shows this table.

use crate::onnx::call::{Call, Type, Values};
use crate::onnx::form::{ANY, Form, NEWEST, OLDEST, WINDOW, form};
use crate::onnx::kinds::Kinds;
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};

/// What is read of a reduction.
const REDUCED: &str = "of values, over named axes but the batch";

static FORMS: &[Form] = &[
    form("Abs", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form("Add", (2, 2), &[], Kinds::Numbers, "value + value of as many axes, value + constant, constants"),
    form("ArrayFeatureExtractor", (2, 2), &[], Kinds::Shaped, "of [N, C], constant columns").of_ml(),
    form(
        "AveragePool",
        (1, 1),
        &[
            WINDOW[0],
            WINDOW[1],
            WINDOW[2],
            WINDOW[3],
            ("ceil_mode", Type::Integer, 0),
            ("count_include_pad", Type::Integer, 0),
            ("dilations", Type::Integers, 19),
        ],
        Kinds::Float32,
        "[N, C, D] or [N, C, D, E]; pads or auto_pad; no dilation, not ceil_mode with count_include_pad",
    ),
    form(
        "BatchNormalization",
        (5, 5),
        &[("epsilon", Type::Float, 0), ("momentum", Type::Float, 0), ("training_mode", Type::Integer, 14)],
        Kinds::Floats,
        "inference over axis 1, one output, training_mode 0, parameters constant",
    ),
    form(
        "Cast",
        (1, 1),
        &[("to", Type::Integer, 0), ("saturate", Type::Integer, 19)],
        Kinds::Named,
        "values between float32 and float64; constants to a type that holds them",
    ),
    form(
        "Concat",
        (1, ANY),
        &[("axis", Type::Integer, 0)],
        Kinds::One,
        "of values, not along the batch; of constants; of lists",
    ),
    form("Celu", (1, 1), &[("alpha", Type::Float, 0)], Kinds::Float32, "of values, alpha > 0"),
    form(
        "Clip",
        (1, 3),
        &[],
        Kinds::Float32,
        "of values, between constant scalars; the lower one not above the upper one",
    ),
    form(
        "Constant",
        (0, 0),
        &[
            ("value", Type::Tensor, 0),
            ("value_float", Type::Float, 0),
            ("value_floats", Type::Floats, 0),
            ("value_int", Type::Integer, 0),
            ("value_ints", Type::Integers, 0),
        ],
        Kinds::Named,
        "exactly one attribute",
    ),
    form(
        "Conv",
        (2, 3),
        &[WINDOW[0], WINDOW[1], WINDOW[2], WINDOW[3], ("dilations", Type::Integers, 0), ("group", Type::Integer, 0)],
        Kinds::Float32,
        "[N, C, D] or [N, C, D, E], constant weights and bias; pads or auto_pad",
    ),
    form(
        "ConstantOfShape",
        (1, 1),
        &[("value", Type::Tensor, 0)],
        Kinds::Named,
        "of fixed sizes, or [N, …]; a value of shape [1]",
    ),
    form("Div", (2, 2), &[], Kinds::Numbers, "value / constant without zeros, constants (integers truncated)"),
    form("Dropout", (1, 3), &[("seed", Type::Integer, 0)], Kinds::Dropout, "inference; the mask must not be used"),
    form("Elu", (1, 1), &[("alpha", Type::Float, 0)], Kinds::Floats, "of values, 0 ≤ alpha ≤ 1"),
    form(
        "Expand",
        (2, 2),
        &[],
        Kinds::Shaped,
        "of values (the batch stays) to fixed sizes; of float constants, to [N, …], too",
    ),
    form("Flatten", (1, 1), &[("axis", Type::Integer, 0)], Kinds::One, "the batch stays; of constants"),
    form(
        "Gather",
        (2, 2),
        &[("axis", Type::Integer, 0)],
        Kinds::Indexed,
        "of constants, or of values not along the batch; constant indices",
    ),
    form(
        "Gemm",
        (2, 3),
        &[
            ("alpha", Type::Float, 0),
            ("beta", Type::Float, 0),
            ("transA", Type::Integer, 0),
            ("transB", Type::Integer, 0),
        ],
        Kinds::Floats,
        "[N, K] times a constant matrix, transA 0; the third input a constant or a value of the result's shape",
    ),
    form("GlobalAveragePool", (1, 1), &[], Kinds::Float32, "[N, C, D] or [N, C, D, E]"),
    form("GlobalMaxPool", (1, 1), &[], Kinds::Float32, "[N, C, D] or [N, C, D, E]"),
    form("Greater", (2, 2), &[], Kinds::Compared, "of values of one shape and constants, for Where"),
    form("GreaterOrEqual", (2, 2), &[], Kinds::Compared, "as Greater"),
    form("Identity", (1, 1), &[], Kinds::One, "of anything"),
    form("LeakyRelu", (1, 1), &[("alpha", Type::Float, 0)], Kinds::Float32, "of values and constants"),
    form(
        "LinearClassifier",
        (1, 1),
        &[
            ("classlabels_ints", Type::Integers, 0),
            ("coefficients", Type::Floats, 0),
            ("intercepts", Type::Floats, 0),
            ("multi_class", Type::Integer, 0),
            ("post_transform", Type::Text, 0),
        ],
        Kinds::Float32,
        "the scores of two classes; post_transform NONE, or at the end LOGISTIC or SOFTMAX; the label must not be used",
    )
    .of_ml(),
    form(
        "LinearRegressor",
        (1, 1),
        &[
            ("coefficients", Type::Floats, 0),
            ("intercepts", Type::Floats, 0),
            ("post_transform", Type::Text, 0),
            ("targets", Type::Integer, 0),
        ],
        Kinds::Float32,
        "one target, post_transform NONE",
    )
    .of_ml(),
    form("LogSoftmax", (1, 1), &[("axis", Type::Integer, 0)], Kinds::Float32, "of [N, K] over K, as the output alone"),
    form("Less", (2, 2), &[], Kinds::Compared, "as Greater"),
    form("LessOrEqual", (2, 2), &[], Kinds::Compared, "as Greater"),
    form("MatMul", (2, 2), &[], Kinds::Floats, "a value times a constant matrix or vector on its right"),
    form("Max", (1, ANY), &[], Kinds::Floats, "of values of as many axes and constants; of constants"),
    form(
        "MaxPool",
        (1, 1),
        &[
            WINDOW[0],
            WINDOW[1],
            WINDOW[2],
            WINDOW[3],
            ("ceil_mode", Type::Integer, 0),
            ("dilations", Type::Integers, 0),
            ("storage_order", Type::Integer, 0),
        ],
        Kinds::Float32,
        "[N, C, D] or [N, C, D, E], one output; pads or auto_pad; storage_order 0",
    ),
    form("Min", (1, ANY), &[], Kinds::Floats, "of values of one shape; of constants"),
    form("Mul", (2, 2), &[], Kinds::Numbers, "value · constant, a value · itself, constants"),
    form("Neg", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form("Not", (1, 1), &[], Kinds::One, "of a comparison"),
    form("PRelu", (2, 2), &[], Kinds::Float32, "of values, slopes constant: all the same, or at most 1"),
    form(
        "Pad",
        (2, 3),
        &[("mode", Type::Text, 0)],
        Kinds::Padded,
        "constant (a scalar or 0), edge or reflect; constant pads from 0 on, none of the batch; no axes",
    ),
    form("Pow", (2, 2), &[], Kinds::First, "of values to the constant 2"),
    form(
        "ReduceLogSumExp",
        (1, 1),
        &[("axes", Type::Integers, 0), ("keepdims", Type::Integer, 0)],
        Kinds::Floats,
        REDUCED,
    )
    .within(OLDEST, 17),
    form(
        "ReduceLogSumExp",
        (2, 2),
        &[("keepdims", Type::Integer, 0), ("noop_with_empty_axes", Type::Integer, 0)],
        Kinds::Shaped,
        REDUCED,
    )
    .within(18, NEWEST),
    form("ReduceMax", (1, 1), &[("axes", Type::Integers, 0), ("keepdims", Type::Integer, 0)], Kinds::Floats, REDUCED)
        .within(OLDEST, 17),
    form(
        "ReduceMax",
        (2, 2),
        &[("keepdims", Type::Integer, 0), ("noop_with_empty_axes", Type::Integer, 0)],
        Kinds::Shaped,
        REDUCED,
    )
    .within(18, NEWEST),
    form("ReduceMin", (1, 1), &[("axes", Type::Integers, 0), ("keepdims", Type::Integer, 0)], Kinds::Floats, REDUCED)
        .within(OLDEST, 17),
    form(
        "ReduceMin",
        (2, 2),
        &[("keepdims", Type::Integer, 0), ("noop_with_empty_axes", Type::Integer, 0)],
        Kinds::Shaped,
        REDUCED,
    )
    .within(18, NEWEST),
    form("ReduceMean", (1, 1), &[("axes", Type::Integers, 0), ("keepdims", Type::Integer, 0)], Kinds::Floats, REDUCED)
        .within(OLDEST, 17),
    form(
        "ReduceMean",
        (2, 2),
        &[("keepdims", Type::Integer, 0), ("noop_with_empty_axes", Type::Integer, 0)],
        Kinds::Shaped,
        REDUCED,
    )
    .within(18, NEWEST),
    form(
        "ReduceSum",
        (2, 2),
        &[("keepdims", Type::Integer, 0), ("noop_with_empty_axes", Type::Integer, 0)],
        Kinds::Shaped,
        REDUCED,
    ),
    form("Relu", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form(
        "Reshape",
        (2, 2),
        &[("allowzero", Type::Integer, 14)],
        Kinds::Shaped,
        "the batch stays in front; constants to fixed sizes",
    ),
    form("Scaler", (1, 1), &[("offset", Type::Floats, 0), ("scale", Type::Floats, 0)], Kinds::Float32, "of [N, C]")
        .of_ml(),
    form(
        "Shape",
        (1, 1),
        &[("start", Type::Integer, 15), ("end", Type::Integer, 15)],
        Kinds::Sizes,
        "of anything; the batch size stays a symbol",
    ),
    form("Sigmoid", (1, 1), &[], Kinds::Float32, "at the end of a model alone"),
    form(
        "Slice",
        (3, 5),
        &[],
        Kinds::Indexed,
        "of constants; of values along named axes but the batch; a step below 0 from an entry on",
    ),
    form(
        "Softmax",
        (1, 1),
        &[("axis", Type::Integer, 0)],
        Kinds::Float32,
        "of [N, K] over K, at the end of a model alone",
    ),
    form(
        "Split",
        (1, 2),
        &[("axis", Type::Integer, 0), ("num_outputs", Type::Integer, 18)],
        Kinds::Shaped,
        "of values, not along the batch, into equal parts or constant sizes",
    ),
    form("Softplus", (1, 1), &[], Kinds::Floats, "of values"),
    form(
        "Squeeze",
        (1, 2),
        &[],
        Kinds::Shaped,
        "named axes of size 1, not the batch; without axes only constants, and the output where all axes have size 1",
    ),
    form(
        "Sub",
        (2, 2),
        &[],
        Kinds::Numbers,
        "value − value of as many axes, value − constant, constant − value, constants",
    ),
    form("Sum", (1, ANY), &[], Kinds::Floats, "of values of one shape and constants; of constants"),
    form(
        "Transpose",
        (1, 1),
        &[("perm", Type::Integers, 0)],
        Kinds::One,
        "of constants; of values, the batch in front",
    ),
    form("Unsqueeze", (2, 2), &[], Kinds::Shaped, "named axes, not in front of the batch"),
    form(
        "Where",
        (3, 3),
        &[],
        Kinds::Chosen,
        "of a comparison, values and constants, where it takes the larger one, as a Relu or Abs does",
    ),
];

/// The table: operator, inputs, attributes, types, what is read.
pub fn table() -> Vec<[String; 5]> {
    FORMS.iter().map(Form::row).collect()
}

/// Whether it is the name of an operator that is read.
pub fn knows(operator: &str) -> bool {
    FORMS.iter().any(|form| form.operator == operator)
}

/// Tests the node's form, and says of which type its result is, where the operator does not leave that to the node.
pub fn check(call: &Call, values: &Values, opset: i64) -> Result<Option<Kind>, Rejection> {
    let here = |form: &&Form| {
        let (oldest, newest) = form.versions;
        form.operator == call.operator && form.of_ml == call.of_ml && (oldest..=newest).contains(&opset)
    };
    let Some(form) = FORMS.iter().find(here) else {
        return Err(call.refuse(Code::Unsupported, "an operator that the kernel reads", call.operator));
    };
    form.check(call, values, opset)
}
