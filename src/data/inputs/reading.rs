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
        let narrow = Narrow { path, size, round: self.round };
        let mut note = |text: &str| notes.push(format!("{}: {text}", path.display()));
        if let (Some(_), other) = (self.uint8, &values)
            && !matches!(other, NpyValues::U8(_))
        {
            return Err(no_bytes(path, other.type_name()));
        }
        match values {
            NpyValues::F32(values) => Ok(values),
            NpyValues::F64(values) => {
                let exact = |value: f64, nearest: f32| f64::from(nearest) == value || value.is_nan();
                narrow.all(&values, |value| value as f32, exact, &mut note)
            }
            NpyValues::Integer(values) => {
                note("integers are taken as they are");
                let exact = |value: i64, nearest: f32| nearest as i128 == i128::from(value);
                narrow.all(&values, |value| value as f32, exact, &mut note)
            }
            NpyValues::Bool(values) => {
                note("bool entries are taken as 0 and 1");
                Ok(values.into_iter().map(|value| f32::from(u8::from(value))).collect())
            }
            NpyValues::U8(values) => self.bytes(path, &values, &mut note),
            NpyValues::Text(_) => Err(DataError::content(path, Place::Whole, "numbers", "strings")),
        }
    }

    fn bytes(self, path: &Path, values: &[u8], note: &mut dyn FnMut(&str)) -> Result<Vec<f32>, DataError> {
        match self.uint8 {
            Some(Uint8::Raw) => return Ok(values.iter().map(|&k| f32::from(k)).collect()),
            Some(Uint8::Unit) => {}
            None if values.iter().max() == Some(&1) => {
                let expected = "--uint8 unit (k means k/255) or --uint8 raw (k itself)";
                return Err(DataError::content(
                    path,
                    Place::Whole,
                    expected,
                    "uint8 entries of which the largest is 1",
                ));
            }
            None => note("uint8 entries k mean k/255"),
        }
        Ok(values.iter().map(|&k| pixel(k)).collect())
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

/// Numbers of a wider type on their way to float32.
struct Narrow<'a> {
    path: &'a Path,
    size: usize,
    round: bool,
}

impl Narrow<'_> {
    fn all<T: Copy + Debug>(
        &self,
        values: &[T],
        nearest: impl Fn(T) -> f32,
        exact: impl Fn(T, f32) -> bool,
        note: &mut dyn FnMut(&str),
    ) -> Result<Vec<f32>, DataError> {
        let mut rounded = 0_usize;
        let mut narrow = Vec::with_capacity(values.len());
        for (at, &value) in values.iter().enumerate() {
            let float = nearest(value);
            if !exact(value, float) {
                if !self.round || float.is_infinite() {
                    return Err(self.refused(at, &format!("{value:?}"), float));
                }
                rounded += 1;
            }
            narrow.push(float);
        }
        if rounded > 0 {
            note(&format!("{rounded} of {} entries rounded to the nearest float32", values.len()));
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
