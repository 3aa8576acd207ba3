//! Certificates for radii: from a method's evidence to a line of `proofs-data/FORMAT.md` that the kernel has accepted.
//!
//! Nothing here is trusted. The slopes are packed, a multiplier is looked for where the norm needs one, and the kernel
//! decides; where rounding made the radius a little too large, a slightly smaller one is tried.

mod bytes;
mod claims;
mod codes;
pub(crate) mod encode;
pub mod fast;
mod inputs;
mod multiplier;
mod odds;
mod plan;
mod replay;
mod stated;
pub mod without;

use crate::model::passes::{Slopes, forward, tangent_slopes};
use crate::model::{Logit, Model, Sensitive};
use crate::norm::Norm;
use crate::query::{Query, Ranges, Witness};
use crate::radius::{Evidence, Outcome, Radius};
pub use bytes::ModelBytes;
pub use claims::Claimed;
use codes::Packing;
use encode::{Line, Node, decimal};
pub use encode::{distance, npy};
pub use fast::exact;
pub use inputs::{KernelBounds, KernelInputs, reads_weights};
pub use odds::log_odds;
use plan::{Bound, Step};
pub use replay::{Groups, replay, replay_or_less};
use stated::{Stated, lowered};
use std::fmt;
use std::sync::Arc;
use underplane_kernel::{self as kernel, Attacker, Code, Rejection, StatedBox, Statement, Threshold, Unit};

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
    model: Arc<kernel::Model>,
    inputs: kernel::Inputs,
    /// Of every norm, if there are some.
    weights: Option<kernel::Weights>,
    /// The box of a file, if there is one.
    bounds: Option<kernel::Bounds>,
    units: Vec<Unit>,
    logit: kernel::Logit,
    /// Whether certificates are about the open ball.
    open: bool,
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

/// Radii, in those of the tangent plane, that slopes are tried at which prove no unbounded one.
const DISTANT: [f64; 3] = [1e8, 1e4, 1e2];

impl Prover {
    /// Reads the model file by the kernel's own code, and takes `inputs` `[count × size]`, each an exact `f32`.
    ///
    /// # Errors
    /// When the kernel refuses the model.
    pub fn new(onnx: &[u8], logit: impl Into<Logit>, inputs: &[f64], size: usize) -> Result<Prover, Rejection> {
        Prover::about(&onnx.into(), logit, kernel::Inputs::read(&encode::npy(inputs, size))?)
    }

    /// The same about inputs that the kernel has read.
    ///
    /// # Errors
    /// When the kernel refuses the model.
    pub fn about(file: &ModelBytes, logit: impl Into<Logit>, inputs: kernel::Inputs) -> Result<Prover, Rejection> {
        let logit = in_kernel(logit.into());
        let model = Arc::new(file.read(logit.clone())?);
        Ok(Prover { units: model.units(), model, inputs, weights: None, bounds: None, logit, open: false })
    }

    /// The same about other inputs `[count × size]`, each an exact `f32`.
    ///
    /// # Errors
    /// When the kernel refuses them.
    pub fn about_others(&self, inputs: &[f64], size: usize) -> Result<Prover, Rejection> {
        let (model, units) = (Arc::clone(&self.model), self.units.clone());
        let (inputs, weights) = (kernel::Inputs::read(&encode::npy(inputs, size))?, self.weights.clone());
        let (bounds, logit) = (self.bounds.clone(), self.logit.clone());
        Ok(Prover { model, inputs, weights, bounds, units, logit, open: self.open })
    }

    /// The same for norms weighted by `weights`, each an exact `f32`.
    ///
    /// # Errors
    /// When the kernel refuses the weights.
    pub fn weighted(mut self, weights: Option<&[f64]>) -> Result<Prover, Rejection> {
        self.weights = weights.map(|weights| kernel::Weights::read(&encode::npy(weights, 1))).transpose()?;
        Ok(self)
    }

    /// The same about the box of a file, which queries about ranges of each coordinate mean.
    pub fn within(self, bounds: Option<kernel::Bounds>) -> Prover {
        Prover { bounds, ..self }
    }

    /// The same about open balls, as other people's claims are.
    pub fn open(mut self) -> Prover {
        self.open = true;
        self
    }

    /// A certificate for an outcome's radius and, if it has one, its witness; the radius may come out a few roundings
    /// smaller.
    ///
    /// # Errors
    /// When the outcome has no radius, or the kernel does not accept it.
    pub fn prove(&self, query: Query, outcome: &Outcome) -> Result<Proof, Unproven> {
        let radius = outcome.radius().ok_or_else(|| Unproven("there is no radius".into()))?;
        let (found, witness) = (evidence(query, outcome.evidence.as_ref()), outcome.witness.as_ref());
        let heads = planned(query, &found);
        let reached = |heads: &[Head]| heads.iter().fold(radius.value(), |reach, head| head.within_reach(reach));
        let reach = reached(&heads);
        if reach < radius.value() {
            // Slopes chosen for a box prove less than the tangent plane where the kernel uses none.
            let tangent = evidence(query, None);
            let planes = planned(query, &tangent);
            let other = reached(&planes);
            if other > reach {
                return self.radius(query, &planes, lowered(other, query.model), witness);
            }
        }
        self.radius(query, &heads, lowered(reach, query.model), witness)
    }

