//! What the records of an audit say, model by model.

use crate::audit::ladder::{Order, Violation, order};
use crate::data::inputs::label::tally;
use crate::proof::grouped;
use crate::radius::closed_form::ClosedForm;
use crate::radius::{EXACT_GAP, Guarantee, Method, Subject};
use crate::report::answer::Status;
use crate::report::number::median;
use crate::report::records::{ATTACK, Found, Record, Replay};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// One model.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its short name.
    pub model: String,
    /// Number of inputs.
    pub inputs: usize,
    /// How many of them have f > 0.
    pub sensitive: usize,
    /// Clean accuracy, where the labels are 0 and 1.
    pub accuracy: Option<Accuracy>,
    /// The labels with their counts; none where inputs have none.
    pub labels: BTreeMap<String, usize>,
    /// Why the kernel refused radii, with counts.
    pub refusals: Vec<(String, usize)>,
    /// One per (norm, method).
    pub lines: Vec<Line>,
    /// One per norm.
    pub attacks: Vec<AttackLine>,
    /// Where the radii that tightness is measured against come from.
    pub references: References,
    /// closed form ≤ sharp.
    pub order: Order,
}

/// One method and norm, over the inputs with f > 0. What is not certified counts as radius 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The norm.
    pub norm: String,
    /// The method.
    pub method: String,
    /// Whose radii they are.
    pub subject: Subject,
    /// What they are worth.
    pub worth: Worth,
    /// Why the method does not apply; then nothing else counts.
    pub not_applicable: Option<String>,
    /// How many inputs have a certified radius.
    pub certified: usize,
    /// How many stayed unknown.
    pub unknown: usize,
    /// How many radii the kernel has proven; `None` for a method without evidence.
    pub proven: Option<usize>,
    /// How many it has refused.
    pub refused: usize,
    /// Median radius.
    pub radius: f64,
    /// radius / reference, median and least, over the inputs with a reference.
    pub tightness: (f64, f64),
    /// Median seconds per input.
    pub seconds: f64,
    /// Those, relative to the closed form's.
    pub time_ratio: f64,
    /// Largest witness distance / radius − 1, for methods that are exact on some input.
    pub gap: f64,
    /// Violations.
    pub violations: usize,
    /// Accuracy of the smoothed classifier.
    pub smoothed: Option<Accuracy>,
}

/// What the certified radii of a line are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// All of them the same.
    All(Guarantee),
    /// So many are exact, and the others sound.
    ExactOn(usize),
}

impl Worth {
    /// Whether any radius is exact.
    fn is_exact(self) -> bool {
        matches!(self, Worth::All(Guarantee::Exact) | Worth::ExactOn(_))
    }
}

impl fmt::Display for Worth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Worth::All(guarantee) => guarantee.fmt(f),
            Worth::ExactOn(count) => write!(f, "exact on {count}, else sound"),
        }
    }
}

/// The attack with one norm.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackLine {
    /// The norm.
    pub norm: String,
    /// Inputs with a verified witness.
    pub found: usize,
    /// Inputs attacked.
    pub attacked: usize,
    /// Median distance.
    pub distance: f64,
    /// distance / reference, median and largest, over the inputs whose reference is a proven exact radius.
    pub tightness: (f64, f64),
    /// Median seconds per input.
    pub seconds: f64,
}

/// How many (input, norm) pairs have which reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// A radius with both sides proven to agree within [`EXACT_GAP`].
    pub exact: usize,
    /// The nearest witness: the true radius is at most that.
    pub witness: usize,
    /// Neither.
    pub none: usize,
}

/// Right answers per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// (right, of how many) in the sensitive class.
    pub sensitive: (usize, usize),
    /// (right, of how many) in the other class.
    pub other: (usize, usize),
}

/// What a radius is measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reference {
    Exact(f64),
    Witness(f64),
}

impl Reference {
    fn value(self) -> f64 {
        match self {
            Reference::Exact(value) | Reference::Witness(value) => value,
        }
    }
}

