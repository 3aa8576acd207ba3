//! Steps to the boundary f = 0, with a pull back towards the input.

use crate::attack::geometry::{Rooms, step};
use crate::attack::{Candidate, slopes};
use crate::query::Query;

/// Steps go a little further than the linearisation asks for.
const OVERSHOOT: f64 = 1.05;

/// Largest share of the input's own projection in a step.
const MOST_PULL: f64 = 0.1;

/// From a point with f ≤ 0 the search goes on at this share of the way to it.
const BACK: f64 = 0.9;

/// From every point of `points` `[count × size]` the nearest point with f ≤ 0 that was met.
pub(super) fn descend(query: Query, mut points: Vec<f64>, steps: usize) -> Vec<Candidate> {
    let size = query.size();
    let input_rooms = Rooms::in_box(query.x, query.perturbation);
    let mut best: Vec<Option<Candidate>> = vec![None; points.len() / size];
    for _ in 0..steps {
        let (values, gradients) = slopes(query, &points);
        for (k, point) in points.chunks_exact_mut(size).enumerate() {
            let gradient = &gradients[k * size..(k + 1) * size];
            if values[k] <= 0.0 {
                keep(&mut best[k], query, point);
                point.iter_mut().zip(query.x).for_each(|(p, x)| *p = x + BACK * (*p - x));
            } else if values[k].is_finite() && gradient.iter().any(|&c| c != 0.0) {
                advance(query, point, values[k], gradient, &input_rooms);
            }
        }
    }
    best.into_iter().flatten().collect()
}

fn keep(best: &mut Option<Candidate>, query: Query, point: &[f64]) {
    let distance = query.distance(point);
    if best.as_ref().is_none_or(|known| distance < known.distance) {
        *best = Some(Candidate { point: point.to_vec(), distance });
    }
}

/// One step of `point` towards the plane, mixed with the step of the input towards the same plane.
fn advance(query: Query, point: &mut [f64], value: f64, gradient: &[f64], input_rooms: &Rooms) {
    let norm = query.norm();
    let own = step(norm, gradient, value, &Rooms::in_box(point, query.perturbation));
    let at_input: f64 =
        value + gradient.iter().zip(query.x.iter().zip(&*point)).map(|(c, (x, p))| c * (x - p)).sum::<f64>();
    let direct = step(norm, gradient, at_input, input_rooms);
    let (near, far) = (norm.upper(&own), norm.upper(&direct));
    let pull = if near + far > 0.0 { (near / (near + far)).min(MOST_PULL) } else { 0.0 };
    for (i, p) in point.iter_mut().enumerate() {
        *p = (1.0 - pull) * (*p + OVERSHOOT * own[i]) + pull * (query.x[i] + OVERSHOOT * direct[i]);
    }
    query.clip_point(point);
}