    /// A certificate for less than the outcome's radius: for what its slopes prove far away where they prove no
    /// unbounded one, or for what the tangent plane proves.
    ///
    /// # Errors
    /// When the outcome has no radius, or the kernel accepts neither.
    pub fn prove_less(&self, query: Query, outcome: &Outcome) -> Result<Proof, Unproven> {
        let radius = outcome.radius().ok_or_else(|| Unproven("there is no radius".into()))?.value();
        query.model.broken().map_or(Ok(()), |broken| Err(Unproven(broken.reason.clone())))?;
        let witness = outcome.witness.as_ref();
        let tangent = evidence(query, None);
        let planes = planned(query, &tangent);
        let least = planes.iter().map(Head::least).fold(radius, f64::min);
        if radius == f64::INFINITY && least.is_finite() {
            let slopes = evidence(query, outcome.evidence.as_ref());
            let radii = DISTANT.iter().map(|share| Stated::float(share * least));
            if let Ok(proof) = self.radius(query, &planned(query, &slopes), radii, witness) {
                return Ok(proof);
            }
        }
        self.radius(query, &planes, lowered(least, query.model), witness)
    }

    /// A certificate for just this radius; without `found` by the tangent plane.
    ///
    /// # Errors
    /// When the kernel does not accept it.
    pub fn confirm(&self, query: Query, found: Option<&Evidence>, radius: f64) -> Result<Proof, Unproven> {
        self.stated(query, found, Stated::float(radius))
    }

    /// The same for a radius that is no float.
    fn stated(&self, query: Query, found: Option<&Evidence>, radius: Stated) -> Result<Proof, Unproven> {
        let evidence = evidence(query, found);
        self.radius(query, &planned(query, &evidence), std::iter::once(radius), None)
    }

    /// A certificate for the first one of `radii` that the kernel accepts.
    fn radius(
        &self,
        query: Query,
        heads: &[Head],
        radii: impl Iterator<Item = Stated> + Clone,
        witness: Option<&Witness>,
    ) -> Result<Proof, Unproven> {
        let mut line = self.line(query);
        let shown = |w: &&Witness| self.shows(query, w);
        line.witness = witness.filter(shown).map(|w| (w.point.as_slice(), decimal(w.distance)));
        let widths = if heads.iter().any(|head| head.plan.len() > 1) { &TREE_BITS[..] } else { &BITS[..] };
        let mut refused = None;
        for &swapped in codes::ways(&self.units) {
            'radii: for stated in radii.clone() {
                line.radius = Some(stated.words);
                let multipliers: Vec<_> = heads.iter().map(|head| head.multipliers(stated.value)).collect();
                for &bits in widths {
                    let packing = Packing { swapped, bits };
                    let of_heads = heads.iter().zip(&multipliers);
                    line.heads = of_heads.map(|(head, found)| self.nodes(head, found, packing)).collect();
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

    /// The tree of a head with slopes packed.
    fn nodes(&self, head: &Head, multipliers: &[Option<f64>], packing: Packing) -> Vec<Node> {
        let node = |(step, &multiplier): (&Step, &Option<f64>)| match step {
            &Step::Split { coordinate, at } => Node::Split { coordinate, at },
            Step::Leaf(slopes, _) => {
                Node::Leaf { slopes: codes::pack(head.query.model, &self.units, slopes, packing), multiplier }
            }
        };
        head.plan.iter().zip(multipliers).map(node).collect()
    }

    /// The text of a certificate for a witness alone: some point within `upper` has f ≤ 0.
    fn witness_line(&self, query: Query, point: &[f64], upper: String) -> String {
        Line { witness: Some((point, upper)), ..self.line(query) }.text()
    }

    /// Makes an outcome's tie its witness where the exact logit is ≤ 0 there, and drops it where it is not.
    pub fn settle(&self, query: Query, outcome: &mut Outcome) {
        let Some(tie) = &outcome.tie else { return };
        if self.shows(query, tie) { outcome.settle() } else { outcome.tie = None }
    }

    /// Whether the kernel accepts a witness.
    pub fn shows(&self, query: Query, witness: &Witness) -> bool {
        let text = self.witness_line(query, &witness.point, decimal(witness.distance));
        self.check(&text).is_ok()
    }

    /// What a certificate states about this model and these inputs.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn check(&self, certificate: &str) -> Result<Statement, Rejection> {
        kernel::check_against(&self.model, &self.inputs, self.attacker(), certificate)
    }

    /// The sign of the exact logit of an input.
    ///
    /// # Errors
    /// When the kernel cannot evaluate it within its budgets.
    pub fn logit_sign(&self, index: usize) -> Result<i32, Rejection> {
        self.model.logit_sign(&self.inputs, index as u64)
    }

    fn attacker(&self) -> Attacker<'_> {
        Attacker { weights: self.weights.as_ref(), bounds: self.bounds.as_ref() }
    }

    /// A box in a certificate's words.
    pub fn stated_box(&self, ranges: Ranges) -> StatedBox {
        encode::stated_box(ranges, self.bounds.as_ref())
    }

    fn line<'a>(&self, query: Query) -> Line<'a> {
        Line {
            input: query.index,
            norm: query.perturbation.norm,
            logit: self.logit.clone(),
            range: query.perturbation.range.map(|ranges| self.stated_box(ranges)),
            weighted: self.weights.is_some(),
            uint8: self.inputs.uint8(),
            open: self.open,
            radius: None,
            heads: Vec::new(),
            witness: None,
        }
    }
}

/// The kernel's words for f.
pub fn in_kernel(logit: Logit) -> kernel::Logit {
    let class = match logit.sensitive {
        Sensitive::Positive => kernel::Class::Positive,
        Sensitive::Negative => kernel::Class::Negative,
        // An index that does not fit is one of no output.
        Sensitive::Index(index) => kernel::Class::Index(u32::try_from(index).unwrap_or(u32::MAX)),
    };
    let threshold = logit.threshold.and_then(|threshold| Threshold::binary32(threshold.to_bits()));
    kernel::Logit { class, output: logit.output, threshold, of_probability: logit.of_probability }
}

/// One of the functions of which f is the least, with what proves its radius.
struct Head<'a> {
    query: Query<'a>,
    plan: Vec<Step<'a>>,
}

