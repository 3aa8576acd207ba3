//! The header of an `.npy` file: magic, version, and a Python dictionary literal.

use crate::data::content::Content;
use crate::data::error::DataError;

/// NumPy refuses longer headers of untrusted files as well.
const MAX_HEADER: u64 = 10_000;

/// Family of an array's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
    /// Characters of 4 bytes, filled up with zeros.
    Text,
    /// Bytes of UTF-8, filled up with zeros.
    Bytes,
}

/// What the header says, checked: the size in bytes does not overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: Kind,
    /// Bytes per entry.
    pub item: usize,
    pub big_endian: bool,
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

impl Header {
    /// Reads magic, version and dictionary.
    pub fn read(content: &mut Content<'_>) -> Result<Header, DataError> {
        let magic = content.take(6, "the npy magic")?;
        if magic != b"\x93NUMPY" {
            let found = match &magic[..] {
                b"versio" => "text that begins like a Git LFS pointer: `git lfs pull` fetches the array".into(),
                [b'P', b'K', 3, 4, ..] => "a zip archive, perhaps an .npz under another name".into(),
                other => other.escape_ascii().to_string(),
            };
            return Err(content.unexpected("an npy file (\\x93NUMPY)", found));
        }
        let version = content.take(2, "the npy version")?;
        let length = match version[0] {
            1 => {
                let bytes = content.take(2, "the header's length")?;
                u64::from(bytes[0]) | u64::from(bytes[1]) << 8
            }
            2 | 3 => {
                let bytes = content.take(4, "the header's length")?;
                bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
            }
            other => return Err(content.unexpected("npy version 1, 2 or 3", format!("version {other}"))),
        };
        if length > MAX_HEADER {
            let found = format!("{length} bytes");
            return Err(content.unexpected(format!("a header of at most {MAX_HEADER} bytes"), found));
        }
        let text = content.take(length, "npy header")?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Header::parse(&text).map_err(|Problem { expected, found }| {
            content.unexpected(expected, format!("{found} in the header {:?}", text.trim_end()))
        })
    }

    fn parse(text: &str) -> Result<Header, Problem> {
        let mut literal = Literal { rest: text };
        let (mut descr, mut order, mut shape) = (None, None, None);
        literal.expect('{')?;
        while !literal.eat('}') {
            let key = literal.string()?;
            literal.expect(':')?;
            let twice = match key.as_str() {
                "descr" => descr.replace(literal.string()?).is_some(),
                "fortran_order" => order.replace(literal.truth()?).is_some(),
                "shape" => shape.replace(literal.tuple()?).is_some(),
                _ => return Err(Problem::new("the keys descr, fortran_order and shape", format!("key `{key}`"))),
            };
            if twice {
                return Err(Problem::new("each key once", format!("key `{key}` twice")));
            }
            if !literal.eat(',') {
                literal.expect('}')?;
                break;
            }
        }
        if !literal.rest.trim().is_empty() {
            return Err(Problem::new("nothing after the dictionary", format!("{:?}", literal.rest.trim())));
        }
        let missing = |key: &str| Problem::new(format!("key `{key}`"), "none");
        let (kind, item, big_endian) = entry_type(&descr.ok_or_else(|| missing("descr"))?)?;
        let fortran_order = order.ok_or_else(|| missing("fortran_order"))?;
        let shape = shape.ok_or_else(|| missing("shape"))?;
        let bytes = shape.iter().try_fold(item as u64, |product, &n| product.checked_mul(n as u64));
        // Zero times a huge number overflows on the way in one order and not in the other: refuse both.
        let honest = shape.iter().try_fold(item as u64, |product, &n| product.checked_mul(n.max(1) as u64));
        if bytes.is_none() || honest.is_none_or(|bytes| bytes > isize::MAX as u64) {
            return Err(Problem::new("a shape whose size fits the address space", format!("{shape:?}")));
        }
        Ok(Header { kind, item, big_endian, fortran_order, shape })
    }
}

/// `'<f4'` and its like: byte order, family, bytes per entry.
fn entry_type(descr: &str) -> Result<(Kind, usize, bool), Problem> {
    let unsupported = || {
        let expected = "entries of float16, float32, float64, bool, an integer type, or strings (f2, f4, f8, b1, \
                        i1–i8, u1–u8, U, S)";
        let advice = match descr.get(1..2) {
            Some("O") => " (Python objects: save the array with one of these types)",
            Some("f") => " (save it as float64)",
            _ => "",
        };
        Problem::new(expected, format!("`{descr}`{advice}"))
    };
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unsupported)?;
    let text = |width: usize, per: usize| width.checked_mul(per).filter(|&item| item > 0).ok_or_else(unsupported);
    let (kind, item) = match kind {
        "f2" => (Kind::Float, 2),
        "f4" => (Kind::Float, 4),
        "f8" => (Kind::Float, 8),
        "b1" => (Kind::Bool, 1),
        "i1" => (Kind::Signed, 1),
        "i2" => (Kind::Signed, 2),
        "i4" => (Kind::Signed, 4),
        "i8" => (Kind::Signed, 8),
        "u1" => (Kind::Unsigned, 1),
        "u2" => (Kind::Unsigned, 2),
        "u4" => (Kind::Unsigned, 4),
        "u8" => (Kind::Unsigned, 8),
        _ => match (kind.split_at_checked(1), kind.get(1..).and_then(|digits| digits.parse().ok())) {
            (Some(("U", _)), Some(width)) => (Kind::Text, text(width, 4)?),
            (Some(("S", _)), Some(width)) => (Kind::Bytes, text(width, 1)?),
            _ => return Err(unsupported()),
        },
    };
    match order {
        "<" => Ok((kind, item, false)),
        ">" => Ok((kind, item, true)),
        // "Not applicable": right for single bytes only.
        "|" if item == 1 || kind == Kind::Bytes => Ok((kind, item, false)),
        _ => Err(unsupported()),
    }
}

/// What a dictionary should have said, and what it said.
struct Problem {
    expected: String,
    found: String,
}

impl Problem {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Problem { expected: expected.into(), found: found.into() }
    }
}

/// The part of a Python literal that is still to be read.
struct Literal<'a> {
    rest: &'a str,
}

impl Literal<'_> {
    fn eat(&mut self, symbol: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: char) -> Result<(), Problem> {
        if self.eat(symbol) { Ok(()) } else { Err(self.problem(&format!("`{symbol}`"))) }
    }

    fn problem(&self, expected: &str) -> Problem {
        let next: String = self.rest.chars().take(12).collect();
        Problem::new(expected, if next.is_empty() { "its end".into() } else { format!("`{next}`") })
    }

    fn string(&mut self) -> Result<String, Problem> {
        let quote = if self.eat('\'') {
            '\''
        } else if self.eat('"') {
            '"'
        } else {
            return Err(self.problem("a string (structured types are not supported)"));
        };
        let end = self.rest.find(quote).ok_or_else(|| self.problem("a closed string"))?;
        let text = self.rest[..end].to_string();
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, Problem> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.problem("True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, Problem> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.eat(')') {
            shape.push(self.integer()?);
            if !self.eat(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn integer(&mut self) -> Result<usize, Problem> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let value = self.rest[..end].parse().map_err(|_| self.problem("a length"))?;
        // Python 2 wrote long integers with an L.
        self.rest = self.rest[end..].strip_prefix('L').unwrap_or(&self.rest[end..]);
        Ok(value)
    }
}
