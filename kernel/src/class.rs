//! Which output is the sensitive class.

use std::fmt;
use std::str::FromStr;

/// The sensitive class: what f is, from the model's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// f is the one output.
    Positive,
    /// f is minus the one output.
    Negative,
    /// f is this one of two outputs minus the other.
    Index(u8),
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Class, String> {
        match text {
            "positive" => Ok(Class::Positive),
            "negative" => Ok(Class::Negative),
            "0" => Ok(Class::Index(0)),
            "1" => Ok(Class::Index(1)),
            other => Err(format!("class `{}`: expected positive, negative, 0 or 1", other.escape_debug())),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Class::Positive => f.write_str("positive"),
            Class::Negative => f.write_str("negative"),
            Class::Index(index) => write!(f, "{index}"),
        }
    }
}
