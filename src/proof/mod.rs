//! Certificates for radii: from a method's evidence to a line of `proofs-data/FORMAT.md` that the kernel has accepted.
//!
//! Nothing here is trusted. The slopes are packed, a multiplier is looked for where the norm needs one, and the kernel
//! decides; where rounding made the radius a little too large, a slightly smaller one is tried.

mod claims;
mod codes;
mod encode;
pub mod fast;
mod inputs;
mod multiplier;
mod plan;
mod replay;

use crate::model::minorant::minorants;
use crate::model::passes::{Slopes, forward, tangent_slopes};
use crate::model::{Convexity, Minorant, Model, Sensitive};
use crate::norm::Norm;
use crate::query::Witness;
use crate::query::{Perturbation, separable};
use crate::radius::{Evidence, Outcome, Radius};
pub use claims::Claimed;
use codes::Packing;
use encode::{Line, Node, decimal};
pub use encode::{distance, npy};
pub use fast::exact;
pub use inputs::{KernelInputs, reads_weights};
use plan::{Bound, Step};
pub use replay::{grouped, replay, replay_or_less};
use std::fmt;
use underplane_kernel::{self as kernel, Code, Rejection, Statement, Unit, check_weighted};

/// Relative amounts by which a radius is lowered until the kernel accepts it; beyond the last one it is no rounding.
const LOWERED: [f64; 12] = [0.0, 2e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 5e-7];

/// Bits of a code where 0 and 1 are not enough.
const BITS: [usize; 1] = [32];

/// The same in a tree, whose many slopes are kept small where that is enough.
const TREE_BITS: [usize; 3] = [16, 24, 32];

/// A certificate that the kernel has accepted.
#[derive(Clone, Debug)]
pub struct Proof {
    /// One line of a certificate file.
    pub line: String,
    /// The proven radius.
    pub radius: Radius,
    /// Whether the witness was accepted too.
    pub has_witness: bool,
}

/// A model and inputs as the kernel sees them, and what is needed to write certificates about them.
#[derive(Debug)]
pub struct Prover {
    model: kernel::Model,
    inputs: kernel::Inputs,
    /// Of every norm, if there are some.
    weights: Option<kernel::Weights>,
    units: Vec<Unit>,
    class: kernel::Class,
}

/// Why there is no certificate.
#[derive(Clone, Debug)]
pub struct Unproven(String);

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Rejection> for Unproven {
    fn from(rejection: Rejection) -> Unproven {
        Unproven(format!("the kernel refuses the certificate: {rejection}"))
    }
}

/// What a certificate is wanted for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Index of the input.
    pub index: usize,
    /// The input.
    pub x: &'a [f64],
    /// Norm and box.
    pub perturbation: Perturbation<'a>,
    /// Whether the ball is open.
    pub open: bool,
}

/// Radii, in those of the tangent plane, that slopes are tried at which prove no unbounded one.
const DISTANT: [f64; 3] = [1e8, 1e4, 1e2];

/// A radius that a certificate states.
#[derive(Clone, Debug)]
struct Stated {
    value: f64,
    /// In a certificate's words.
    words: String,
}

impl Stated {
    /// Just this float.
    fn float(value: f64) -> Stated {
        Stated { value, words: distance(value) }
    }
}

/// A radius and what it is lowered to.
fn lowered(radius: f64) -> impl Iterator<Item = Stated> + Clone {
    let by = if radius > 0.0 && radius.is_finite() { &LOWERED[..] } else { &LOWERED[..1] };
    by.iter().map(move |by| if *by > 0.0 { radius * (1.0 - by) } else { radius }).map(Stated::float)
}

impl Prover {
    /// Reads the model file by the kernel's own code, and takes `inputs` `[count × size]`, each an exact `f32`.
    ///
    /// # Errors
    /// When the kernel refuses the model.
    pub fn new(onnx: &[u8], sensitive: Sensitive, inputs: &[f64], size: usize) -> Result<Prover, Rejection> {
        Prover::about(onnx, sensitive, kernel::Inputs::read(&encode::npy(inputs, size))?)
    }

    /// The same about inputs that the kernel has read.
    ///
    /// # Errors
    /// When the kernel refuses the model.
    pub fn about(onnx: &[u8], sensitive: Sensitive, inputs: kernel::Inputs) -> Result<Prover, Rejection> {
        let class = match sensitive {
            Sensitive::Positive => kernel::Class::Positive,
            Sensitive::Negative => kernel::Class::Negative,
            Sensitive::Index(index) => kernel::Class::Index(index as u8),
        };
        let model = kernel::Model::read(onnx, class)?;
        Ok(Prover { units: model.units(), model, inputs, weights: None, class })
    }

