//! Where the search starts.

use crate::attack::plane;
use crate::query::{Query, Range};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How far from the input random starts lie, in distances of the tangent's nearest point.
const SPREAD: [f64; 4] = [1.0, 2.0, 0.5, 4.0];

/// At most this many of the starts lie on the way to other samples.
const OTHERS: usize = 2;

/// `[count × size]`: the input, points on the way to `others`, points behind φ's kinks, and random points around the
/// input, spread out evenly over the coordinates or over few of them, or anywhere in the box.
pub(super) fn starts(query: Query, tangent: &[f64], others: &[&[f64]], count: usize) -> Vec<f64> {
    let mut points = query.x.to_vec();
    for other in others.iter().take(OTHERS.min(count - 1)) {
        points.extend(query.x.iter().zip(*other).map(|(x, o)| 0.5 * (x + o)));
    }
    let reach = query.distance(tangent);
    let reach = if reach.is_finite() && reach > 0.0 { reach } else { 1.0 };
    for point in plane::starts(query, reach) {
        if points.len() / query.size() < count {
            points.extend(point);
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(query.index as u64);
    for k in points.len() / query.size()..count {
        let few = k % 3 == 0;
        let direction: Vec<f64> = (0..query.size())
            .map(|_| {
                let (size, rare): (f64, f64) = (rng.random_range(-1.0..1.0), rng.random());
                match few {
                    true if rare > 0.1 => 0.0,
                    true => size,
                    // Corners of the cube cross most kinks at once.
                    false => size.signum(),
                }
            })
            .collect();
        if let (Some(ranges), true) = (query.perturbation.range, k % 4 == 3) {
            let at = |(i, d): (usize, &f64)| {
                let Range { low, high } = ranges.at(i);
                low + (high - low) * 0.5 * (1.0 + d)
            };
            // Of a coordinate without an end there is no middle.
            let anywhere = direction.iter().enumerate().map(at).zip(query.x);
            points.extend(anywhere.map(|(value, &x)| if value.is_finite() { value } else { x }));
            continue;
        }
        let length = query.norm().upper(&direction).max(f64::MIN_POSITIVE);
        let factor = SPREAD[k % SPREAD.len()] * reach / length;
        let mut point: Vec<f64> = query.x.iter().zip(&direction).map(|(x, d)| x + factor * d).collect();
        query.clip_point(&mut point);
        points.extend(point);
    }
    points
}
