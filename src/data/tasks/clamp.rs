//! ClaMP (integrated): header fields of Windows executables and numbers derived from them.

use crate::data::dataset::{Column, Dataset};
use crate::data::error::DataError;
use crate::data::store::Store;
use crate::data::table::Table;
use crate::data::tasks::prepare::{SIGNED_LOG, signed_log, without_constants};
use crate::data::tasks::{Labelled, Recipe};

pub(super) const CLAMP: Recipe = Recipe {
    name: "clamp",
    sources: &["clamp"],
    sensitive: "malware",
    other: "benign",
    unit: "standard deviations of sign(x) ln(1 + |x|)",
    range: None,
    samples: 5_210,
    features: 60,
    build,
};

fn build(store: &Store) -> Result<Labelled, DataError> {
    let table = Table::parse(store.open("ClaMP_Integrated-5184.csv")?, true)?;
    let label = table.column("class")?;
    let packer = table.column("packer_type")?;
    let features: Vec<usize> = (0..table.columns().len()).filter(|&i| i != label && i != packer).collect();
    let mut programs = Dataset { shape: vec![features.len()], inputs: Vec::new(), sensitive: Vec::new() };
    for row in 0..table.len() {
        for &column in &features {
            programs.inputs.push(signed_log(table.number(row, column)?));
        }
        programs.sensitive.push(table.category(row, label, &["0", "1"])? == 1);
    }
    let mut notes = vec![
        format!("{} programs read", programs.len()),
        // A distance between packers' names has no meaning, and columns that are almost always 0 would get huge scales.
        "column `packer_type` (names, nearly all rare) left out; whether there is a packer stays, as `packer`".into(),
        "every feature x enters as sign(x) ln(1 + |x|), then standardised on the training split".into(),
    ];
    let columns: Vec<Column> =
        features.iter().map(|&column| Column::new(&table.columns()[column], SIGNED_LOG)).collect();
    let (programs, columns) = without_constants(programs, &columns, &mut notes);
    Ok(Labelled { columns, standardise: true, ..Labelled::new(programs, notes) })
}
