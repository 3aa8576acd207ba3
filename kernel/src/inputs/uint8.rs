//! What bytes as inputs mean: the file does not say it, the checker's user does.

use std::fmt;
use std::str::FromStr;

/// The number that a byte k stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uint8 {
    /// The binary32 nearest to k/255.
    #[default]
    Unit,
    /// k itself.
    Raw,
}

impl FromStr for Uint8 {
    type Err = String;

    fn from_str(text: &str) -> Result<Uint8, String> {
        match text {
            "unit" => Ok(Uint8::Unit),
            "raw" => Ok(Uint8::Raw),
            other => Err(format!("uint8 `{}`: expected unit or raw", other.escape_debug())),
        }
    }
}

impl fmt::Display for Uint8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Uint8::Unit => "unit",
            Uint8::Raw => "raw",
        })
    }
}
