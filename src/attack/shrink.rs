//! Pushing points with f ≤ 0 into smaller and smaller balls.

use crate::attack::geometry::{Rooms, into_ball, step};
use crate::attack::{Candidate, slopes};
use crate::norm::Norm;
use crate::query::Query;

/// By how much a ball is smaller than the point it is to replace, at first and at least.
const FIRST: f64 = 0.05;
const LEAST: f64 = 1e-6;

/// Steps inside one ball before it counts as too small.
const PATIENCE: usize = 16;

/// One candidate on its way.
struct Walk {
    best: Candidate,
    point: Vec<f64>,
    /// Relative distance between the best point's ball and the one tried now.
    less: f64,
    steps: usize,
}

/// Every candidate, as near as `steps` steps bring it.
pub(super) fn shrink(query: Query, candidates: Vec<Candidate>, steps: usize) -> Vec<Candidate> {
    let start = |best: Candidate| {
        let mut walk = Walk { point: best.point.clone(), best, less: FIRST, steps: 0 };
        walk.restart(query);
        walk
    };
    let mut walks: Vec<Walk> = candidates.into_iter().map(start).collect();
    for _ in 0..steps {
        let mut going: Vec<&mut Walk> = walks.iter_mut().filter(|walk| walk.less >= LEAST).collect();
        if going.is_empty() {
            break;
        }
        let points: Vec<f64> = going.iter().flat_map(|walk| walk.point.iter().copied()).collect();
        let (values, gradients) = slopes(query, &points);
        for (k, walk) in going.iter_mut().enumerate() {
            walk.go(query, values[k], &gradients[k * query.size()..(k + 1) * query.size()]);
        }
    }
    walks.into_iter().map(|walk| walk.best).collect()
}

impl Walk {
    fn radius(&self) -> f64 {
        self.best.distance * (1.0 - self.less)
    }

    /// Begins at the best point, moved into the next ball.
    fn restart(&mut self, query: Query) {
        self.steps = 0;
        self.point.clone_from(&self.best.point);
        self.pull(query);
    }

    fn pull(&mut self, query: Query) {
        let mut delta: Vec<f64> = self.point.iter().zip(query.x).map(|(p, x)| p - x).collect();
        into_ball(query.norm(), &mut delta, self.radius());
        self.point.iter_mut().zip(query.x.iter().zip(delta)).for_each(|(p, (x, d))| *p = x + d);
        query.clip_point(&mut self.point);
    }

    fn go(&mut self, query: Query, value: f64, gradient: &[f64]) {
        if value <= 0.0 {
            let distance = query.distance(&self.point);
            if distance < self.best.distance {
                self.best = Candidate { point: self.point.clone(), distance };
                self.less = (self.less * 1.5).min(0.5);
            } else {
                self.less *= 0.3;
            }
            return self.restart(query);
        }
        self.steps += 1;
        let lost = self.steps > PATIENCE || !value.is_finite() || gradient.iter().all(|&c| c == 0.0);
        if lost {
            self.less *= 0.3;
            return self.restart(query);
        }
        // Polyak's step to the value 0, Euclidean whatever the norm, then back into the ball.
        let rooms = self.rooms(query);
        let delta = step(Norm::L2, gradient, value * 1.01, &rooms);
        self.point.iter_mut().zip(delta).for_each(|(p, d)| *p += d);
        self.pull(query);
    }

    /// The box, and for p = ∞ the ball, which is a box too.
    fn rooms(&self, query: Query) -> Rooms {
        let mut rooms = Rooms::in_box(&self.point, query.perturbation);
        if query.norm() == Norm::Linf {
            let radius = self.radius();
            for (i, (p, x)) in self.point.iter().zip(query.x).enumerate() {
                rooms.fall[i] = rooms.fall[i].min((p - (x - radius)).max(0.0));
                rooms.rise[i] = rooms.rise[i].min(((x + radius) - p).max(0.0));
            }
        }
        rooms
    }
}
