//! The forms of the operators that the kernel reads: how many inputs and outputs, which attributes of which type since
//! which version, and which types of entries go together. Whatever a node has besides is refused.
//! `proofs-data/OPERATORS.md` shows this table.

use crate::onnx::call::{Call, Type, Value, Values};
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};
use std::fmt::Write as _;

/// The oldest version of the operators that is read.
pub const OLDEST: i64 = 13;
/// The newest one: the forms below were held against every version up to it.
pub const NEWEST: i64 = 28;

/// What a node of one operator may look like.
struct Form {
    operator: &'static str,
    least: usize,
    most: usize,
    /// Name, type, and the first version of the operators that has it.
    attributes: &'static [(&'static str, Type, i64)],
    kinds: Kinds,
    /// What is read of it, for people.
    note: &'static str,
}

/// Attributes of a window that moves, beside others.
const WINDOW: [(&str, Type, i64); 4] = [
    ("auto_pad", Type::Text, 0),
    ("kernel_shape", Type::Integers, 0),
    ("pads", Type::Integers, 0),
    ("strides", Type::Integers, 0),
];

/// Which types of entries go together, and what the result's is.
#[derive(Clone, Copy)]
enum Kinds {
    /// 32-bit floats throughout.
    Float32,
    /// 32-bit floats, and 64-bit integers as the second input.
    Padded,
    /// Floats of one type throughout.
    Floats,
    /// One type throughout.
    One,
    /// The result's is the first input's; behind it stand 64-bit integers.
    Shaped,
    /// The result's is the first input's; behind it stand integers of one type.
    Indexed,
    /// The result's is the first input's, a float; behind it stand floats of any type.
    Loose,
    /// 64-bit integers, of anything.
    Sizes,
    /// What the node says.
    Named,
}

const fn form(
    operator: &'static str,
    (least, most): (usize, usize),
    attributes: &'static [(&'static str, Type, i64)],
    kinds: Kinds,
    note: &'static str,
) -> Form {
    Form { operator, least, most, attributes, kinds, note }
}

const ANY: usize = usize::MAX;

static FORMS: &[Form] = &[
    form("Abs", (1, 1), &[], Kinds::Floats, "of values"),
    form("Add", (2, 2), &[], Kinds::One, "value + value of one shape, value + constant, integers of one shape"),
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
        "[N, C, D] or [N, C, D, E]; auto_pad NOTSET, or VALID without pads; ceil_mode 0, no dilation",
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
        "values between float32 and float64, integers between int32 and int64 where they fit",
    ),
    form("Concat", (1, ANY), &[("axis", Type::Integer, 0)], Kinds::One, "of values, not along the batch; of lists"),
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
        "[N, C, D] or [N, C, D, E], constant weights and bias; auto_pad NOTSET, or VALID without pads",
    ),
    form("Div", (2, 2), &[], Kinds::One, "value / constant without zeros, integers of one shape (truncated)"),
    form("Dropout", (1, 2), &[("seed", Type::Integer, 0)], Kinds::Loose, "inference; the mask must not be used"),
    form("Expand", (2, 2), &[], Kinds::Shaped, "of values (the batch stays) and float constants, to fixed sizes"),
    form("Flatten", (1, 1), &[("axis", Type::Integer, 0)], Kinds::One, "of values, at axis 1"),
    form(
        "Gather",
        (2, 2),
        &[("axis", Type::Integer, 0)],
        Kinds::Indexed,
        "of a list, or of values not along the batch; constant indices",
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
    form("Identity", (1, 1), &[], Kinds::One, "of anything"),
    form("LeakyRelu", (1, 1), &[("alpha", Type::Float, 0)], Kinds::Float32, "of values"),
    form("LogSoftmax", (1, 1), &[("axis", Type::Integer, 0)], Kinds::Float32, "of [N, K] over K, as the output alone"),
    form("MatMul", (2, 2), &[], Kinds::Floats, "a value times a constant matrix or vector on its right"),
    form("Max", (1, ANY), &[], Kinds::Floats, "of values of one shape and constants, at least one value"),
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
        "[N, C, D] or [N, C, D, E], one output; auto_pad NOTSET, or VALID without pads; ceil_mode 0, storage_order 0",
    ),
    form("Min", (1, ANY), &[], Kinds::Floats, "of values of one shape"),
    form("Mul", (2, 2), &[], Kinds::One, "value · constant, integers of one shape"),
    form("Neg", (1, 1), &[], Kinds::Floats, "of values and constants"),
    form(
        "Pad",
        (2, 3),
        &[("mode", Type::Text, 0)],
        Kinds::Padded,
        "mode constant, constant pads from 0 on and none of the batch, a constant scalar or 0; no axes",
    ),
    form("Relu", (1, 1), &[], Kinds::Floats, "of values"),
    form(
        "Reshape",
        (2, 2),
        &[("allowzero", Type::Integer, 14)],
        Kinds::Shaped,
        "the batch stays in front; constants to fixed sizes",
    ),
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
        "of a list with step 1; of values along named axes but the batch, steps above 0",
    ),
    form(
        "Softmax",
        (1, 1),
        &[("axis", Type::Integer, 0)],
        Kinds::Float32,
        "of [N, K] over K, at the end of a model alone",
    ),
    form("Squeeze", (2, 2), &[], Kinds::Shaped, "named axes of size 1, not the batch"),
    form("Sub", (2, 2), &[], Kinds::One, "value − value of one shape, value − constant, constant − value, integers"),
    form(
        "Transpose",
        (1, 1),
        &[("perm", Type::Integers, 0)],
        Kinds::Floats,
        "of constants; of values, the batch in front",
    ),
    form("Unsqueeze", (2, 2), &[], Kinds::Shaped, "named axes, not in front of the batch"),
];

