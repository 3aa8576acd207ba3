//! The table of supported operators.

use std::ops::RangeInclusive;

use super::call::{Call, Value};
use super::reader::Importer;
use super::{elementwise, integers, join, layers, layout, pick};
use crate::model::ModelError;

type Import = fn(&mut Importer, &Call) -> Result<Value, ModelError>;

/// One operator: how many inputs, which attributes, and its import.
pub(super) struct Operator {
    pub name: &'static str,
    inputs: RangeInclusive<usize>,
    attributes: &'static [&'static str],
    import: Import,
}

const fn operator(
    name: &'static str,
    inputs: RangeInclusive<usize>,
    attributes: &'static [&'static str],
    import: Import,
) -> Operator {
    Operator { name, inputs, attributes, import }
}

const ANY: usize = usize::MAX;

/// All of them.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Abs", 1..=1, &[], elementwise::abs),
    operator("Add", 2..=2, &[], elementwise::add),
    operator("BatchNormalization", 5..=5, &["epsilon", "momentum", "training_mode"], layers::batch_normalization),
    operator("Cast", 1..=1, &["to", "saturate"], integers::cast),
    operator("Concat", 1..=ANY, &["axis"], join::concat),
    operator("Constant", 0..=0, &["value", "value_float", "value_floats", "value_int", "value_ints"], join::constant),
    operator("ConstantOfShape", 1..=1, &["value"], join::constant_of_shape),
    operator("Div", 2..=2, &[], elementwise::div),
    operator("Dropout", 1..=3, &["seed"], join::dropout),
    operator("Expand", 2..=2, &[], join::expand),
    operator("Flatten", 1..=1, &["axis"], layout::flatten),
    operator("Gather", 2..=2, &["axis"], pick::gather),
    operator("Gemm", 2..=3, &["alpha", "beta", "transA", "transB"], layers::gemm),
    operator("Identity", 1..=1, &[], join::identity),
    operator("LeakyRelu", 1..=1, &["alpha"], elementwise::leaky_relu),
    operator("MatMul", 2..=2, &[], layers::mat_mul),
    operator("Max", 1..=ANY, &[], elementwise::max),
    operator("Mul", 2..=2, &[], elementwise::mul),
    operator("Neg", 1..=1, &[], elementwise::neg),
    operator("Relu", 1..=1, &[], elementwise::relu),
    operator("Reshape", 2..=2, &["allowzero"], layout::reshape),
    operator("Shape", 1..=1, &["start", "end"], integers::shape),
    operator("Slice", 3..=5, &[], pick::slice),
    operator("Squeeze", 1..=2, &[], layout::squeeze),
    operator("Sub", 2..=2, &[], elementwise::sub),
    operator("Transpose", 1..=1, &["perm"], layout::transpose),
    operator("Unsqueeze", 2..=2, &[], layout::unsqueeze),
];

/// The value of a node of the file.
pub(super) fn import(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Some(operator) = OPERATORS.iter().find(|operator| operator.name == call.operator()) else {
        return Err(call.refuse(format!("operator {} is not supported", call.operator().escape_debug())));
    };
    call.check(operator.inputs.clone(), operator.attributes)?;
    (operator.import)(importer, call)
}
