//! Somebody else's radii about what is given, and the folder that holds the answers.

use super::checkers::Checkers;
use super::given::Given;
use super::source::Loaded;
use crate::attack::Attack;
use crate::claims::{Answer, Auditor, Claim, Claims, Decision, read_claims};
use crate::data::npy::{NpyArray, NpyValues, write_npy};
use crate::files::write_atomically;
use crate::radius::lp::LpSolver;
use crate::report::rows::write_csv;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::path::Path;

/// The rows of a report.
pub const CLAIMS: &str = "claims.csv";

/// The points of the witnesses that refute claims.
pub const WITNESSES: &str = "witnesses.npy";

/// The accepted certificates.
pub const CERTIFICATES: &str = "certificates.jsonl";

/// One claim's row.
#[derive(Serialize)]
struct Row {
    input: usize,
    norm: String,
    /// As it was written.
    radius: String,
    r#box: String,
    answer: Answer,
    /// Of the nearest witness.
    distance: String,
    /// The witness's row in the witnesses' file.
    witness: String,
    /// The certificate's line, from 1, in the certificates' file.
    certificate: String,
    /// The largest radius that the kernel proved on the way.
    proven: String,
    detail: String,
}

impl Given {
    /// Reads claims about the samples; the box is that of those that name none.
    ///
    /// # Errors
    /// When the file cannot be read, or a row is no claim about a sample that is there.
    pub fn claims(&self, samples: &Loaded, path: &Path) -> Result<Claims<'_>> {
        let read = read_claims(path, &samples.numbered(), self.file.model.input_size(), self.range.as_ref())?;
        if let (Some(line), None) = (read.weighted, self.weights()) {
            let file = path.display();
            bail!("{file}: line {line}: expected --weights, as `detail` says that the norm is weighted, found none");
        }
        if let Some(claim) = read.claims.iter().find(|claim| samples.numbers.binary_search(&claim.input).is_err()) {
            let (file, line, input) = (path.display(), claim.line, claim.input);
            bail!("{file}: line {line}: expected an input that is read, found {input}, whose row is left out");
        }
        Ok(read)
    }

    /// One decision per claim, in order; `done` hears of every one.
    ///
    /// # Errors
    /// When the kernel does not read the model.
    pub fn decide(
        &self,
        samples: &Loaded,
        checkers: &Checkers,
        claims: &[Claim],
        solver: LpSolver,
        thorough: bool,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Decision>> {
        let prover = self
            .file
            .prover(checkers.inputs.clone(), self.weights(), checkers.bounds.clone())
            .with_context(|| format!("{}: the kernel does not read it", self.file.path.display()))?
            .open();
        let (model, weights) = (&self.file.model, self.weights());
        let attack = Attack::sized(model, thorough);
        let auditor = Auditor { model, inputs: &samples.numbered(), prover: &prover, weights, solver, attack };
        Ok(auditor.decide(claims, done))
    }
}

/// The rows, the witnesses' points and the certificates.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, claims: &[Claim], decisions: &[Decision], size: usize) -> Result<()> {
    let (mut rows, mut points, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for (claim, decision) in claims.iter().zip(decisions) {
        let refuting = decision.witness.as_ref().filter(|_| decision.answer == Answer::Refuted);
        if let Some(witness) = refuting {
            points.extend_from_slice(&witness.point);
        }
        lines.extend(decision.certificate.clone());
        rows.push(Row {
            input: claim.input,
            norm: claim.perturbation.norm.to_string(),
            radius: claim.radius.clone(),
            r#box: claim.range.clone(),
            answer: decision.answer,
            distance: decision.witness.as_ref().map(|w| format!("{:?}", w.distance)).unwrap_or_default(),
            witness: refuting.map(|_| (points.len() / size - 1).to_string()).unwrap_or_default(),
            certificate: decision.certificate.as_ref().map(|_| lines.len().to_string()).unwrap_or_default(),
            proven: decision.proven.map(|radius| radius.to_string()).unwrap_or_default(),
            detail: decision.detail.clone(),
        });
    }
    write_atomically(&folder.join(CLAIMS), |out| write_csv(&rows, out))?;
    write_atomically(&folder.join(CERTIFICATES), |out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    if !points.is_empty() {
        let shape = vec![points.len() / size, size];
        write_npy(&folder.join(WITNESSES), &NpyArray { shape, values: NpyValues::F64(points) })?;
    }
    Ok(())
}
