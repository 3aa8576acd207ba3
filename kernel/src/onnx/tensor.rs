//! ONNX tensors: constants of finite binary floats or of integers.

use crate::budget;
use crate::number::exact::Float;
pub use crate::number::floats::Floats;
use crate::onnx::elsewhere::{Files, place};
use crate::onnx::protobuf::{Wire, fields};
use crate::rejection::{Code, Rejection};
use std::borrow::Cow;

/// The type of a value's entries, as the file declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Binary floats of 32 bits.
    Float32,
    /// Binary floats of 64 bits.
    Float64,
    /// Integers of 32 bits.
    Int32,
    /// Integers of 64 bits.
    Int64,
    /// Binary floats of 16 bits, of which 10 are a fraction: only constants are.
    Float16,
    /// The upper half of a float of 32 bits: only constants are.
    Bfloat16,
    /// 0 or 1.
    Bool,
}

impl Kind {
    /// By its number in ONNX.
    pub fn read(number: i64) -> Option<Kind> {
        match number {
            1 => Some(Kind::Float32),
            11 => Some(Kind::Float64),
            6 => Some(Kind::Int32),
            7 => Some(Kind::Int64),
            9 => Some(Kind::Bool),
            10 => Some(Kind::Float16),
            16 => Some(Kind::Bfloat16),
            _ => None,
        }
    }

    /// Bytes of one entry.
    fn width(self) -> u64 {
        match self {
            Kind::Float32 | Kind::Int32 => 4,
            Kind::Float64 | Kind::Int64 => 8,
            Kind::Float16 | Kind::Bfloat16 => 2,
            Kind::Bool => 1,
        }
    }

    /// Whether it is a type of integers.
    pub fn is_integer(self) -> bool {
        matches!(self, Kind::Int32 | Kind::Int64)
    }

    /// Whether a number is one of this type of floats.
    pub fn holds(self, number: Float) -> bool {
        let (digits, least, most) = match self {
            Kind::Float32 => (24, -149, 128),
            Kind::Float64 => (53, -1074, 1024),
            Kind::Float16 => (11, -24, 16),
            Kind::Bfloat16 => (8, -133, 128),
            Kind::Int32 | Kind::Int64 | Kind::Bool => return false,
        };
        let bits = 64 - i64::from(number.mantissa.unsigned_abs().leading_zeros());
        bits == 0 || (bits <= digits && number.exponent >= least && number.exponent + bits <= most)
    }

    /// Whether it is a type of floats that operators compute with.
    pub fn is_float(self) -> bool {
        matches!(self, Kind::Float32 | Kind::Float64)
    }
}

/// The entries of a tensor.
#[derive(Clone, Debug)]
pub enum Entries {
    /// Of a type of floats.
    Floats(Floats),
    /// Of integers, or 0 and 1 for truth values.
    Integers(Vec<i64>),
    /// An infinite one without axes, and whether it is above 0.
    Infinite(bool),
}

/// A constant.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// In the file.
    pub name: String,
    /// Dimensions; none for a scalar.
    pub dims: Vec<usize>,
    /// The type of its entries.
    pub kind: Kind,
    /// Row-major.
    pub entries: Entries,
}

#[derive(Default)]
struct Raw<'a> {
    name: &'a str,
    dims: Vec<i64>,
    kind: i64,
    bytes: Option<Cow<'a, [u8]>>,
    words: Vec<u32>,
    double_words: Vec<u64>,
    short_integers: Vec<i64>,
    integers: Vec<i64>,
    texts: usize,
    entries: Vec<&'a [u8]>,
    location: i64,
}

/// ONNX's number of the type of texts.
pub const TEXTS: i64 = 8;

/// The name of a TensorProto of texts, which nothing reads; nothing for other types.
pub fn texts(bytes: &[u8]) -> Result<Option<&str>, Rejection> {
    let raw = Raw::read(bytes)?;
    if raw.kind != TEXTS {
        return Ok(None);
    }
    let numbers = [raw.words.len(), raw.double_words.len(), raw.short_integers.len(), raw.integers.len()];
    let is_inside = raw.bytes.is_none() && raw.location == 0 && raw.entries.is_empty() && numbers == [0; 4];
    let count = raw.dims.iter().try_fold(1, |n: i64, &d| n.checked_mul(d).filter(|_| d >= 0));
    match is_inside && count == i64::try_from(raw.texts).ok() {
        true => Ok(Some(raw.name)),
        false => Err(raw.refuse(Code::MalformedModel, &format!("{:?} texts", raw.dims), raw.texts.to_string())),
    }
}

