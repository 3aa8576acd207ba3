//! From a stored tensor to a constant: data types, raw and typed fields, data in another file.

use std::collections::HashMap;

use prost::bytes::Bytes;

use super::beside::Beside;
use super::call::Sign;
use super::proto::{self, TensorProto};
use super::tensor::{Dim, Ints, Tensor};
use crate::model::ModelError;

/// A constant.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    /// Float data, finite and not empty.
    Float(Tensor),
    /// Integer or truth values.
    Int(Ints),
    /// A number without axes that is infinite.
    Infinite(Sign),
}

/// Reads a tensor; `words` are its raw data where that is large, and `beside` has data outside the model file.
///
/// # Errors
/// When the tensor's name, shape, type and data do not fit together, or a float is NaN or infinite.
pub(super) fn constant(stored: &TensorProto, words: Option<Vec<u32>>, beside: &Beside) -> Result<Constant, ModelError> {
    let name = stored.name.as_deref().unwrap_or("");
    let fail = |what: String| ModelError::tensor(name, what);
    let (shape, count) = dimensions(&stored.dims).map_err(fail)?;
    check_place(stored).map_err(fail)?;
    let external = external(stored, beside, count).map_err(fail)?;
    let elsewhere = match words {
        Some(words) if stored.data_type == Some(proto::FLOAT) && words.len() == count => {
            // In the same place of memory.
            let values: Vec<f32> = words.into_iter().map(f32::from_bits).collect();
            check(name, &shape, values.iter().map(|&v| f64::from(v)))?;
            return Ok(Constant::Float(Tensor::single(shape, values)));
        }
        words => external.or_else(|| words.map(bytes_of)),
    };
    let data = Data { stored, elsewhere, count };
    if shape.is_empty()
        && let Some(sign) = infinite(&data).map_err(fail)?
    {
        return Ok(Constant::Infinite(sign));
    }
    match stored.data_type.unwrap_or(0) {
        proto::FLOAT => {
            let values =
                data.read("float_data", &stored.float_data, |b| Some(f32::from_le_bytes(b)), Some).map_err(fail)?;
            check(name, &shape, values.iter().map(|&v| f64::from(v)))?;
            Ok(Constant::Float(Tensor::single(shape, values)))
        }
        proto::DOUBLE => {
            let values =
                data.read("double_data", &stored.double_data, |b| Some(f64::from_le_bytes(b)), Some).map_err(fail)?;
            check(name, &shape, values.iter().copied())?;
            Ok(Constant::Float(Tensor::new(shape, values)))
        }
        proto::FLOAT16 => half(name, shape, &data, half_to_single),
        proto::BFLOAT16 => half(name, shape, &data, |bits| f32::from_bits(u32::from(bits) << 16)),
        proto::INT64 => {
            data.ints("int64_data", &stored.int64_data, |b| Some(i64::from_le_bytes(b)), Some, shape).map_err(fail)
        }
        proto::INT32 => data
            .ints("int32_data", &stored.int32_data, |b| Some(i32::from_le_bytes(b).into()), |v| Some(v.into()), shape)
            .map_err(fail),
        proto::BOOL => {
            data.ints("int32_data", &stored.int32_data, |[b]: [u8; 1]| truth(b.into()), truth, shape).map_err(fail)
        }
        other => Err(fail(format!("data type {other} is not supported (float32, float64, float16, int64, int32 are)"))),
    }
}

/// Tests a tensor of texts, which nothing reads.
pub(super) fn check_texts(stored: &TensorProto) -> Result<(), ModelError> {
    let fail = |what: String| ModelError::tensor(stored.name.as_deref().unwrap_or(""), what);
    let (_, count) = dimensions(&stored.dims).map_err(fail)?;
    check_place(stored).map_err(fail)?;
    let found = stored.string_data.len();
    let elsewhere = stored.raw_data.is_some() || stored.data_location.is_some() || !stored.external_data.is_empty();
    match found == count && !elsewhere {
        true => Ok(()),
        false => Err(fail(format!("expected {count} texts in string_data, found {found}"))),
    }
}

/// Which one, if it is a float32 or float64 that is infinite.
fn infinite(data: &Data) -> Result<Option<Sign>, String> {
    let stored = data.stored;
    let value = match stored.data_type.unwrap_or(0) {
        proto::FLOAT => {
            data.read("float_data", &stored.float_data, |b| Some(f32::from_le_bytes(b).into()), |v| Some(v.into()))?
        }
        proto::DOUBLE => data.read("double_data", &stored.double_data, |b| Some(f64::from_le_bytes(b)), Some)?,
        _ => return Ok(None),
    };
    Ok(value.first().and_then(|&value| Sign::of(value)))
}

