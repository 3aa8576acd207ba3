//! Spambase: word and character frequencies of e-mails.

use crate::data::dataset::{Column, Dataset};
use crate::data::error::{DataError, Place};
use crate::data::store::Store;
use crate::data::table::Table;
use crate::data::tasks::{Labelled, Recipe};

/// Numbers per e-mail, before the label.
const FEATURES: usize = 57;

pub(super) const SPAMBASE: Recipe = Recipe {
    name: "spambase",
    sources: &["spambase"],
    sensitive: "spam",
    other: "ham",
    unit: "standard deviations of ln(1 + 10x)",
    range: None,
    samples: 4_601,
    features: FEATURES,
    build,
};

fn build(store: &Store) -> Result<Labelled, DataError> {
    let content = store.open("spambase.data")?;
    let path = content.path().to_path_buf();
    let table = Table::parse(content, false)?;
    if table.columns().len() != FEATURES + 1 {
        let found = table.columns().len().to_string();
        return Err(DataError::content(&path, Place::Line(1), format!("{} fields", FEATURES + 1), found));
    }
    let mut mails = Dataset { shape: vec![FEATURES], inputs: Vec::new(), sensitive: Vec::new() };
    for row in 0..table.len() {
        for column in 0..FEATURES {
            let value = table.number(row, column)?;
            if value < 0.0 {
                return Err(table.fault(row, column, "a frequency or length, 0 or more"));
            }
            mails.inputs.push((10.0 * value).ln_1p() as f32);
        }
        mails.sensitive.push(table.category(row, FEATURES, &["0", "1"])? == 1);
    }
    let notes = vec![
        format!("{} e-mails read", mails.len()),
        "every feature x enters as ln(1 + 10x), then standardised on the training split".into(),
    ];
    let columns = table.columns()[..FEATURES].iter().map(|name| Column::new(name, "ln(1 + 10x)")).collect();
    Ok(Labelled { columns, standardise: true, ..Labelled::new(mails, notes) })
}
