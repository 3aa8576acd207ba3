//! The certificate ladder, checked on records: what is refuted, what is undecided.

use crate::report::records::{Found, Record};
use std::collections::HashMap;

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
    /// No violation, and every method that applies answered.
    Passed,
    /// At least one violation.
    Violated,
    /// No violation, but a method that applies could not tell.
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
    let refuted = |record: &Record| {
        let witness = nearest.get(&(record.model.as_str(), record.input, record.norm.as_str()))?;
        let (radius, distance) = (record.certified()?, witness.distance?);
        (record.is_base() && record.guarantee != "probabilistic" && radius >= distance).then(|| Violation {
            record: record.clone(),
            radius,
            distance,
            finder: witness.finder.clone(),
        })
    };
    records.iter().filter_map(refuted).collect()
}

/// Rows of methods that apply and could not tell.
pub fn undecided(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| record.status == "unknown" && record.not_applicable().is_none())
}

/// What the records amount to.
pub fn conclusion(records: &[Record], found: &[Found]) -> Conclusion {
    if !violations(records, found).is_empty() {
        Conclusion::Violated
    } else if undecided(records).next().is_some() {
        Conclusion::Undecided
    } else {
        Conclusion::Passed
    }
}

/// Compares the closed form with `sharp`, which is never below it by construction.
pub fn order(records: &[Record]) -> Order {
    let mut closed_form: HashMap<(&str, usize, &str), f64> = HashMap::new();
    for record in records.iter().filter(|r| r.method == "closed-form") {
        if let Some(radius) = record.certified() {
            closed_form.insert((&record.model, record.input, &record.norm), radius);
        }
    }
    let mut order = Order::default();
    for record in records.iter().filter(|r| r.method == "sharp") {
        let below = closed_form.get(&(record.model.as_str(), record.input, record.norm.as_str()));
        if let (Some(&below), Some(radius)) = (below, record.certified()) {
            order.compared += 1;
            order.broken += usize::from(below > radius);
        }
    }
    order
}