/// The table, a row of Markdown per operator.
pub fn table() -> String {
    let mut text = String::new();
    for form in FORMS {
        let inputs = match (form.least, form.most) {
            (least, ANY) => format!("{least} or more"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let attribute = |&(name, kind, since): &(&str, Type, i64)| match since {
            0 => format!("`{name}` ({})", kind.text()),
            since => format!("`{name}` ({}, from opset {since})", kind.text()),
        };
        let attributes = form.attributes.iter().map(attribute).collect::<Vec<_>>().join(", ");
        let _ =
            writeln!(text, "| {} | {inputs} | {attributes} | {} | {} |", form.operator, form.kinds.text(), form.note);
    }
    text
}

/// Tests the node's form, and says of which type its result is, where the operator does not leave that to the node.
pub fn check(call: &Call, values: &Values, opset: i64) -> Result<Option<Kind>, Rejection> {
    let Some(form) = FORMS.iter().find(|form| form.operator == call.operator) else {
        return Err(call.refuse(Code::Unsupported, "an operator that the kernel reads", call.operator));
    };
    if call.arity() < form.least || call.arity() > form.most {
        let expected = format!("{} inputs or more, {} at most", form.least, form.most);
        return Err(call.refuse(Code::Unsupported, &expected, call.arity().to_string()));
    }
    let outputs = if form.operator == "Dropout" { 2 } else { 1 };
    if call.outputs() > outputs {
        return Err(call.refuse(Code::Unsupported, &format!("{outputs} outputs at most"), call.outputs().to_string()));
    }
    for (name, kind) in call.attributes() {
        let known = form.attributes.iter().find(|(known, ..)| *known == name);
        match known {
            Some(&(_, expected, since)) if since <= opset && expected == kind => {}
            Some(&(_, expected, since)) if since <= opset => {
                let place = format!("`{}` as {}", name.escape_debug(), expected.text());
                return Err(call.refuse(Code::MalformedModel, &place, kind.text()));
            }
            _ => {
                let found = format!("`{}` in version {opset}", name.escape_debug());
                return Err(call.refuse(Code::Unsupported, "attributes that the kernel reads", found));
            }
        }
    }
    form.kinds.of_result(call, &call.kinds(values)?)
}

impl Kinds {
    fn of_result(self, call: &Call, kinds: &[Kind]) -> Result<Option<Kind>, Rejection> {
        let Some((&first, rest)) = kinds.split_first() else { return Ok(None) };
        let integers = |kind: &Kind| !kind.is_float();
        let alike = || rest.iter().all(|&kind| kind == first);
        let fits = match self {
            Kinds::Float32 => first == Kind::Float32 && alike(),
            Kinds::Padded => {
                let constant = rest.get(1).unwrap_or(&Kind::Float32);
                [first, *constant] == [Kind::Float32; 2] && rest.first() == Some(&Kind::Int64)
            }
            Kinds::Floats => first.is_float() && alike(),
            Kinds::One => alike(),
            Kinds::Shaped => rest.iter().all(|&kind| kind == Kind::Int64),
            Kinds::Indexed => rest.iter().all(integers) && rest.windows(2).all(|pair| pair[0] == pair[1]),
            Kinds::Loose => first.is_float() && rest.iter().all(|kind| kind.is_float()),
            Kinds::Sizes | Kinds::Named => true,
        };
        if !fits {
            return Err(call.refuse(Code::MalformedModel, self.text(), format!("{kinds:?}")));
        }
        Ok(match self {
            Kinds::Sizes => Some(Kind::Int64),
            Kinds::Named => None,
            _ => Some(first),
        })
    }

    fn text(self) -> &'static str {
        match self {
            Kinds::Float32 => "float32",
            Kinds::Padded => "float32, int64, float32",
            Kinds::Floats => "floats of one type",
            Kinds::One => "one type",
            Kinds::Shaped => "int64 behind the first input",
            Kinds::Indexed => "integers of one type behind the first input",
            Kinds::Loose => "floats",
            Kinds::Sizes => "anything to int64",
            Kinds::Named => "as the node says",
        }
    }
}

/// Refuses an integer that its type cannot hold: runtimes wrap such a number around.
pub fn check_range(call: &Call, kind: Kind, value: &Value) -> Result<(), Rejection> {
    let Value::Integers(_, list) = value else { return Ok(()) };
    let wide = |v: &&Option<i64>| v.is_some_and(|v| i32::try_from(v).is_err());
    match list.iter().find(wide) {
        Some(Some(wide)) if kind == Kind::Int32 => {
            Err(call.refuse(Code::Unsupported, "integers that fit into 32 bits", wide.to_string()))
        }
        _ => Ok(()),
    }
}
