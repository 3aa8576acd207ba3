//! From a node of the file to the import of its operator.

use super::advice;
use super::call::{Call, Value};
use super::importer::Importer;
use super::kinds::Kind;
use super::operator::{ANY, Operator};
use super::operators::OPERATORS;
use super::rules::check_range;
use super::{ends, exponentials, faced, guards, joined, ml, pick, rounded, single, turned};
use crate::model::ModelError;

/// The values that a node of the file gives, without those that nothing may read, and the type of their entries.
pub(super) fn import(importer: &mut Importer, call: &Call) -> Result<Vec<Option<(Value, Kind)>>, ModelError> {
    if importer.opset < 13 && (0..call.count()).any(|index| call.kind(index) == Some(Kind::Bfloat16)) {
        return Err(call.refuse(format!("bfloat16 is not one of the types of opset {}", importer.opset)));
    }
    let call = &*rounded::of_one_sample(importer, call);
    match exactly(importer, call) {
        Ok(found) => Ok(found),
        // Of constants alone it may be computed in floats.
        Err(refused) => match rounded::compute(importer, call) {
            Ok(Some(found)) => Ok(vec![Some(found)]),
            Ok(None) => Err(refused),
            Err(error) => Err(error),
        },
    }
}

/// Whether it is the name of an operator that is read.
pub(super) fn knows(name: &str) -> bool {
    OPERATORS.iter().any(|operator| operator.name == name)
}

fn exactly(importer: &mut Importer, call: &Call) -> Result<Vec<Option<(Value, Kind)>>, ModelError> {
    let here = |operator: &&Operator| {
        operator.name == call.operator()
            && operator.of_ml == call.of_ml()
            && operator.versions.contains(&importer.opset)
    };
    let Some(operator) = OPERATORS.iter().find(here) else {
        let operator = call.operator();
        let (shown, advice) = (operator.escape_debug(), advice::advice(operator));
        let what = format!("operator {shown} is not supported{advice}; `underplane operators` lists what is read");
        return Err(call.refuse(what));
    };
    // The mask of a Dropout may be there; nothing may read it.
    let outputs = match operator.name {
        "Split" => ANY,
        name if name == "Dropout" || ml::gives_label(name) => 2,
        _ => 1,
    };
    let call = call.checked(operator.inputs.clone(), outputs, operator.attributes, importer.opset)?;
    let kind = operator.types.result(&call)?;
    let call = single::batched(importer, call)?;
    let call = rounded::narrowed(importer, call)?;
    let call = &*faced::faced(importer, &call)?;
    let values = match operator.name {
        _ if ends::reads_one(importer, call) => vec![ends::go_on(importer, call, operator.import)?],
        _ if guards::reads_one(call) => vec![guards::go_on(importer, call, operator.import)?],
        _ if exponentials::reads_one(call) => vec![exponentials::go_on(importer, call, operator.import)?],
        _ if joined::reads_one(call) => vec![joined::go_on(importer, call, operator.import)?],
        _ if turned::reads_one(call) => vec![turned::go_on(importer, call, operator.import)?],
        "Split" => pick::split(importer, call)?,
        _ => vec![(operator.import)(importer, call)?],
    };
    values.iter().try_for_each(|value| check_range(call, value, kind))?;
    // A classifier's label stands before its scores.
    let hidden = ml::gives_label(operator.name).then_some(None);
    Ok(hidden.into_iter().chain(values.into_iter().map(|value| Some((value, kind)))).collect())
}
