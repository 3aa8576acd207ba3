//! The forms of the operators that the kernel reads. `proofs-data/OPERATORS.md` shows this table.

use crate::onnx::attribute::Type;
use crate::onnx::call::Call;
use crate::onnx::form::{
    ANY, Allowed, Form, NEWEST, OLDEST, WINDOW, float, floats, form, int, ints, of, reduction, text, texts,
};
use crate::onnx::kinds::Kinds;
use crate::rejection::{Code, Rejection};

/// What is read of a reduction.
const REDUCED: &str = "of values, over named axes but the batch";

/// The attributes of most reductions, and of sums.
const REDUCTION: [Allowed; 3] = reduction(18);
const SUMMED: [Allowed; 3] = reduction(13);

/// The attributes of a product, and what is read of it.
const GEMM: [Allowed; 4] = [float("alpha"), float("beta"), int("transA"), int("transB")];
const PRODUCT: &str =
    "[N, K] times a constant matrix, transA 0; the third input a constant or a value of the result's shape";

/// What And and Or are read of.
const CONDITIONS: &str = "of conditions, one of them IsNaN or IsInf";

/// What is read of a power.
const SQUARED: &str = "of values to the constant 2";

static FORMS: &[Form] = &[
    form("Abs", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form("Add", (2, 2), &[], Kinds::Numbers, "value + value of as many axes, value + constant, constants"),
    form("And", (2, 2), &[], Kinds::One, CONDITIONS),
    form("ArrayFeatureExtractor", (2, 2), &[], Kinds::Shaped, "of [N, C], constant columns").of_ml(),
    form(
        "AveragePool",
        (1, 1),
        &[
            WINDOW[0],
            WINDOW[1],
            WINDOW[2],
            WINDOW[3],
            int("ceil_mode").since(10),
            int("count_include_pad"),
            ints("dilations").since(19),
        ],
        Kinds::Floats,
        "[N, C, D] or [N, C, D, E]; pads or auto_pad; no dilation, not ceil_mode with count_include_pad",
    ),
    form(
        "BatchNormalization",
        (5, 5),
        &[float("epsilon"), float("momentum"), int("training_mode").since(14)],
        Kinds::Floats,
        "inference over axis 1, one output, training_mode 0, parameters constant",
    ),
    form(
        "Cast",
        (1, 1),
        &[int("to"), int("saturate").since(19)],
        Kinds::Named,
        "values between float32 and float64; constants to a type that holds them",
    ),
    form("CastLike", (2, 2), &[int("saturate").since(19)], Kinds::Like, "as Cast").within(15, NEWEST),
    form("Concat", (1, ANY), &[int("axis")], Kinds::One, "of values, not along the batch; of constants; of lists"),
    form("Celu", (1, 1), &[float("alpha")], Kinds::Float32, "of values, alpha > 0").within(12, NEWEST),
    form(
        "Clip",
        (1, 3),
        &[float("min").input(1, 11), float("max").input(2, 11)],
        Kinds::Floats,
        "of values and constants, between constant scalars; the lower one not above the upper one",
    ),
    form(
        "Constant",
        (0, 0),
        &[
            of("value", Type::Tensor),
            float("value_float").since(12),
            floats("value_floats").since(12),
            int("value_int").since(12),
            ints("value_ints").since(12),
        ],
        Kinds::Named,
        "exactly one attribute",
    ),
    form(
        "Conv",
        (2, 3),
        &[WINDOW[0], WINDOW[1], WINDOW[2], WINDOW[3], ints("dilations"), int("group")],
        Kinds::Floats,
        "[N, C, D] or [N, C, D, E], constant weights and bias; pads or auto_pad, SAME without dilations",
    ),
    form(
        "ConstantOfShape",
        (1, 1),
        &[of("value", Type::Tensor)],
        Kinds::Named,
        "of fixed sizes, or [N, …]; a value of shape [1]",
    ).within(9, NEWEST),
    form(
        "DepthToSpace",
        (1, 1),
        &[int("blocksize"), text("mode").since(11)],
        Kinds::Floats,
        "of values [N, C, H, W]; mode DCR or CRD",
    ),
    form("Div", (2, 2), &[], Kinds::Numbers, "value / constant without zeros, constants (integers truncated)"),
    form(
        "Dropout",
        (1, 3),
        &[int("seed").since(12), float("ratio").input(1, 12)],
        Kinds::Dropout,
        "inference; the mask must not be used",
    ),
    form(
        "Einsum",
        (2, 2),
        &[text("equation")],
        Kinds::Floats,
        "[N, K] times a constant of one or two axes: equations as bi,oi->bo",
    )
    .within(12, NEWEST),
    form("Equal", (2, 2), &[], Kinds::Equal, "of integers"),
    form("Exp", (1, 1), &[], Kinds::Floats, "of values, before a Log, or in an Elu by Where"),
    form("Elu", (1, 1), &[float("alpha")], Kinds::Floats, "of values, 0 ≤ alpha ≤ 1"),
    form(
        "Expand",
        (2, 2),
        &[],
        Kinds::Shaped,
        "of values (the batch stays) and integers to fixed sizes; of float constants, to [N, …], too",
    ).within(8, NEWEST),
    form("Flatten", (1, 1), &[int("axis")], Kinds::One, "the batch stays; of constants"),
    form(
        "Gather",
        (2, 2),
        &[int("axis")],
        Kinds::Indexed,
        "of constants, or of values not along the batch; constant indices",
    ),
    form(
        "GatherND",
        (2, 2),
        &[int("batch_dims").since(12)],
        Kinds::Indexed,
        "of the first axis, not of the batch; constant places of one index each",
    )
    .within(11, NEWEST),
    form("Gemm", (3, 3), &GEMM, Kinds::Floats, PRODUCT).within(OLDEST, 10),
    form("Gemm", (2, 3), &GEMM, Kinds::Floats, PRODUCT).within(11, NEWEST),
    form("GlobalAveragePool", (1, 1), &[], Kinds::Floats, "[N, C, D] or [N, C, D, E]"),
    form("GlobalMaxPool", (1, 1), &[], Kinds::Floats, "[N, C, D] or [N, C, D, E]"),
    form("Greater", (2, 2), &[], Kinds::Compared, "of values of one shape and constants, for Where"),
    form("GreaterOrEqual", (2, 2), &[], Kinds::Compared, "as Greater").within(12, NEWEST),
    form("Identity", (1, 1), &[], Kinds::One, "of anything"),
    form("IsInf", (1, 1), &[int("detect_negative"), int("detect_positive")], Kinds::Compared, "of values: never")
        .within(10, NEWEST),
    form("IsNaN", (1, 1), &[], Kinds::Compared, "of values: never").within(9, NEWEST),
    form("LeakyRelu", (1, 1), &[float("alpha")], Kinds::Floats, "of values and constants"),
    form(
        "LinearClassifier",
        (1, 1),
        &[
            ints("classlabels_ints"),
            texts("classlabels_strings"),
            floats("coefficients"),
            floats("intercepts"),
            int("multi_class"),
            text("post_transform"),
        ],
        Kinds::Float32,
        "the scores of all classes, with intercepts; post_transform NONE, or at the end LOGISTIC or SOFTMAX; the label must not be used",
    )
    .of_ml(),
    form(
        "LinearRegressor",
        (1, 1),
        &[floats("coefficients"), floats("intercepts"), text("post_transform"), int("targets")],
        Kinds::Float32,
        "one target, post_transform NONE",
    )
    .of_ml(),
    form("Log", (1, 1), &[], Kinds::Floats, "of 1 + e^u, of Σ e^u, of a Sigmoid or Softmax"),
    form("LogSoftmax", (1, 1), &[int("axis")], Kinds::Floats, "of [N, K] over K, as the output alone"),
    form("Less", (2, 2), &[], Kinds::Compared, "as Greater"),
    form("LessOrEqual", (2, 2), &[], Kinds::Compared, "as Greater").within(12, NEWEST),
    form(
        "MatMul",
        (2, 2),
        &[],
        Kinds::Floats,
        "a value times a constant matrix, or, not behind a Transpose, a vector on its right; a constant matrix times [N, K, J]",
    ),
    form("Max", (1, ANY), &[], Kinds::Floats, "of values of as many axes and constants; of constants").within(8, NEWEST),
    form(
        "MaxPool",
        (1, 1),
        &[
            WINDOW[0],
            WINDOW[1],
            WINDOW[2],
            WINDOW[3],
            int("ceil_mode").since(10),
            ints("dilations").since(10),
            int("storage_order").since(8),
        ],
        Kinds::Floats,
        "[N, C, D] or [N, C, D, E], one output; pads or auto_pad; storage_order 0",
    ),
    form("Min", (1, ANY), &[], Kinds::Floats, "of values of one shape, of a value and a constant; of constants").within(8, NEWEST),
    form("Mod", (2, 2), &[int("fmod")], Kinds::Integers, "of integers, by one above 0; fmod 0").within(10, NEWEST),
    form("Mul", (2, 2), &[], Kinds::Numbers, "value · constant, a value · itself, constants"),
    form("Neg", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form("Normalizer", (1, 1), &[text("norm")], Kinds::Float32, "of a Softmax, norm L1").of_ml(),
    form("Not", (1, 1), &[], Kinds::One, "of a comparison, or of IsNaN and IsInf"),
    form("Or", (2, 2), &[], Kinds::One, CONDITIONS),
    form("PRelu", (2, 2), &[], Kinds::Floats, "of values, slopes constant: all the same, or at most 1"),
    form(
        "Pad",
        (2, 3),
        &[text("mode"), ints("pads").input(1, 11), float("value").input(2, 11)],
        Kinds::Padded,
        "constant (a scalar or 0), where pads below 0 crop, edge, reflect or wrap; constant pads, none of the batch; no axes",
    ),
    form("Pow", (2, 2), &[], Kinds::Floats, SQUARED).within(OLDEST, 11),
    form("Pow", (2, 2), &[], Kinds::First, SQUARED).within(12, NEWEST),
    form("ReduceL1", (1, 2), &REDUCTION, Kinds::Shaped, REDUCED),
    form("ReduceLogSum", (1, 2), &REDUCTION, Kinds::Shaped, "of e^u, over named axes but the batch"),
    form("ReduceLogSumExp", (1, 2), &REDUCTION, Kinds::Shaped, REDUCED),
    form("ReduceMax", (1, 2), &REDUCTION, Kinds::Shaped, REDUCED),
    form("ReduceMin", (1, 2), &REDUCTION, Kinds::Shaped, REDUCED),
    form("ReduceProd", (1, 2), &REDUCTION, Kinds::Shaped, "of values, over named axes of size 1"),
    form("ReduceMean", (1, 2), &REDUCTION, Kinds::Shaped, REDUCED),
    form("ReduceSum", (1, 2), &SUMMED, Kinds::Shaped, REDUCED),
    form("ReduceSumSquare", (1, 2), &REDUCTION, Kinds::Shaped, REDUCED),
    form("Relu", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form(
        "Reshape",
        (2, 2),
        &[int("allowzero").since(14)],
        Kinds::Shaped,
        "the batch stays in front; constants to fixed sizes",
    ),
    form(
        "SVMClassifier",
        (1, 1),
        &[
            ints("classlabels_ints"),
            texts("classlabels_strings"),
            floats("coefficients"),
            floats("kernel_params"),
            text("kernel_type"),
            text("post_transform"),
            floats("prob_a"),
            floats("prob_b"),
            floats("rho"),
            floats("support_vectors"),
            ints("vectors_per_class"),
        ],
        Kinds::Float32,
        "of two classes, kernel_type LINEAR with kernel_params, post_transform NONE, no probabilities; the label must not be used",
    )
    .of_ml(),
    form(
        "SVMRegressor",
        (1, 1),
        &[
            floats("coefficients"),
            floats("kernel_params"),
            text("kernel_type"),
            int("n_supports"),
            int("one_class"),
            text("post_transform"),
            floats("rho"),
            floats("support_vectors"),
        ],
        Kinds::Float32,
        "kernel_type LINEAR with kernel_params, post_transform NONE, one_class 0",
    )
    .of_ml(),
    form("Scaler", (1, 1), &[floats("offset"), floats("scale")], Kinds::Float32, "of [N, C]").of_ml(),
    form(
        "ReverseSequence",
        (2, 2),
        &[int("batch_axis"), int("time_axis")],
        Kinds::Shaped,
        "of values, as many entries of every sample",
    )
    .within(10, NEWEST),
    form("SequenceAt", (2, 2), &[], Kinds::Indexed, "of a SplitToSequence, constant positions").within(11, NEWEST),
    form(
        "Shape",
        (1, 1),
        &[int("start").since(15), int("end").since(15)],
        Kinds::Sizes,
        "of anything; the batch size stays a symbol",
    ),
    form("Sigmoid", (1, 1), &[], Kinds::Floats, "at the end of a model alone"),
    form(
        "Slice",
        (3, 5),
        &[ints("starts").input(1, 10), ints("ends").input(2, 10), ints("axes").input(3, 10)],
        Kinds::Indexed,
        "of constants; of values, of which the whole batch; a step below 0 from an entry on",
    ),
    form("Softmax", (1, 1), &[int("axis")], Kinds::Floats, "of [N, K] over K, at the end of a model alone"),
    form(
        "Split",
        (1, 2),
        &[int("axis"), ints("split").input(1, 13), int("num_outputs").since(18)],
        Kinds::Shaped,
        "of values, not along the batch, into equal parts or constant sizes",
    ),
    form("SpaceToDepth", (1, 1), &[int("blocksize")], Kinds::Floats, "of values [N, C, H, W]"),
    form("Softplus", (1, 1), &[], Kinds::Floats, "of values"),
    form("SplitToSequence", (2, 2), &[int("axis"), int("keepdims")], Kinds::Indexed, "of values, as Split")
        .within(11, NEWEST),
    form(
        "Squeeze",
        (1, 2),
        &[ints("axes").input(1, 13)],
        Kinds::Shaped,
        "named axes of size 1, not the batch; without axes only constants, the output where all axes have size 1, and what is added to a batch of one",
    ),
    form(
        "Sub",
        (2, 2),
        &[],
        Kinds::Numbers,
        "value − value of as many axes, value − constant, constant − value, constants",
    ),
    form("Sum", (1, ANY), &[], Kinds::Floats, "of values of one shape and constants; of constants").within(8, NEWEST),
    form("Tile", (2, 2), &[], Kinds::Shaped, "of values, the batch once; of constants"),
    form(
        "Transpose",
        (1, 1),
        &[ints("perm")],
        Kinds::One,
        "of constants; of values, also where the batch is elsewhere and comes back",
    ),
    form("Unsqueeze", (2, 2), &[ints("axes").input(1, 13)], Kinds::Shaped, "named axes"),
    form(
        "Where",
        (3, 3),
        &[],
        Kinds::Chosen,
        "of a comparison, values and constants, where it takes the larger one, as a Relu or Abs does, or is an Elu; of IsNaN and IsInf; of integers",
    ).within(9, NEWEST),
];

/// The table: operator, inputs, attributes, types, what is read.
pub fn table() -> Vec<[String; 5]> {
    FORMS.iter().map(Form::row).collect()
}

/// Whether it is the name of an operator that is read.
pub fn knows(operator: &str) -> bool {
    FORMS.iter().any(|form| form.operator == operator)
}

/// The form of the node's operator in this version.
pub fn find(call: &Call, opset: i64) -> Result<&'static Form, Rejection> {
    let here = |form: &&Form| {
        let (oldest, newest) = form.versions;
        form.operator == call.operator && form.of_ml == call.of_ml && (oldest..=newest).contains(&opset)
    };
    let unknown = || call.refuse(Code::Unsupported, "an operator that the kernel reads", call.operator);
    FORMS.iter().find(here).ok_or_else(unknown)
}
