//! `underplane audit MODEL INPUTS --claims F.csv`: somebody else's radii.

use super::circumstances::{self, digests};
use super::files::{Files, Given};
use super::load::{self, InputArgs};
use super::{Finish, progress};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;
use underplane::attack::Attack;
use underplane::audit::report::free_name;
use underplane::claims::{Answer, Auditor, Claim, Claims, Decision, read_claims};
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::files::write_atomically;
use underplane::model::sensitive::Sensitive;
use underplane::proof::Prover;
use underplane::query::Range;
use underplane::radius::lp::LpSolver;
use underplane::report::rows::write_csv;
use underplane::report::run_info::today;
use underplane::report::table::Sheet;

/// What is to be audited.
pub struct Task<'a> {
    pub claims: &'a Path,
    pub model: &'a Path,
    pub inputs: &'a InputArgs,
    pub range: Option<Range>,
    pub weights: Option<&'a Path>,
    pub sensitive: Sensitive,
    pub solver: LpSolver,
    pub thorough: bool,
    pub reports: &'a Path,
}

/// The files of a report.
const CLAIMS: &str = "claims.csv";
const WITNESSES: &str = "witnesses.npy";
const CERTIFICATES: &str = "certificates.jsonl";

/// So many claims that are not confirmed are printed; the report has them all.
const SHOWN: usize = 20;

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

pub fn run(task: &Task) -> Result<Finish> {
    let start = Instant::now();
    let model = load::model(task.model, task.sensitive)?;
    let inputs = load::inputs(task.inputs, &model, None)?;
    let numbered = inputs.numbered();
    let read = read_claims(task.claims, &numbered, model.input_size(), task.range)?;
    let claims = &read.claims;
    if let Some(claim) = claims.iter().find(|claim| inputs.numbers.binary_search(&claim.input).is_err()) {
        let (file, line, input) = (task.claims.display(), claim.line, claim.input);
        bail!("{file}: line {line}: expected an input that is read, found {input}, whose row is left out");
    }
    let weights = task.weights.map(|path| load::weights(path, &model, task.inputs.reading)).transpose()?;
    let given = Given {
        path: task.model,
        sensitive: task.sensitive,
        model: &model,
        inputs_path: &task.inputs.inputs,
        reading: task.inputs.reading.reading(),
        inputs: &numbered,
        numbers: &inputs.numbers,
        weights: task.weights.zip(weights.as_deref()),
    };
    let files = Files::of(&given)?;
    let bytes = std::fs::read(task.model).with_context(|| task.model.display().to_string())?;
    let prover = Prover::about(&bytes, task.sensitive, files.inputs.clone())
        .and_then(|prover| prover.weighted(weights.as_deref()))
        .with_context(|| format!("{}: the kernel does not read it", task.model.display()))?;
    let attack = Attack::sized(&model, task.thorough);
    let (weights, solver) = (weights.as_deref(), task.solver);
    let auditor = Auditor { model: &model, inputs: &numbered, prover: &prover, weights, solver, attack };
    let bar = progress::bar(claims.len() as u64, "auditing claims");
    let decisions = auditor.decide(claims, &|| bar.inc(1));
    bar.finish_and_clear();
    std::fs::create_dir_all(task.reports).with_context(|| task.reports.display().to_string())?;
    let folder = free_name(task.reports, &today(), "claims");
    std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    write(&folder, claims, &decisions, model.input_size())?;
    let labels = task.inputs.table.labels.as_deref();
    let sources = [Some(task.model), Some(&task.inputs.inputs), labels, Some(task.claims), task.weights];
    circumstances::write(&folder, &circumstances::run_info(digests(sources)?, Vec::new(), None, start))?;
    let command = files.write(&folder, &folder.join(CERTIFICATES))?;
    print(&command, &folder, &read, &decisions)
}

