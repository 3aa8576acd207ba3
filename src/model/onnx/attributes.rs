//! What attributes an operator may have.

use super::operator::OLDEST;
use super::proto;

/// An attribute: its name, its type, and the opset that brought it (0 where all have it).
pub(super) struct Attribute {
    pub name: &'static str,
    pub kind: i32,
    since: i64,
    /// The input that it became, and the opset that made it one.
    input: Option<(usize, i64)>,
}

impl Attribute {
    /// The same, from a version on.
    pub const fn since(self, since: i64) -> Attribute {
        Attribute { since, ..self }
    }

    /// The same, up to the version that made it an input.
    pub const fn input(self, index: usize, since: i64) -> Attribute {
        Attribute { input: Some((index, since)), ..self }
    }

    /// Whether the version has it.
    pub fn is_of(&self, opset: i64) -> bool {
        self.since <= opset && self.input.is_none_or(|(_, since)| opset < since)
    }

    /// The input of later versions that it is in this one.
    pub fn stands_for(&self, opset: i64) -> Option<usize> {
        self.input.filter(|_| self.is_of(opset)).map(|(index, _)| index)
    }

    /// In words, for the table of operators.
    pub fn text(&self) -> String {
        let kind = match self.kind {
            proto::ATTRIBUTE_FLOAT => "float",
            proto::ATTRIBUTE_INT => "int",
            proto::ATTRIBUTE_TENSOR => "tensor",
            proto::ATTRIBUTE_FLOATS => "floats",
            proto::ATTRIBUTE_STRING => "string",
            proto::ATTRIBUTE_STRINGS => "strings",
            _ => "ints",
        };
        let since = if self.since > OLDEST { format!(", from opset {}", self.since) } else { String::new() };
        let input = self.input.map(|(index, since)| format!(", input {index} from opset {since}"));
        format!("`{}` ({kind}{since}{})", self.name, input.unwrap_or_default())
    }
}

pub(super) const fn float(name: &'static str) -> Attribute {
    other(name, proto::ATTRIBUTE_FLOAT)
}

pub(super) const fn int(name: &'static str) -> Attribute {
    other(name, proto::ATTRIBUTE_INT)
}

pub(super) const fn ints(name: &'static str) -> Attribute {
    other(name, proto::ATTRIBUTE_INTS)
}

pub(super) const fn other(name: &'static str, kind: i32) -> Attribute {
    Attribute { name, kind, since: 0, input: None }
}

/// Of reductions, whose axes are an input since this version.
pub(super) const fn reduction(since: i64) -> [Attribute; 3] {
    [ints("axes").input(1, since), int("keepdims"), int("noop_with_empty_axes").since(since)]
}

pub(super) const REDUCTION: &[Attribute] = &reduction(18);
pub(super) const SUM: &[Attribute] = &reduction(13);

pub(super) const SLICE: &[Attribute] =
    &[ints("starts").input(1, 10), ints("ends").input(2, 10), ints("axes").input(3, 10)];
pub(super) const CLIP: &[Attribute] = &[float("min").input(1, 11), float("max").input(2, 11)];
pub(super) const PAD: &[Attribute] =
    &[other("mode", proto::ATTRIBUTE_STRING), ints("pads").input(1, 11), float("value").input(2, 11)];
pub(super) const DROPOUT: &[Attribute] = &[int("seed").since(12), float("ratio").input(1, 12)];
pub(super) const SQUEEZE: &[Attribute] = &[ints("axes").input(1, 13)];
pub(super) const SPLIT: &[Attribute] = &[int("axis"), ints("split").input(1, 13), int("num_outputs").since(18)];
pub(super) const PARTS: &[Attribute] = &[int("axis"), int("keepdims")];
pub(super) const CAST: &[Attribute] = &[int("to"), int("saturate").since(19)];