/// Summaries of all models, in the order in which the records name them.
pub fn summaries(records: &[Record], found: &[Found], violations: &[Violation]) -> Vec<Summary> {
    distinct(records.iter().map(|r| r.model.as_str()))
        .into_iter()
        .map(|model| {
            let own: Vec<Record> = records.iter().filter(|r| r.model == model).cloned().collect();
            let found: Vec<&Found> = found.iter().filter(|f| f.model == model).collect();
            let violations: Vec<&Violation> = violations.iter().filter(|v| v.record.model == model).collect();
            summary(model, &own, &found, &violations)
        })
        .collect()
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn summary(model: &str, records: &[Record], found: &[&Found], violations: &[&Violation]) -> Summary {
    let references = references(records);
    let mut lines = Vec::new();
    for norm in distinct(records.iter().map(|r| r.norm.as_str())) {
        let of_norm: Vec<&Record> = records.iter().filter(|r| r.norm == norm).collect();
        let mut closed_form = f64::NAN;
        for method in distinct(of_norm.iter().map(|r| r.method.as_str())) {
            let rows: Vec<&Record> = of_norm.iter().copied().filter(|r| r.method == method).collect();
            let mut line = line(norm, method, &rows, &references);
            if method == ClosedForm.name() {
                closed_form = line.seconds;
            }
            line.time_ratio = line.seconds / closed_form;
            line.violations = violations.iter().filter(|v| v.record.norm == norm && v.record.method == method).count();
            lines.push(line);
        }
    }
    let mut counts = References::default();
    let (sensitive, inputs) = inputs(records);
    for norm in distinct(records.iter().map(|r| r.norm.as_str())) {
        for &input in &sensitive {
            match references.get(&(input, norm)) {
                Some(Reference::Exact(_)) => counts.exact += 1,
                Some(Reference::Witness(_)) => counts.witness += 1,
                None => counts.none += 1,
            }
        }
    }
    let attacks = distinct(found.iter().map(|f| f.norm.as_str())).into_iter();
    Summary {
        model: model.into(),
        inputs,
        sensitive: sensitive.len(),
        accuracy: clean_accuracy(records),
        labels: labels(records),
        refusals: grouped(records.iter().filter_map(Record::refusal)),
        attacks: attacks.filter_map(|norm| attack_line(norm, found, &references)).collect(),
        lines,
        references: counts,
        order: order(records),
    }
}

/// (those with f > 0, how many there are)
fn inputs(records: &[Record]) -> (Vec<usize>, usize) {
    let mut numbers: Vec<(usize, bool)> = records.iter().map(|r| (r.input, r.logit > 0.0)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let count = numbers.len();
    (numbers.into_iter().filter(|(_, sensitive)| *sensitive).map(|(number, _)| number).collect(), count)
}

/// How many inputs bear each label.
fn labels(records: &[Record]) -> BTreeMap<String, usize> {
    let labels: BTreeMap<usize, &String> = records.iter().map(|r| (r.input, &r.label)).collect();
    tally(labels.into_values().filter(|label| !label.is_empty())).into_iter().map(|(l, n)| (l.clone(), n)).collect()
}

fn references(records: &[Record]) -> HashMap<(usize, &str), Reference> {
    let mut references: HashMap<(usize, &str), Reference> = HashMap::new();
    for record in records.iter().filter(|r| r.is_base() && r.logit > 0.0) {
        let reference = match (record.certified(), record.witness()) {
            (Some(radius), None) if radius.is_infinite() => Reference::Exact(radius),
            (Some(radius), Some(upper)) if upper >= radius && upper - radius <= EXACT_GAP * radius => {
                Reference::Exact(radius)
            }
            (_, Some(upper)) => Reference::Witness(upper),
            (_, None) => continue,
        };
        let slot = references.entry((record.input, record.norm.as_str())).or_insert(reference);
        *slot = match (*slot, reference) {
            (Reference::Exact(a), Reference::Exact(b)) => Reference::Exact(a.max(b)),
            (Reference::Witness(_), exact) => exact,
            (exact, _) => exact,
        };
    }
    references
}

fn line(norm: &str, method: &str, rows: &[&Record], references: &HashMap<(usize, &str), Reference>) -> Line {
    let first = rows[0];
    let sensitive: Vec<&&Record> = rows.iter().filter(|r| r.logit > 0.0).collect();
    let radius = |r: &Record| r.certified().unwrap_or(0.0);
    let ratio = |r: &&&Record| {
        let reference = references.get(&(r.input, norm))?.value();
        let radius = radius(r);
        Some(if radius == reference { 1.0 } else { radius / reference })
    };
    let with = |proof: Replay| rows.iter().filter(|r| r.proof == proof).count();
    let base = first.is_base();
    let ratios: Vec<f64> = sensitive.iter().filter(|_| base).filter_map(ratio).collect();
    let gap = |r: &&&Record| Some((r.witness()? / r.certified().filter(|r| *r > 0.0)? - 1.0).max(0.0));
    let worth = worth(first, &sensitive);
    let gaps = sensitive.iter().filter(|_| worth.is_exact()).filter_map(gap);
    Line {
        norm: norm.into(),
        method: method.into(),
        subject: first.subject,
        worth,
        not_applicable: rows.iter().all(|r| r.not_applicable().is_some()).then(|| first.detail.to_string()),
        certified: sensitive.iter().filter(|r| r.certified().is_some()).count(),
        unknown: rows.iter().filter(|r| r.status == Status::Unknown).count(),
        proven: rows.iter().any(|r| r.proof != Replay::Nothing).then(|| with(Replay::Accepted)),
        refused: with(Replay::Refused),
        radius: median(sensitive.iter().map(|r| radius(r))),
        tightness: (median(ratios.iter().copied()), ratios.into_iter().fold(f64::NAN, f64::min)),
        seconds: median(sensitive.iter().map(|r| r.seconds)),
        time_ratio: f64::NAN,
        gap: gaps.fold(f64::NAN, f64::max),
        violations: 0,
        smoothed: if base {
            None
        } else {
            accuracy(rows, |r| r.status == Status::Certified, |r| r.status == Status::NotSensitive)
        },
    }
}

/// What the certified radii are worth; where there is none, what the rows say that a missing one is worth.
fn worth(first: &Record, sensitive: &[&&Record]) -> Worth {
    let certified: Vec<Guarantee> = sensitive.iter().filter(|r| r.certified().is_some()).map(|r| r.guarantee).collect();
    match certified.iter().filter(|guarantee| **guarantee == Guarantee::Exact).count() {
        0 => Worth::All(certified.first().copied().unwrap_or(first.guarantee)),
        exact if exact == certified.len() => Worth::All(Guarantee::Exact),
        exact => Worth::ExactOn(exact),
    }
}

fn attack_line(norm: &str, found: &[&Found], references: &HashMap<(usize, &str), Reference>) -> Option<AttackLine> {
    let own: Vec<&&Found> = found.iter().filter(|f| f.norm == norm && f.finder == ATTACK).collect();
    let ratio = |f: &&&Found| match references.get(&(f.input, norm)) {
        Some(Reference::Exact(exact)) => f.distance.map(|d| d / exact),
        _ => None,
    };
    let ratios: Vec<f64> = own.iter().filter_map(ratio).collect();
    (!own.is_empty()).then(|| AttackLine {
        norm: norm.into(),
        found: own.iter().filter(|f| f.distance.is_some()).count(),
        attacked: own.len(),
        distance: median(own.iter().filter_map(|f| f.distance)),
        tightness: (median(ratios.iter().copied()), ratios.into_iter().fold(f64::NAN, f64::max)),
        seconds: median(own.iter().map(|f| f.seconds)),
    })
}

fn clean_accuracy(records: &[Record]) -> Option<Accuracy> {
    let (norm, method) = (&records.first()?.norm, &records.first()?.method);
    let rows: Vec<&Record> = records.iter().filter(|r| r.norm == *norm && r.method == *method).collect();
    accuracy(&rows, |r| r.logit > 0.0, |r| r.logit <= 0.0)
}

/// `None` unless every label is 0 (the other class) or 1 (the sensitive class).
fn accuracy(rows: &[&Record], sensitive: fn(&Record) -> bool, other: fn(&Record) -> bool) -> Option<Accuracy> {
    let mut accuracy = Accuracy::default();
    for row in rows {
        let (slot, right) = match row.label.as_str() {
            "1" => (&mut accuracy.sensitive, sensitive(row)),
            "0" => (&mut accuracy.other, other(row)),
            _ => return None,
        };
        slot.0 += usize::from(right);
        slot.1 += 1;
    }
    Some(accuracy)
}
