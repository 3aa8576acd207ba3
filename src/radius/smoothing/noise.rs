//! Seeded Gaussian noise by counter: every block of it has an address, so that the order in which blocks are made, the
//! number of threads and the batching of samples change nothing.

use super::chacha::{ChaCha, NUMBERS};
use rand::TryRng;
use rand_distr::{Distribution, StandardNormal};
use std::convert::Infallible;
use std::sync::LazyLock;

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
/// Each ε is a standard normal number made from ChaCha8's stream 2·`index` + `draw` under `seed`.
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
    let mut numbers = Numbers::new(ChaCha::new(seed, index.wrapping_mul(2) + draw as u64), block.wrapping_mul(APART));
    let widths = &*WIDTHS;
    let value = |x: f64, epsilon: f64| (x + sigma * epsilon) as f32;
    for vector in inputs.chunks_exact_mut(sample.len()) {
        let mut done = 0;
        while done < sample.len() {
            let (epsilon, accepted) = candidates(numbers.next_few(), widths);
            if accepted == (1 << FEW) - 1 && sample.len() - done >= FEW {
                let (out, x) = (&mut vector[done..done + FEW], &sample[done..done + FEW]);
                out.iter_mut().zip(x).zip(epsilon).for_each(|((out, &x), epsilon)| *out = value(x, epsilon));
                numbers.take(FEW);
                done += FEW;
                continue;
            }
            let rest = vector[done..].iter_mut().zip(&sample[done..]);
            let taken = accepted.trailing_ones() as usize;
            let taken = taken.min(rest.len());
            rest.zip(epsilon).take(taken).for_each(|((out, &x), epsilon)| *out = value(x, epsilon));
            numbers.take(taken);
            done += taken;
            if done < sample.len() {
                vector[done] = value(sample[done], StandardNormal.sample(&mut numbers));
                done += 1;
            }
        }
    }
}

/// Numbers that are turned into normal ones together.
const FEW: usize = 8;

/// The right ends of the layers of `rand_distr`'s ziggurat, from the lowest one on, and 0 above the highest.
///
/// They are read off the method itself: it returns u·width of the layer that a number names, here for u = 2⁻¹⁰, which
/// lies well inside every layer but the highest, where the next number, the largest there is, lets it pass.
static WIDTHS: LazyLock<[f64; 257]> = LazyLock::new(|| {
    let mut widths = [0.0; 257];
    for (layer, width) in widths.iter_mut().enumerate().take(256) {
        let (half, tiny) = (1_u64 << 63, 1_u64 << (12 + 41));
        let normal: f64 = StandardNormal.sample(&mut Given([half | tiny | layer as u64, u64::MAX].into_iter()));
        *width = normal * 1024.0;
    }
    widths
});

/// What `rand_distr`'s ziggurat makes of each number by itself, and a bit for each that it accepts at once: all but one
/// in seventy. Without vector instructions: gathering the widths by them takes longer.
#[inline(always)]
fn candidates(numbers: &[u64; FEW], widths: &[f64; 257]) -> ([f64; FEW], u32) {
    let (mut normals, mut accepted) = ([0.0; FEW], 0);
    for (k, &number) in numbers.iter().enumerate() {
        let layer = (number & 0xff) as usize;
        // The upper 52 bits as a float in [2, 4), less 3.
        let u = f64::from_bits(number >> 12 | 1024 << 52) - 3.0;
        normals[k] = u * widths[layer];
        accepted |= u32::from(normals[k].abs() < widths[layer + 1]) << k;
    }
    (normals, accepted)
}

/// The numbers of a stream, one after the other, as `ChaCha8Rng::next_u64` gives them.
struct Numbers {
    chacha: ChaCha,
    /// The next block of the generator.
    block: u64,
    buffer: [u64; 5 * NUMBERS],
    /// Those in the buffer that are still to come.
    left: std::ops::Range<usize>,
}

impl Numbers {
    fn new(chacha: ChaCha, block: u64) -> Numbers {
        Numbers { chacha, block, buffer: [0; 5 * NUMBERS], left: 0..0 }
    }

    /// The next few, which still are to come.
    #[inline(always)]
    fn next_few(&mut self) -> &[u64; FEW] {
        if self.left.len() < FEW {
            self.refill();
        }
        self.buffer[self.left.start..self.left.start + FEW].try_into().expect("a few")
    }

    /// Takes some of those off.
    #[inline(always)]
    fn take(&mut self, count: usize) {
        self.left.start += count;
    }

    #[inline(never)]
    fn refill(&mut self) {
        self.buffer.copy_within(self.left.clone(), 0);
        let kept = self.left.len();
        let (whole, _) = self.buffer[kept..].as_chunks_mut::<NUMBERS>();
        for numbers in &mut *whole {
            self.chacha.numbers(self.block, numbers);
            self.block = self.block.wrapping_add(NUMBERS as u64 / 8);
        }
        self.left = 0..kept + whole.len() * NUMBERS;
    }
}

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("normal numbers are made from numbers of 64 bits")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let next = self.next_few()[0];
        self.take(1);
        Ok(next)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("normal numbers are made from numbers of 64 bits")
    }
}

/// Numbers that are given.
struct Given(std::array::IntoIter<u64, 2>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("normal numbers are made from numbers of 64 bits")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next().expect("two numbers are enough"))
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("normal numbers are made from numbers of 64 bits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// The definition: one number after the other from the library's own generator.
    #[test]
    fn the_noise_is_that_of_the_library() {
        for size in [1, 7, 8, 19, 784] {
            let sample: Vec<f64> = (0..size).map(|i| i as f64 / size as f64).collect();
            let mut inputs = vec![0.0_f32; size * (150_000 / size)];
            noisy_inputs(&mut inputs, &sample, 0.3, 11, 5, Draw::Estimation, 3);
            let mut generator = ChaCha8Rng::seed_from_u64(11);
            generator.set_stream(11);
            generator.set_word_pos(3 << 36);
            for (i, &input) in inputs.iter().enumerate() {
                let epsilon: f64 = StandardNormal.sample(&mut generator);
                assert_eq!(input, (sample[i % size] + 0.3 * epsilon) as f32, "number {i} of vectors of {size}");
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
