//! What attributes an operator may have.

use super::proto;

/// An attribute: its name, its type, and the opset that brought it (0 where all have it).
pub(super) struct Attribute {
    pub name: &'static str,
    pub kind: i32,
    pub since: i64,
}

impl Attribute {
    /// In words, for the table of operators.
    pub fn text(&self) -> String {
        let kind = match self.kind {
            proto::ATTRIBUTE_FLOAT => "float",
            proto::ATTRIBUTE_INT => "int",
            proto::ATTRIBUTE_TENSOR => "tensor",
            proto::ATTRIBUTE_FLOATS => "floats",
            proto::ATTRIBUTE_STRING => "string",
            _ => "ints",
        };
        match self.since {
            0 => format!("`{}` ({kind})", self.name),
            since => format!("`{}` ({kind}, from opset {since})", self.name),
        }
    }
}

pub(super) const fn float(name: &'static str) -> Attribute {
    Attribute { name, kind: proto::ATTRIBUTE_FLOAT, since: 0 }
}

pub(super) const fn int(name: &'static str, since: i64) -> Attribute {
    Attribute { name, kind: proto::ATTRIBUTE_INT, since }
}

pub(super) const fn other(name: &'static str, kind: i32) -> Attribute {
    Attribute { name, kind, since: 0 }
}

pub(super) const AXES: &[Attribute] = &[other("axes", proto::ATTRIBUTE_INTS), int("keepdims", 0)];
pub(super) const NO_AXES: &[Attribute] = &[int("keepdims", 0), int("noop_with_empty_axes", 0)];

pub(super) const NORM: &[Attribute] = &[float("epsilon"), float("momentum"), int("training_mode", 14)];

pub(super) const CONSTANT: &[Attribute] = &[
    other("value", proto::ATTRIBUTE_TENSOR),
    float("value_float"),
    other("value_floats", proto::ATTRIBUTE_FLOATS),
    int("value_int", 0),
    other("value_ints", proto::ATTRIBUTE_INTS),
];

pub(super) const CLASSIFIER: &[Attribute] = &[
    other("classlabels_ints", proto::ATTRIBUTE_INTS),
    other("coefficients", proto::ATTRIBUTE_FLOATS),
    other("intercepts", proto::ATTRIBUTE_FLOATS),
    int("multi_class", 0),
    other("post_transform", proto::ATTRIBUTE_STRING),
];

pub(super) const REGRESSOR: &[Attribute] = &[
    other("coefficients", proto::ATTRIBUTE_FLOATS),
    other("intercepts", proto::ATTRIBUTE_FLOATS),
    other("post_transform", proto::ATTRIBUTE_STRING),
    int("targets", 0),
];

pub(super) const SCALER: &[Attribute] =
    &[other("offset", proto::ATTRIBUTE_FLOATS), other("scale", proto::ATTRIBUTE_FLOATS)];

/// Of a window that moves, beside others.
const AUTO_PAD: Attribute = other("auto_pad", proto::ATTRIBUTE_STRING);
const KERNEL: Attribute = other("kernel_shape", proto::ATTRIBUTE_INTS);
const PADS: Attribute = other("pads", proto::ATTRIBUTE_INTS);
const STRIDES: Attribute = other("strides", proto::ATTRIBUTE_INTS);
const DILATIONS: Attribute = other("dilations", proto::ATTRIBUTE_INTS);

pub(super) const CONV: &[Attribute] = &[AUTO_PAD, KERNEL, PADS, STRIDES, DILATIONS, int("group", 0)];

pub(super) const MAX_POOL: &[Attribute] =
    &[AUTO_PAD, KERNEL, PADS, STRIDES, DILATIONS, int("ceil_mode", 0), int("storage_order", 0)];

pub(super) const AVERAGE_POOL: &[Attribute] = &[
    AUTO_PAD,
    KERNEL,
    PADS,
    STRIDES,
    Attribute { since: 19, ..DILATIONS },
    int("ceil_mode", 0),
    int("count_include_pad", 0),
];

pub(super) const GEMM: &[Attribute] = &[float("alpha"), float("beta"), int("transA", 0), int("transB", 0)];
