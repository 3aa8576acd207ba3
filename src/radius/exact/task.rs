//! What a search is about: a question, the network around its sample, and when to stop.

use crate::model::Minorant;
use crate::model::lifted::{Image, Lifted};
use crate::model::minorant::minorants_at;
use crate::model::passes::Slopes;
use crate::query::Query;
use crate::radius::Limits;
use std::time::Instant;

/// A question with what all searches about it share.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub query: Query<'a>,
    /// The network in the changes of the variables, around the sample.
    pub lifted: &'a Lifted<'a>,
    pub limits: Limits,
    pub started: Instant,
}

impl Task<'_> {
    /// f at the sample, in floats.
    pub fn value(&self) -> f64 {
        self.lifted.at_sample().of(self.query.model.graph().output(), 0)[0]
    }

    /// The changes of the nodes for changes of the variables.
    pub fn image(&self, changes: &[f64]) -> Image {
        if self.query.perturbation.weights.is_none() {
            return self.lifted.image(changes);
        }
        let mut changes = changes.to_vec();
        self.query.perturbation.unscale(&mut changes[..self.query.size()]);
        self.lifted.image(&changes)
    }

    /// The input changed by `delta`, and moved into the box.
    pub fn point(&self, delta: &[f64]) -> Vec<f64> {
        let mut delta = delta.to_vec();
        self.query.perturbation.unscale(&mut delta);
        // Rounded towards the input: among coordinates of other units a rounding may be the largest move of all.
        let moved = |(x, d): (&f64, &f64)| match x + d {
            far if (far - x).abs() <= d.abs() => far,
            far if *d > 0.0 => far.next_down(),
            far => far.next_up(),
        };
        self.query.clipped(self.query.x.iter().zip(&delta).map(moved).collect())
    }

    /// The minorant of these slopes, with its errors.
    pub fn minorant(&self, slopes: Slopes<f64>) -> Minorant {
        let Query { model, .. } = self.query;
        minorants_at(model.network(), self.lifted.at_sample(), slopes, self.query.split().input_stops()).remove(0)
    }
}
