//! How far the rows of a layer that touches the input move within the ball *and* a box, to each side.
//!
//! Without a box row i moves by at most r·‖L_i‖_{p*} to either side. In a box a coordinate at its lower face cannot fall,
//! and none goes further than the opposite face. For p = 1 the largest change is then a fractional knapsack: the
//! steepest coordinates first, each as far as it may go. For p = 2 the slopes whose side has no room are left out of the
//! norm.

use crate::norm::Norm;
use crate::rounding::{mul_up, norm2_up, sum_up};

/// Which way a coordinate has to go for its row to fall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Falls {
    /// Down: the slope is positive.
    Down,
    /// Up: the slope is negative.
    Up,
    /// Nobody knows, or either.
    Either,
}

/// An upper bound of a slope's size, and which way is down.
pub(crate) type Slope = (f64, Falls);

/// Bounds of the slopes of every row.
#[derive(Debug)]
pub(crate) enum RowSlopes {
    /// p = 1: (slope, coordinate), steepest first, without slopes of 0.
    Sorted(Vec<Vec<(Slope, usize)>>),
    /// p = 2: `[coordinates]` per row, how fast it may fall as the coordinate falls, and as it rises.
    Sided(Vec<Vec<[f64; 2]>>),
}

/// How far every coordinate may fall and rise.
type Rooms = Vec<(f64, f64)>;

/// The slopes with the room that one sample has.
#[derive(Debug)]
pub(crate) enum Sides<'a> {
    /// p = 1: with the first steps of every row's knapsacks, falling and rising.
    Knapsack(&'a [Vec<(Slope, usize)>], Rooms, Vec<[Start; 2]>),
    /// p = 2: per row, the norms of the slopes along which it can fall and rise.
    Steepness(Vec<(f64, f64)>),
}

/// (slope, room) of the first coordinates that can move, and what they can spend together.
#[derive(Debug)]
pub(crate) struct Start {
    steps: Vec<(f64, f64)>,
    budget: f64,
}

/// Steps that a [`Start`] has: more than most radii can pay for.
const STEPS: usize = 24;

impl RowSlopes {
    /// `None` where nothing is gained: p = ∞ is exact by intervals, fractional norms would take too long, and for p = 2
    /// a slope of unknown sign has sides only where its coordinate cannot move at all: `fixed` says whether any cannot.
    pub fn new(norm: Norm, fixed: bool, rows: impl Iterator<Item = Vec<Slope>>) -> Option<RowSlopes> {
        let is_known = |(size, falls): &Slope| *size == 0.0 || *falls != Falls::Either;
        let has_sides = |row: &[Slope]| fixed || row.iter().all(is_known);
        match norm {
            Norm::L1 => Some(RowSlopes::Sorted(rows.map(steepest_first).collect())),
            Norm::L2 => {
                let rows = rows.map(|row| has_sides(&row).then(|| sided(row)));
                rows.collect::<Option<_>>().map(RowSlopes::Sided)
            }
            _ => None,
        }
    }

    /// Whether intervals of the coordinates could say no more about affine slopes.
    pub fn is_exact(&self) -> bool {
        matches!(self, RowSlopes::Sorted(_))
    }

    /// For a sample whose coordinates may fall and rise so far.
    pub fn within(&self, rooms: &[(f64, f64)]) -> Sides<'_> {
        match self {
            RowSlopes::Sorted(rows) => {
                let starts = rows.iter().map(|row| [start(row, rooms, false), start(row, rooms, true)]).collect();
                Sides::Knapsack(rows, rooms.to_vec(), starts)
            }
            RowSlopes::Sided(rows) => {
                let open = |room: f64| if room > 0.0 { 1.0 } else { 0.0 };
                let (fall, rise): (Vec<f64>, Vec<f64>) = rooms.iter().map(|&(f, r)| (open(f), open(r))).unzip();
                let mut buffer = vec![0.0; rooms.len()];
                let mut steepness = |row: &[[f64; 2]], down: &[f64], up: &[f64]| {
                    for (j, masked) in buffer.iter_mut().enumerate() {
                        *masked = (row[j][0] * down[j]).max(row[j][1] * up[j]);
                    }
                    norm2_up(&buffer)
                };
                let sides = rows.iter().map(|row| (steepness(row, &fall, &rise), steepness(row, &rise, &fall)));
                Sides::Steepness(sides.collect())
            }
        }
    }
}

fn steepest_first(row: Vec<Slope>) -> Vec<(Slope, usize)> {
    let mut sorted: Vec<(Slope, usize)> =
        row.into_iter().enumerate().filter(|(_, (size, _))| *size != 0.0).map(|(j, slope)| (slope, j)).collect();
    sorted.sort_by(|((a, _), _), ((b, _), _)| b.total_cmp(a));
    sorted
}

/// After an overflow nothing is known: the steepest there is.
fn sided(row: Vec<Slope>) -> Vec<[f64; 2]> {
    let one = |(size, falls): Slope| match (if size.is_nan() { f64::INFINITY } else { size }, falls) {
        (size, Falls::Down) => [size, 0.0],
        (size, Falls::Up) => [0.0, size],
        (size, Falls::Either) => [size; 2],
    };
    row.into_iter().map(one).collect()
}

/// The steps of a row's knapsack: (slope, room) of the coordinates that can move, steepest first.
fn steps(row: &[(Slope, usize)], rooms: &[(f64, f64)], rises: bool) -> impl Iterator<Item = (f64, f64)> {
    let step = move |&((size, falls), j): &(Slope, usize)| (size, room_of(falls, rooms[j], rises));
    row.iter().map(step).filter(|(_, room)| *room > 0.0)
}

fn start(row: &[(Slope, usize)], rooms: &[(f64, f64)], rises: bool) -> Start {
    let steps: Vec<_> = steps(row, rooms, rises).take(STEPS).collect();
    let budget = if steps.len() < STEPS { f64::INFINITY } else { 0.999 * steps.iter().map(|s| s.1).sum::<f64>() };
    Start { steps, budget }
}

/// The room of a coordinate on the side on which its row falls, or rises.
fn room_of(falls: Falls, (fall, rise): (f64, f64), rises: bool) -> f64 {
    match (falls, rises) {
        (Falls::Down, false) | (Falls::Up, true) => fall,
        (Falls::Down, true) | (Falls::Up, false) => rise,
        (Falls::Either, _) => fall.max(rise),
    }
}

impl Sides<'_> {
    /// Upper bounds of how far row `i` falls and rises within `r`.
    pub fn change(&self, i: usize, r: f64) -> (f64, f64) {
        match self {
            Sides::Steepness(rows) => (mul_up(rows[i].0, r), mul_up(rows[i].1, r)),
            Sides::Knapsack(rows, rooms, starts) => {
                let side = |rises: bool| {
                    let start = &starts[i][usize::from(rises)];
                    if r <= start.budget {
                        knapsack(start.steps.iter().copied(), r)
                    } else {
                        knapsack(steps(&rows[i], rooms, rises), r)
                    }
                };
                (side(false), side(true))
            }
        }
    }
}

/// max Σ slope_j ρ_j over 0 ≤ ρ_j ≤ room_j and Σ ρ_j ≤ r, rounded up: what is left of r is rounded up at every step.
fn knapsack(steps: impl Iterator<Item = (f64, f64)>, r: f64) -> f64 {
    let mut left = r;
    let terms = steps.map_while(|(slope, room)| {
        if left == 0.0 {
            return None;
        }
        let step = room.min(left);
        left = if step == left { 0.0 } else { (left - step).next_up() };
        Some(mul_up(slope, step))
    });
    sum_up(terms)
}
