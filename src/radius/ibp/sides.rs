//! How far the rows of a layer that touches the input move within the ball *and* a box, to each side.
//!
//! Without a box row i moves by at most r·‖L_i‖_{p*} to either side. In a box a coordinate at its lower face cannot fall,
//! and none goes further than the opposite face. For p = 1 the largest change is then a fractional knapsack: the
//! steepest coordinates first, each as far as it may go. For p = 2 the slopes whose side has no room are left out of the
//! norm.

use crate::perturbation::Norm;
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

/// Bounds of the slopes of every row.
#[derive(Debug)]
pub(crate) struct RowSlopes {
    norm: Norm,
    /// `[coordinates]` per row: upper bounds of the slopes' sizes, and which way is down.
    rows: Vec<Vec<(f64, Falls)>>,
    /// p = 1: the coordinates of every row, steepest first, without those of slope 0.
    order: Vec<Vec<usize>>,
}

/// The slopes with the room that one sample has.
#[derive(Debug)]
pub(crate) enum Sides<'a> {
    /// p = 1: how far every coordinate may fall and rise.
    Knapsack(&'a RowSlopes, Vec<(f64, f64)>),
    /// p = 2: per row, the norms of the slopes along which it can fall and rise.
    Steepness(Vec<(f64, f64)>),
}

impl RowSlopes {
    /// `None` for norms where nothing is gained: p = ∞ is exact by intervals, fractional norms would take too long.
    pub fn new(norm: Norm, rows: impl Iterator<Item = Vec<(f64, Falls)>>) -> Option<RowSlopes> {
        if !matches!(norm, Norm::L1 | Norm::L2) {
            return None;
        }
        let rows: Vec<_> = rows.collect();
        let steepest_first = |row: &Vec<(f64, Falls)>| {
            let mut order: Vec<usize> = (0..row.len()).filter(|&j| row[j].0 != 0.0).collect();
            order.sort_by(|&a, &b| row[b].0.total_cmp(&row[a].0));
            order
        };
        let order = if norm == Norm::L1 { rows.iter().map(steepest_first).collect() } else { Vec::new() };
        Some(RowSlopes { norm, rows, order })
    }

    /// For a sample whose coordinates may fall and rise so far.
    pub fn within(&self, rooms: &[(f64, f64)]) -> Sides<'_> {
        if self.norm == Norm::L1 {
            return Sides::Knapsack(self, rooms.to_vec());
        }
        let steepness = |row: &Vec<(f64, Falls)>| {
            let side = |rises: bool| {
                let open = |(&(slope, falls), &room)| if room_of(falls, room, rises) > 0.0 { slope } else { 0.0 };
                norm2_up(&row.iter().zip(rooms).map(open).collect::<Vec<_>>())
            };
            (side(false), side(true))
        };
        Sides::Steepness(self.rows.iter().map(steepness).collect())
    }
}

impl Sides<'_> {
    /// Upper bounds of how far row `i` falls and rises within `r`.
    pub fn change(&self, i: usize, r: f64) -> (f64, f64) {
        match self {
            Sides::Steepness(rows) => (mul_up(rows[i].0, r), mul_up(rows[i].1, r)),
            Sides::Knapsack(slopes, rooms) => {
                let side = |rises: bool| knapsack(&slopes.rows[i], &slopes.order[i], rooms, rises, r);
                (side(false), side(true))
            }
        }
    }
}

/// The room of a coordinate on the side on which its row falls, or rises.
fn room_of(falls: Falls, (fall, rise): (f64, f64), rises: bool) -> f64 {
    match (falls, rises) {
        (Falls::Down, false) | (Falls::Up, true) => fall,
        (Falls::Down, true) | (Falls::Up, false) => rise,
        (Falls::Either, _) => fall.max(rise),
    }
}

/// max Σ slope_j ρ_j over 0 ≤ ρ_j ≤ room_j and Σ ρ_j ≤ r, rounded up: what is left of r is rounded up at every step.
fn knapsack(row: &[(f64, Falls)], order: &[usize], rooms: &[(f64, f64)], rises: bool, r: f64) -> f64 {
    let mut left = r;
    let steps = order.iter().map_while(|&j| {
        let (slope, falls) = row[j];
        let step = room_of(falls, rooms[j], rises).min(left);
        let term = (left > 0.0).then(|| mul_up(slope, step));
        if step > 0.0 {
            left = if step == left { 0.0 } else { (left - step).next_up() };
        }
        term
    });
    sum_up(steps)
}
