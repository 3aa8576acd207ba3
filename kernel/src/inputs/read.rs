//! Inputs: .npy files of float32 or uint8, first axis = sample.

use crate::budget;
use crate::inputs::sample_shape;
use crate::inputs::uint8::Uint8;
use crate::number::exact::{Exact, Float};
use crate::rejection::{Code, Rejection};
use std::ops::Range;

/// The inputs of a file.
#[derive(Clone, Debug)]
pub struct Inputs {
    bytes: Vec<u8>,
    kind: Kind,
    uint8: Uint8,
    /// The samples' axis first.
    shape: Vec<usize>,
    /// Coordinates of one input.
    size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Binary32,
    Byte,
}

impl Inputs {
    /// Reads a .npy file: version 1 to 3, row-major, `<f4`, or `|u1` where k means k/255.
    pub fn read(bytes: &[u8]) -> Result<Inputs, Rejection> {
        Inputs::read_as(bytes, None)
    }

    /// The same where the user says what bytes mean. Without a word, bytes up to 1 are refused: they are features that
    /// are there or not as often as pixels that are almost black.
    pub fn read_as(bytes: &[u8], uint8: Option<Uint8>) -> Result<Inputs, Rejection> {
        let refuse = |expected: &str, found: &str| Rejection::new(Code::MalformedInputs, "npy header", expected, found);
        let inputs = Inputs::read_plain(bytes)?;
        match (inputs.kind, uint8) {
            (Kind::Binary32, Some(_)) => Err(refuse("uint8 entries, as it is said what they mean", "float32")),
            (Kind::Byte, None) if inputs.bytes.iter().max() == Some(&1) => {
                let expected = "--uint8 unit (k means k/255) or --uint8 raw (k itself)";
                Err(refuse(expected, "uint8 entries of which the largest is 1"))
            }
            _ => Ok(Inputs { uint8: uint8.unwrap_or_default(), ..inputs }),
        }
    }

    /// The same with entries that mean themselves, bytes too.
    pub(crate) fn read_plain(bytes: &[u8]) -> Result<Inputs, Rejection> {
        budget::within("inputs file", "bytes", bytes.len() as u64, budget::INPUTS_BYTES)?;
        let refuse = |expected: &str, found: &str| Rejection::new(Code::MalformedInputs, "npy header", expected, found);
        if bytes.len() < 12 || &bytes[..6] != b"\x93NUMPY" {
            return Err(refuse("the magic bytes of .npy", "others"));
        }
        let header = match bytes[6] {
            1 => 10..10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]])),
            2 | 3 => 12..12 + u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize,
            other => return Err(refuse("version 1 to 3", &other.to_string())),
        };
        let text = bytes.get(Range::clone(&header)).and_then(|h| std::str::from_utf8(h).ok());
        let text = text.filter(|t| t.len() <= 65_536).ok_or_else(|| refuse("a header within the file", "none"))?;
        let header_fields = Header::read(text).ok_or_else(|| refuse(Header::EXPECTED, text.trim_end()))?;
        let Header { kind, shape } = header_fields;
        let Some((&count, sample)) = shape.split_first() else {
            return Err(refuse("at least one axis", "none"));
        };
        let size = sample.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).unwrap_or(usize::MAX);
        budget::within("inputs", "coordinates", size as u64, budget::ENTRIES)?;
        let width = if kind == Kind::Binary32 { 4 } else { 1 };
        let data = &bytes[header.end..];
        let expected = count.checked_mul(size).and_then(|n| n.checked_mul(width));
        if expected != Some(data.len()) || size == 0 {
            let expected = format!("{shape:?} numbers of {width} bytes");
            return Err(Rejection::new(Code::MalformedInputs, "npy data", expected, format!("{} bytes", data.len())));
        }
        Ok(Inputs { bytes: data.to_vec(), kind, uint8: Uint8::Raw, shape, size })
    }

    /// The same entries as flat samples: they are the model's inputs as they stand, whatever shape the file gives them.
    pub fn flattened(mut self) -> Inputs {
        self.shape = vec![self.count(), self.size];
        self
    }

    /// Refuses samples that do not have the shape of the model's input.
    pub fn check_shape(&self, model: &[usize]) -> Result<(), Rejection> {
        sample_shape::check(&self.shape, model)
    }

    /// What bytes mean, if there are any.
    pub fn uint8(&self) -> Uint8 {
        self.uint8
    }

    /// The shape of the array.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The bits of all numbers, if they are binary32.
    pub(crate) fn words(&self) -> Option<impl ExactSizeIterator<Item = u32>> {
        let word = |word: &[u8]| u32::from_le_bytes(word.try_into().expect("4 bytes"));
        (self.kind == Kind::Binary32).then(|| self.bytes.chunks_exact(4).map(word))
    }

    /// Number of inputs.
    pub fn count(&self) -> usize {
        self.shape[0]
    }

    /// Number of coordinates of one input.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Input `index`, exactly.
    pub fn input(&self, index: u64) -> Result<Exact, Rejection> {
        Ok(Exact::dyadics(&self.floats(index)?))
    }

    /// The numbers of input `index`.
    pub(crate) fn floats(&self, index: u64) -> Result<Vec<Float>, Rejection> {
        let Some(index) = usize::try_from(index).ok().filter(|&i| i < self.count()) else {
            let expected = format!("an index below {}", self.count());
            return Err(Rejection::new(Code::NoSuchInput, "input", expected, index.to_string()));
        };
        let range = index * self.size..(index + 1) * self.size;
        match self.kind {
            Kind::Byte => Ok(self.bytes[range].iter().map(|&k| byte(k, self.uint8)).collect()),
            Kind::Binary32 => {
                let float = |(i, word): (usize, &[u8])| {
                    let bits = u32::from_le_bytes(word.try_into().expect("4 bytes"));
                    let place = format!("input {index} coordinate {i}");
                    Float::binary32(bits)
                        .ok_or_else(|| Rejection::new(Code::NotFinite, place, "a finite number", "NaN or infinity"))
                };
                let words = self.bytes[range.start * 4..range.end * 4].chunks_exact(4);
                words.enumerate().map(float).collect()
            }
        }
    }
}

