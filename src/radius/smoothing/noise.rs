//! Seeded Gaussian noise by counter: every block of it has an address, so that the order in which blocks are made, the
//! number of threads and the batching of samples change nothing.

use super::chacha::{ChaCha, NUMBERS};
use super::normal_pair::normal_pair;
use crate::matrix::{fill, vectorized};

/// What the noise is for: the two draws of one sample share no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// Choosing the class.
    Selection = 0,
    /// Bounding its probability.
    Estimation = 1,
}

/// Blocks of the generator, of 16 words each, between the starts of two blocks of noise: far more than one takes. A stream
/// has 2^64 of them, so that there is room for 2^32 blocks of noise.
const APART: u64 = 1 << 32;
/// Normals per block, roughly: small enough that the allocator keeps the memory between blocks, large enough for
/// blocked products.
const BLOCK_NUMBERS: usize = 1 << 16;

/// Noise vectors per block for inputs of `size` coordinates.
pub(crate) fn block_vectors(size: usize) -> usize {
    (BLOCK_NUMBERS / size.max(1)).clamp(1, 1024)
}

/// Writes `inputs[v][j] = sample[j] + σ·ε_vj`, rounded once to `f32`, for the noise vectors of one block.
///
/// The ε are made from ChaCha8's stream 2·`index` + `draw` under `seed`: of every 128 numbers of 64 bits, number k gives
/// the normal ones k and 128 + k ([`normal_pair`]).
pub(crate) fn noisy_inputs(
    inputs: &mut [f32],
    sample: &[f64],
    sigma: f64,
    seed: u64,
    index: u64,
    draw: Draw,
    block: u64,
) {
    assert!((inputs.len() as u64) < APART, "a block of {} numbers", inputs.len());
    let mut normals = Normals::new(ChaCha::new(seed, index.wrapping_mul(2) + draw as u64), block.wrapping_mul(APART));
    for vector in inputs.chunks_exact_mut(sample.len()) {
        let mut done = 0;
        while done < vector.len() {
            let (out, x) = (&mut vector[done..], &sample[done..]);
            let epsilon = normals.next_up_to(out.len());
            fill(&mut out[..epsilon.len()], x, epsilon, |x, epsilon| (x + sigma * f64::from(epsilon)) as f32);
            done += epsilon.len();
        }
    }
}

/// Normal numbers that are made together.
const FEW: usize = 2 * NUMBERS;

/// The normal numbers of a stream, one after the other.
struct Normals {
    chacha: ChaCha,
    /// The next block of the generator.
    block: u64,
    buffer: [f32; FEW],
    /// How many in the buffer have been taken.
    taken: usize,
}

impl Normals {
    fn new(chacha: ChaCha, block: u64) -> Normals {
        Normals { chacha, block, buffer: [0.0; FEW], taken: FEW }
    }

    /// The next ones: one at least, and at most so many.
    fn next_up_to(&mut self, most: usize) -> &[f32] {
        if self.taken == FEW {
            self.refill();
        }
        let next = &self.buffer[self.taken..FEW.min(self.taken + most)];
        self.taken += next.len();
        next
    }

    fn refill(&mut self) {
        let mut numbers = [0; NUMBERS];
        self.chacha.numbers(self.block, &mut numbers);
        self.block = self.block.wrapping_add(NUMBERS as u64 / 8);
        let (first, second) = self.buffer.split_at_mut(NUMBERS);
        vectorized(
            #[inline(always)]
            || {
                let (low, high) = (numbers.map(|number| number as u32), numbers.map(|number| (number >> 32) as u32));
                for k in 0..NUMBERS {
                    (first[k], second[k]) = normal_pair(low[k], high[k]);
                }
            },
        );
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The definition: one number after the other from the library's own generator.
    #[test]
    fn the_noise_is_made_of_the_numbers_of_the_library() {
        for size in [1, 7, 8, 19, 784] {
            let sample: Vec<f64> = (0..size).map(|i| i as f64 / size as f64).collect();
            let mut inputs = vec![0.0_f32; size * (150_000 / size)];
            noisy_inputs(&mut inputs, &sample, 0.3, 11, 5, Draw::Estimation, 3);
            let mut generator = ChaCha8Rng::seed_from_u64(11);
            generator.set_stream(11);
            generator.set_word_pos(3 << 36);
            let mut normals = Vec::new();
            while normals.len() < inputs.len() {
                let pair = |_| {
                    let number = generator.next_u64();
                    normal_pair(number as u32, (number >> 32) as u32)
                };
                let pairs: Vec<(f32, f32)> = (0..128).map(pair).collect();
                normals.extend(pairs.iter().map(|pair| pair.0).chain(pairs.iter().map(|pair| pair.1)));
            }
            for (i, (&input, &epsilon)) in inputs.iter().zip(&normals).enumerate() {
                let expected = (sample[i % size] + 0.3 * f64::from(epsilon)) as f32;
                assert_eq!(input, expected, "number {i} of vectors of {size}");
            }
        }
    }

    fn block(seed: u64, index: u64, draw: Draw, block: u64) -> Vec<f32> {
        let mut inputs = vec![0.0; 3000];
        noisy_inputs(&mut inputs, &[0.0; 3], 1.0, seed, index, draw, block);
        inputs
    }

    #[test]
    fn every_address_has_noise_of_its_own() {
        let first = block(1, 0, Draw::Selection, 0);
        assert_eq!(first, block(1, 0, Draw::Selection, 0));
        for other in [
            block(2, 0, Draw::Selection, 0),
            block(1, 1, Draw::Selection, 0),
            block(1, 0, Draw::Estimation, 0),
            block(1, 0, Draw::Selection, 1),
        ] {
            let equal = first.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!(equal < 3, "{equal} equal numbers");
            let correlation: f64 = first.iter().zip(&other).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            assert!(correlation.abs() / (first.len() as f64).sqrt() < 4.5, "{correlation}");
        }
    }

    #[test]
    fn the_noise_is_standard_normal() {
        let mut all: Vec<f64> = (0..40).flat_map(|b| block(7, 3, Draw::Estimation, b)).map(f64::from).collect();
        all.sort_by(f64::total_cmp);
        let n = all.len() as f64;
        // Kolmogorov–Smirnov; 1.95 is exceeded once in a thousand.
        let cumulative = |x: f64| 0.5 * statrs::function::erf::erfc(-x / std::f64::consts::SQRT_2);
        let distance = all.iter().enumerate().map(|(i, &x)| (cumulative(x) - (i as f64 + 0.5) / n).abs());
        let distance = distance.fold(0.0, f64::max) * n.sqrt();
        assert!(distance < 1.95, "{distance}");
        assert!(all[0] < -3.5 && all[all.len() - 1] > 3.5);
    }
}
