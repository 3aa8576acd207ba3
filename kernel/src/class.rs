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
    /// f is this one of several outputs minus the largest of the others.
    Index(u32),
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Class, String> {
        match text {
            "positive" => Ok(Class::Positive),
            "negative" => Ok(Class::Negative),
            index if index.bytes().all(|b| b.is_ascii_digit()) && (index == "0" || !index.starts_with('0')) => {
                let refuse = |_| format!("class `{}`: expected a smaller index", index.escape_debug());
                index.parse().map(Class::Index).map_err(refuse)
            }
            other => Err(format!("class `{}`: expected positive, negative or an index", other.escape_debug())),
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
