//! Certified radii: one file or folder per method, all behind one trait, listed in [`catalogue`].
//!
//! A method turns (model, samples, perturbation) into one [`Outcome`] per sample. Methods do not know each other,
//! except that a rung of the ladder may take the maximum with the rung below it.

pub mod best;
pub mod catalogue;
pub mod closed_form;
mod evidence;
pub mod exact;
pub mod heads;
pub mod ibp;
pub mod lp;
mod method;
mod outcome;
pub mod run;
mod shared;
pub mod sharp;
pub mod smoothing;

pub use evidence::{Evidence, TreeNode};
pub use method::{Cost, EveryNorm, Guarantee, Limits, Method, Needs, Norms, Setting, Subject};
pub use outcome::{EXACT_GAP, Outcome, Radius, Samples, Verdict};
pub(crate) use outcome::{does_not_apply, not_certified};
pub use shared::Shared;
