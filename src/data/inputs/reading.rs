//! What a user says about numbers whose meaning a file leaves open, and entries of arrays as float32.

use crate::data::error::{DataError, Place};
use crate::data::npy::NpyValues;
use std::fmt::Debug;
use std::path::Path;
use underplane_kernel::Uint8;

/// How the entries of arrays are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What a byte k as an input means: k/255, or k itself. Where nothing is said it is k/255, unless the largest is 1.
    pub uint8: Option<Uint8>,
    /// Whether samples and weights of another shape than the model's input are its entries as they stand.
    pub flatten: bool,
    /// Whether a number that is no float32 means the nearest one.
    pub round: bool,
}

impl Reading {
    /// The entries of an array as float32. What is worth saying about it goes to `notes`; NaN and infinities stay.
    ///
    /// # Errors
    /// When an entry is no float32 and is not to be rounded, or what bytes mean is unclear; `size` entries are a
    /// sample.
    pub(super) fn float32(
        self,
        path: &Path,
        values: NpyValues,
        size: usize,
        notes: &mut Vec<String>,
    ) -> Result<Vec<f32>, DataError> {
        let mut floats = Floats::new(self, path, size);
        let values = floats.next(values)?;
        notes.extend(floats.finish()?);
        Ok(values)
    }
}

/// The entries of an array as float32, bit by bit; `size` entries are a sample.
pub(super) struct Floats<'a> {
    reading: Reading,
    path: &'a Path,
    size: usize,
    /// Entries that have been read.
    count: usize,
    /// How many of them were rounded.
    rounded: usize,
    /// The largest byte, if there are bytes.
    largest: Option<u8>,
    /// What is to be said about their type.
    remark: Option<&'static str>,
}

impl<'a> Floats<'a> {
    /// Before the first entry.
    pub fn new(reading: Reading, path: &'a Path, size: usize) -> Floats<'a> {
        Floats { reading, path, size, count: 0, rounded: 0, largest: None, remark: None }
    }

    /// The next entries; NaN and infinities stay.
    ///
    /// # Errors
    /// When an entry is no float32 and is not to be rounded.
    pub fn next(&mut self, values: NpyValues) -> Result<Vec<f32>, DataError> {
        if let (Some(_), other) = (self.reading.uint8, &values)
            && !matches!(other, NpyValues::U8(_))
        {
            return Err(no_bytes(self.path, other.type_name()));
        }
        let floats = match values {
            NpyValues::F32(values) => values,
            NpyValues::F64(values) => {
                let exact = |value: f64, nearest: f32| f64::from(nearest) == value || value.is_nan();
                self.narrowed(&values, |value| value as f32, exact)?
            }
            NpyValues::Integer(values) => {
                self.remark = Some("integers are taken as they are");
                let exact = |value: i64, nearest: f32| nearest as i128 == i128::from(value);
                self.narrowed(&values, |value| value as f32, exact)?
            }
            NpyValues::Bool(values) => {
                self.remark = Some("bool entries are taken as 0 and 1");
                values.into_iter().map(|value| f32::from(u8::from(value))).collect()
            }
            NpyValues::U8(values) => {
                self.largest = self.largest.max(values.iter().max().copied());
                match self.reading.uint8 {
                    Some(Uint8::Raw) => values.iter().map(|&k| f32::from(k)).collect(),
                    Some(Uint8::Unit) | None => values.iter().map(|&k| pixel(k)).collect(),
                }
            }
            NpyValues::Text(_) => return Err(DataError::content(self.path, Place::Whole, "numbers", "strings")),
        };
        self.count += floats.len();
        Ok(floats)
    }

    /// What is worth saying about all of them.
    ///
    /// # Errors
    /// When it is unclear what bytes mean.
    pub fn finish(self) -> Result<Vec<String>, DataError> {
        let mut remarks: Vec<String> = self.remark.map(String::from).into_iter().collect();
        if self.rounded > 0 {
            remarks.push(format!("{} of {} entries rounded to the nearest float32", self.rounded, self.count));
        }
        match (self.largest, self.reading.uint8) {
            (Some(1), None) => {
                let expected = "--uint8 unit (k means k/255) or --uint8 raw (k itself)";
                let found = "uint8 entries of which the largest is 1";
                return Err(DataError::content(self.path, Place::Whole, expected, found));
            }
            (Some(_), None) => remarks.push("uint8 entries k mean k/255".into()),
            _ => {}
        }
        Ok(remarks.iter().map(|remark| format!("{}: {remark}", self.path.display())).collect())
    }

    fn narrowed<T: Copy + Debug>(
        &mut self,
        values: &[T],
        nearest: impl Fn(T) -> f32,
        exact: impl Fn(T, f32) -> bool,
    ) -> Result<Vec<f32>, DataError> {
        let mut narrow = Vec::with_capacity(values.len());
        for &value in values {
            let float = nearest(value);
            if !exact(value, float) {
                if !self.reading.round || float.is_infinite() {
                    return Err(self.refused(self.count + narrow.len(), &format!("{value:?}"), float));
                }
                self.rounded += 1;
            }
            narrow.push(float);
        }
        Ok(narrow)
    }

    fn refused(&self, at: usize, value: &str, nearest: f32) -> DataError {
        let place = Place::Entry { sample: at / self.size, coordinate: at % self.size };
        if nearest.is_infinite() {
            return DataError::content(self.path, place, "a number within the range of float32", value);
        }
        let found = format!("{value} (nearest float32: {:?}; --round takes that one)", f64::from(nearest));
        DataError::content(self.path, place, "a number that is a float32 exactly", found)
    }
}

/// The float32 nearest to k/255 (IEEE division rounds correctly).
pub fn pixel(k: u8) -> f32 {
    f32::from(k) / 255.0
}

/// It is said what bytes mean where there are none.
pub(super) fn no_bytes(path: &Path, found: &str) -> DataError {
    DataError::content(path, Place::Whole, "uint8 entries, as --uint8 says what they mean", found)
}
