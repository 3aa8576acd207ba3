//! φ: what the network sees of an input.

use crate::data::Dataset;
use crate::matrix::Scalar;
use serde::{Deserialize, Serialize};

/// Which feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureKind {
    /// φ(x) = x.
    Identity,
    /// φ(x) = x − μ.
    Centred,
    /// φ(x) = (y, |y|) with y = x − μ.
    Abs,
}

/// What μ is the mean of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// One number per channel (for a flat input: one number).
    Channel,
    /// One number per coordinate.
    Feature,
}

/// φ with its constants.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    kind: FeatureKind,
    /// μ, `[features]`, in input units.
    centre: Vec<f32>,
}

impl FeatureMap {
    /// φ with the given μ `[features]` (ignored by the identity).
    pub fn new(kind: FeatureKind, centre: Vec<f32>) -> Self {
        FeatureMap { kind, centre }
    }

    /// φ with μ measured on the training split.
    pub fn fit(kind: FeatureKind, centre: Centre, data: &Dataset) -> Self {
        let features = data.features();
        let group = match (centre, data.shape.as_slice()) {
            (Centre::Feature, _) => 1,
            (Centre::Channel, [_, height, width]) => height * width,
            (Centre::Channel, _) => features,
        };
        let mut sums = vec![0.0f64; features];
        for i in 0..data.len() {
            for (sum, &x) in sums.iter_mut().zip(data.input(i)) {
                *sum += f64::from(x);
            }
        }
        let mut mean = vec![0.0f32; features];
        for (mean, sums) in mean.chunks_mut(group.max(1)).zip(sums.chunks(group.max(1))) {
            let value = sums.iter().sum::<f64>() / (sums.len() * data.len().max(1)) as f64;
            mean.fill(value as f32);
        }
        FeatureMap::new(kind, mean)
    }

    /// Which map.
    pub fn kind(&self) -> FeatureKind {
        self.kind
    }

    /// μ, `[features]`.
    pub fn centre(&self) -> &[f32] {
        &self.centre
    }

    /// Number of coordinates of φ(x).
    pub fn size(&self) -> usize {
        match self.kind {
            FeatureKind::Abs => 2 * self.centre.len(),
            _ => self.centre.len(),
        }
    }

    /// Lip_p(φ): 2^{1/p} for (y, |y|), else 1 (METHOD §1). `p` may be infinite.
    pub fn lipschitz(&self, p: f64) -> f64 {
        match self.kind {
            FeatureKind::Abs => 2f64.powf(1.0 / p),
            _ => 1.0,
        }
    }

    /// φ of every row: `[n × features]` to `[n × size]`.
    pub fn apply<T: Scalar>(&self, inputs: &[f32]) -> Vec<T> {
        let d = self.centre.len();
        let mut out = Vec::with_capacity(inputs.len() / d.max(1) * self.size());
        for row in inputs.chunks_exact(d) {
            let start = out.len();
            match self.kind {
                FeatureKind::Identity => out.extend(row.iter().map(|&x| T::of(f64::from(x)))),
                _ => out.extend(row.iter().zip(&self.centre).map(|(&x, &mu)| T::of(f64::from(x) - f64::from(mu)))),
            }
            if self.kind == FeatureKind::Abs {
                for i in start..start + d {
                    let y = out[i];
                    out.push(if y < T::ZERO { T::ZERO - y } else { y });
                }
            }
        }
        out
    }
}