/// The numbers stand in one place: raw bytes, another file, or the list of their type.
fn check_place(stored: &TensorProto) -> Result<(), String> {
    let own = match stored.data_type.unwrap_or(0) {
        proto::FLOAT => "float_data",
        proto::DOUBLE => "double_data",
        proto::INT64 => "int64_data",
        proto::STRING => "string_data",
        _ => "int32_data",
    };
    let lists = [
        ("float_data", stored.float_data.is_empty()),
        ("int32_data", stored.int32_data.is_empty()),
        ("string_data", stored.string_data.is_empty()),
        ("int64_data", stored.int64_data.is_empty()),
        ("double_data", stored.double_data.is_empty()),
    ];
    let elsewhere = stored.raw_data.is_some() || stored.data_location.unwrap_or(0) != 0;
    for (field, _) in lists.into_iter().filter(|(_, empty)| !empty) {
        if elsewhere {
            return Err(format!("has both raw data and {field}"));
        }
        if field != own {
            return Err(format!("has {field}, expected {own}"));
        }
    }
    Ok(())
}

fn half(name: &str, shape: Vec<usize>, data: &Data, widen: impl Fn(u16) -> f32) -> Result<Constant, ModelError> {
    let values = data
        .read(
            "int32_data",
            &data.stored.int32_data,
            |b| Some(widen(u16::from_le_bytes(b))),
            |v| u16::try_from(v).ok().map(&widen),
        )
        .map_err(|what| ModelError::tensor(name, what))?;
    check(name, &shape, values.iter().map(|&v| f64::from(v)))?;
    Ok(Constant::Float(Tensor::single(shape, values)))
}

/// 0 or 1.
fn truth(value: i32) -> Option<i64> {
    matches!(value, 0 | 1).then_some(value.into())
}

