//! From labelled samples to a task: duplicates, splits, standardisation, and notes on all of it.

use crate::data::dataset::{Column, Dataset, Task};
use crate::data::error::DataError;
use crate::data::split::{Purged, purge, stratified};
use crate::data::tasks::Recipe;

/// Shares of a split drawn from one file: test, validation, the rest for training.
pub(super) const DRAWN: [f64; 2] = [0.2, 0.1];
/// Share of the official training samples that becomes the validation split.
const CARVED: [f64; 1] = [0.1];

/// What a task is called and measured in.
#[derive(Clone, Copy)]
pub(super) struct Heading<'a> {
    pub name: &'a str,
    pub unit: &'a str,
    pub range: Option<(f32, f32)>,
}

impl<'a> From<&'a Recipe> for Heading<'a> {
    fn from(recipe: &'a Recipe) -> Self {
        Heading { name: recipe.name, unit: recipe.unit, range: recipe.range }
    }
}

/// A task from one set of samples without an official split. With `standardise`, the columns' means and divisors are
/// those of the training split.
pub(super) fn drawn_split<'a>(
    heading: impl Into<Heading<'a>>,
    samples: &Dataset,
    (mut columns, standardise): (Vec<Column>, bool),
    seed: u64,
    mut notes: Vec<String>,
) -> Result<Task, DataError> {
    let purged = purge(&[samples], &[false]);
    notes.push(note(&purged));
    let samples = samples.select(&purged.keep[0]);
    let parts = stratified(&samples.sensitive, &DRAWN, seed);
    let mut sides = [&parts[0], &parts[1], &parts[2]].map(|part| samples.select(part));
    notes.push(format!("drawn per class with seed {seed}: 70 % training, 10 % validation, 20 % test"));
    if standardise {
        notes.extend(standardise_by_last(&mut sides, &mut columns));
        // Rounding may make neighbours equal.
        let purged = purge(&[&sides[0], &sides[1], &sides[2]], &[false; 3]);
        let lost = purged.contradictory_samples + purged.repeated + purged.crossing;
        if lost > 0 {
            notes.push(format!("{lost} samples dropped that standardisation made equal to others"));
        }
        for (side, keep) in sides.iter_mut().zip(&purged.keep) {
            *side = side.select(keep);
        }
    }
    let [test, validation, train] = sides;
    Ok(Task { columns, ..finish(heading.into(), train, validation, test, notes)? })
}

/// A task from an official split; validation is carved from the training samples.
pub(super) fn official_split(
    recipe: &Recipe,
    train: &Dataset,
    test: &Dataset,
    seed: u64,
    mut notes: Vec<String>,
) -> Result<Task, DataError> {
    // The official test set keeps its own repeats.
    let purged = purge(&[test, train], &[true, false]);
    notes.push(note(&purged));
    let test = test.select(&purged.keep[0]);
    let train = train.select(&purged.keep[1]);
    let parts = stratified(&train.sensitive, &CARVED, seed);
    notes.push(format!(
        "official test split; validation: 10 % of the training samples, drawn per class with seed {seed}"
    ));
    finish(recipe.into(), train.select(&parts[1]), train.select(&parts[0]), test, notes)
}

/// What [`signed_log`] computes.
pub(super) const SIGNED_LOG: &str = "sign(x) ln(1 + |x|)";

/// sign(x) ln(1 + |x|): tames columns that span many orders of magnitude, keeps 0 and the sign.
pub(crate) fn signed_log(x: f64) -> f32 {
    (x.abs().ln_1p().copysign(x)) as f32 + 0.0
}

/// Leaves out the columns that hold one value in all samples, and says which.
pub(super) fn without_constants(
    samples: Dataset,
    columns: &[Column],
    notes: &mut Vec<String>,
) -> (Dataset, Vec<Column>) {
    let d = samples.features();
    let varies = |column: &usize| {
        let mut values = samples.inputs.iter().skip(*column).step_by(d);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let (kept, constant): (Vec<usize>, Vec<usize>) = (0..d).partition(varies);
    if !constant.is_empty() {
        let names: Vec<&str> = constant.iter().map(|&column| columns[column].name.as_str()).collect();
        notes.push(format!("columns left out that hold one value throughout: {}", names.join(", ")));
    }
    let inputs = samples.inputs.chunks_exact(d.max(1)).flat_map(|row| kept.iter().map(|&column| row[column])).collect();
    let columns = kept.iter().map(|&column| columns[column].clone()).collect();
    (Dataset { shape: vec![kept.len()], inputs, sensitive: samples.sensitive }, columns)
}

pub(super) fn note(purged: &Purged) -> String {
    let mut text = format!(
        "{} samples dropped with {} vectors that carry both labels, {} repeats of a vector dropped",
        purged.contradictory_samples, purged.contradictory_vectors, purged.repeated
    );
    if purged.keep.len() > 1 {
        text.push_str(&format!(", {} training samples dropped that are in the test split", purged.crossing));
    }
    text
}

pub(super) fn finish(
    heading: Heading,
    train: Dataset,
    validation: Dataset,
    test: Dataset,
    mut notes: Vec<String>,
) -> Result<Task, DataError> {
    let mut counts = Vec::new();
    let mut whole = true;
    for (name, side) in [("training", &train), ("validation", &validation), ("test", &test)] {
        let sensitive = side.sensitive.iter().filter(|&&sensitive| sensitive).count();
        counts.push(format!("{name} {} ({sensitive} sensitive)", side.len()));
        whole &= sensitive > 0 && sensitive < side.len();
    }
    let counts = counts.join(", ");
    if !whole {
        return Err(DataError::TooFew { task: heading.name.into(), found: counts });
    }
    notes.push(counts);
    let (name, unit, range) = (heading.name.into(), heading.unit.into(), heading.range);
    Ok(Task { name, unit, range, preparation: None, columns: Vec::new(), train, validation, test, notes })
}

/// Subtracts from each column its mean over the last side and divides by its standard deviation there (1 where the
/// column is constant), in f64, rounded once at the end; writes both into `columns`.
fn standardise_by_last(sides: &mut [Dataset; 3], columns: &mut [Column]) -> Option<String> {
    let d = sides[2].features();
    let n = sides[2].len() as f64;
    let mut constant = Vec::new();
    for (column, told) in columns.iter_mut().enumerate().take(d) {
        let values = || sides[2].inputs.iter().skip(column).step_by(d).map(|&x| f64::from(x));
        let mean = values().sum::<f64>() / n;
        let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        // Compared by value: the rounded mean of equal numbers may differ from them.
        let first = values().next();
        let divisor = if values().all(|x| Some(x) == first) {
            constant.push(told.name.clone());
            1.0
        } else {
            variance.sqrt()
        };
        (told.mean, told.divisor) = (mean, divisor);
        for side in sides.iter_mut() {
            for value in side.inputs.iter_mut().skip(column).step_by(d) {
                *value = ((f64::from(*value) - mean) / divisor) as f32 + 0.0;
            }
        }
    }
    (!constant.is_empty())
        .then(|| format!("columns constant on the training split, not scaled: {}", constant.join(", ")))
}
