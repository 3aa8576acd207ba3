//! Whether a file of points is a class of a data set.

use super::classes::{Class, Classes};
use crate::data::npy::{NpyArray, NpyValues};
use std::fmt;

/// Where a file of points first differs from a class; rows and coordinates are counted from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// It has numbers of another type than float32 and uint8.
    Type(&'static str),
    /// Its points have another number of coordinates.
    Size {
        /// Of the class.
        expected: usize,
        /// Of the file.
        found: usize,
    },
    /// A row has another number at a coordinate.
    Entry {
        /// The row.
        row: usize,
        /// The coordinate.
        coordinate: usize,
        /// The class's number.
        expected: f32,
        /// The file's.
        found: f32,
    },
    /// Rows end sooner or later than the class's points.
    Count {
        /// Of the class.
        expected: usize,
        /// Of the file.
        found: usize,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Type(found) => write!(f, "expected float32 or uint8, found {found}"),
            Difference::Size { expected, found } => write!(f, "expected {expected} coordinates, found {found}"),
            Difference::Entry { row, coordinate, expected, found } => {
                write!(f, "row {row} (from 0), coordinate {coordinate}: expected {expected}, found {found}")
            }
            Difference::Count { expected, found } if found < expected => {
                write!(f, "row {found} (from 0) is missing: expected {expected} rows, found {found}")
            }
            Difference::Count { expected, found } => {
                write!(f, "row {expected} (from 0) is one too many: expected {expected} rows, found {found}")
            }
        }
    }
}

/// Where the points of a file, a byte k meaning k itself, are not those of the class, row for row; all axes but the first are
/// coordinates.
///
/// # Errors
/// The first difference.
pub fn held(classes: &Classes, class: Class, points: &NpyArray) -> Result<(), Difference> {
    let values: Vec<f32> = match &points.values {
        NpyValues::F32(values) => values.clone(),
        NpyValues::U8(bytes) => bytes.iter().map(|&k| f32::from(k)).collect(),
        other => return Err(Difference::Type(other.type_name())),
    };
    let (expected, found) = (classes.size(), points.shape.iter().skip(1).product());
    if expected != found || points.shape.is_empty() {
        return Err(Difference::Size { expected, found });
    }
    for (row, (point, i)) in values.chunks_exact(found).zip(classes.rows(class)).enumerate() {
        let differs = |(x, y): (&f32, &f32)| x != y;
        if let Some(coordinate) = classes.row(i).iter().zip(point).position(differs) {
            let (expected, found) = (classes.row(i)[coordinate], point[coordinate]);
            return Err(Difference::Entry { row, coordinate, expected, found });
        }
    }
    let (expected, found) = (classes.count(class), points.shape[0]);
    if expected == found { Ok(()) } else { Err(Difference::Count { expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn the_first_row_that_differs_is_named() {
        let inputs = vec![1.0, 2.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0];
        let classes = Classes::of(&Dataset { shape: vec![2], inputs, sensitive: vec![true, false, true, false] });
        let told = |shape: &[usize], values: &[f32]| {
            let points = NpyArray { shape: shape.to_vec(), values: NpyValues::F32(values.to_vec()) };
            held(&classes, Class::Sensitive, &points).err().map(|difference| difference.to_string())
        };
        let said = |text: &str| Some(text.to_string());
        assert_eq!(told(&[2, 2], &[1.0, 2.0, 5.0, 6.0]), None);
        assert_eq!(told(&[2, 2, 1], &[1.0, 2.0, 5.0, 6.0]), None, "coordinates as they stand");
        let entry = said("row 1 (from 0), coordinate 0: expected 5, found 3.5");
        assert_eq!(told(&[2, 2], &[1.0, 2.0, 3.5, 4.0]), entry);
        assert_eq!(told(&[3, 2], &[1.0, 2.0, 3.5, 4.0, 5.0, 6.0]), entry, "the row comes before the count");
        assert_eq!(told(&[1, 2], &[1.0, 2.0]), said("row 1 (from 0) is missing: expected 2 rows, found 1"));
        let many = said("row 2 (from 0) is one too many: expected 2 rows, found 3");
        assert_eq!(told(&[3, 2], &[1.0, 2.0, 5.0, 6.0, 7.0, 8.0]), many);
        assert_eq!(told(&[4, 1], &[1.0, 2.0, 5.0, 6.0]), said("expected 2 coordinates, found 1"));
        assert_eq!(told(&[0, 2], &[]), said("row 0 (from 0) is missing: expected 2 rows, found 0"));
        let nan = said("row 0 (from 0), coordinate 1: expected 2, found NaN");
        assert_eq!(told(&[2, 2], &[1.0, f32::NAN, 5.0, 6.0]), nan);
        let points = NpyArray { shape: vec![2, 2], values: NpyValues::U8(vec![1, 2, 5, 6]) };
        assert_eq!(held(&classes, Class::Sensitive, &points), Ok(()), "a byte is a number");
        let points = NpyArray { shape: vec![2, 2], values: NpyValues::F64(vec![1.0, 2.0, 5.0, 6.0]) };
        assert_eq!(held(&classes, Class::Sensitive, &points), Err(Difference::Type("float64")));
    }
}
