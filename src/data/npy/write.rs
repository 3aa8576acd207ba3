//! Writing `.npy` files.

use crate::data::error::{DataError, Place};
use crate::data::npy::{NpyArray, NpyValues};
use crate::files::write_atomically;
use std::io::{self, Write};
use std::path::Path;

/// Writes an array as `.npy` version 1, little endian, C order, through a temporary name.
///
/// # Errors
/// When the shape and the number of entries disagree, or the file cannot be written.
pub fn write_npy(path: &Path, array: &NpyArray) -> Result<(), DataError> {
    let entries: usize = array.shape.iter().product();
    let found = count(&array.values);
    if entries != found {
        let expected = format!("{entries} entries for shape {:?}", array.shape);
        return Err(DataError::content(path, Place::Whole, expected, format!("{found}")));
    }
    Ok(write_atomically(path, |out| write_to(out, array))?)
}

/// Number of entries.
fn count(values: &NpyValues) -> usize {
    match values {
        NpyValues::F32(v) => v.len(),
        NpyValues::F64(v) => v.len(),
        NpyValues::U8(v) => v.len(),
        NpyValues::Integer(v) => v.len(),
        NpyValues::Bool(v) => v.len(),
        NpyValues::Text(v) => v.len(),
    }
}

fn write_to(out: &mut dyn Write, array: &NpyArray) -> io::Result<()> {
    let descr = match &array.values {
        NpyValues::F32(_) => "<f4",
        NpyValues::F64(_) => "<f8",
        NpyValues::U8(_) => "|u1",
        NpyValues::Integer(_) => "<i8",
        NpyValues::Bool(_) => "|b1",
        NpyValues::Text(v) => &format!("<U{}", width(v)),
    };
    let lengths: String = array.shape.iter().map(|n| format!("{n},")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // Magic, version and length take 10 bytes; data starts at a multiple of 64, after a newline.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(io::Error::other)?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    match &array.values {
        NpyValues::F32(v) => v.iter().try_for_each(|x| out.write_all(&x.to_le_bytes())),
        NpyValues::F64(v) => v.iter().try_for_each(|x| out.write_all(&x.to_le_bytes())),
        NpyValues::U8(v) => out.write_all(v),
        NpyValues::Integer(v) => v.iter().try_for_each(|x| out.write_all(&x.to_le_bytes())),
        NpyValues::Bool(v) => v.iter().try_for_each(|&x| out.write_all(&[x.into()])),
        NpyValues::Text(v) => v.iter().try_for_each(|text| {
            let filled = text.chars().chain(std::iter::repeat('\0')).take(width(v));
            filled.map(u32::from).try_for_each(|point| out.write_all(&point.to_le_bytes()))
        }),
    }
}

/// Characters of the longest text.
fn width(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1)
}
