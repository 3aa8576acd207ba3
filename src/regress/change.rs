//! What has become of a radius.

use super::store::{Proven, Verified};
use std::fmt;

/// Relative change that counts as none unless a user says another one: solvers end a little differently on different machines.
pub const TOLERANCE: f64 = 1e-7;

/// How a radius compares with the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Within the tolerance.
    Same,
    /// Larger, and not above the stored upper side: good news, and no failure.
    Up,
    /// Smaller.
    Down,
    /// Above the stored upper side: one of the two is wrong.
    PastUpper,
    /// Nothing was certified, or the kernel refused today's certificate.
    Lost,
    /// The kernel refuses the stored certificate, or it speaks of something else.
    StoredProof,
    /// The kernel refuses the stored certificate, which is about other files than today's.
    OtherFiles,
    /// What is stored is not what a store must be.
    Store,
    /// A witness is stored and not found today, or the other way round.
    Witness,
    /// Not stored yet.
    New,
    /// Neither stored nor certified today, though the input is of the sensitive class: nothing has moved.
    NotCertified,
}

impl Change {
    /// Whether it makes the run fail.
    pub fn fails(self) -> bool {
        !matches!(self, Change::Same | Change::Up | Change::NotCertified)
    }
}

impl Change {
    /// Of a radius that is `now` and was `then`, up to a relative `tolerance`.
    pub(super) fn between(then: f64, now: f64, tolerance: f64) -> Change {
        if now < then * (1.0 - tolerance) {
            Change::Down
        } else if now > then * (1.0 + tolerance) {
            Change::Up
        } else {
            Change::Same
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Same => "same",
            Change::Up => "moved up",
            Change::Down => "moved down",
            Change::PastUpper => "past the proven upper side",
            Change::Lost => "lost its proof",
            Change::StoredProof => "stored proof refused",
            Change::OtherFiles => "files changed",
            Change::Store => "store refused",
            Change::Witness => "witness missing",
            Change::New => "not stored",
            Change::NotCertified => "not certified",
        })
    }
}

/// One radius then and now.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Input, norm, method.
    pub key: [String; 3],
    /// What is stored.
    pub old: Option<Verified>,
    /// What today's code proves, with its certificate.
    pub new: Option<Proven>,
    /// The verdict.
    pub change: Change,
    /// The reason, where there is one.
    pub detail: String,
}

impl Compared {
    /// new/old − 1, where both are finite.
    pub fn relative(&self) -> Option<f64> {
        let old = self.old.as_ref()?.radius()?;
        let new = self.new.as_ref()?.row.radius()?;
        (old > 0.0 && old.is_finite() && new.is_finite()).then(|| new / old - 1.0)
    }
}
