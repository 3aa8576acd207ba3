//! What several methods and norms ask about the same samples, worked out once.

use super::Samples;
use crate::model::{Enclosed, Model, Planes};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::time::Instant;

/// Answers about the samples of one block. Every asker owes the time that an answer took: a method's seconds are those
/// that it would take by itself.
#[derive(Debug, Default)]
pub struct Shared {
    planes: OnceCell<Worked<Planes>>,
    logits: OnceCell<Worked<Enclosed>>,
    /// What is known of each head.
    heads: OnceCell<Vec<Shared>>,
    owed: Cell<f64>,
}

/// One answer per sample, and the seconds that they took.
#[derive(Debug)]
struct Worked<T> {
    answers: Vec<T>,
    seconds: f64,
}

impl Shared {
    /// The seconds that have been owed since this was last asked.
    pub fn owed(&self) -> f64 {
        self.owed.take() + self.heads.get().map_or(0.0, |heads| heads.iter().map(Shared::owed).sum())
    }

    /// The same about one of `count` heads.
    pub fn of_head(&self, head: usize, count: usize) -> &Shared {
        &self.heads.get_or_init(|| (0..count).map(|_| Shared::default()).collect())[head]
    }

    fn get<'a, T>(&'a self, place: &'a OnceCell<Worked<T>>, work: impl FnOnce() -> Vec<T>) -> &'a [T] {
        if let Some(known) = place.get() {
            self.owed.set(self.owed.get() + known.seconds);
        }
        let known = place.get_or_init(|| {
            let start = Instant::now();
            Worked { answers: work(), seconds: start.elapsed().as_secs_f64() }
        });
        &known.answers
    }
}

impl<'a> Samples<'a> {
    /// The tangent planes at the samples.
    ///
    /// # Panics
    /// When the network is not feature-convex.
    pub fn planes(&self, model: &Model) -> Cow<'a, [Planes]> {
        let work = || model.planes(self.values);
        self.shared.map_or_else(|| Cow::Owned(work()), |shared| Cow::Borrowed(shared.get(&shared.planes, work)))
    }

    /// f at the samples.
    pub fn logits(&self, model: &Model) -> Vec<Enclosed> {
        let Some(shared) = self.shared else { return model.enclose(self.values) };
        match shared.planes.get() {
            Some(_) => self.planes(model).iter().map(|planes| planes.logit).collect(),
            None => shared.get(&shared.logits, || model.enclose(self.values)).to_vec(),
        }
    }
}
