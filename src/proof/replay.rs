//! The kernel's word on the answers of a run: what it accepts stays, what it refuses becomes unknown.

use super::{Proof, Prover, Wanted};
use crate::model::Model;
use crate::radius::{Outcome, Verdict};

/// How the reason of a refused result begins.
const REFUSED: &str = "not proven: ";

/// Has the kernel replay the evidence of a certified radius. Its radius is the proven one then, perhaps a few roundings
/// smaller; where the kernel refuses (or has refused the model: `prover` says why) the outcome is unknown, with the
/// reason. `None` where nothing has been proven.
pub fn replay(prover: Result<&Prover, &str>, model: &Model, wanted: Wanted, outcome: &mut Outcome) -> Option<Proof> {
    outcome.radius()?;
    let proof = match prover {
        Ok(prover) => prover.prove(model, wanted, outcome).map_err(|why| why.to_string()),
        Err(why) => Err(format!("the kernel refuses the model: {why}")),
    };
    match proof {
        Ok(proof) => {
            outcome.verdict = Verdict::Certified(proof.radius);
            Some(proof)
        }
        Err(why) => {
            outcome.verdict = Verdict::Unknown(format!("{REFUSED}{why}"));
            None
        }
    }
}

/// Whether [`replay`] made this outcome unknown.
pub fn is_refused(outcome: &Outcome) -> bool {
    matches!(&outcome.verdict, Verdict::Unknown(why) if why.starts_with(REFUSED))
}
