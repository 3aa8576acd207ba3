//! The certificate ladder, checked on records: what is refuted, what is undecided.

use crate::radius::closed_form::ClosedForm;
use crate::radius::sharp::Sharp;
use crate::radius::{Guarantee, Method};
use crate::report::answer::Status;
use crate::report::records::{Found, Record};
use std::collections::{HashMap, HashSet};

/// A sound radius of the base classifier that a verified witness refutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The record of the radius.
    pub record: Record,
    /// The radius.
    pub radius: f64,
    /// Distance of the witness, not above the radius.
    pub distance: f64,
    /// What found the witness.
    pub finder: String,
}

/// What the records of an audit amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// No violation, and everything that was asked for was answered.
    Passed,
    /// At least one violation.
    Violated,
    /// No violation, but a method that applies could not tell, or none applied.
    Undecided,
}

/// How far the order closed form ≤ sharp was seen to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// (model, input, norm) triples with both radii.
    pub compared: usize,
    /// Those among them where the closed form is larger.
    pub broken: usize,
}

/// Every violation, in the order of the records.
///
/// A certificate speaks of the closed ball and a witness's distance is rounded up, so a radius that equals the distance
/// is refuted as well. Smoothed radii speak of another classifier and are left out.
pub fn violations(records: &[Record], found: &[Found]) -> Vec<Violation> {
    let mut nearest: HashMap<(&str, usize, &str), &Found> = HashMap::new();
    for witness in found.iter().filter(|f| f.distance.is_some()) {
        let key = (witness.model.as_str(), witness.input, witness.norm.as_str());
        let best = nearest.entry(key).or_insert(witness);
        if witness.distance < best.distance {
            *best = witness;
        }
    }
    let refuted =
        |record: &Record| {
            let witness = nearest.get(&(record.model.as_str(), record.input, record.norm.as_str()))?;
            let (radius, distance) = (record.certified()?, witness.distance?);
            (record.is_base() && record.guarantee != Guarantee::Probabilistic && radius >= distance)
                .then(|| Violation { record: record.clone(), radius, distance, finder: witness.finder.clone() })
        };
    records.iter().filter_map(refuted).collect()
}

/// Rows that leave a question open: of methods that apply and could not tell, and, where an input has f > 0 and no
/// method that was run answered, of those that do not apply.
pub fn undecided(records: &[Record]) -> impl Iterator<Item = &Record> {
    let answered: HashSet<(&str, usize, &str)> =
        records.iter().filter(|r| r.is_base() && r.status != Status::Unknown).map(key).collect();
    records.iter().filter(move |record| match record.not_applicable() {
        _ if record.status != Status::Unknown => false,
        None => true,
        Some(_) => record.logit > 0.0 && !answered.contains(&key(record)),
    })
}

fn key(record: &Record) -> (&str, usize, &str) {
    (&record.model, record.input, &record.norm)
}

/// Compares the closed form with `sharp`, which is never below it by construction.
pub fn order(records: &[Record]) -> Order {
    let mut closed_form: HashMap<(&str, usize, &str), f64> = HashMap::new();
    for record in records.iter().filter(|r| r.method == ClosedForm.name()) {
        if let Some(radius) = record.certified() {
            closed_form.insert((&record.model, record.input, &record.norm), radius);
        }
    }
    let mut order = Order::default();
    for record in records.iter().filter(|r| r.method == Sharp.name()) {
        let below = closed_form.get(&(record.model.as_str(), record.input, record.norm.as_str()));
        if let (Some(&below), Some(radius)) = (below, record.certified()) {
            order.compared += 1;
            order.broken += usize::from(below > radius);
        }
    }
    order
}
