//! Single lines of a certificate file, for the rest of the program.

use crate::argument::check::{check, read};
use crate::inputs::read::Inputs;
use crate::model::Model;
use crate::rejection::Rejection;
use crate::statement::{Attacker, Statement};

/// Checks the form alone of a line: what it states, if its evidence is written as the format says. Nothing is proven.
pub fn check_form(model: &Model, inputs: &Inputs, attacker: Attacker, line: &str) -> Result<Statement, Rejection> {
    let (certificate, _) = read(model, inputs, attacker, line)?;
    certificate.each_head(model.graph.heads(), |_, tree| {
        tree.each_leaf(|_, leaf| leaf.slopes.unpack(&model.graph).map(drop))
    })?;
    certificate.witness(model.input_size())?;
    Ok(certificate.statement)
}

/// Checks one line of a certificate file. What is returned has been proven; an error says why nothing has.
pub fn check_line(model: &Model, inputs: &Inputs, line: &str) -> Result<Statement, Rejection> {
    check_against(model, inputs, Attacker::default(), line)
}

/// The same where the user names weights, or the file of a box.
pub fn check_against(model: &Model, inputs: &Inputs, attacker: Attacker, line: &str) -> Result<Statement, Rejection> {
    Ok(check(model, inputs, attacker, line)?.statement)
}
