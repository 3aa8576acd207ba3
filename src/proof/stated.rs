//! Radii as certificates state them: what was found, less what the kernel's and a fast replay's sums may cost.

use super::encode::distance;
use crate::model::Model;

/// Terms of a long sum.
const MANY: usize = 512;

/// The relative amount by which a radius is lowered first where sums are long: a fast replay adds up in another order,
/// and a room of 64 last places is enough for it.
const ROOM: f64 = 1.0 / (1_u64 << 46) as f64;

/// Those by which it is lowered until the kernel accepts it; beyond the last one it is no rounding.
const LOWERED: [f64; 11] = [2e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 5e-7];

/// A radius that a certificate states.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    /// As a float.
    pub value: f64,
    /// In a certificate's words.
    pub words: String,
}

impl Stated {
    /// Just this float.
    pub fn float(value: f64) -> Stated {
        Stated { value, words: distance(value) }
    }
}

/// A radius, about this model, and what it is lowered to.
pub(super) fn lowered(radius: f64, model: &Model) -> impl Iterator<Item = Stated> + Clone {
    let first = if adds_many(model) && !is_short(radius) { ROOM } else { 0.0 };
    let least = |by: &f64| if *by == 0.0 { radius } else { radius * (1.0 - by) };
    let radii: Vec<f64> = std::iter::once(&first).chain(LOWERED.iter().filter(|by| **by > first)).map(least).collect();
    let sound = move |(k, radius): &(usize, f64)| *k == 0 || (*radius > 0.0 && radius.is_finite());
    radii.into_iter().enumerate().filter(sound).map(|(_, radius)| Stated::float(radius))
}

/// Whether the network has sums so long that they are added up in parts, as the processor likes it best.
fn adds_many(model: &Model) -> bool {
    let affine = model.graph().nodes().iter().filter_map(|node| node.op.affine());
    affine.flat_map(|affine| &affine.maps).any(|map| map.terms() >= MANY)
}

/// Whether a number is 0, infinite or of so few bits that nothing has been rounded of it, in whatever order.
fn is_short(radius: f64) -> bool {
    radius.to_bits().trailing_zeros() >= 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Graph, Layer};

    fn model(terms: usize) -> Model {
        let mut graph = Graph::new("x", &[terms]);
        let dense = Dense { rows: 1, cols: terms, weight: vec![1.0; terms], bias: vec![0.0] };
        graph.push("y", Layer::Dense(dense), &[0]).unwrap();
        Model::new(graph).unwrap()
    }

    #[test]
    fn a_rounded_radius_leaves_room_where_sums_are_long() {
        let (short, long) = (model(4), model(MANY));
        let first = |radius: f64, model: &Model| lowered(radius, model).next().expect("one at least").value;
        for radius in [0.0, 3.0, 0.75, f64::INFINITY] {
            assert_eq!(first(radius, &long), radius);
        }
        for radius in [0.1, 1.0 / 3.0, 1e-300, 1e300] {
            assert_eq!(first(radius, &short), radius);
            let share = 1.0 - first(radius, &long) / radius;
            assert!(share > 1e-14 && share < 2e-14, "{radius}: {share}");
        }
        for model in [&short, &long] {
            assert!(lowered(0.1, model).map(|stated| stated.value).is_sorted_by(|a, b| a > b));
        }
        assert_eq!(lowered(f64::INFINITY, &short).count(), 1);
    }
}
