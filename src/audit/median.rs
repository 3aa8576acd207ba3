//! The median of numbers that are gone through as often as it takes, with few of them in memory.

/// So many numbers are kept; where there are more, they are counted.
const KEPT: usize = 4096;

/// A range is counted in 2^`BITS` parts.
const BITS: u32 = 12;

/// The lower median; NaN counts as nothing, and without numbers it is NaN. A pass gives it all numbers, in any order; it
/// looks at those of a range alone, at first of all, and where there are too many of them, the part of the range that
/// holds the median is the range of the next pass.
#[derive(Clone, Debug)]
pub(super) struct Median {
    /// What the keys of the range begin with, and how many of their bits come after it.
    prefix: u64,
    open: u32,
    /// How many numbers of the range lie below the median; not known in the first pass.
    below: Option<u64>,
    seen: Seen,
}

#[derive(Clone, Debug)]
enum Seen {
    /// The keys of the range.
    Keys(Vec<u64>),
    /// How many keys lie in each part of it.
    Counts(Vec<u64>),
    Found(f64),
}

impl Default for Median {
    fn default() -> Median {
        Median { prefix: 0, open: u64::BITS, below: None, seen: Seen::Keys(Vec::new()) }
    }
}

impl Median {
    /// One number of a pass.
    pub fn add(&mut self, value: f64) {
        let key = key(value);
        if value.is_nan() || key.checked_shr(self.open).unwrap_or(0) != self.prefix {
            return;
        }
        match &mut self.seen {
            Seen::Keys(keys) => {
                keys.push(key);
                if keys.len() > KEPT {
                    let keys = std::mem::take(keys);
                    self.seen = Seen::Counts(vec![0; 1 << BITS]);
                    keys.into_iter().for_each(|key| self.count(key));
                }
            }
            Seen::Counts(_) => self.count(key),
            Seen::Found(_) => {}
        }
    }

    fn count(&mut self, key: u64) {
        let part = (key >> self.closed()) & ((1 << BITS) - 1);
        if let Seen::Counts(counts) = &mut self.seen {
            counts[part as usize] += 1;
        }
    }

    /// The bits of a key that a part leaves open; where few are, the last of them are counted twice.
    fn closed(&self) -> u32 {
        self.open.saturating_sub(BITS)
    }

    /// The end of a pass; whether the median is found.
    pub fn narrow(&mut self) -> bool {
        let below = |count: usize| self.below.unwrap_or((count as u64).saturating_sub(1) / 2);
        match &mut self.seen {
            Seen::Found(_) => {}
            Seen::Keys(keys) if keys.is_empty() => self.seen = Seen::Found(f64::NAN),
            Seen::Keys(keys) => {
                let at = below(keys.len()) as usize;
                self.seen = Seen::Found(value(*keys.select_nth_unstable(at).1));
            }
            Seen::Counts(counts) => {
                let mut left = below(counts.iter().sum::<u64>() as usize);
                let holds = |count: &u64| {
                    let here = left < *count;
                    left -= if here { 0 } else { *count };
                    here
                };
                let part = counts.iter().position(holds).expect("the median is in the range") as u64;
                let closed = self.closed();
                let known = self.open - closed;
                self.prefix = self.prefix << known | part & ((1 << known) - 1);
                (self.open, self.below) = (closed, Some(left));
                self.seen = if closed == 0 { Seen::Found(value(self.prefix)) } else { Seen::Keys(Vec::new()) };
            }
        }
        matches!(self.seen, Seen::Found(_))
    }

    /// What was found.
    pub fn value(&self) -> f64 {
        if let Seen::Found(value) = self.seen { value } else { f64::NAN }
    }
}

/// Bits in the order of the numbers.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::number::median;
    use rand::{RngExt, SeedableRng};

    /// And the number of passes.
    fn narrowed(values: &[f64]) -> (f64, usize) {
        let (mut median, mut passes) = (Median::default(), 0);
        loop {
            values.iter().for_each(|value| median.add(*value));
            passes += 1;
            if median.narrow() {
                return (median.value(), passes);
            }
        }
    }

    #[test]
    fn it_is_the_median_of_all_numbers_together() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for count in [0, 1, 2, 7, KEPT, KEPT + 1, 50_000, 50_001] {
            let mut near = || 1.0 + f64::EPSILON * rng.random_range(0..5000_u64) as f64;
            let close: Vec<f64> = (0..count).map(|_| near()).collect();
            let wide =
                |_| [-1e300, 1e-300, f64::INFINITY, f64::NAN, 0.0, 3.0][rng.random_range(0..6)] * rng.random::<f64>();
            let wide: Vec<f64> = (0..count).map(wide).collect();
            for values in [close, wide, vec![0.1; count], vec![f64::NAN; count]] {
                let (found, passes) = narrowed(&values);
                assert_eq!(found.to_bits(), median(values).to_bits(), "{count}");
                assert!(passes <= 6 && (passes == 1 || count > KEPT), "{passes}");
            }
        }
    }
}