fn byte(k: u8, uint8: Uint8) -> Float {
    match uint8 {
        Uint8::Unit => pixel(k),
        Uint8::Raw => Float::new(i64::from(k), 0),
    }
}

/// The binary32 nearest to k/255 (never a tie, as 255 is odd and k/255 is no binary fraction but for 0 and 1).
fn pixel(k: u8) -> Float {
    // 24 bits: 2^23 ≤ k·2^s/255 < 2^24 before rounding.
    let k = i64::from(k);
    let mut shift = 23;
    while k != 0 && (k << shift) / 255 < 1 << 23 {
        shift += 1;
    }
    let (quotient, rest) = ((k << shift) / 255, (k << shift) % 255);
    Float::new(quotient + i64::from(2 * rest > 255), -shift)
}

struct Header {
    kind: Kind,
    shape: Vec<usize>,
}

impl Header {
    /// What [`Header::read`] takes.
    const EXPECTED: &str = "'descr' '<f4' (float32) or '|u1' (uint8), 'fortran_order' False, and 'shape', each once";

    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order, each once.
    fn read(text: &str) -> Option<Header> {
        let body = text.trim_end_matches([' ', '\n']).strip_prefix('{')?.strip_suffix('}')?;
        let (mut kind, mut order, mut shape) = (None, false, None);
        let mut rest = body.trim();
        while !rest.is_empty() {
            let (key, after) = rest.strip_prefix('\'')?.split_once('\'')?;
            let after = after.trim_start().strip_prefix(':')?.trim_start();
            let (value, next) = match after.strip_prefix('(') {
                Some(inside) => inside.split_once(')')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            match (key, value.trim()) {
                ("descr", "'<f4'") if kind.is_none() => kind = Some(Kind::Binary32),
                ("descr", "'|u1'") if kind.is_none() => kind = Some(Kind::Byte),
                ("fortran_order", "False") if !order => order = true,
                ("shape", dims) if shape.is_none() => {
                    let dims = dims.trim_end_matches(',');
                    let sizes = dims.split(',').map(|d| d.trim().parse::<usize>().ok()).collect::<Option<Vec<_>>>();
                    shape = Some(if dims.trim().is_empty() { vec![] } else { sizes? });
                }
                _ => return None,
            }
            rest = next.trim_start().trim_start_matches(',').trim_start();
        }
        order.then_some(())?;
        Some(Header { kind: kind?, shape: shape? })
    }
}
