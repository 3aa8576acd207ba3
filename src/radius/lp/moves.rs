//! Which input coordinates a program moves freely.
//!
//! Most coordinates behave the same way in the answer whatever the slopes are: for p = ∞ they move with the largest
//! change, for p = 1 they stay, and at a face of the box they stay where they would have to leave it. Such guesses take
//! most columns out of a program. They only restrict it, and the gradient of the minorant that the answer proves shows
//! which of them were wrong: those become free, until none is left.

use crate::norm::Norm;

/// What a program does with a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// It moves by itself.
    Free,
    /// It stays.
    Still,
    /// It moves by the largest change of all, in this direction (p = ∞).
    Along(f64),
}

/// The role of every coordinate.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    norm: Norm,
    /// How far each coordinate may fall and rise.
    rooms: Vec<(f64, f64)>,
    roles: Vec<Role>,
}

/// The most that a coordinate's slope may change between the two gradients for a guess.
const STEADY: f64 = 0.02;

/// Coordinates that p = 1 starts with at least.
const START: usize = 24;

/// For p = 1, how many times the decrease that is needed the first coordinates must be able to bring.
const AMPLE: f64 = 2.0;

/// Relative size of rounding noise in a gradient.
const NOISE: f64 = 1e-9;

impl Roles {
    /// Every coordinate free, with these rooms to fall and rise.
    pub fn all_free(norm: Norm, rooms: Vec<(f64, f64)>) -> Roles {
        Roles { norm, roles: vec![Role::Free; rooms.len()], rooms }
    }

    /// About the change of norm `length` that lowers a plane with this gradient most.
    pub fn step(&self, gradient: &[f64], length: f64) -> Vec<f64> {
        let steps: Vec<f64> = match self.norm {
            Norm::Linf => gradient.iter().map(|c| -c.signum() * length).collect(),
            Norm::L1 => self.greedy(gradient, length),
            _ => {
                let norm = Norm::L2.upper(gradient);
                gradient.iter().map(|c| if norm > 0.0 { -c / norm * length } else { 0.0 }).collect()
            }
        };
        steps.iter().zip(&self.rooms).map(|(step, (fall, rise))| step.clamp(-fall, *rise)).collect()
    }

    /// Spends `length` on the steepest coordinates, each as far as it may go.
    fn greedy(&self, gradient: &[f64], length: f64) -> Vec<f64> {
        let mut order: Vec<usize> = (0..gradient.len()).collect();
        order.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()));
        let (mut steps, mut left) = (vec![0.0; gradient.len()], length);
        for i in order {
            let step = self.room(i, gradient[i]).min(left);
            steps[i] = -gradient[i].signum() * step;
            left -= step;
        }
        steps
    }

    /// Guesses from the gradient at the sample and the one `after` a step to the boundary. `margin` is f at the sample,
    /// `length` the distance expected.
    pub fn guess(&mut self, before: &[f64], after: &[f64], margin: f64, length: f64) {
        if self.norm == Norm::L1 {
            return self.start(before, after, margin);
        }
        for (i, (&before, &after)) in before.iter().zip(after).enumerate() {
            if before * after <= 0.0 || after.abs() < STEADY * before.abs() {
                continue;
            }
            let room = self.room(i, before);
            if room == 0.0 {
                self.roles[i] = Role::Still;
            } else if self.norm == Norm::Linf && room > 2.0 * length {
                self.roles[i] = Role::Along(-before.signum());
            }
        }
    }

    /// The steepest coordinates, enough of them to bring the logit down.
    fn start(&mut self, before: &[f64], after: &[f64], margin: f64) {
        let steep = |i: usize| if before[i].abs() > after[i].abs() { before[i] } else { after[i] };
        let size = |i: usize| steep(i).abs();
        let mut order: Vec<usize> = (0..self.roles.len()).filter(|&i| self.room(i, steep(i)) > 0.0).collect();
        order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
        self.roles.fill(Role::Still);
        let mut decrease = 0.0;
        for (rank, i) in order.into_iter().enumerate() {
            if rank >= START && decrease > AMPLE * margin {
                break;
            }
            decrease += size(i) * self.room(i, steep(i));
            self.roles[i] = Role::Free;
        }
    }

    /// The room in the direction in which a function with slope `slope` falls.
    fn room(&self, i: usize, slope: f64) -> f64 {
        let (fall, rise) = self.rooms[i];
        if slope > 0.0 {
            fall
        } else if slope < 0.0 {
            rise
        } else {
            0.0
        }
    }

    /// Frees the coordinates whose roles do not suit a minorant with this gradient at this distance, where the distance
    /// grows by `sensitivity` per unit of the logit. Says whether there were any.
    pub fn revise(&mut self, gradient: &[f64], distance: f64, sensitivity: f64) -> bool {
        let noise = NOISE * gradient.iter().fold(0.0, |m: f64, c| m.max(c.abs()));
        let steepest = if self.norm == Norm::L1 { (1.0 + NOISE) / sensitivity } else { noise };
        let unsuited = |i: usize, role: Role, share: f64| match role {
            Role::Free => false,
            Role::Still => self.room(i, gradient[i]) > 0.0 && gradient[i].abs() > share * steepest,
            Role::Along(sign) => sign * gradient[i] > noise || self.room(i, -sign) < distance,
        };
        let of =
            |share: f64| -> Vec<usize> { (0..gradient.len()).filter(|&i| unsuited(i, self.roles[i], share)).collect() };
        if of(1.0).is_empty() {
            return false;
        }
        // For p = 1 those that nearly qualify often do next time.
        for i in of(if self.norm == Norm::L1 { 0.9 } else { 1.0 }) {
            self.roles[i] = Role::Free;
        }
        true
    }

    /// Frees all coordinates; says whether any was not.
    pub fn free(&mut self) -> bool {
        let restricted = self.roles.iter().any(|&role| role != Role::Free);
        self.roles.fill(Role::Free);
        restricted
    }

    /// The role of coordinate `i`, and how far it may fall and rise.
    pub fn of(&self, i: usize) -> (Role, (f64, f64)) {
        (self.roles[i], self.rooms[i])
    }
}
