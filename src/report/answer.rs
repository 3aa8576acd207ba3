//! The words of an answer in a row: its status and its detail.

use crate::radius::{Outcome, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a row says of an input.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// There is a radius.
    Certified,
    /// f(x) ≤ 0.
    NotSensitive,
    /// The method declined.
    Abstain,
    /// Nobody can tell, or what was found has not been proven.
    Unknown,
}

impl Status {
    /// A verdict's.
    pub fn of(verdict: &Verdict) -> Status {
        match verdict {
            Verdict::Certified(_) => Status::Certified,
            Verdict::NotSensitive => Status::NotSensitive,
            Verdict::Abstain(_) => Status::Abstain,
            Verdict::Unknown(_) | Verdict::NotProven(_) | Verdict::NotAsked(_) => Status::Unknown,
        }
    }
}

/// The reason of an answer, and a method's remarks; a text in files, and nowhere else.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "String", into = "String")]
pub enum Detail {
    /// The method does not apply, and why: nothing was left undecided.
    NotApplicable(String),
    /// The kernel did not accept the evidence.
    NotProven {
        /// Why.
        reason: String,
        /// What the method said, or nothing.
        remarks: String,
    },
    /// Anything else.
    Plain(String),
}

/// How a detail begins that is not plain.
const NOT_APPLICABLE: &str = "does not apply: ";
const NOT_PROVEN: &str = "not proven: ";

/// What stands between a reason and remarks.
const BETWEEN: &str = "; ";

impl Detail {
    /// An outcome's.
    pub fn of(outcome: &Outcome) -> Detail {
        let remarks = outcome.detail.clone();
        match &outcome.verdict {
            Verdict::NotAsked(why) => Detail::NotApplicable(joined(why, &remarks)),
            Verdict::NotProven(why) => Detail::NotProven { reason: why.clone(), remarks },
            Verdict::Abstain(why) | Verdict::Unknown(why) => Detail::Plain(joined(why, &remarks)),
            Verdict::Certified(_) | Verdict::NotSensitive => Detail::Plain(remarks),
        }
    }
}

/// Both, or the one that there is.
fn joined(reason: &str, remarks: &str) -> String {
    if reason.is_empty() || remarks.is_empty() { [reason, remarks].concat() } else { [reason, remarks].join(BETWEEN) }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detail::NotApplicable(why) => write!(f, "{NOT_APPLICABLE}{why}"),
            Detail::NotProven { reason, remarks } => write!(f, "{NOT_PROVEN}{}", joined(reason, remarks)),
            Detail::Plain(text) => f.write_str(text),
        }
    }
}

impl From<Detail> for String {
    fn from(detail: Detail) -> String {
        detail.to_string()
    }
}

impl From<String> for Detail {
    fn from(text: String) -> Detail {
        if let Some(why) = text.strip_prefix(NOT_APPLICABLE) {
            return Detail::NotApplicable(why.into());
        }
        let Some(rest) = text.strip_prefix(NOT_PROVEN) else { return Detail::Plain(text) };
        let (reason, remarks) = rest.split_once(BETWEEN).unwrap_or((rest, ""));
        Detail::NotProven { reason: reason.into(), remarks: remarks.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_read_back_as_what_was_written() {
        for detail in [
            Detail::NotApplicable("not convex: node `y`; and more".into()),
            Detail::NotProven { reason: "budget: time".into(), remarks: "gap 1e-9; weighted".into() },
            Detail::NotProven { reason: "budget: time".into(), remarks: String::new() },
            Detail::Plain("not closed; out of time".into()),
            Detail::Plain(String::new()),
        ] {
            assert_eq!(Detail::from(detail.to_string()), detail);
        }
    }
}
