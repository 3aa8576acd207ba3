//! Stored numbers, as a file stores them: they may be many.

use crate::number::exact::Float;
use std::sync::Arc;

/// Finite binary floats.
#[derive(Clone, Debug)]
pub enum Floats {
    /// The bits of float32.
    Words(Arc<Vec<u32>>),
    /// The bits of float64.
    DoubleWords(Arc<Vec<u64>>),
    /// The numbers themselves.
    Numbers(Vec<Float>),
}

impl Floats {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Floats::Words(words) => words.len(),
            Floats::DoubleWords(words) => words.len(),
            Floats::Numbers(numbers) => numbers.len(),
        }
    }

    /// One of them; nothing for NaN and the infinities.
    #[inline(always)]
    fn get(&self, i: usize) -> Option<Float> {
        match self {
            Floats::Words(words) => Float::binary32(words[i]),
            Floats::DoubleWords(words) => Float::binary64(words[i]),
            Floats::Numbers(numbers) => Some(numbers[i]),
        }
    }

    /// The first one that is NaN or infinite.
    pub fn stray(&self) -> Option<usize> {
        (0..self.len()).find(|&i| self.get(i).is_none())
    }

    /// One of them.
    #[inline(always)]
    pub fn at(&self, i: usize) -> Float {
        self.get(i).expect("constants are finite")
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Float> + Clone {
        (0..self.len()).map(|i| self.at(i))
    }

    /// Those at these places, in this order.
    pub fn picked(&self, places: impl Iterator<Item = usize>) -> Floats {
        match self {
            Floats::Words(words) => Floats::Words(Arc::new(places.map(|i| words[i]).collect())),
            Floats::DoubleWords(words) => Floats::DoubleWords(Arc::new(places.map(|i| words[i]).collect())),
            Floats::Numbers(numbers) => Floats::Numbers(places.map(|i| numbers[i]).collect()),
        }
    }
}
