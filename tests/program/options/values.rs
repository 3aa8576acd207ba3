//! What options take: values that make no sense, extreme ones, and ordinary ones.

use Kind::*;
use std::ffi::OsString;

/// What an option or argument takes.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Nothing.
    Flag,
    /// A finite number > 0.
    Positive,
    /// A finite number.
    Number,
    /// A number > 0 of at most 1e30.
    Deviation,
    /// A number between 0 and 1.
    Risk,
    /// A decimal between 0 and 1, exactly.
    Share,
    /// What separates fields.
    Separator,
    /// A whole number from 1 on.
    Count { large: Large },
    /// Any 64-bit number.
    Seed,
    /// One of some words.
    Word(&'static str),
    /// One of some words, which may mean nothing for these files.
    Mode(&'static str),
    /// Words, separated by commas.
    Words(&'static str),
    /// LO,HI.
    Range,
    /// A column of the table.
    Column,
    /// A file to be read.
    File,
    /// A folder to be read.
    Folder,
    /// A file to be written, with a name that ends so.
    NewFile(&'static str),
    /// A folder to be written.
    NewFolder,
    /// A folder that need not be there.
    Place,
    /// The name of a task or config.
    Name,
}

/// What a count of 2^63 does.
#[derive(Clone, Copy)]
pub enum Large {
    /// It is as good as none.
    Taken,
    /// It is refused.
    Refused,
}

/// Text that is no number, name, list or file.
const NONSENSE: [&str; 6] = ["", " ", ",", "ü→\u{1f600}", "0x10", "--"];

/// Files that are none of any kind, a folder, and a file that is not there.
pub const NO_FILES: [&str; 6] = ["", "absent", ".", "empty.npy", "noise.csv", "model.onnx/below"];

impl Kind {
    /// Values with exit code 2, and values with another one.
    pub fn values(self) -> (Vec<String>, Vec<String>) {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let no_number = [&NONSENSE[..], &["x", "1,5", "1e", "NaN", "-NaN", "１"]].concat();
        let large = u64::MAX / 2;
        match self {
            Flag => (vec![], vec![]),
            Positive => {
                let bad = ["0", "-0", "-1", "0e9", "1e-400", "inf", "-inf", "1e400", "-5e-324"];
                (
                    owned(&[&no_number[..], &bad].concat()),
                    owned(&["1e300", "1e-300", "5e-324", "1.7976931348623157e308"]),
                )
            }
            Number => {
                let bad = ["inf", "-inf", "1e400", "340282366920938463463374607431768211456"];
                (owned(&[&no_number[..], &bad].concat()), owned(&["0", "-0", "-1.5", "0.1", "100000000000000000000"]))
            }
            Deviation => {
                let bad =
                    ["0", "-0", "-1", "1e-400", "inf", "-inf", "1e400", "1e300", "1.7976931348623157e308", "1e31"];
                (owned(&[&no_number[..], &bad].concat()), owned(&["1e30", "1e-300", "5e-324"]))
            }
            Risk => {
                let bad = ["0", "-0", "1", "1.0", "-1", "2", "1e-400", "inf", "1e300", "0.99999999999999999"];
                let good = ["5e-324", "1e-300", "1e-200", "1e-100", "1e-99", "0.5", "0.9999999999999999"];
                (owned(&[&no_number[..], &bad].concat()), owned(&good))
            }
            Share => {
                let bad = ["0", "-0", "1", "1.0", "-1", "2", "inf", "1e300"];
                (owned(&[&no_number[..], &bad].concat()), owned(&["0.5", "0.1", "0.99999999999999999"]))
            }
            Separator => (owned(&["", " ", "ü", "0x10", "--", ",,", "x"]), owned(&[","])),
            Count { large: kind } => {
                let bad = [
                    "0",
                    "-0",
                    "-1",
                    "1.5",
                    "1e3",
                    "inf",
                    "18446744073709551616",
                    "340282366920938463463374607431768211456",
                ];
                let mut refused = owned(&[&no_number[..], &bad].concat());
                let mut taken = owned(&["1", "2", "+3", "007"]);
                if let Large::Taken = kind {
                    taken.push(large.to_string())
                } else {
                    refused.push(large.to_string())
                };
                (refused, taken)
            }
            Seed => {
                let bad = ["-1", "-0", "1.5", "inf", "18446744073709551616"];
                (owned(&[&no_number[..], &bad].concat()), owned(&["0", "1", "18446744073709551615"]))
            }
            Word(words) | Words(words) | Mode(words) => {
                let mut refused = owned(&[&NONSENSE[..], &["nan", "L3", "lp:0.5", "lp:nan", "lp:-1"]].concat());
                refused.push("x".repeat(100_000));
                let good = if let Mode(_) = self { "" } else { words };
                (refused, good.split_whitespace().map(String::from).collect())
            }
            Range => {
                let bad = [
                    "0",
                    "0,",
                    ",1",
                    "1,0",
                    "nan,1",
                    "0,nan",
                    "0,inf",
                    "-inf,inf",
                    "0,1,2",
                    "0;1",
                    "2,3",
                    "-1e300,1e300",
                ];
                (
                    owned(&[&NONSENSE[..], &bad].concat()),
                    owned(&["-3e38,3e38", "-0,1", "0,1e-0", "-5e-324,1", "5e-324,1"]),
                )
            }
            Column => (owned(&["", "absent", "ü", "-1", "99999999999999999999", "a"]), vec![]),
            File | Folder => (owned(&NO_FILES), vec![]),
            NewFile(end) => {
                let bad = owned(&["", ".", "absent/x.csv", "model.onnx/below.csv"]);
                (bad, [format!("new{end}"), format!("ü→{end}"), format!("./a b{end}")].to_vec())
            }
            NewFolder => (owned(&["model.onnx", "model.onnx/below"]), owned(&["new", "new/ü→/a b", "."])),
            Place => (vec![], owned(&["new", ".", "model.onnx", "model.onnx/below", "ü→"])),
            Name => (owned(&["", "absent", "ü", ".", "empty.npy", "empty.toml", "absent.toml", "noise.toml"]), vec![]),
        }
    }

    /// Values that may mean something or not.
    pub fn others(self) -> Vec<OsString> {
        let words = if let Mode(words) = self { words } else { "" };
        words.split_whitespace().map(OsString::from).chain([no_text()]).collect()
    }
}

pub const MANY: Kind = Count { large: Large::Taken };
pub const FEW: Kind = Count { large: Large::Refused };
pub const NORMS: Kind = Words("l1 linf lp:1 lp:1.5 lp:1e300 l1,l1,l2");
pub const METHODS: Kind = Words("closed-form sharp tightened exact ibp lp smoothing best exact,exact");
pub const RUNGS: Kind = Words("closed-form sharp tightened exact ibp lp smoothing");
pub const SOLVERS: Kind = Word("clarabel microlp");
pub const CLASS: Kind = Word("positive");
pub const OUTPUT: Kind = Word("logit");

/// An argument that is no Unicode text, where there is one.
pub fn no_text() -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(b"\xff\xfe".to_vec());
    #[cfg(not(unix))]
    "\u{fffd}".into()
}
