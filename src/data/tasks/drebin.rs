//! Drebin-215: which permissions, intents and API calls an Android app has.

use crate::data::dataset::{Column, Dataset};
use crate::data::error::DataError;
use crate::data::store::Store;
use crate::data::table::Table;
use crate::data::tasks::{Labelled, Recipe};

pub(super) const DREBIN: Recipe = Recipe {
    name: "drebin",
    sources: &["drebin"],
    sensitive: "malware",
    other: "benign",
    unit: "flipped features",
    range: Some((0.0, 1.0)),
    samples: 15_036,
    features: 215,
    build,
};

fn build(store: &Store) -> Result<Labelled, DataError> {
    let table = Table::parse(store.open("drebin215.csv")?, true)?;
    let label = table.column("class")?;
    let features: Vec<usize> = (0..table.columns().len()).filter(|&column| column != label).collect();
    let mut apps = Dataset { shape: vec![features.len()], inputs: Vec::new(), sensitive: Vec::new() };
    let mut incomplete = 0;
    for row in 0..table.len() {
        let start = apps.inputs.len();
        for &column in &features {
            match table.category(row, column, &["0", "1", "?"])? {
                2 => {}
                bit => apps.inputs.push(bit as f32),
            }
        }
        let malware = table.category(row, label, &["B", "S"])? == 1;
        if apps.inputs.len() < start + features.len() {
            apps.inputs.truncate(start);
            incomplete += 1;
        } else {
            apps.sensitive.push(malware);
        }
    }
    let notes = vec![
        format!("{} apps read, {incomplete} rows with unknown cells (`?`) dropped", table.len()),
        "features keep their values 0 and 1".into(),
    ];
    let columns = features.iter().map(|&column| Column::new(&table.columns()[column], "x")).collect();
    Ok(Labelled { columns, ..Labelled::new(apps, notes) })
}
