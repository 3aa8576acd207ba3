//! From the user's own table to a task: rows are read, drawn, prepared and standardised.

use super::OwnTable;
use super::remarks::{remarks, told};
use super::roles::roles;
use crate::data::dataset::{Column, Dataset, Task};
use crate::data::error::DataError;
use crate::data::inputs::label::{listed, nearest, tally};
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::preparation::{Encoder, LabelColumn, Preparation, Role, TrainedOn, fit};
use crate::data::split::{purge, stratified};
use crate::data::store::sha256;
use crate::data::table::{Labelled, Table};
use crate::data::tasks::prepare::{DRAWN, Heading, finish, note};

/// Rows of a table with their inputs.
struct Rows {
    samples: Dataset,
    /// Where each sample stands in the table.
    rows: Vec<usize>,
}

impl Rows {
    fn select(&self, indices: &[usize]) -> Rows {
        let rows = indices.iter().map(|&i| self.rows[i]).collect();
        Rows { samples: self.samples.select(indices), rows }
    }
}

/// A table and what the user says about it.
struct Reading<'a> {
    own: &'a OwnTable,
    table: &'a Table,
    label: usize,
    roles: &'a [Role],
}

/// Reads, purges, splits, prepares and standardises the user's own table.
///
/// # Errors
/// When the file cannot be read, has no such label column, no row of the sensitive class, lacks a label or a feature,
/// holds a feature that is not what its column is to hold (or lies outside the range), or a class is too small to be
/// split.
pub fn load_own(name: &str, own: &OwnTable, seed: u64) -> Result<Task, DataError> {
    let found = (own.header.known(), own.delimiter);
    let Labelled { table, label, mut notes } = Table::labelled(&own.file, found, &own.label_column)?;
    let roles = roles(own, &table, label)?;
    let reading = Reading { own, table: &table, label, roles: &roles };
    reading.check_labels(name)?;
    let all = reading.all(&mut notes)?;
    notes.extend(remarks(&table, &roles, &all.rows, &all.samples.sensitive));
    let sides = reading.drawn(&all, seed, &mut notes)?;
    let mut preparation = reading.fitted(&sides[2].rows)?;
    let mut sides = reading.prepared(&preparation, sides, &mut notes)?;
    let columns = match own.standardise {
        true => standardise(&mut sides, &preparation, &mut notes),
        false => preparation.coordinates().iter().map(|name| Column::new(name, "x")).collect(),
    };
    let sides = without_repeats(sides, &mut notes);
    preparation.scales = columns.iter().map(|column| (1.0 / column.divisor) as f32).collect();
    let digest = std::fs::read(&own.file).map_err(|source| DataError::file(&own.file, source))?;
    preparation.trained_on = Some(TrainedOn { sha256: sha256(&digest), rows: letters(&sides, table.len()) });
    let heading = Heading { name, unit: own.unit_name(), range: own.range };
    let [test, validation, train] = sides.map(|side| side.samples);
    Ok(Task { preparation: Some(preparation), columns, ..finish(heading, train, validation, test, notes)? })
}