    /// The same for norms weighted by `weights`, each an exact `f32`.
    ///
    /// # Errors
    /// When the kernel refuses the weights.
    pub fn weighted(mut self, weights: Option<&[f64]>) -> Result<Prover, Rejection> {
        self.weights = weights.map(|weights| kernel::Weights::read(&encode::npy(weights, 1))).transpose()?;
        Ok(self)
    }

    /// A certificate for an outcome's radius and, if it has one, its witness; the radius may come out a few roundings
    /// smaller.
    ///
    /// # Errors
    /// When the outcome has no radius, or the kernel does not accept it.
    pub fn prove(&self, model: &Model, wanted: Wanted, outcome: &Outcome) -> Result<Proof, Unproven> {
        let radius = outcome.radius().ok_or_else(|| Unproven("there is no radius".into()))?;
        let evidence = evidence(model, wanted, outcome.evidence.as_ref());
        let plan = plan::plan(&evidence);
        let reach = self.within_reach(model, wanted, &plan, radius.value());
        self.radius(model, wanted, &plan, lowered(reach), outcome.witness.as_ref())
    }

    /// A certificate for less than the outcome's radius: for what its slopes prove far away where they prove no
    /// unbounded one, or for what the tangent plane proves.
    ///
    /// # Errors
    /// When the outcome has no radius, or the kernel accepts neither.
    pub fn prove_less(&self, model: &Model, wanted: Wanted, outcome: &Outcome) -> Result<Proof, Unproven> {
        let radius = outcome.radius().ok_or_else(|| Unproven("there is no radius".into()))?.value();
        let convexity = model.convexity().map_err(|broken| Unproven(broken.reason.clone()))?;
        let witness = outcome.witness.as_ref();
        let tangent = evidence(model, wanted, None);
        let plane = plan::plan(&tangent);
        let Some(Step::Leaf(lines, _)) = plane.first() else { return Err(Unproven("no slopes".into())) };
        let minorant = minorant(model, convexity, wanted, lines);
        let least = separable::radius(&minorant, convexity, wanted.x, wanted.perturbation).min(radius);
        if radius == f64::INFINITY && least.is_finite() {
            let slopes = evidence(model, wanted, outcome.evidence.as_ref());
            let radii = DISTANT.iter().map(|share| Stated::float(share * least));
            if let Ok(proof) = self.radius(model, wanted, &plan::plan(&slopes), radii, witness) {
                return Ok(proof);
            }
        }
        self.radius(model, wanted, &plane, lowered(least), witness)
    }

    /// A certificate for just this radius; without `found` by the tangent plane.
    ///
    /// # Errors
    /// When the kernel does not accept it.
    pub fn confirm(
        &self,
        model: &Model,
        wanted: Wanted,
        found: Option<&Evidence>,
        radius: f64,
    ) -> Result<Proof, Unproven> {
        self.stated(model, wanted, found, Stated::float(radius))
    }

    /// The same for a radius that is no float.
    fn stated(
        &self,
        model: &Model,
        wanted: Wanted,
        found: Option<&Evidence>,
        radius: Stated,
    ) -> Result<Proof, Unproven> {
        let evidence = evidence(model, wanted, found);
        self.radius(model, wanted, &plan::plan(&evidence), std::iter::once(radius), None)
    }

