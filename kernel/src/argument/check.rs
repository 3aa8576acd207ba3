//! The check of one certificate.

use crate::argument::ball;
use crate::argument::minorant::minorant;
use crate::argument::sum::Part;
use crate::evidence::certificate::{Certificate, check_logit, check_uint8, check_weights, take_bounds};
use crate::inputs::read::Inputs;
use crate::model::Model;
use crate::number::exact::Exact;
use crate::number::power;
use crate::rejection::{Code, Rejection};
use crate::statement::{Attacker, Norm};
use crate::weights::Weights;
use dashu_int::IBig;
use dashu_int::ops::UnsignedAbs;

/// Checks one line of a certificate file. What the returned certificate states has been proven; an error says why it
/// has not.
pub fn check(model: &Model, inputs: &Inputs, attacker: Attacker, line: &str) -> Result<Certificate, Rejection> {
    let (certificate, x) = read(model, inputs, attacker, line)?;
    let weights = attacker.weights;
    let (norm, region) = (certificate.norm, &certificate.region);
    certificate.each_head(model.graph.heads(), |head, tree| {
        tree.each_leaf(|cuts, leaf| {
            let minorant = minorant(&model.graph, head, &model.singles, &leaf.slopes.unpack(&model.graph)?)?;
            let multiplier = leaf.multiplier.as_ref();
            ball::check(&minorant, &Part { x: &x, norm, weights, region, cuts, multiplier })
        })
    })?;
    if let Some(point) = certificate.witness(model.input_size())? {
        check_witness(model, &certificate, weights, &x, &point)?;
    }
    Ok(certificate)
}

/// Reads a line, and tests that it speaks of the model, of the user's class, bytes, weights and box, and of an input in
/// its box.
pub fn read(model: &Model, inputs: &Inputs, attacker: Attacker, line: &str) -> Result<(Certificate, Exact), Rejection> {
    let mut certificate = Certificate::read(line)?;
    check_logit(&certificate, &model.logit)?;
    check_uint8(&certificate, inputs)?;
    check_weights(&certificate, attacker.weights, model.input_shape())?;
    take_bounds(&mut certificate, attacker.bounds, model.input_shape())?;
    let x = model.input(inputs, certificate.statement.input)?;
    check_inside(&certificate, &x, Code::OutsideBox, "input")?;
    certificate.each_head(model.graph.heads(), |_, tree| tree.check_coordinates(model.input_size()))?;
    Ok((certificate, x))
}

/// Every coordinate lies in the box.
fn check_inside(certificate: &Certificate, point: &Exact, code: Code, what: &str) -> Result<(), Rejection> {
    let Some([lower, upper]) = &certificate.region.range else { return Ok(()) };
    let (mut point, mut lows, mut highs) = (point.clone(), lower.places(), upper.places());
    Exact::unify(&mut [&mut point, &mut lows, &mut highs])?;
    let outside = |(i, v): (usize, &IBig)| {
        lower.of(&lows, i).is_some_and(|low| v < low) || upper.of(&highs, i).is_some_and(|high| v > high)
    };
    match point.values.iter().enumerate().position(outside) {
        None => Ok(()),
        Some(i) => Err(Rejection::new(code, format!("{what} coordinate {i}"), "a number in the box", "one outside")),
    }
}

fn check_witness(
    model: &Model,
    certificate: &Certificate,
    weights: Option<&Weights>,
    x: &Exact,
    point: &Exact,
) -> Result<(), Rejection> {
    check_inside(certificate, point, Code::WitnessOutsideBox, "witness")?;
    let upper = certificate.upper.clone().expect("a witness comes with `upper`");
    let mut steps = point.clone().minus(x.clone())?;
    if let Some(weights) = weights {
        steps = weights.weigh(&steps)?;
    }
    check_distance(certificate.norm, steps, upper)?;
    if model.graph.logit(point)?.values[0] > IBig::ZERO {
        return Err(Rejection::new(Code::WitnessPositive, "witness", "f ≤ 0", "f > 0"));
    }
    Ok(())
}

/// ‖steps‖ ≤ upper.
fn check_distance(norm: Norm, mut steps: Exact, mut upper: Exact) -> Result<(), Rejection> {
    steps.align(&mut upper)?;
    let upper = &upper.values[0];
    let sizes = || steps.values.iter().map(|v| IBig::from(v.unsigned_abs()));
    let within = match norm {
        Norm::L1 => sizes().sum::<IBig>() <= *upper,
        Norm::L2 => sizes().map(|v| &v * &v).sum::<IBig>() <= upper * upper,
        Norm::Inf => sizes().all(|v| v <= *upper),
        Norm::Fraction(p, q) => power::compare(&steps.values, upper, (p, q), true).is_ok(),
    };
    match within {
        true => Ok(()),
        false => Err(Rejection::new(Code::WitnessTooFar, "witness", "a distance of at most `upper`", "a larger one")),
    }
}
