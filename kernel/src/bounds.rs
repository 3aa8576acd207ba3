//! The box of a file: two binary32 ends for every coordinate, an infinite one meaning that there is none.

use crate::budget;
use crate::inputs::read::Inputs;
use crate::inputs::sample_shape::same_entries;
use crate::number::exact::Float;
use crate::rejection::{Code, Rejection};
use crate::sha256::sha256;
use crate::statement::Ends;

/// What infinite ends are as binary32: the lower one, then the upper one.
const INFINITE: [u32; 2] = [0xff80_0000, 0x7f80_0000];

/// A lower and an upper end for every coordinate.
#[derive(Clone, Debug)]
pub struct Bounds {
    lower: Ends,
    upper: Ends,
    /// The shape of the array.
    shape: Vec<usize>,
    digest: String,
}

impl Bounds {
    /// Reads a .npy file of `<f4`, whose last axis has the lower and the upper end of a coordinate.
    pub fn read(bytes: &[u8]) -> Result<Bounds, Rejection> {
        let inputs = Inputs::read(bytes)?;
        let Some(words) = inputs.words() else {
            return Err(Rejection::new(Code::MalformedBox, "box", "entries of float32", "others"));
        };
        budget::within("box", "entries", words.len() as u64, budget::ENTRIES)?;
        let shape = inputs.shape().to_vec();
        if shape.last() != Some(&2) {
            let expected = "a last axis of 2: the ends of every coordinate";
            return Err(Rejection::new(Code::MalformedBox, "box", expected, format!("{shape:?}")));
        }
        let words: Vec<u32> = words.collect();
        let mut ends = [Vec::new(), Vec::new()];
        for (i, pair) in words.as_chunks::<2>().0.iter().enumerate() {
            let [low, high] = [end(i, pair, 0)?, end(i, pair, 1)?];
            if let (Some(low), Some(high)) = (low, high)
                && low.exceeds(high)
            {
                return Err(Rejection::new(Code::EmptyBox, format!("box coordinate {i}"), "lo ≤ hi", "lo > hi"));
            }
            ends[0].push(low);
            ends[1].push(high);
        }
        let [lower, upper] = ends.map(|ends| Ends::each(&ends));
        Ok(Bounds { lower, upper, shape, digest: sha256(bytes) })
    }

    /// The same pairs in one row: they are the coordinates' ends as they stand.
    pub fn flattened(mut self) -> Bounds {
        self.shape = vec![self.shape.iter().product::<usize>() / 2, 2];
        self
    }

    /// Refuses a box that does not have the shape of the model's input, or a flat one, before its last axis.
    pub fn check_shape(&self, model: &[usize]) -> Result<(), Rejection> {
        let (_, shape) = self.shape.split_last().expect("a last axis of 2");
        let (size, found): (usize, usize) = (model.iter().product(), shape.iter().product());
        if found == size && same_entries(shape, model) {
            return Ok(());
        }
        let advice = if found == size { "; --flatten takes the pairs in the order in which they stand" } else { "" };
        let expected = format!("[{size}, 2], or a last axis of 2 behind {model:?}");
        Err(Rejection::new(Code::MalformedBox, "box", expected, format!("{:?}{advice}", self.shape)))
    }

    /// SHA-256 of the file.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The lower ends and the upper ones.
    pub(crate) fn ends(&self) -> [Ends; 2] {
        [self.lower.clone(), self.upper.clone()]
    }
}

/// The lower (0) or upper (1) end of coordinate `i`; `None` where there is none.
fn end(i: usize, pair: &[u32; 2], side: usize) -> Result<Option<Float>, Rejection> {
    if pair[side] == INFINITE[side] {
        return Ok(None);
    }
    let refuse = || {
        let (place, found) = (format!("box coordinate {i}"), format!("bits {:#010x}", pair[side]));
        let expected = ["a lower end, a number or -inf", "an upper end, a number or inf"][side];
        Rejection::new(Code::MalformedBox, place, expected, found)
    };
    Float::binary32(pair[side]).map(Some).ok_or_else(refuse)
}
