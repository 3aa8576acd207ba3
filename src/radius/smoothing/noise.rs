//! Seeded Gaussian noise by counter: every block of it has an address, so that the order in which blocks are made, the
//! number of threads and the batching of samples change nothing.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// What the noise is for: the two draws of one sample share no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// Choosing the class.
    Selection = 0,
    /// Bounding its probability.
    Estimation = 1,
}

/// Words of the generator between the starts of two blocks: far more than a block takes. A stream has 2^68 words, so
/// that there is room for 2^32 blocks.
const BLOCK_WORDS: u128 = 1 << 36;
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
    assert!((inputs.len() as u128) < BLOCK_WORDS / 8, "a block of {} numbers", inputs.len());
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(index.wrapping_mul(2) + draw as u64);
    generator.set_word_pos(u128::from(block) * BLOCK_WORDS);
    for vector in inputs.chunks_exact_mut(sample.len()) {
        for (input, &x) in vector.iter_mut().zip(sample) {
            let epsilon: f64 = StandardNormal.sample(&mut generator);
            *input = (x + sigma * epsilon) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
