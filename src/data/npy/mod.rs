//! NumPy arrays: `.npy` (format versions 1, 2 and 3) in and out, `.npz` in.
//!
//! Source: the format description in NumPy's documentation (`numpy.lib.format`, NEP 1).
//!
//! The crate `npyz` (0.9.1, tried) overflows on shapes that are too large, and takes headers with a key twice or an
//! unknown one, shapes beyond the file, and data behind the array; here each is an error that says where.

mod archive;
mod header;
mod write;

pub use archive::{ArchiveEntry, ArrayType, archive_names, archive_types, read_archive, read_member, with_member};
pub use write::write_npy;

use crate::data::content::Content;
use crate::data::error::{DataError, Place};
use header::{Header, Kind};
use std::path::Path;

/// An array, row-major whatever the file's order was.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Shape; empty for a single number.
    pub shape: Vec<usize>,
    /// The entries.
    pub values: NpyValues,
}

/// The entries of an array, in the type that the file has them in.
#[derive(Clone, Debug, PartialEq)]
pub enum NpyValues {
    /// 32-bit floats, or 16-bit ones, each of which is one.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// Bytes.
    U8(Vec<u8>),
    /// Any other integers that fit 64 bits with a sign.
    Integer(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Strings.
    Text(Vec<String>),
}

impl NpyValues {
    /// The type's NumPy name (for integers: their family).
    pub fn type_name(&self) -> &'static str {
        match self {
            NpyValues::F32(_) => "float32",
            NpyValues::F64(_) => "float64",
            NpyValues::U8(_) => "uint8",
            NpyValues::Integer(_) => "integers",
            NpyValues::Bool(_) => "bool",
            NpyValues::Text(_) => "strings",
        }
    }
}

/// Reads an `.npy` file of float16, float32, float64, integers, bool or strings, of either byte order, in C or Fortran
/// order.
///
/// # Errors
/// When the file cannot be read, is not such an array, or is longer or shorter than its header says.
pub fn read_npy(path: &Path) -> Result<NpyArray, DataError> {
    read_array(Content::open(path)?)
}

/// Reads one array that fills all of `content`.
pub(crate) fn read_array(content: Content<'_>) -> Result<NpyArray, DataError> {
    let mut reader = NpyReader::new(content)?;
    let values = reader.take(reader.entries())?;
    let is_row_major = reader.is_row_major();
    let shape = reader.finish()?;
    let values = if is_row_major { values } else { row_major(values, &shape) };
    Ok(NpyArray { shape, values })
}

/// An array that is read bit by bit.
pub(crate) struct NpyReader<'a> {
    header: Header,
    content: Content<'a>,
}

