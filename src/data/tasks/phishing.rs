//! UCI phishing websites: 30 features of −1, 0 and 1.

use crate::data::arff::{Arff, Cell, Kind, parse_arff};
use crate::data::dataset::{Column, Dataset};
use crate::data::error::{DataError, Place};
use crate::data::store::Store;
use crate::data::tasks::{Labelled, Recipe};
use std::path::Path;

pub(super) const PHISHING: Recipe = Recipe {
    name: "phishing",
    sources: &["phishing"],
    sensitive: "phishing",
    other: "legitimate",
    unit: "feature steps (from −1 to 1 is 2 steps)",
    range: Some((-1.0, 1.0)),
    samples: 11_055,
    features: 30,
    build,
};

fn build(store: &Store) -> Result<Labelled, DataError> {
    let content = store.open("Training Dataset.arff")?;
    let path = content.path().to_path_buf();
    let arff = parse_arff(content)?;
    let (label, features) = columns(&path, &arff)?;
    let mut sites = Dataset { shape: vec![features.len()], inputs: Vec::new(), sensitive: Vec::new() };
    let mut incomplete = 0;
    for row in &arff.rows {
        let values: Option<Vec<f32>> = features.iter().map(|(at, levels)| level(&row[*at], levels)).collect();
        match (values, level(&row[label.0], &label.1)) {
            (Some(values), Some(result)) => {
                sites.inputs.extend(values);
                // The file says −1 for phishing and 1 for legitimate.
                sites.sensitive.push(result == -1.0);
            }
            _ => incomplete += 1,
        }
    }
    let notes = vec![
        format!("{} sites read, {incomplete} incomplete rows dropped", arff.rows.len()),
        "features keep their values −1, 0 and 1".into(),
    ];
    let columns = features.iter().map(|(at, _)| Column::new(&arff.attributes[*at].name, "x")).collect();
    Ok(Labelled { columns, ..Labelled::new(sites, notes) })
}

/// A column and the values of its categories.
type Levels = (usize, Vec<f32>);

/// The label column and the others.
fn columns(path: &Path, arff: &Arff) -> Result<(Levels, Vec<Levels>), DataError> {
    let (mut label, mut features) = (None, Vec::new());
    for (i, attribute) in arff.attributes.iter().enumerate() {
        let levels = match &attribute.kind {
            Kind::Nominal(names) => names.iter().map(|name| step(name)).collect::<Option<Vec<f32>>>(),
            _ => None,
        };
        let Some(levels) = levels else {
            let expected = "attributes with categories among −1, 0 and 1";
            let found = format!("`{}`: {:?}", attribute.name, attribute.kind);
            return Err(DataError::content(path, Place::Whole, expected, found));
        };
        if attribute.name == "Result" {
            label = Some((i, levels));
        } else {
            features.push((i, levels));
        }
    }
    let label = label.ok_or_else(|| DataError::content(path, Place::Whole, "an attribute `Result`", "none"))?;
    Ok((label, features))
}

fn step(name: &str) -> Option<f32> {
    match name {
        "-1" => Some(-1.0),
        "0" => Some(0.0),
        "1" => Some(1.0),
        _ => None,
    }
}

fn level(cell: &Cell, levels: &[f32]) -> Option<f32> {
    match cell {
        Cell::Category(index) => levels.get(*index).copied(),
        _ => None,
    }
}
