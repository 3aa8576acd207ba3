//! What every method is asked: one network, one sample, one attacker.

pub mod coordinate;
pub mod parts;
pub mod perturbation;
mod ranges;
pub mod reach;
pub mod separable;
mod weights;
pub mod witness;

pub use perturbation::Perturbation;
pub use ranges::{Range, Ranges};
pub use weights::is_marked;
pub use witness::{Seen, Witness};

use crate::model::minorant::minorants;
use crate::model::passes::Slopes;
use crate::model::{Convexity, Minorant, Model};
use crate::norm::Norm;

/// How far can this attacker move this sample of this network before f ≤ 0?
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// f, and its split if there is one.
    pub model: &'a Model,
    /// The sample, `[input size]`, an exact copy of the `f32` input.
    pub x: &'a [f64],
    /// The sample's number in the whole run: of the input file, and of the random numbers about it.
    pub index: usize,
    /// What the attacker may do.
    pub perturbation: Perturbation<'a>,
}

impl<'a> Query<'a> {
    /// Measures the change.
    pub fn norm(&self) -> Norm {
        self.perturbation.norm
    }

    /// Number of coordinates.
    pub fn size(&self) -> usize {
        self.x.len()
    }

    /// The split of the network: whoever holds a minorant, which is made with one, knows that there is one.
    ///
    /// # Panics
    /// When the network is not feature-convex.
    pub fn split(&self) -> &'a Convexity {
        self.model.convexity().expect("minorants are made of feature-convex networks alone")
    }

    /// The minorant of these slopes.
    ///
    /// # Panics
    /// When the network is not feature-convex.
    pub fn minorant(&self, slopes: Slopes<f64>) -> Minorant {
        minorants(self.model.network(), self.x, slopes, self.split().input_stops()).remove(0)
    }

    /// A value of coordinate `i` moved into the box.
    pub fn clip(&self, i: usize, value: f64) -> f64 {
        self.perturbation.clip(i, value)
    }

    /// A point moved into the box.
    pub fn clipped(&self, mut point: Vec<f64>) -> Vec<f64> {
        self.clip_point(&mut point);
        point
    }

    /// The same in place.
    pub fn clip_point(&self, point: &mut [f64]) {
        point.iter_mut().enumerate().for_each(|(i, value)| *value = self.clip(i, *value));
    }
}
