//! Starts that see the kinks of φ: nearest points of planes in feature space, pulled back coordinate by coordinate.
//!
//! The gradient at a point does not see that |y_i| turns on the other side of 0. The tangent plane of g at φ(z), seen as
//! a function of x, is a sum Σ h_i(δ_i) with h_i piecewise linear, which can be minimised over a ball exactly (p = ∞) or
//! for a price λ per unit of distance.

use crate::model::passes::{backward, forward, tangent_slopes};
use crate::model::{Convexity, Enclosed};
use crate::norm::Norm;
use crate::query::coordinate::{Coordinate, Place, Turn};
use crate::query::{Perturbation, Query};

/// Planes per cap, each made at the point that the one before led to.
const PLANES: usize = 2;

/// No coordinate moves farther than this many times the distance of the tangent's nearest point.
const CAPS: [f64; 2] = [2.0, 8.0];

/// Halvings in the search for the radius or the price.
const HALVINGS: usize = 40;

/// Points to start from; none where φ has no kinks. `reach` is the distance of the tangent's nearest point.
pub(super) fn starts(query: Query, reach: f64) -> Vec<Vec<f64>> {
    let Some(convexity) = query.model.convexity().ok().filter(|convexity| !convexity.free.is_empty()) else {
        return Vec::new();
    };
    let mut points = Vec::new();
    for cap in CAPS {
        let mut point = query.x.to_vec();
        for _ in 0..PLANES {
            point = nearest(query, convexity, &point, cap * reach);
            points.push(point.clone());
        }
    }
    points
}

/// About the point nearest to x where the plane made at `point` is 0.
fn nearest(query: Query, convexity: &Convexity, point: &[f64], cap: f64) -> Vec<f64> {
    let network = query.model.network();
    let values = forward(network, point);
    let logit = values.of(network.graph().output(), 0)[0];
    let coefficients = backward(network, &tangent_slopes(network, &values), &convexity.stops);
    let coordinates = around(query, &coefficients, cap);
    let at_point: f64 = coordinates.iter().zip(point.iter().zip(query.x)).map(|(c, (p, x))| c.value(p - x)).sum();
    let margin = logit - at_point;
    let chosen = |price: f64| -> Vec<f64> { coordinates.iter().map(|c| cheapest(c, query.norm(), price)).collect() };
    let falls = |delta: &[f64]| -coordinates.iter().zip(delta).map(|(c, &d)| c.value(d)).sum::<f64>() >= margin;
    // p = ∞: the price is the radius itself, and more of it goes farther; else less of it does.
    let steepest = coordinates.iter().map(steepest).fold(0.0, f64::max);
    let (mut short, mut far) = match query.norm() {
        Norm::Linf => (0.0, cap),
        Norm::L1 => (steepest, 0.0),
        _ => (1e3 * steepest / cap.max(f64::MIN_POSITIVE), 0.0),
    };
    for _ in 0..HALVINGS {
        let middle = 0.5 * (short + far);
        if falls(&chosen(middle)) {
            far = middle;
        } else {
            short = middle;
        }
    }
    let mut nearest: Vec<f64> = chosen(far).iter().zip(query.x).map(|(d, x)| x + d).collect();
    query.clip_point(&mut nearest);
    nearest
}

/// The hᵢ of these coefficients around the sample, none farther than `cap`.
fn around(query: Query, coefficients: &[Vec<f64>], cap: f64) -> Vec<Coordinate> {
    let plain = Query { perturbation: Perturbation { weights: None, ..query.perturbation }, ..query };
    let exactly = |value: f64| Enclosed { value, error: 0.0 };
    let coefficient = |(place, turn): (Place, Turn)| (place, turn, exactly(coefficients[place.bent + 1][place.entry]));
    let slopes = coefficients[0].iter().map(|&slope| exactly(slope)).collect();
    let mut all = query.with_coefficients(slopes, plain.turns().map(coefficient));
    all.iter_mut().for_each(|coordinate| coordinate.limit(-cap, cap));
    all
}

/// The δ of least h(δ) + price·|δ| (p = 1), h(δ) + price·δ²/2 (other p), or h(δ) with |δ| ≤ price (p = ∞).
fn cheapest(coordinate: &Coordinate, norm: Norm, price: f64) -> f64 {
    let (mut coordinate, mut price) = (coordinate.clone(), price);
    if norm == Norm::Linf {
        coordinate.limit(-price, price);
        price = 0.0;
    }
    coordinate.cheapest(&coordinate.corners(), price, !matches!(norm, Norm::L1 | Norm::Linf)).0
}

/// An upper bound of |h'|.
fn steepest(coordinate: &Coordinate) -> f64 {
    let (least, most) = coordinate.slopes();
    least.abs().max(most.abs())
}
