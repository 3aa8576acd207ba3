//! Which types of entries go together in the operands of an operator.

use crate::onnx::call::{Call, Value};
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};

/// Which types of entries go together, and what the result's is.
#[derive(Clone, Copy)]
pub enum Kinds {
    /// 32-bit floats throughout.
    Float32,
    /// Floats of one type, and 64-bit integers as the second input.
    Padded,
    /// Floats of one type throughout.
    Floats,
    /// One type throughout.
    One,
    /// The result's is the first input's; behind it stand 64-bit integers.
    Shaped,
    /// The result's is the first input's; behind it stand integers of one type.
    Indexed,
    /// Floats or integers of one type throughout.
    Numbers,
    /// Floats; behind them a float of any type and a truth value.
    Dropout,
    /// The result's is the first input's, a float; behind it anything.
    First,
    /// A truth value, of floats of one type.
    Compared,
    /// A truth value, then floats or integers of one type, which is the result's.
    Chosen,
    /// Integers of one type throughout.
    Integers,
    /// A truth value, of integers of one type.
    Equal,
    /// The type of the second input.
    Like,
    /// 64-bit integers, of anything.
    Sizes,
    /// What the node says.
    Named,
}

impl Kinds {
    /// The type of the result, where the operator does not leave that to the node.
    pub fn of_result(self, call: &Call, kinds: &[Kind]) -> Result<Option<Kind>, Rejection> {
        let Some((&first, rest)) = kinds.split_first() else { return Ok(None) };
        let integers = |kind: &Kind| kind.is_integer();
        let alike = || rest.iter().all(|&kind| kind == first);
        let fits = match self {
            Kinds::Float32 => first == Kind::Float32 && alike(),
            Kinds::Padded => {
                let constant = rest.get(1).is_none_or(|&constant| constant == first);
                first.is_float() && constant && rest.first() == Some(&Kind::Int64)
            }
            Kinds::Floats => first.is_float() && alike(),
            Kinds::One => alike(),
            Kinds::Shaped => rest.iter().all(|&kind| kind == Kind::Int64),
            Kinds::Indexed => rest.iter().all(integers) && rest.windows(2).all(|pair| pair[0] == pair[1]),
            Kinds::Numbers => alike() && (first.is_float() || first.is_integer()),
            Kinds::Dropout => first.is_float() && rest.iter().all(|k| k.is_float() || *k == Kind::Bool),
            Kinds::First => first.is_float(),
            Kinds::Compared => first.is_float() && alike(),
            Kinds::Chosen => {
                let number = |kind: &Kind| kind.is_float() || kind.is_integer();
                first == Kind::Bool && rest.iter().all(|kind| number(kind) && Some(kind) == rest.first())
            }
            Kinds::Integers | Kinds::Equal => first.is_integer() && alike(),
            Kinds::Like => rest.len() == 1,
            Kinds::Sizes | Kinds::Named => true,
        };
        if !fits {
            return Err(call.refuse(Code::MalformedModel, self.text(), format!("{kinds:?}")));
        }
        Ok(match self {
            Kinds::Sizes => Some(Kind::Int64),
            Kinds::Compared | Kinds::Equal => Some(Kind::Bool),
            Kinds::Chosen | Kinds::Like => rest.first().copied(),
            Kinds::Named => None,
            _ => Some(first),
        })
    }

    /// In words, for the table of operators.
    pub fn text(self) -> &'static str {
        match self {
            Kinds::Float32 => "float32",
            Kinds::Padded => "a float, int64, the same float",
            Kinds::Floats => "floats of one type",
            Kinds::One => "one type",
            Kinds::Shaped => "int64 behind the first input",
            Kinds::Indexed => "integers of one type behind the first input",
            Kinds::Numbers => "floats or integers of one type",
            Kinds::Dropout => "a float, a float, a bool",
            Kinds::First => "a float, and any type behind it",
            Kinds::Compared => "floats of one type to bool",
            Kinds::Chosen => "bool, then floats or integers of one type",
            Kinds::Integers => "integers of one type",
            Kinds::Equal => "integers of one type to bool",
            Kinds::Like => "anything to the second input's type",
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
