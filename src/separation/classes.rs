//! The points of two classes.

use crate::data::npy::{NpyArray, NpyValues, write_npy};
use crate::data::{DataError, Dataset};
use std::collections::HashMap;
use std::path::Path;

/// Which class of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The one that hyperplanes cut off.
    Sensitive,
    /// The one whose hull they leave alone.
    Other,
}

/// Points of two classes with as many coordinates, every one of them finite.
#[derive(Clone, Debug)]
pub struct Classes {
    /// Shape of one point.
    pub shape: Vec<usize>,
    /// `[n × d]`, row-major: the sensitive points, then the others.
    values: Vec<f32>,
    /// How many are sensitive.
    sensitive: usize,
    /// Whether all coordinates are integers from 0 to 255.
    bytes: bool,
}

impl Classes {
    /// Labelled samples as classes, each in the samples' order. Coordinates that are all of the form k/255 in float32
    /// become the bytes k.
    pub fn of(samples: &Dataset) -> Classes {
        let (bytes, scale) = match samples.inputs.iter().all(|&x| is_pixel(x)) {
            true => (true, 255.0),
            false => (samples.inputs.iter().all(|&x| (0.0..=255.0).contains(&x) && x.fract() == 0.0), 1.0),
        };
        let entry = |x: f32| if scale == 255.0 { (x * scale).round() } else { x + 0.0 };
        let rows = |wanted: bool| (0..samples.len()).filter(move |&i| samples.sensitive[i] == wanted);
        let values: Vec<f32> =
            rows(true).chain(rows(false)).flat_map(|i| samples.input(i)).map(|&x| entry(x)).collect();
        Classes { shape: samples.shape.clone(), values, sensitive: rows(true).count(), bytes }
    }

    /// Number of coordinates.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of points of both classes.
    pub fn len(&self) -> usize {
        self.values.len() / self.size().max(1)
    }

    /// No points at all?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of points of a class.
    pub fn count(&self, class: Class) -> usize {
        match class {
            Class::Sensitive => self.sensitive,
            Class::Other => self.len() - self.sensitive,
        }
    }

    /// All points, `[n × d]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// A point; the others follow on the sensitive ones.
    pub fn row(&self, i: usize) -> &[f32] {
        let d = self.size();
        &self.values[i * d..(i + 1) * d]
    }

    /// The numbers of a class's points.
    pub fn rows(&self, class: Class) -> std::ops::Range<usize> {
        match class {
            Class::Sensitive => 0..self.sensitive,
            Class::Other => self.sensitive..self.len(),
        }
    }

    /// Whether all coordinates are integers from 0 to 255.
    pub fn are_bytes(&self) -> bool {
        self.bytes
    }

    /// Writes a class as .npy: uint8 where all coordinates are bytes, else float32.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, class: Class, path: &Path) -> Result<(), DataError> {
        let rows = self.rows(class);
        let values = &self.values[rows.start * self.size()..rows.end * self.size()];
        let shape = [&[rows.len()], self.shape.as_slice()].concat();
        let values = match self.bytes {
            true => NpyValues::U8(values.iter().map(|&k| k as u8).collect()),
            false => NpyValues::F32(values.to_vec()),
        };
        write_npy(path, &NpyArray { shape, values })
    }

    /// The sensitive points that are points of the other class, too, each with one of those (counted within its class).
    pub fn shared(&self) -> Vec<(usize, usize)> {
        let bits = |i: usize| self.row(i).iter().map(|x| (x + 0.0).to_bits()).collect::<Vec<u32>>();
        let others: HashMap<Vec<u32>, usize> = self.rows(Class::Other).map(|i| (bits(i), i - self.sensitive)).collect();
        self.rows(Class::Sensitive).filter_map(|i| Some((i, *others.get(&bits(i))?))).collect()
    }
}

/// Whether it is the float32 nearest to k/255 for a byte k.
fn is_pixel(x: f32) -> bool {
    let k = (x * 255.0).round();
    (0.0..=255.0).contains(&k) && k / 255.0 == x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_and_integers_are_bytes_and_other_numbers_are_not() {
        let classes = |inputs: Vec<f32>| {
            let sensitive = vec![false, true];
            Classes::of(&Dataset { shape: vec![2], inputs, sensitive })
        };
        let pixels = classes((0..4).map(|k| (k * 85) as f32 / 255.0).collect());
        assert!(pixels.are_bytes());
        assert_eq!((pixels.row(0), pixels.row(1)), (&[170.0, 255.0][..], &[0.0, 85.0][..]));
        let integers = classes(vec![0.0, 7.0, 255.0, 3.0]);
        assert!(integers.are_bytes());
        assert_eq!(integers.row(1), [0.0, 7.0]);
        for other in [vec![0.0, 256.0, 1.0, 1.0], vec![0.5, 1.0, 1.0, 1.0], vec![-1.0, 0.0, 1.0, 1.0]] {
            assert!(!classes(other).are_bytes());
        }
    }
}
