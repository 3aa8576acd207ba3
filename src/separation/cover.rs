//! Hyperplanes that share the sensitive points among them: each leaves all other points on one side.

use super::classes::{Class, Classes};
use super::machine::{Machine, Sample, scores};
use super::whitened::Whitened;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Steps of each machine between two assignments.
const STEPS: usize = 60;
/// Assignments before more are of no use.
const ROUNDS: usize = 12;
/// Rounds that only widen the margin.
const WIDENING: usize = 4;
/// The part of the points left over that must remain at most for another round.
const PROGRESS: f64 = 0.8;
/// The share of the full margin that is wide enough.
const WIDE: f64 = 0.9;
/// Weight of a point of the other class where not all sensitive points can be cut off.
const OTHERS: f64 = 10.0;
/// The part of the points that a machine goes on with where it has not cut off enough of them.
const TRIMMED: f64 = 0.6;
/// The part that is enough.
const ENOUGH: f64 = 0.8;

/// Looks for `pieces` hyperplanes, in whitened coordinates, of which every one of `wanted` sensitive points lies beyond
/// at least one, and no other point beyond any; starts from a random assignment, and then moves every point to the
/// hyperplane that it lies furthest beyond.
pub fn cover(
    points: &Whitened,
    classes: &Classes,
    wanted: &[usize],
    pieces: usize,
    seed: u64,
) -> Option<Vec<Vec<f64>>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut assigned: Vec<usize> = wanted.iter().map(|_| (random.next_u64() % pieces as u64) as usize).collect();
    let mut planes = vec![vec![0.0; points.width()]; pieces];
    let (mut left, mut widened) = (usize::MAX, 0);
    for _ in 0..ROUNDS {
        for (k, plane) in planes.iter_mut().enumerate() {
            let members = wanted.iter().zip(&assigned).filter(|(_, piece)| **piece == k);
            let above = members.map(|(&row, _)| Sample { row, side: 1.0, weight: 1.0 });
            let samples: Vec<Sample> = above.chain(below(classes, 1.0)).collect();
            Machine::new(points, &samples).fit(plane, STEPS);
        }
        let beyond = beyond(points, classes, wanted, &planes);
        let best =
            |row: &Vec<f64>| row.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
        let now: Vec<(usize, f64)> = beyond.iter().map(best).collect();
        let open = now.iter().filter(|(_, distance)| *distance <= 0.0).count();
        // The hinges leave 2 between the classes.
        let margin = now.iter().map(|(_, distance)| distance / 2.0).fold(f64::INFINITY, f64::min);
        widened += usize::from(open == 0);
        if margin > WIDE || widened > WIDENING {
            return Some(planes);
        }
        if open > 0 && open as f64 > PROGRESS * left as f64 {
            return None;
        }
        left = open;
        assigned = now.into_iter().map(|(piece, _)| piece).collect();
    }
    (left == 0).then_some(planes)
}

/// A hyperplane with many of these sensitive points beyond it, and no other point: a machine on all of them, then on those
/// that lie furthest beyond it, and so on until it has nearly all of its own on their side; the best one on the way.
pub fn cut(points: &Whitened, classes: &Classes, wanted: &[usize]) -> Vec<f64> {
    let mut members = wanted.to_vec();
    let mut plane = vec![0.0; points.width()];
    let mut best = (0, plane.clone());
    loop {
        let weight = (classes.count(Class::Other) as f64 / members.len() as f64).max(1.0);
        let above = members.iter().map(|&row| Sample { row, side: 1.0, weight });
        let samples: Vec<Sample> = above.chain(below(classes, OTHERS)).collect();
        Machine::new(points, &samples).fit(&mut plane, STEPS);
        let beyond = beyond(points, classes, wanted, std::slice::from_ref(&plane));
        let mut order: Vec<(f64, usize)> = beyond.iter().zip(wanted).map(|(row, &i)| (row[0], i)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let count = order.iter().filter(|(distance, _)| *distance > 0.0).count();
        if count > best.0 {
            best = (count, plane.clone());
        }
        if members.len() == 1 || count as f64 >= ENOUGH * members.len() as f64 {
            return best.1;
        }
        let kept = ((members.len() as f64 * TRIMMED) as usize).max(1);
        members = order[..kept].iter().map(|&(_, i)| i).collect();
    }
}

fn below(classes: &Classes, weight: f64) -> impl Iterator<Item = Sample> {
    classes.rows(Class::Other).map(move |row| Sample { row, side: -1.0, weight })
}

/// For every point how far beyond every hyperplane it lies, from the furthest other point on.
fn beyond(points: &Whitened, classes: &Classes, wanted: &[usize], planes: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut beyond = vec![Vec::with_capacity(planes.len()); wanted.len()];
    for plane in planes {
        let others = scores(points, plane, classes.rows(Class::Other).collect());
        let furthest = others.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let own = scores(points, plane, wanted.to_vec());
        beyond.iter_mut().zip(own).for_each(|(row, score)| row.push(score - furthest));
    }
    beyond
}
