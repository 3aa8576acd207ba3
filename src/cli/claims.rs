//! `underplane audit MODEL INPUTS --claims F.csv`: somebody else's radii.

use super::inputs::tell;
use super::{Finish, circumstances, progress};
use anyhow::{Context, Result};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;
use underplane::audit::report::free_name;
use underplane::claims::{Answer, Claim, Claims, Decision};
use underplane::data::NamedBox;
use underplane::model::Logit;
use underplane::radius::lp::LpSolver;
use underplane::report::fitted::paragraph;
use underplane::report::run_info::today;
use underplane::report::table::Sheet;
use underplane::workbench::claims::{CERTIFICATES, CLAIMS, write};
use underplane::workbench::{Checkers, Given, InputFiles, ModelFile, Unit, digests};

/// What is to be audited.
pub struct Task<'a> {
    pub claims: &'a Path,
    pub model: &'a Path,
    pub follow_links: bool,
    pub inputs: InputFiles,
    pub range: Option<&'a NamedBox>,
    pub weights: Option<&'a Path>,
    pub unit: Option<Unit>,
    pub logit: Logit,
    pub solver: LpSolver,
    pub thorough: bool,
    pub width: Option<usize>,
    pub reports: &'a Path,
}

/// So many claims that are not confirmed are printed; the report has them all.
const SHOWN: usize = 20;

pub fn run(task: Task) -> Result<Finish> {
    let start = Instant::now();
    let model = ModelFile::read(task.model, task.follow_links, &task.logit)?.said(&mut tell);
    let bounds = task.range.map(|named| model.bounds(named, task.inputs.reading, &mut tell)).transpose()?;
    let given = Given::read(model, task.inputs, None, &mut tell)?.weighted(task.weights, &mut tell)?;
    // A claim may name a box of its own, so that inputs need not lie in this one.
    let given = Given { range: bounds, ..given }.in_unit(task.unit, &mut tell)?;
    let samples = given.source.load()?;
    let read = given.claims(&samples, task.claims)?;
    let checkers = Checkers::of(&given)?;
    let bar = progress::bar(read.claims.len() as u64, "auditing claims");
    let decisions = given.decide(&samples, &checkers, &read.claims, task.solver, task.thorough, &|| bar.inc(1))?;
    bar.finish_and_clear();
    std::fs::create_dir_all(task.reports).with_context(|| task.reports.display().to_string())?;
    let folder = free_name(task.reports, &today(), "claims");
    std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    write(&folder, &read.claims, &decisions, given.file.model.input_size())?;
    let files = &given.files;
    let box_file = task.range.and_then(NamedBox::file);
    let others = [Some(files.inputs.as_path()), files.labels.as_deref(), Some(task.claims), task.weights, box_file];
    let read_files = [given.file.digests(), digests(others)?].concat();
    circumstances::write(&folder, &circumstances::run_info(read_files, Vec::new(), None, start))?;
    let command = checkers.write(&folder, &folder.join(CERTIFICATES))?;
    print(&command, &folder, (&read, &decisions), task.width)
}

fn print(
    command: &str,
    folder: &Path,
    (read, decisions): (&Claims, &[Decision]),
    width: Option<usize>,
) -> Result<Finish> {
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
    let total = |answer: Answer| count(&|_, decision| decision.answer == answer);
    let (refuted, undecided) = (total(Answer::Refuted), total(Answer::Undecided));
    let (all, plural) = (claims.len(), if claims.len() == 1 { "claim" } else { "claims" });
    let confirmed = total(Answer::Confirmed);
    let told = format!("{all} {plural}: {confirmed} confirmed, {refuted} refuted, {undecided} undecided");
    let told = format!("{told}{}; {}", left_out(read), folder.join(CLAIMS).display());
    write!(out, "{}{}", paragraph(&told, width), sheet.without_empty_columns().fitted(width))?;
    let others: Vec<_> = claims.iter().zip(decisions).filter(|(_, d)| d.answer != Answer::Confirmed).collect();
    for (claim, decision) in others.iter().take(SHOWN) {
        write!(out, "{}", paragraph(&sentence(claim, decision), width))?;
    }
    if others.len() > SHOWN {
        writeln!(out, "… and {} more that are not confirmed", others.len() - SHOWN)?;
    }
    writeln!(out, "every answer is checked by: {command}")?;
    Ok(match (refuted, undecided) {
        (0, 0) => Finish::Answered,
        (0, _) => Finish::Unknown,
        _ => Finish::Refuted,
    })
}

/// A claim that is not confirmed, with its line, as it was written.
fn sentence(claim: &Claim, decision: &Decision) -> String {
    let Claim { input, perturbation, range, radius, line, .. } = claim;
    let range = if range.is_empty() { String::new() } else { format!(", box {range}") };
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