impl Head<'_> {
    /// For fractional norms the kernel uses neither a box nor the feature map's kinks to the full.
    fn within_reach(&self, radius: f64) -> f64 {
        let query = self.query;
        if !matches!(query.norm(), Norm::Lp(_)) || query.model.convexity().is_err() {
            return radius;
        }
        let reach = |step: &Step| match step {
            Step::Split { .. } => f64::INFINITY,
            Step::Leaf(slopes, _) => multiplier::by_dual_norm(query, &query.minorant((*slopes).clone())),
        };
        self.plan.iter().map(reach).fold(radius, f64::min)
    }

    /// The least radius of a leaf's minorant.
    fn least(&self) -> f64 {
        let radius = |step: &Step| match step {
            Step::Split { .. } => f64::INFINITY,
            Step::Leaf(slopes, _) => self.query.radius(&self.query.minorant((*slopes).clone())),
        };
        self.plan.iter().map(radius).fold(f64::INFINITY, f64::min)
    }

    /// The multiplier of every leaf, where one is needed.
    fn multipliers(&self, radius: f64) -> Vec<Option<f64>> {
        let of = |step: &Step| match step {
            Step::Split { .. } => None,
            Step::Leaf(slopes, cuts) => multiplier(self.query, slopes, radius, cuts),
        };
        self.plan.iter().map(of).collect()
    }
}

fn multiplier(query: Query, slopes: &Slopes<f64>, radius: f64, cuts: &[Bound]) -> Option<f64> {
    let convexity = query.model.convexity().ok()?;
    let needed = query.perturbation.range.is_some() || !convexity.free.is_empty() || !cuts.is_empty();
    if !needed || !matches!(query.perturbation.norm, Norm::L1 | Norm::L2) {
        return None;
    }
    multiplier::best(query, &query.minorant(slopes.clone()), radius, cuts)
}

/// For every head what was found, or the tangent plane at the input.
fn evidence(query: Query, found: Option<&Evidence>) -> Vec<Evidence> {
    let of_head = |(head, function): (usize, &Model)| {
        let found = found.and_then(|found| found.of_head(head)).cloned();
        found.unwrap_or_else(|| tangent(function, query.x).into())
    };
    query.model.functions().iter().enumerate().map(of_head).collect()
}

/// Every head with its evidence laid out.
fn planned<'a>(query: Query<'a>, evidence: &'a [Evidence]) -> Vec<Head<'a>> {
    let head = |(model, evidence)| Head { query: Query { model, ..query }, plan: plan::plan(evidence) };
    query.model.functions().iter().zip(evidence).map(head).collect()
}

/// The slopes of the tangent plane at `x`.
fn tangent(model: &Model, x: &[f64]) -> Slopes<f64> {
    tangent_slopes(model.network(), &forward(model.network(), x))
}
