//! Random changes of training inputs.

use crate::data::Dataset;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// `[augmentation]` of a config.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Standard deviation of Gaussian noise on every coordinate, in input units (0: none).
    pub noise: f64,
    /// Images: pad by this many pixels, replicating the edge, and crop back to size at a random place (0: none).
    pub crop: usize,
    /// Images: mirror left and right with probability ½.
    pub flip: bool,
}

impl Augmentation {
    /// Does it need images?
    pub fn needs_images(&self) -> bool {
        self.crop > 0 || self.flip
    }

    /// The samples at `indices`, changed, `[n × features]`.
    pub fn apply(&self, data: &Dataset, indices: &[usize], rng: &mut impl Rng) -> Vec<f32> {
        let mut out = Vec::with_capacity(indices.len() * data.features());
        for &i in indices {
            let input = data.input(i);
            match data.shape.as_slice() {
                &[channels, height, width] if self.needs_images() => {
                    let mut shift = || if self.crop > 0 { rng.random_range(0..=2 * self.crop) as isize } else { 0 };
                    let (down, right) = (shift() - self.crop as isize, shift() - self.crop as isize);
                    let mirrored = self.flip && rng.random_bool(0.5);
                    for channel in 0..channels {
                        let plane = &input[channel * height * width..(channel + 1) * height * width];
                        moved(plane, width, down, right, mirrored, &mut out);
                    }
                }
                _ => out.extend_from_slice(input),
            }
        }
        if self.noise > 0.0 {
            for x in &mut out {
                let normal: f32 = StandardNormal.sample(rng);
                *x += self.noise as f32 * normal;
            }
        }
        out
    }
}

/// All samples, mirrored left and right, `[n × features]`.
///
/// # Panics
/// When the samples are no images.
pub fn mirrored(data: &Dataset) -> Vec<f32> {
    let &[_, height, width] = data.shape.as_slice() else { panic!("images are mirrored, not {:?}", data.shape) };
    let mut out = Vec::with_capacity(data.inputs.len());
    data.inputs.chunks(height * width).for_each(|plane| moved(plane, width, 0, 0, true, &mut out));
    out
}

/// Appends one plane, read `down` rows and `right` columns further on, the edge repeated outside.
fn moved(plane: &[f32], width: usize, down: isize, right: isize, mirrored: bool, out: &mut Vec<f32>) {
    let height = plane.len() / width;
    let within = |at: isize, size: usize| at.clamp(0, size as isize - 1) as usize;
    for row in 0..height {
        let line = &plane[within(row as isize + down, height) * width..][..width];
        for column in 0..width {
            let column = if mirrored { width - 1 - column } else { column };
            out.push(line[within(column as isize + right, width)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn image() -> Dataset {
        Dataset { shape: vec![1, 2, 3], inputs: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], sensitive: vec![true] }
    }

    #[test]
    fn a_move_repeats_the_edge() {
        let mut out = vec![];
        moved(&image().inputs, 3, 1, -1, false, &mut out);
        assert_eq!(out, [4.0, 4.0, 5.0, 4.0, 4.0, 5.0]);
        out.clear();
        moved(&image().inputs, 3, 0, 0, true, &mut out);
        assert_eq!(out, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }

    #[test]
    fn channels_and_samples_are_mirrored_each_by_itself() {
        let inputs = (0..12).map(|i| i as f32).collect();
        let data = Dataset { shape: vec![2, 1, 3], inputs, sensitive: vec![true, false] };
        assert_eq!(mirrored(&data), [2.0, 1.0, 0.0, 5.0, 4.0, 3.0, 8.0, 7.0, 6.0, 11.0, 10.0, 9.0]);
    }

    #[test]
    fn no_augmentation_changes_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        assert_eq!(
            Augmentation::default().apply(&image(), &[0, 0], &mut rng),
            [image().inputs, image().inputs].concat()
        );
    }

    #[test]
    fn crops_reach_every_shift_and_flips_half_of_the_samples() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let augmentation = Augmentation { crop: 1, flip: true, noise: 0.0 };
        let seen: std::collections::BTreeSet<Vec<u32>> = (0..500)
            .map(|_| augmentation.apply(&image(), &[0], &mut rng).iter().map(|x| x.to_bits()).collect())
            .collect();
        // 3 row shifts of a 2-row image give 3 results, 3 column shifts × 2 mirrorings give 6.
        assert_eq!(seen.len(), 18);
    }

    #[test]
    fn noise_has_the_stated_deviation() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let data = Dataset { shape: vec![10_000], inputs: vec![0.5; 10_000], sensitive: vec![true] };
        let out = Augmentation { noise: 0.2, ..Default::default() }.apply(&data, &[0], &mut rng);
        let variance = out.iter().map(|x| f64::from(x - 0.5).powi(2)).sum::<f64>() / 1e4;
        assert!((variance.sqrt() - 0.2).abs() < 0.01, "{}", variance.sqrt());
    }
}
