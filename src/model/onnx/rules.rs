//! Which types of entries an operator takes together.

use super::call::{Call, Value};
use super::integers;
use super::kinds::Kind;
use super::tensor::{Dim, fits};
use crate::model::ModelError;

/// Which types an operator takes together, and which one its result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// float32 throughout.
    Singles,
    /// float32 or float64 throughout.
    Floats,
    /// float32, float64, int32 or int64 throughout.
    Numbers,
    /// One type throughout, whichever.
    One,
    /// The result's is the first input's; behind it int64.
    Shaped,
    /// The same, but no bfloat16, of which runtimes repeat none.
    Spread,
    /// The result's is the first input's; behind it one type of integers.
    Indexed,
    /// float32, int64, float32.
    Padded,
    /// float32; behind it a float and a truth value.
    Dropout,
    /// A truth value, of float32 or float64 throughout.
    Compared,
    /// A truth value, then one type of floats or integers, which is the result's.
    Chosen,
    /// int32 or int64 throughout.
    Integers,
    /// A truth value, of int32 or int64 throughout.
    Equal,
    /// The second input's.
    Like,
    /// The result's is the first input's, a float; behind it anything.
    First,
    /// int64, of anything.
    Sizes,
    /// What the node names.
    Named,
}

impl Rule {
    /// In words, for the table of operators.
    pub fn text(self) -> &'static str {
        match self {
            Rule::Singles => "float32",
            Rule::Floats => "floats of one type",
            Rule::Numbers => "floats or integers of one type",
            Rule::One => "one type",
            Rule::Shaped => "int64 behind the first input",
            Rule::Spread => "int64 behind the first input, which is no bfloat16",
            Rule::Indexed => "integers of one type behind the first input",
            Rule::Padded => "a float, int64, the same float",
            Rule::Dropout => "a float and a bool behind the first input",
            Rule::Compared => "floats of one type to bool",
            Rule::Chosen => "bool, then floats or integers of one type",
            Rule::Integers => "integers of one type",
            Rule::Equal => "integers of one type to bool",
            Rule::Like => "anything to the second input's type",
            Rule::First => "a float, and any type behind it",
            Rule::Sizes => "anything to int64",
            Rule::Named => "as the node says",
        }
    }

    /// The type of the node's result.
    ///
    /// # Errors
    /// When the types of its inputs do not go together.
    pub fn result(self, call: &Call) -> Result<Kind, ModelError> {
        let kinds: Vec<Kind> = call.kinds().collect();
        let alike = |fits: fn(Kind) -> bool| kinds.iter().all(|&kind| fits(kind) && kind == kinds[0]);
        let behind = kinds.get(1..).unwrap_or_default();
        let fits = match self {
            Rule::Singles => alike(|kind| kind == Kind::Float32),
            Rule::Floats => alike(Kind::is_float),
            Rule::Numbers => alike(Kind::is_number),
            Rule::One => alike(|_| true),
            Rule::Shaped => behind.iter().all(|&kind| kind == Kind::Int64),
            Rule::Spread => behind.iter().all(|&kind| kind == Kind::Int64) && call.kind(0) != Some(Kind::Bfloat16),
            Rule::Indexed => behind.iter().all(|&kind| kind.is_integer() && kind == behind[0]),
            Rule::Padded => {
                let alike =
                    call.kind(0).is_some_and(Kind::is_float) && call.kind(2).is_none_or(|k| Some(k) == call.kind(0));
                alike && call.kind(1) == Some(Kind::Int64)
            }
            Rule::Dropout => call.kind(0).is_some_and(Kind::is_float) && call.kind(1).is_none_or(Kind::is_float),
            Rule::Compared => alike(Kind::is_float),
            Rule::Integers | Rule::Equal => alike(Kind::is_integer),
            Rule::Like => kinds.len() == 2,
            Rule::Chosen => {
                call.kind(0) == Some(Kind::Bool) && behind.iter().all(|&kind| kind.is_number() && kind == behind[0])
            }
            Rule::First => call.kind(0).is_some_and(Kind::is_float),
            Rule::Sizes | Rule::Named => true,
        };
        let result = match self {
            _ if !fits => None,
            Rule::Sizes => Some(Kind::Int64),
            Rule::Compared | Rule::Equal => Some(Kind::Bool),
            Rule::Like => kinds.get(1).copied(),
            Rule::Chosen => behind.first().copied(),
            Rule::Named => named(call)?,
            _ => kinds.first().copied(),
        };
        let shown = || kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect::<Vec<_>>().join(", ");
        result.ok_or_else(|| call.misfit(format!("inputs of types that go together ({})", self.text()), shown()))
    }
}

fn named(call: &Call) -> Result<Option<Kind>, ModelError> {
    if call.operator() == "Cast" {
        return Ok(integers::target(call));
    }
    if let Some(tensor) = call.tensor_attribute("value")? {
        return Ok(Kind::of(tensor.data_type.unwrap_or(0)));
    }
    let floats = call.operator() == "ConstantOfShape" || call.has("value_float") || call.has("value_floats");
    Ok(Some(if floats { Kind::Float32 } else { Kind::Int64 }))
}

/// Refuses a constant that its type cannot hold: runtimes wrap such an integer around, and round such a float.
pub(super) fn check_range(call: &Call, value: &Value, kind: Kind) -> Result<(), ModelError> {
    match (value, kind) {
        (Value::Int(ints), Kind::Int32) => {
            let wide = |dim: &Dim| matches!(dim, Dim::Known(value) if i32::try_from(*value).is_err());
            match ints.values.iter().find(|dim| wide(dim)) {
                Some(Dim::Known(value)) => Err(call.misfit("a constant that fits into 32 bits", value.to_string())),
                _ => Ok(()),
            }
        }
        (Value::Float(tensor), Kind::Float32) if tensor.as_single().is_none() => {
            let wide = tensor.iter().find(|&v| !fits(v)).unwrap_or(0.0);
            Err(call.refuse(format!("its constant result {wide} is not a 32-bit float: runtimes would round it")))
        }
        _ => Ok(()),
    }
}