/// IEEE half precision: 1 sign, 5 exponent, 10 fraction bits.
fn half_to_single(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match i32::from(bits >> 10 & 0x1f) {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// The bits of a number that is one of half precision.
pub(super) fn half_bits(value: f64) -> u16 {
    let least = 2f64.powi(-14);
    let size = value.abs();
    let bits = match size < least {
        true => (size * 2f64.powi(24)) as u16,
        // Its exponent counted from 15, behind it the upper ten bits of the fraction.
        false => ((size.to_bits() >> 42) - ((1023 - 15) << 10)) as u16,
    };
    bits | u16::from(value.is_sign_negative()) << 15
}

fn dimensions(dims: &[i64]) -> Result<(Vec<usize>, usize), String> {
    let mut count = 1usize;
    let mut shape = Vec::with_capacity(dims.len());
    for &dim in dims {
        let size = usize::try_from(dim).map_err(|_| format!("has the negative dimension {dim}"))?;
        count = count.checked_mul(size).ok_or_else(|| format!("has too many entries: {dims:?}"))?;
        shape.push(size);
    }
    Ok((shape, count))
}

/// Numbers that the model can compute with: at least one, all finite.
fn check(name: &str, shape: &[usize], values: impl Iterator<Item = f64>) -> Result<(), ModelError> {
    if shape.contains(&0) {
        return Err(ModelError::tensor(name, format!("is empty: its shape is {shape:?}")));
    }
    for (index, value) in values.enumerate() {
        if !value.is_finite() {
            return Err(ModelError::tensor(name, format!("entry {} is {value}", place(index, shape))));
        }
    }
    Ok(())
}

/// The index as `[3][17]`.
pub(super) fn place(index: usize, shape: &[usize]) -> String {
    let mut left = index;
    let mut parts: Vec<String> = vec![];
    for &size in shape.iter().rev() {
        parts.push(format!("[{}]", left % size));
        left /= size;
    }
    parts.reverse();
    if parts.is_empty() { "0".into() } else { parts.concat() }
}

/// The bytes of little-endian words.
fn bytes_of(words: Vec<u32>) -> Bytes {
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

struct Data<'a> {
    stored: &'a TensorProto,
    /// The raw data, where the tensor does not hold them.
    elsewhere: Option<Bytes>,
    count: usize,
}

impl Data<'_> {
    /// The entries, from raw bytes (in this file or another) or from the typed field.
    fn read<const SIZE: usize, S: Copy, T>(
        &self,
        field: &str,
        typed: &[S],
        from_bytes: impl Fn([u8; SIZE]) -> Option<T>,
        from_typed: impl Fn(S) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        let odd = || "has an entry that its data type does not have".to_string();
        let inside = self.stored.raw_data.as_ref();
        if let Some(raw) = self.elsewhere.as_ref().or(inside) {
            let expected = self.count.checked_mul(SIZE);
            if expected != Some(raw.len()) {
                let expected = expected.map_or("more".into(), |n| n.to_string());
                let dims = &self.stored.dims;
                return Err(format!("expected {expected} bytes of raw data for shape {dims:?}, found {}", raw.len()));
            }
            let (chunks, _) = raw.as_chunks::<SIZE>();
            let mut entries = Vec::with_capacity(self.count);
            for &chunk in chunks {
                entries.push(from_bytes(chunk).ok_or_else(odd)?);
            }
            return Ok(entries);
        }
        if typed.len() != self.count {
            let (count, dims) = (self.count, &self.stored.dims);
            return Err(format!("expected {count} entries for shape {dims:?}, found {} in {field}", typed.len()));
        }
        typed.iter().map(|&value| from_typed(value)).collect::<Option<_>>().ok_or_else(odd)
    }

    fn ints<const SIZE: usize, S: Copy>(
        &self,
        field: &str,
        typed: &[S],
        from_bytes: impl Fn([u8; SIZE]) -> Option<i64>,
        from_typed: impl Fn(S) -> Option<i64>,
        shape: Vec<usize>,
    ) -> Result<Constant, String> {
        let values = self.read(field, typed, |b| from_bytes(b).map(Dim::Known), |v| from_typed(v).map(Dim::Known))?;
        Ok(Constant::Int(Ints { shape, values }))
    }
}

/// The bytes of a tensor whose data lies in another file of the model's folder.
pub(super) fn external(stored: &TensorProto, beside: &Beside, count: usize) -> Result<Option<Bytes>, String> {
    match stored.data_location.unwrap_or(0) {
        0 if stored.external_data.is_empty() => return Ok(None),
        0 => return Err("names a place outside the file, and says that its data is inside".into()),
        1 if stored.raw_data.is_some() => return Err("says that its data is in another file, and has raw data".into()),
        1 => {}
        other => return Err(format!("has the unknown data location {other}")),
    }
    let mut entries = HashMap::new();
    for entry in &stored.external_data {
        let (Some(key), Some(value)) = (entry.key.as_deref(), entry.value.as_deref()) else {
            return Err("has external data with a key or a value missing".into());
        };
        if !["location", "offset", "length", "checksum"].contains(&key) || entries.insert(key, value).is_some() {
            return Err(format!("has the external data key `{}`, or has it twice", key.escape_debug()));
        }
    }
    let entry = |key: &str| entries.get(key).copied();
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => (Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())))
            .and_then(|text| text.parse::<u64>().ok())
            .map(Some)
            .ok_or_else(|| format!("has the external {key} `{}`", text.escape_debug())),
    };
    let location = entry("location").ok_or("is stored in another file that is not named")?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let size = match stored.data_type.unwrap_or(0) {
        proto::FLOAT | proto::INT32 => 4,
        proto::DOUBLE | proto::INT64 => 8,
        proto::FLOAT16 | proto::BFLOAT16 => 2,
        proto::BOOL => 1,
        other => return Err(format!("has the unknown data type {other}")),
    };
    let expected = (count as u64).checked_mul(size).ok_or("has too many entries")?;
    if length.is_some_and(|length| length != expected) {
        let found = length.unwrap_or(0);
        return Err(format!("expected {expected} bytes for shape {:?}, found length {found}", stored.dims));
    }
    beside.part(location, offset, expected).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_exact() {
        assert_eq!(half_to_single(0x3c00), 1.0);
        assert_eq!(half_to_single(0xc000), -2.0);
        assert_eq!(half_to_single(0x0001), 2f32.powi(-24));
        assert_eq!(half_to_single(0x7bff), 65504.0);
        assert_eq!(half_to_single(0x7c00), f32::INFINITY);
        assert!(half_to_single(0x7e00).is_nan());
        for bits in (0..0x7c00).chain(0x8000..0xfc00) {
            assert_eq!(half_bits(half_to_single(bits).into()), bits);
        }
    }

    #[test]
    fn data_elsewhere_is_named_by_whole_entries() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data.bin"), 1.5_f32.to_le_bytes()).unwrap();
        let entry = |key: Option<&str>, value: Option<&str>| proto::StringStringEntryProto {
            key: key.map(Into::into),
            value: value.map(Into::into),
        };
        let read = |entries: Vec<proto::StringStringEntryProto>| {
            let tensor = TensorProto {
                dims: vec![1],
                data_type: Some(proto::FLOAT),
                data_location: Some(1),
                external_data: entries,
                ..TensorProto::default()
            };
            constant(&tensor, None, &Beside::of(&folder.path().join("model"), false))
        };
        let location = || entry(Some("location"), Some("data.bin"));
        assert!(matches!(read(vec![location()]), Ok(Constant::Float(_))));
        for half in [entry(Some("offset"), None), entry(None, Some("0")), entry(None, None)] {
            assert!(read(vec![location(), half]).unwrap_err().to_string().contains("a key or a value missing"));
        }
        assert!(read(vec![location(), location()]).is_err() && read(vec![]).is_err());
    }

    #[test]
    fn places_are_row_major() {
        assert_eq!(place(5, &[2, 3]), "[1][2]");
        assert_eq!(place(0, &[]), "0");
    }
}
