//! The types of entries, as files declare them.

use super::proto;

/// The type of a value's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float16,
    Bfloat16,
    Float32,
    Float64,
    Int32,
    Int64,
    Bool,
}

impl Kind {
    /// By its number in ONNX.
    pub fn of(number: i32) -> Option<Kind> {
        Some(match number {
            proto::FLOAT16 => Kind::Float16,
            proto::BFLOAT16 => Kind::Bfloat16,
            proto::FLOAT => Kind::Float32,
            proto::DOUBLE => Kind::Float64,
            proto::INT32 => Kind::Int32,
            proto::INT64 => Kind::Int64,
            proto::BOOL => Kind::Bool,
            _ => return None,
        })
    }

    /// float32 or float64.
    pub fn is_float(self) -> bool {
        matches!(self, Kind::Float32 | Kind::Float64)
    }

    /// int32 or int64.
    pub fn is_integer(self) -> bool {
        matches!(self, Kind::Int32 | Kind::Int64)
    }
}
