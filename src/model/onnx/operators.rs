//! The table of supported operators.

use std::ops::RangeInclusive;

use super::call::{Call, Value};
use super::kinds::{Kind, Rule, check_range};
use super::proto;
use super::reader::Importer;
use super::{elementwise, integers, join, layers, layout, pick};
use crate::model::ModelError;

type Import = fn(&mut Importer, &Call) -> Result<Value, ModelError>;

/// An attribute: its name, its type, and the opset that brought it (0 where all have it).
pub(super) struct Attribute {
    pub name: &'static str,
    pub kind: i32,
    pub since: i64,
}

/// One operator: how many inputs, which attributes, which types go together, and its import.
pub(super) struct Operator {
    pub name: &'static str,
    inputs: RangeInclusive<usize>,
    attributes: &'static [Attribute],
    types: Rule,
    import: Import,
}

const fn operator(
    name: &'static str,
    inputs: RangeInclusive<usize>,
    attributes: &'static [Attribute],
    types: Rule,
    import: Import,
) -> Operator {
    Operator { name, inputs, attributes, types, import }
}

const fn float(name: &'static str) -> Attribute {
    Attribute { name, kind: proto::ATTRIBUTE_FLOAT, since: 0 }
}

const fn int(name: &'static str, since: i64) -> Attribute {
    Attribute { name, kind: proto::ATTRIBUTE_INT, since }
}

const fn other(name: &'static str, kind: i32) -> Attribute {
    Attribute { name, kind, since: 0 }
}

const ANY: usize = usize::MAX;

const NORM: &[Attribute] = &[float("epsilon"), float("momentum"), int("training_mode", 14)];

const CONSTANT: &[Attribute] = &[
    other("value", proto::ATTRIBUTE_TENSOR),
    float("value_float"),
    other("value_floats", proto::ATTRIBUTE_FLOATS),
    int("value_int", 0),
    other("value_ints", proto::ATTRIBUTE_INTS),
];

const GEMM: &[Attribute] = &[float("alpha"), float("beta"), int("transA", 0), int("transB", 0)];

/// All of them.
pub(super) static OPERATORS: &[Operator] = &[
    operator("Abs", 1..=1, &[], Rule::Floats, elementwise::abs),
    operator("Add", 2..=2, &[], Rule::Numbers, elementwise::add),
    operator("BatchNormalization", 5..=5, NORM, Rule::Singles, layers::batch_normalization),
    operator("Cast", 1..=1, &[int("to", 0), int("saturate", 19)], Rule::Named, integers::cast),
    operator("Concat", 1..=ANY, &[int("axis", 0)], Rule::One, join::concat),
    operator("Constant", 0..=0, CONSTANT, Rule::Named, join::constant),
    operator(
        "ConstantOfShape",
        1..=1,
        &[other("value", proto::ATTRIBUTE_TENSOR)],
        Rule::Named,
        join::constant_of_shape,
    ),
    operator("Div", 2..=2, &[], Rule::Numbers, elementwise::div),
    operator("Dropout", 1..=3, &[int("seed", 0)], Rule::Dropout, join::dropout),
    operator("Expand", 2..=2, &[], Rule::Shaped, join::expand),
    operator("Flatten", 1..=1, &[int("axis", 0)], Rule::One, layout::flatten),
    operator("Gather", 2..=2, &[int("axis", 0)], Rule::Indexed, pick::gather),
    operator("Gemm", 2..=3, GEMM, Rule::Floats, layers::gemm),
    operator("Identity", 1..=1, &[], Rule::One, join::identity),
    operator("LeakyRelu", 1..=1, &[float("alpha")], Rule::Singles, elementwise::leaky_relu),
    operator("MatMul", 2..=2, &[], Rule::Floats, layers::mat_mul),
    operator("Max", 1..=ANY, &[], Rule::Floats, elementwise::max),
    operator("Mul", 2..=2, &[], Rule::Numbers, elementwise::mul),
    operator("Neg", 1..=1, &[], Rule::Floats, elementwise::neg),
    operator("Relu", 1..=1, &[], Rule::Floats, elementwise::relu),
    operator("Reshape", 2..=2, &[int("allowzero", 14)], Rule::Shaped, layout::reshape),
    operator("Shape", 1..=1, &[int("start", 15), int("end", 15)], Rule::Sizes, integers::shape),
    operator("Slice", 3..=5, &[], Rule::Indexed, pick::slice),
    operator("Squeeze", 1..=2, &[], Rule::Shaped, layout::squeeze),
    operator("Sub", 2..=2, &[], Rule::Numbers, elementwise::sub),
    operator("Transpose", 1..=1, &[other("perm", proto::ATTRIBUTE_INTS)], Rule::One, layout::transpose),
    operator("Unsqueeze", 2..=2, &[], Rule::Shaped, layout::unsqueeze),
];

/// The value of a node of the file, and the type of its entries.
pub(super) fn import(importer: &mut Importer, call: &Call) -> Result<(Value, Kind), ModelError> {
    let Some(operator) = OPERATORS.iter().find(|operator| operator.name == call.operator()) else {
        return Err(call.refuse(format!("operator {} is not supported", call.operator().escape_debug())));
    };
    // The mask of a Dropout may be there; nothing may read it.
    let outputs = if operator.name == "Dropout" { 2 } else { 1 };
    call.check(operator.inputs.clone(), outputs, operator.attributes, importer.opset)?;
    let kind = operator.types.result(call)?;
    let value = (operator.import)(importer, call)?;
    check_range(call, &value, kind)?;
    Ok((value, kind))
}