impl Tensor {
    /// Reads a TensorProto, whose numbers may stand in another file.
    pub fn read(bytes: &[u8], files: Files) -> Result<Tensor, Rejection> {
        Raw::read(bytes)?.tensor(files)
    }
}

impl<'a> Raw<'a> {
    fn read(bytes: &'a [u8]) -> Result<Raw<'a>, Rejection> {
        let mut raw = Raw::default();
        for field in fields(bytes) {
            match field? {
                (1, wire) => wire.integers(&mut raw.dims)?,
                (2, wire) => raw.kind = wire.integer()?,
                (4, wire) => wire.words(&mut raw.words)?,
                (5, wire) => wire.integers(&mut raw.short_integers)?,
                (6, _) => raw.texts += 1,
                (7, wire) => wire.integers(&mut raw.integers)?,
                (8, wire) => raw.name = wire.text()?,
                (9, wire) => raw.bytes = Some(wire.bytes()?.into()),
                (10, wire) => wire.double_words(&mut raw.double_words)?,
                (13, wire) => raw.entries.push(wire.bytes()?),
                (14, wire) => raw.location = wire.integer()?,
                _ => {}
            }
        }
        Ok(raw)
    }

    fn refuse(&self, code: Code, expected: &str, found: impl Into<String>) -> Rejection {
        Rejection::new(code, format!("constant `{}`", self.name.escape_debug()), expected, found)
    }

    fn tensor(mut self, files: Files) -> Result<Tensor, Rejection> {
        let dims = self.dims.iter().map(|&d| usize::try_from(d)).collect::<Result<Vec<_>, _>>();
        let dims = dims.map_err(|_| self.refuse(Code::MalformedModel, "sizes ≥ 0", format!("{:?}", self.dims)))?;
        let count = dims.iter().try_fold(1_u64, |n, &d| n.checked_mul(d as u64)).unwrap_or(u64::MAX);
        budget::within(self.name, "entries", count, budget::WEIGHTS)?;
        let Some(kind) = Kind::read(self.kind) else {
            let found = format!("type {}", self.kind);
            return Err(self.refuse(Code::Unsupported, "floats of 16, 32 or 64 bits, int32, int64 or bool", found));
        };
        self.fetch(kind, count, files)?;
        self.check_place(kind)?;
        if dims.is_empty()
            && let Some(above) = self.infinite(kind)?
        {
            return Ok(Tensor { name: self.name.into(), dims, kind, entries: Entries::Infinite(above) });
        }
        let entries = match kind {
            Kind::Float32 => Entries::Floats(self.finite(Floats::Words(self.words_of_file()?.into()))?),
            Kind::Float64 => Entries::Floats(self.finite(Floats::DoubleWords(self.double_words_of_file()?.into()))?),
            Kind::Int32 => Entries::Integers(match &self.bytes {
                Some(_) => self.words_of_file()?.into_iter().map(|word| i64::from(word as i32)).collect(),
                None => self.short_integers.clone(),
            }),
            Kind::Int64 => Entries::Integers(match &self.bytes {
                Some(_) => self.double_words_of_file()?.into_iter().map(|word| word as i64).collect(),
                None => self.integers.clone(),
            }),
            Kind::Float16 => Entries::Floats(self.small(kind, Float::binary16)?),
            Kind::Bfloat16 => Entries::Floats(self.small(kind, |bits| Float::binary32(u32::from(bits) << 16))?),
            Kind::Bool => Entries::Integers(self.bits(kind)?.into_iter().map(i64::from).collect()),
        };
        let found = match &entries {
            Entries::Floats(floats) => floats.len(),
            Entries::Integers(integers) => integers.len(),
            Entries::Infinite(_) => 1,
        };
        if found as u64 != count {
            return Err(self.refuse(Code::MalformedModel, &format!("{count} numbers"), found.to_string()));
        }
        Ok(Tensor { name: self.name.into(), dims, kind, entries })
    }

    /// Whether it is above 0, if the only number is one that is infinite.
    fn infinite(&self, kind: Kind) -> Result<Option<bool>, Rejection> {
        let found = match kind {
            Kind::Float32 => match self.words_of_file()?[..] {
                [bits] => (bits << 1 == 0xff00_0000).then_some(bits >> 31 == 0),
                _ => None,
            },
            Kind::Float64 => match self.double_words_of_file()?[..] {
                [bits] => (bits << 1 == 0xffe0_0000_0000_0000).then_some(bits >> 63 == 0),
                _ => None,
            },
            _ => None,
        };
        Ok(found)
    }

    /// The numbers of another file as if they stood in this one.
    fn fetch(&mut self, kind: Kind, count: u64, files: Files) -> Result<(), Rejection> {
        match self.location {
            0 if self.entries.is_empty() => return Ok(()),
            1 if self.bytes.is_none() => {}
            _ => {
                let expected = "numbers inside the file, or outside of it";
                return Err(self.refuse(Code::MalformedModel, expected, "a place outside, and numbers inside"));
            }
        }
        let place = place(self.name, &self.entries, count.saturating_mul(kind.width()))?;
        let missing = |why: String| self.refuse(Code::ExternalData, "numbers in another file", why);
        let bytes = files(place).map_err(missing)?;
        if bytes.len() as u64 != place.length {
            return Err(missing(format!("{} bytes for {}", bytes.len(), place.length)));
        }
        self.bytes = Some(bytes.into());
        Ok(())
    }

    /// The numbers stand in raw bytes or in the list of their own type, and nowhere else.
    fn check_place(&self, kind: Kind) -> Result<(), Rejection> {
        let lists = [
            (kind == Kind::Float32, self.words.is_empty()),
            (kind == Kind::Float64, self.double_words.is_empty()),
            (kind.width() < 4 || kind == Kind::Int32, self.short_integers.is_empty()),
            (kind == Kind::Int64, self.integers.is_empty()),
            (false, self.texts == 0),
        ];
        let stray = lists.iter().any(|&(own, empty)| !empty && (!own || self.bytes.is_some()));
        match stray {
            false => Ok(()),
            true => Err(self.refuse(Code::MalformedModel, "numbers in one place, that of their type", "others")),
        }
    }

    fn finite(&self, floats: Floats) -> Result<Floats, Rejection> {
        match floats.stray() {
            None => Ok(floats),
            Some(i) => Err(self.refuse(Code::NotFinite, "finite numbers", format!("NaN or infinity at {i}"))),
        }
    }

    /// The bits of entries of one or two bytes.
    fn bits(&self, kind: Kind) -> Result<Vec<u16>, Rejection> {
        let most = if kind == Kind::Bool { 1 } else { u16::MAX };
        let bits: Option<Vec<u16>> = match &self.bytes {
            None => self.short_integers.iter().map(|&bits| u16::try_from(bits).ok()).collect(),
            Some(bytes) if kind == Kind::Bool => Some(bytes.iter().map(|&byte| byte.into()).collect()),
            Some(bytes) if !bytes.len().is_multiple_of(2) => None,
            Some(bytes) => Some(bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect()),
        };
        let bits = bits.filter(|bits| bits.iter().all(|&bits| bits <= most));
        bits.ok_or_else(|| self.refuse(Code::MalformedModel, &format!("entries of {kind:?}"), "others"))
    }

    /// Floats of two bytes.
    fn small(&self, kind: Kind, read: impl Fn(u16) -> Option<Float>) -> Result<Floats, Rejection> {
        let numbers = self.bits(kind)?.into_iter().map(read).collect::<Option<Vec<_>>>();
        let numbers = numbers.ok_or_else(|| self.refuse(Code::NotFinite, "finite numbers", "NaN or infinity"))?;
        Ok(Floats::Numbers(numbers))
    }

    fn words_of_file(&self) -> Result<Vec<u32>, Rejection> {
        match &self.bytes {
            None => Ok(self.words.clone()),
            Some(bytes) => {
                let mut words = Vec::new();
                Wire::Bytes(bytes).words(&mut words)?;
                Ok(words)
            }
        }
    }

    fn double_words_of_file(&self) -> Result<Vec<u64>, Rejection> {
        match &self.bytes {
            None => Ok(self.double_words.clone()),
            Some(bytes) => {
                let mut words = Vec::new();
                Wire::Bytes(bytes).double_words(&mut words)?;
                Ok(words)
            }
        }
    }
}
