//! Single lines of a certificate file, for the rest of the program.

use crate::argument::check::{check, read};
use crate::inputs::read::Inputs;
use crate::model::Model;
use crate::rejection::Rejection;
use crate::statement::Statement;
use crate::weights::Weights;

/// Checks the form alone of a line about a plain norm: what it states, if its evidence is written as the format says.
/// Nothing is proven.
pub fn check_form(model: &Model, inputs: &Inputs, line: &str) -> Result<Statement, Rejection> {
    let (certificate, _) = read(model, inputs, None, line)?;
    certificate.each_head(model.graph.heads(), |_, tree| {
        tree.each_leaf(|_, leaf| leaf.slopes.unpack(&model.graph).map(drop))
    })?;
    certificate.witness(model.input_size())?;
    Ok(certificate.statement)
}

/// Checks one line of a certificate file. What is returned has been proven; an error says why nothing has.
pub fn check_line(model: &Model, inputs: &Inputs, line: &str) -> Result<Statement, Rejection> {
    check_weighted(model, inputs, None, line)
}

/// The same where the user names weights.
pub fn check_weighted(
    model: &Model,
    inputs: &Inputs,
    weights: Option<&Weights>,
    line: &str,
) -> Result<Statement, Rejection> {
    Ok(check(model, inputs, weights, line)?.statement)
}