    /// A certificate for the first one of `radii` that the kernel accepts.
    fn radius(
        &self,
        model: &Model,
        wanted: Wanted,
        plan: &[Step],
        radii: impl Iterator<Item = Stated> + Clone,
        witness: Option<&Witness>,
    ) -> Result<Proof, Unproven> {
        let mut line = self.line(wanted);
        let shown = |w: &&Witness| self.shows(wanted, w);
        line.witness = witness.filter(shown).map(|w| (w.point.as_slice(), decimal(w.distance)));
        let widths = if plan.len() > 1 { &TREE_BITS[..] } else { &BITS[..] };
        let mut refused = None;
        for &swapped in codes::ways(&self.units) {
            'radii: for stated in radii.clone() {
                line.radius = Some(stated.words);
                let multipliers = multipliers(model, wanted, plan, stated.value);
                for &bits in widths {
                    line.nodes = self.nodes(model, plan, &multipliers, Packing { swapped, bits });
                    let text = line.text();
                    let Err(rejection) = self.check(&text) else {
                        return Ok(Proof {
                            line: text,
                            radius: Radius::new(stated.value),
                            has_witness: line.witness.is_some(),
                        });
                    };
                    let hopeless = rejection.code != Code::NotProven;
                    refused = Some(rejection);
                    if hopeless {
                        break 'radii;
                    }
                }
            }
        }
        Err(refused.map_or(Unproven("no slopes".into()), Unproven::from))
    }

    /// The tree of `plan` with slopes packed.
    fn nodes(&self, model: &Model, plan: &[Step], multipliers: &[Option<f64>], packing: Packing) -> Vec<Node> {
        let node = |(step, &multiplier): (&Step, &Option<f64>)| match step {
            &Step::Split { coordinate, at } => Node::Split { coordinate, at },
            Step::Leaf(slopes, _) => {
                Node::Leaf { slopes: codes::pack(model, &self.units, slopes, packing), multiplier }
            }
        };
        plan.iter().zip(multipliers).map(node).collect()
    }

    /// The text of a certificate for a witness alone: some point within `upper` has f ≤ 0.
    fn witness_line(&self, wanted: Wanted, point: &[f64], upper: String) -> String {
        Line { witness: Some((point, upper)), ..self.line(wanted) }.text()
    }

    /// Makes an outcome's tie its witness where the exact logit is ≤ 0 there, and drops it where it is not.
    pub fn settle(&self, wanted: Wanted, outcome: &mut Outcome) {
        let Some(tie) = &outcome.tie else { return };
        if self.shows(wanted, tie) { outcome.settle() } else { outcome.tie = None }
    }

    /// Whether the kernel accepts a witness.
    pub fn shows(&self, wanted: Wanted, witness: &Witness) -> bool {
        let text = self.witness_line(wanted, &witness.point, decimal(witness.distance));
        self.check(&text).is_ok()
    }

    /// What a certificate states about this model and these inputs.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn check(&self, certificate: &str) -> Result<Statement, Rejection> {
        check_weighted(&self.model, &self.inputs, self.weights.as_ref(), certificate)
    }

    /// The sign of the exact logit of an input.
    ///
    /// # Errors
    /// When the kernel cannot evaluate it within its budgets.
    pub fn logit_sign(&self, index: usize) -> Result<i32, Rejection> {
        self.model.logit_sign(&self.inputs, index as u64)
    }

    fn line<'a>(&self, wanted: Wanted) -> Line<'a> {
        Line {
            input: wanted.index,
            norm: wanted.perturbation.norm,
            class: self.class,
            range: wanted.perturbation.range,
            weighted: self.weights.is_some(),
            uint8: self.inputs.uint8(),
            open: wanted.open,
            radius: None,
            nodes: Vec::new(),
            witness: None,
        }
    }

    /// For fractional norms the kernel uses neither a box nor the feature map's kinks to the full.
    fn within_reach(&self, model: &Model, wanted: Wanted, plan: &[Step], radius: f64) -> f64 {
        let (Norm::Lp(_), Ok(convexity)) = (wanted.perturbation.norm, model.convexity()) else { return radius };
        let reach = |step: &Step| match step {
            Step::Split { .. } => f64::INFINITY,
            Step::Leaf(slopes, _) => {
                let minorant = minorant(model, convexity, wanted, slopes);
                multiplier::by_dual_norm(&minorant, convexity, wanted.x, wanted.perturbation)
            }
        };
        plan.iter().map(reach).fold(radius, f64::min)
    }
}

/// The multiplier of every leaf, where one is needed.
fn multipliers(model: &Model, wanted: Wanted, plan: &[Step], radius: f64) -> Vec<Option<f64>> {
    let of = |step: &Step| match step {
        Step::Split { .. } => None,
        Step::Leaf(slopes, cuts) => multiplier(model, wanted, slopes, radius, cuts),
    };
    plan.iter().map(of).collect()
}

fn multiplier(model: &Model, wanted: Wanted, slopes: &Slopes<f64>, radius: f64, cuts: &[Bound]) -> Option<f64> {
    let convexity = model.convexity().ok()?;
    let needed = wanted.perturbation.range.is_some() || !convexity.free.is_empty() || !cuts.is_empty();
    if !needed || !matches!(wanted.perturbation.norm, Norm::L1 | Norm::L2) {
        return None;
    }
    let minorant = minorant(model, convexity, wanted, slopes);
    multiplier::best(&minorant, convexity, wanted.x, wanted.perturbation, radius, cuts)
}

fn minorant(model: &Model, convexity: &Convexity, wanted: Wanted, slopes: &Slopes<f64>) -> Minorant {
    minorants(model.network(), wanted.x, slopes.clone(), convexity.input_stops()).remove(0)
}

/// What was found, or the tangent plane at the input.
fn evidence(model: &Model, wanted: Wanted, found: Option<&Evidence>) -> Evidence {
    found.cloned().unwrap_or_else(|| tangent(model, wanted.x).into())
}

/// The slopes of the tangent plane at `x`.
fn tangent(model: &Model, x: &[f64]) -> Slopes<f64> {
    tangent_slopes(model.network(), &forward(model.network(), x))
}
