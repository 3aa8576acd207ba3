//! What floats say of points of which nothing is proven.

use super::classes::{Class, Classes};
use super::nearest::nearest;
use super::whitened::Whitened;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The nearest point of the other class's hull that was found for a sensitive point: a statement in floats, which proves
/// neither that it is the nearest one nor that the sensitive point lies outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unproven {
    /// The sensitive point, counted from 0 within its class.
    pub point: usize,
    /// Its Euclidean distance from the mean, in the units of the files of points.
    pub distance: f64,
    /// Points of the other class, counted from 0 within it: the mean of these. The greatest weight comes first.
    pub of: Vec<usize>,
    /// Their weights, with the sum 1 but for rounding.
    pub weights: Vec<f64>,
}

/// For each of these sensitive points, the nearer one of two that are found: in raw coordinates, and in whitened ones, where
/// coordinates of very different sizes do no harm.
pub fn unproven(classes: &Classes, points: &[usize]) -> Vec<Unproven> {
    if points.is_empty() {
        return Vec::new();
    }
    let whitened = Whitened::new(classes);
    let others = classes.rows(Class::Other);
    let count = others.len();
    let closest = |&i: &usize| {
        let raw = nearest(classes.row(i), count, |j| classes.row(others.start + j));
        let white = nearest(whitened.row(i), count, |j| whitened.row(others.start + j));
        let [raw, white] = [raw.face, white.face].map(|face| of_face(classes, i, face));
        if white.distance < raw.distance { white } else { raw }
    };
    points.par_iter().map(closest).collect()
}

/// The mean of a face, and its distance in raw coordinates.
fn of_face(classes: &Classes, point: usize, mut face: Vec<(usize, f64)>) -> Unproven {
    face.retain(|(_, weight)| *weight > 0.0);
    face.sort_by(|a, b| b.1.total_cmp(&a.1));
    let total: f64 = face.iter().map(|(_, weight)| weight).sum();
    let (of, weights): (Vec<usize>, Vec<f64>) = face.into_iter().map(|(j, weight)| (j, weight / total)).unzip();
    let start = classes.rows(Class::Other).start;
    let mut away = vec![0.0; classes.size()];
    for (j, weight) in of.iter().zip(&weights) {
        // Differences first: the mean may be closer than its own rounding.
        let entries = classes.row(start + j).iter().zip(classes.row(point));
        away.iter_mut().zip(entries).for_each(|(away, (v, x))| *away += weight * (f64::from(*v) - f64::from(*x)));
    }
    let distance = away.iter().map(|x| x * x).sum::<f64>().sqrt();
    Unproven { point, distance, of, weights }
}