/// The rows, the witnesses' points and the certificates.
fn write(folder: &Path, claims: &[Claim], decisions: &[Decision], size: usize) -> Result<()> {
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
            r#box: claim.range_text(),
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

fn print(command: &str, folder: &Path, read: &Claims, decisions: &[Decision]) -> Result<Finish> {
    let claims = &read.claims;
    let mut norms: Vec<String> = claims.iter().map(|claim| claim.perturbation.norm.to_string()).collect();
    norms.sort_unstable();
    norms.dedup();
    let mut sheet = Sheet::new(&["norm", "claims", "confirmed", "refuted", "undecided", "least distance/radius"], 1);
    let count = |of: &dyn Fn(&Claim, &Decision) -> bool| {
        claims.iter().zip(decisions).filter(|(claim, decision)| of(claim, decision)).count()
    };
    for norm in &norms {
        let here = |claim: &Claim| claim.perturbation.norm.to_string() == *norm;
        let answered = |answer: Answer| count(&|claim, decision| here(claim) && decision.answer == answer).to_string();
        let ratio = |(claim, decision): (&Claim, &Decision)| {
            let distance = decision.witness.as_ref().filter(|_| decision.answer == Answer::Refuted)?.distance;
            here(claim).then(|| if distance == 0.0 { 0.0 } else { distance / claim.claimed.nearest() })
        };
        let worst = claims.iter().zip(decisions).filter_map(ratio).fold(f64::INFINITY, f64::min);
        sheet.rows.push(vec![
            norm.clone(),
            count(&|claim, _| here(claim)).to_string(),
            answered(Answer::Confirmed),
            answered(Answer::Refuted),
            answered(Answer::Undecided),
            if worst.is_finite() { format!("{worst:.6}") } else { String::new() },
        ]);
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{}", sheet.without_empty_columns().terminal())?;
    let others: Vec<_> = claims.iter().zip(decisions).filter(|(_, d)| d.answer != Answer::Confirmed).collect();
    for (claim, decision) in others.iter().take(SHOWN) {
        writeln!(out, "{}", sentence(claim, decision))?;
    }
    if others.len() > SHOWN {
        writeln!(out, "… and {} more that are not confirmed", others.len() - SHOWN)?;
    }
    let total = |answer: Answer| count(&|_, decision| decision.answer == answer);
    let (refuted, undecided) = (total(Answer::Refuted), total(Answer::Undecided));
    writeln!(
        out,
        "{} claims: {} confirmed, {refuted} refuted, {undecided} undecided{}; {}",
        claims.len(),
        total(Answer::Confirmed),
        left_out(read),
        folder.join(CLAIMS).display()
    )?;
    writeln!(out, "every answer is checked by: {command}")?;
    Ok(match (refuted, undecided) {
        (0, 0) => Finish::Answered,
        (0, _) => Finish::Unknown,
        _ => Finish::Refuted,
    })
}

/// A claim that is not confirmed, with its line, as it was written.
fn sentence(claim: &Claim, decision: &Decision) -> String {
    let Claim { input, perturbation, radius, line, .. } = claim;
    let range = perturbation.range.map(|range| format!(", box {range}")).unwrap_or_default();
    let near = decision.witness.as_ref().map(|w| format!("; f ≤ 0 at distance {:?}", w.distance)).unwrap_or_default();
    let proven = decision.proven.map(|proven| format!("; proven: {proven}")).unwrap_or_default();
    let detail = if decision.detail.is_empty() { String::new() } else { format!(" ({})", decision.detail) };
    let (norm, answer) = (perturbation.norm, decision.answer);
    format!("line {line}: input {input}, {norm}{range}, radius {radius}: {answer}{near}{proven}{detail}")
}

/// Rows of the file that are no claims about the network.
fn left_out(read: &Claims) -> String {
    let part = |count: usize, what: &str| match count {
        0 => String::new(),
        1 => format!("; 1 row {what} left out"),
        _ => format!("; {count} rows {what} left out"),
    };
    part(read.empty, "without a radius") + &part(read.smoothed, "about a smoothed classifier")
}