impl<'a> NpyReader<'a> {
    /// Reads the header.
    pub fn new(mut content: Content<'a>) -> Result<NpyReader<'a>, DataError> {
        Ok(NpyReader { header: Header::read(&mut content)?, content })
    }

    /// The array's shape.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Whether the entries stand row by row.
    pub fn is_row_major(&self) -> bool {
        !self.header.fortran_order || self.header.shape.len() < 2
    }

    /// Number of entries of the whole array.
    pub fn entries(&self) -> usize {
        self.header.shape.iter().product()
    }

    /// The next `count` entries, in the file's order.
    pub fn take(&mut self, count: usize) -> Result<NpyValues, DataError> {
        let start = self.content.offset();
        let bytes = self.content.take(count as u64 * self.header.item as u64, "array data")?;
        decode(self.content.path(), start, &self.header, &bytes)
    }

    /// Makes sure that nothing is left behind the array, and gives its shape.
    pub fn finish(self) -> Result<Vec<usize>, DataError> {
        self.content.finish()?;
        Ok(self.header.shape)
    }
}

fn decode(path: &Path, start: u64, header: &Header, bytes: &[u8]) -> Result<NpyValues, DataError> {
    let big = header.big_endian;
    Ok(match (header.kind, header.item) {
        (Kind::Float, 2) => NpyValues::F32(items(bytes, big, |b| half(u16::from_le_bytes(b)))),
        (Kind::Float, 4) => NpyValues::F32(items(bytes, big, |b| f32::from_bits(u32::from_le_bytes(b)))),
        (Kind::Float, _) => NpyValues::F64(items(bytes, big, |b| f64::from_bits(u64::from_le_bytes(b)))),
        (Kind::Unsigned, 1) => NpyValues::U8(bytes.to_vec()),
        (Kind::Unsigned, 2) => NpyValues::Integer(items(bytes, big, |b| u16::from_le_bytes(b).into())),
        (Kind::Unsigned, 4) => NpyValues::Integer(items(bytes, big, |b| u32::from_le_bytes(b).into())),
        (Kind::Unsigned, _) => {
            let wide: Vec<u64> = items(bytes, big, u64::from_le_bytes);
            let narrow = |(i, &v): (usize, &u64)| {
                let place = Place::Offset(start + 8 * i as u64);
                i64::try_from(v).map_err(|_| DataError::content(path, place, "an integer below 2^63", v.to_string()))
            };
            NpyValues::Integer(wide.iter().enumerate().map(narrow).collect::<Result<_, _>>()?)
        }
        (Kind::Signed, 1) => NpyValues::Integer(bytes.iter().map(|&b| i64::from(b as i8)).collect()),
        (Kind::Signed, 2) => NpyValues::Integer(items(bytes, big, |b| i16::from_le_bytes(b).into())),
        (Kind::Signed, 4) => NpyValues::Integer(items(bytes, big, |b| i32::from_le_bytes(b).into())),
        (Kind::Signed, _) => NpyValues::Integer(items(bytes, big, i64::from_le_bytes)),
        (Kind::Bool, _) => {
            let truth = |(i, &b): (usize, &u8)| match b {
                0 => Ok(false),
                1 => Ok(true),
                _ => {
                    let place = Place::Offset(start + i as u64);
                    Err(DataError::content(path, place, "a truth value, 0 or 1", format!("byte {b}")))
                }
            };
            NpyValues::Bool(bytes.iter().enumerate().map(truth).collect::<Result<_, _>>()?)
        }
        (Kind::Text | Kind::Bytes, item) => {
            let text = |(i, chunk): (usize, &[u8])| {
                let place = Place::Offset(start + (item * i) as u64);
                string(header, chunk).ok_or_else(|| DataError::content(path, place, "Unicode text", "other bytes"))
            };
            NpyValues::Text(bytes.chunks_exact(item).enumerate().map(text).collect::<Result<_, _>>()?)
        }
    })
}

/// A string without the zeros at its end.
fn string(header: &Header, bytes: &[u8]) -> Option<String> {
    let text = match header.kind {
        Kind::Bytes => String::from_utf8(bytes.to_vec()).ok()?,
        _ => {
            let points: Vec<u32> = items(bytes, header.big_endian, u32::from_le_bytes);
            points.into_iter().map(char::from_u32).collect::<Option<String>>()?
        }
    };
    Some(text.trim_end_matches('\0').to_string())
}

/// A 16-bit float as a 32-bit one, exactly.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2.0_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn items<const N: usize, T>(bytes: &[u8], big_endian: bool, from_little: impl Fn([u8; N]) -> T) -> Vec<T> {
    let item = |chunk: &[u8]| {
        let mut item = [0; N];
        item.copy_from_slice(chunk);
        if big_endian {
            item.reverse();
        }
        from_little(item)
    };
    bytes.chunks_exact(N).map(item).collect()
}

fn row_major(values: NpyValues, shape: &[usize]) -> NpyValues {
    match values {
        NpyValues::F32(v) => NpyValues::F32(reorder(&v, shape)),
        NpyValues::F64(v) => NpyValues::F64(reorder(&v, shape)),
        NpyValues::U8(v) => NpyValues::U8(reorder(&v, shape)),
        NpyValues::Integer(v) => NpyValues::Integer(reorder(&v, shape)),
        NpyValues::Bool(v) => NpyValues::Bool(reorder(&v, shape)),
        NpyValues::Text(v) => NpyValues::Text(reorder(&v, shape)),
    }
}

/// Column-major entries in row-major order: walks the target in order and steps through the source by strides.
fn reorder<T: Clone>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut index = vec![0; shape.len()];
    let mut result = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        result.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()].clone());
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    result
}