pub(super) const SIGNS: &[Attribute] = &[int("detect_negative"), int("detect_positive")];
pub(super) const LIKE: &[Attribute] = &[int("saturate").since(19)];
pub(super) const DEPTH: &[Attribute] = &[int("blocksize"), other("mode", proto::ATTRIBUTE_STRING).since(11)];

pub(super) const NORM: &[Attribute] = &[float("epsilon"), float("momentum"), int("training_mode").since(14)];

pub(super) const CONSTANT: &[Attribute] = &[
    other("value", proto::ATTRIBUTE_TENSOR),
    float("value_float").since(12),
    other("value_floats", proto::ATTRIBUTE_FLOATS).since(12),
    int("value_int").since(12),
    ints("value_ints").since(12),
];

pub(super) const CLASSIFIER: &[Attribute] = &[
    ints("classlabels_ints"),
    other("classlabels_strings", proto::ATTRIBUTE_STRINGS),
    other("coefficients", proto::ATTRIBUTE_FLOATS),
    other("intercepts", proto::ATTRIBUTE_FLOATS),
    int("multi_class"),
    other("post_transform", proto::ATTRIBUTE_STRING),
];

pub(super) const REGRESSOR: &[Attribute] = &[
    other("coefficients", proto::ATTRIBUTE_FLOATS),
    other("intercepts", proto::ATTRIBUTE_FLOATS),
    other("post_transform", proto::ATTRIBUTE_STRING),
    int("targets"),
];

pub(super) const SVM_CLASSIFIER: &[Attribute] = &[
    ints("classlabels_ints"),
    other("classlabels_strings", proto::ATTRIBUTE_STRINGS),
    other("coefficients", proto::ATTRIBUTE_FLOATS),
    other("kernel_params", proto::ATTRIBUTE_FLOATS),
    other("kernel_type", proto::ATTRIBUTE_STRING),
    other("post_transform", proto::ATTRIBUTE_STRING),
    other("prob_a", proto::ATTRIBUTE_FLOATS),
    other("prob_b", proto::ATTRIBUTE_FLOATS),
    other("rho", proto::ATTRIBUTE_FLOATS),
    other("support_vectors", proto::ATTRIBUTE_FLOATS),
    ints("vectors_per_class"),
];

pub(super) const SVM_REGRESSOR: &[Attribute] = &[
    other("coefficients", proto::ATTRIBUTE_FLOATS),
    other("kernel_params", proto::ATTRIBUTE_FLOATS),
    other("kernel_type", proto::ATTRIBUTE_STRING),
    int("n_supports"),
    int("one_class"),
    other("post_transform", proto::ATTRIBUTE_STRING),
    other("rho", proto::ATTRIBUTE_FLOATS),
    other("support_vectors", proto::ATTRIBUTE_FLOATS),
];

pub(super) const SCALER: &[Attribute] =
    &[other("offset", proto::ATTRIBUTE_FLOATS), other("scale", proto::ATTRIBUTE_FLOATS)];

/// Of a window that moves, beside others.
const AUTO_PAD: Attribute = other("auto_pad", proto::ATTRIBUTE_STRING);
const KERNEL: Attribute = ints("kernel_shape");
const PADS: Attribute = ints("pads");
const STRIDES: Attribute = ints("strides");
const DILATIONS: Attribute = ints("dilations");

pub(super) const CONV: &[Attribute] = &[AUTO_PAD, KERNEL, PADS, STRIDES, DILATIONS, int("group")];

pub(super) const MAX_POOL: &[Attribute] =
    &[AUTO_PAD, KERNEL, PADS, STRIDES, DILATIONS.since(10), int("ceil_mode").since(10), int("storage_order").since(8)];

pub(super) const AVERAGE_POOL: &[Attribute] =
    &[AUTO_PAD, KERNEL, PADS, STRIDES, DILATIONS.since(19), int("ceil_mode").since(10), int("count_include_pad")];

pub(super) const GEMM: &[Attribute] = &[float("alpha"), float("beta"), int("transA"), int("transB")];