impl Reading<'_> {
    /// Makes sure that rows of the sensitive class are there.
    fn check_labels(&self, name: &str) -> Result<(), DataError> {
        let (own, rows) = (self.own, self.table.len());
        let labels = (0..rows).map(|row| self.table.cell(row, self.label));
        let labels: Vec<&str> = labels.filter(|label| !is_missing(label)).collect();
        let counts = tally(&labels);
        if counts.contains_key(&own.sensitive.as_str()) {
            return Ok(());
        }
        let known: Vec<String> = counts.keys().map(|label| label.to_string()).collect();
        let like = nearest(&own.sensitive, known.iter()).map(|label| format!("; did you mean `{label}`?"));
        let unlabelled = rows - counts.values().sum::<usize>();
        let unlabelled = if unlabelled > 0 { format!(", and {unlabelled} without one") } else { String::new() };
        let found = format!(
            "no row of {} labelled `{}` (`sensitive`); its labels in column `{}`: {}{unlabelled}{}",
            own.file.display(),
            own.sensitive,
            self.table.columns()[self.label],
            listed(&counts),
            like.unwrap_or_default()
        );
        Err(DataError::TooFew { task: name.into(), found })
    }

    /// All rows, as they would be prepared if all of them were training rows.
    fn all(&self, notes: &mut Vec<String>) -> Result<Rows, DataError> {
        let (own, table) = (self.own, self.table);
        let mut missing = Missing::new(own.drop_missing, Voice::Config);
        let labelled: Vec<usize> = (0..table.len()).filter(|&row| !is_missing(table.cell(row, self.label))).collect();
        let preparation = self.fitted(&labelled)?;
        for row in 0..table.len() {
            if is_missing(table.cell(row, self.label)) {
                missing.label(table.line(row), table.cell(row, self.label));
            }
        }
        let (all, more) = self.encoded(&preparation, &labelled, &mut missing)?;
        notes.push(format!("{}: {} samples read", own.file.display(), all.rows.len()));
        notes.extend(missing.finish(&own.file, table.len())?);
        notes.extend(more);
        let labels: Vec<&str> = all.rows.iter().map(|&row| table.cell(row, self.label)).collect();
        notes.extend(told(own, &tally(&labels)));
        Ok(all)
    }

    /// What these rows say about the columns.
    fn fitted(&self, rows: &[usize]) -> Result<Preparation, DataError> {
        let columns = fit(self.table, self.roles, rows, self.own.impute)?;
        let name = |column: usize| self.table.columns()[column].clone();
        let label = LabelColumn { column: name(self.label), sensitive: self.own.sensitive.clone() };
        Ok(Preparation::new(label, columns, self.own.ignore.clone(), self.own.unit_name()))
    }

    /// The inputs of these rows, and what is worth saying.
    fn encoded(
        &self,
        preparation: &Preparation,
        rows: &[usize],
        missing: &mut Missing,
    ) -> Result<(Rows, Vec<String>), DataError> {
        let (own, table) = (self.own, self.table);
        let mut encoder = Encoder::new(preparation, &own.file, table.columns(), table.delimiter(), Voice::Config)?;
        let shape = vec![preparation.scales.len()];
        let mut samples = Dataset { shape, inputs: Vec::new(), sensitive: Vec::new() };
        let mut kept = Vec::new();
        for &row in rows {
            let Some(input) = encoder.encode(table.cells(row), table.line(row), missing)? else { continue };
            self.check_range(row, &input)?;
            samples.inputs.extend(input);
            samples.sensitive.push(table.cell(row, self.label) == own.sensitive);
            kept.push(row);
        }
        Ok((Rows { samples, rows: kept }, encoder.finish()?))
    }

    fn check_range(&self, row: usize, input: &[f32]) -> Result<(), DataError> {
        let Some((low, high)) = self.own.range else { return Ok(()) };
        match input.iter().position(|value| !(low..=high).contains(value)) {
            // Without preparation every column is a coordinate.
            Some(at) if input.len() == self.roles.len() => {
                Err(self.table.fault(row, self.roles[at].column, &format!("a number within [{low}, {high}]")))
            }
            Some(at) => {
                let what = format!("numbers within [{low}, {high}], coordinate {at} among them");
                Err(self.table.fault(row, self.label, &what))
            }
            None => Ok(()),
        }
    }

    /// Test, validation and training rows.
    fn drawn(&self, all: &Rows, seed: u64, notes: &mut Vec<String>) -> Result<[Rows; 3], DataError> {
        let purged = purge(&[&all.samples], &[false]);
        notes.push(note(&purged));
        let all = all.select(&purged.keep[0]);
        let parts = stratified(&all.samples.sensitive, &DRAWN, seed);
        notes.push(format!("drawn per class with seed {seed}: 70 % training, 10 % validation, 20 % test"));
        Ok([&parts[0], &parts[1], &parts[2]].map(|part| all.select(part)))
    }

    /// The same rows, prepared by what training rows say.
    fn prepared(
        &self,
        preparation: &Preparation,
        sides: [Rows; 3],
        notes: &mut Vec<String>,
    ) -> Result<[Rows; 3], DataError> {
        // A word or a gap that no training row has: the row cannot be read by what training knows.
        let mut missing = Missing::new(true, Voice::Config);
        let mut rows = Vec::new();
        for side in &sides {
            rows.push(self.encoded(preparation, &side.rows, &mut missing)?.0);
        }
        if missing.count() > 0 {
            notes.push(format!("{} rows dropped with words or gaps that no training row has", missing.count()));
        }
        Ok(rows.try_into().unwrap_or(sides))
    }
}

/// Shifts every coordinate by its mean over the last side and multiplies it by 1 over its standard deviation there (1
/// where it is constant), both float32, as the model will.
fn standardise(sides: &mut [Rows; 3], preparation: &Preparation, notes: &mut Vec<String>) -> Vec<Column> {
    let d = preparation.scales.len();
    let mut constant = Vec::new();
    let mut columns = Vec::new();
    for (at, name) in preparation.coordinates().into_iter().enumerate() {
        let (mean, scale) = moments(sides[2].samples.inputs.iter().skip(at).step_by(d).copied());
        if scale.is_none() {
            constant.push(name.clone());
        }
        let scale = scale.unwrap_or(1.0);
        for side in sides.iter_mut() {
            for value in side.samples.inputs.iter_mut().skip(at).step_by(d) {
                *value = ((f64::from(*value) - f64::from(mean)) * f64::from(scale)) as f32 + 0.0;
            }
        }
        columns.push(Column { mean: mean.into(), divisor: 1.0 / f64::from(scale), ..Column::new(&name, "x") });
    }
    if !constant.is_empty() {
        notes.push(format!("columns constant on the training split, not scaled: {}", constant.join(", ")));
    }
    columns
}

/// The mean, and 1 over the standard deviation within what float32 holds without loss; `None` where all are equal.
fn moments(values: impl Iterator<Item = f32> + Clone) -> (f32, Option<f32>) {
    let n = values.clone().count() as f64;
    let mean = (values.clone().map(f64::from).sum::<f64>() / n) as f32;
    let square = |x: f32| (f64::from(x) - f64::from(mean)).powi(2);
    let deviation = (values.clone().map(square).sum::<f64>() / n).sqrt();
    let mut others = values.clone();
    let first = others.next();
    if others.all(|x| Some(x) == first) || deviation == 0.0 {
        return (mean, None);
    }
    (mean, Some((1.0 / deviation).clamp(f64::from(f32::MIN_POSITIVE), 1e38) as f32))
}

/// Rounding may make neighbours equal.
fn without_repeats(sides: [Rows; 3], notes: &mut Vec<String>) -> [Rows; 3] {
    let purged = purge(&[&sides[0].samples, &sides[1].samples, &sides[2].samples], &[false; 3]);
    let lost = purged.contradictory_samples + purged.repeated + purged.crossing;
    if lost > 0 {
        notes.push(format!("{lost} samples dropped that preparation made equal to others"));
    }
    let mut keep = purged.keep.into_iter();
    sides.map(|side| side.select(&keep.next().unwrap_or_default()))
}

/// A letter per row of the table.
fn letters(sides: &[Rows; 3], count: usize) -> String {
    let mut letters = vec!['-'; count];
    for (side, letter) in sides.iter().zip(['e', 'v', 't']) {
        side.rows.iter().for_each(|&row| letters[row] = letter);
    }
    letters.into_iter().collect()
}
