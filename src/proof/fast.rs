//! Fast replay: certificates in rigorous interval arithmetic (f64 with error bounds, rounded outward).
//!
//! This is **not** the kernel: it trusts the program's own reader and its f64 error bounds. It answers only where those
//! bounds decide; everything else is left to the exact replay. The slopes of a certificate are legal whatever they are
//! (they are moved into their intervals), so a mistake in finding the nodes again can lose a proof, never invent one.

use super::codes::{find, unpack};
use crate::data::inputs::bounds::BoundsFile;
use crate::model::{Model, NodeId};
use crate::norm::Norm;
use crate::query::Query;
use crate::query::{Perturbation, Range, Ranges};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;
use underplane_kernel::{self as kernel, Attacker, StatedBox, Statement, Unit, check_form};

/// A model and its inputs, as the program reads them.
#[derive(Debug)]
pub struct Fast {
    model: Model,
    /// `[count × size]`.
    inputs: Vec<f64>,
    /// The box of the file that certificates name.
    bounds: Option<BoundsFile>,
    /// What certificates give slopes for, with its node of our graph where that is the same; looked for once.
    units: OnceLock<Vec<(Unit, Option<NodeId>)>>,
}

impl Fast {
    /// Of a model and inputs `[count × size]`.
    pub fn new(model: Model, inputs: Vec<f64>) -> Fast {
        Fast { model, inputs, bounds: None, units: OnceLock::new() }
    }

    /// The same about the box of a file.
    pub fn within(self, bounds: Option<BoundsFile>) -> Fast {
        Fast { bounds, ..self }
    }

    /// The statement, if the form is right and interval arithmetic proves all of it. `kernel` is its reading of the same
    /// model and inputs every time, and `attacker` what its user says: it checks the certificates' form, and knows the names
    /// of the file's nodes. Nothing is proven about weighted norms.
    pub fn replay(
        &self,
        kernel: (&kernel::Model, &kernel::Inputs),
        attacker: Attacker,
        line: &str,
    ) -> Option<Statement> {
        if !self.model.heads().is_empty() || attacker.weights.is_some() {
            return None;
        }
        let statement = check_form(kernel.0, kernel.1, attacker, line).ok()?;
        let units = self.units.get_or_init(|| {
            let units = kernel.0.units();
            let found = find(&self.model, &units);
            units.into_iter().zip(found).collect()
        });
        let size = self.model.input_size();
        let start = usize::try_from(statement.input).ok()?.checked_mul(size)?;
        let x = self.inputs.get(start..start.checked_add(size)?)?;
        let query = Query { model: &self.model, x, index: 0, perturbation: self.perturbation(&statement)? };
        let evidence: Value = serde_json::from_str(line).ok()?;
        let lower = statement.radius.as_deref().is_none_or(|r| self.proves(query, units, r, &evidence).is_some());
        let upper = statement.upper.as_deref().is_none_or(|u| self.witnesses(query, u, &evidence));
        (lower && upper).then_some(statement)
    }

    fn perturbation(&self, statement: &Statement) -> Option<Perturbation<'_>> {
        let norm: Norm = statement.norm.parse().ok()?;
        let range = match &statement.range {
            None => None,
            Some(StatedBox::Ends(low, high)) => Some(Range { low: exact(low)?, high: exact(high)? }.into()),
            // The form is right: it is the file that the user names.
            Some(StatedBox::File(_)) => Some(Ranges::Each(&self.bounds.as_ref()?.ranges)),
        };
        Some(Perturbation { norm, range, weights: None })
    }

    /// `Some` if the slopes' own radius, rounded down, is at least the stated one, in a way in which the kernel proves it
    /// too.
    fn proves(&self, mut query: Query, units: &[(Unit, Option<NodeId>)], radius: &str, evidence: &Value) -> Option<()> {
        let radius = number(radius, true)?;
        let convexity = self.model.convexity().ok()?;
        match query.norm() {
            Norm::Linf => {}
            // Multipliers are for the exact replay; without one, the dual norm knows no box.
            _ if evidence.get("multiplier").is_some() || !convexity.free.is_empty() => return None,
            _ if radius.is_finite() => query.perturbation.range = None,
            _ => {}
        }
        let listed = evidence["slopes"].as_array()?;
        let mut slopes = super::tangent(&self.model, query.x);
        let listed: HashMap<&str, &Value> =
            listed.iter().filter_map(|node| Some((text(node, "node")?, node))).collect();
        for (unit, found) in units {
            match (listed.get(unit.name.as_str()), *found) {
                (None, Some(id)) if convexity.is_free(id) => {}
                (Some(node), Some(id)) if !convexity.is_free(id) => {
                    let bits = text(node, "bits")?.parse().ok()?;
                    let bytes = STANDARD.decode(text(node, "codes")?).ok()?;
                    unpack(&self.model, id, bits, &bytes, &mut slopes)?;
                }
                _ => return None,
            }
        }
        let minorant = query.minorant(slopes);
        let proven = query.radius(&minorant);
        (proven >= radius && minorant.value.lower() > 0.0).then_some(())
    }

    /// The point has f ≤ 0 and is near enough.
    fn witnesses(&self, query: Query, upper: &str, evidence: &Value) -> bool {
        let (Some(upper), Some("64")) = (number(upper, false), text(&evidence["witness"], "bits")) else {
            return false;
        };
        let bytes = text(&evidence["witness"], "point").and_then(|point| STANDARD.decode(point).ok());
        let Some(bytes) = bytes.filter(|bytes| bytes.len() == 8 * query.size()) else { return false };
        let point: Vec<f64> =
            bytes.chunks_exact(8).map(|word| f64::from_le_bytes(word.try_into().expect("8 bytes"))).collect();
        query.check(&point).is_some_and(|witness| witness.distance <= upper)
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// A decimal that is exactly an `f64`.
pub fn exact(decimal: &str) -> Option<f64> {
    let value: f64 = decimal.parse().ok()?;
    let trimmed = if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.') } else { decimal };
    (super::encode::decimal(value) == trimmed).then_some(value)
}

/// A stated distance: exactly an `f64`, or infinite where `unbounded` is allowed.
fn number(decimal: &str, unbounded: bool) -> Option<f64> {
    if unbounded && decimal == "unbounded" { Some(f64::INFINITY) } else { exact(decimal) }
}
