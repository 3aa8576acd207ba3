//! What the records of an audit say, model by model.

use crate::audit::accuracy::{Accuracy, accuracy};
use crate::audit::ladder::{Order, Violation, order};
use crate::audit::line::{AttackLine, Line, attack_line, line};
use crate::audit::reference::{Reference, References, references};
use crate::data::inputs::label::tally;
use crate::proof::grouped;
use crate::radius::Method;
use crate::radius::closed_form::ClosedForm;
use crate::report::records::{Found, Record};
use std::collections::BTreeMap;

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

fn clean_accuracy(records: &[Record]) -> Option<Accuracy> {
    let (norm, method) = (&records.first()?.norm, &records.first()?.method);
    let rows: Vec<&Record> = records.iter().filter(|r| r.norm == *norm && r.method == *method).collect();
    accuracy(&rows, |r| r.logit > 0.0, |r| r.logit <= 0.0)
}
