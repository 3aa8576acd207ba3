//! Samples from a user's files.

use super::model::ModelFile;
use super::piped::Piped;
use super::raw_scales;
use super::source::{InputSource, LOOKED_AT, Stock, is_kept};
use crate::data::Bounds;
use crate::data::export::Split;
use crate::data::inputs::array::ArrayFile;
use crate::data::inputs::label::{LabelFile, listed, tally};
use crate::data::inputs::label_file::read_label_file;
use crate::data::inputs::raw::RawTable;
use crate::data::inputs::sample_shape;
use crate::data::inputs::spool::Spool;
use crate::data::preparation::{Preparation, TrainedOn};
use crate::data::store::sha256;
use crate::data::tasks::Header;
use crate::data::{Delimiter, InputOptions, Inputs, Reading, open_array, read_inputs, spool};
use crate::model::Model;
use anyhow::{Context, Error, Result, bail, ensure};
use std::path::{Path, PathBuf};

/// Hears what a user should hear, a line at a time.
pub type Tell<'a> = &'a mut dyn FnMut(&str);

/// Which inputs, and how to read them.
#[derive(Clone, Debug, Default)]
pub struct InputFiles {
    /// The file, or FILE.npz:NAME.
    pub inputs: PathBuf,
    /// A file with one label per input.
    pub labels: Option<PathBuf>,
    /// The column of a table that holds labels.
    pub label_column: Option<String>,
    /// Whether a table's first line is a header.
    pub header: Header,
    /// What separates a table's fields; `None`: find out.
    pub delimiter: Option<Delimiter>,
    /// Use the rows of this part of the table that the model was trained on.
    pub split: Option<Split>,
    /// Leave out rows that lack something, and say how many.
    pub drop_missing: bool,
    /// What numbers and shapes mean.
    pub reading: Reading,
    /// Use the first so many only.
    pub limit: Option<usize>,
    /// The copy that `inputs` is, where they came through a pipe.
    pub piped: Option<Piped>,
}

impl InputFiles {
    /// The same with a copy of what can be read only once.
    ///
    /// # Errors
    /// When it cannot be read, or the copy not be written.
    pub fn kept(self) -> Result<InputFiles> {
        let piped = Piped::of(&self.inputs)?;
        let inputs = piped.as_ref().map_or(self.inputs, |piped| piped.path.clone());
        Ok(InputFiles { inputs, piped, ..self })
    }

    /// Looks at the inputs for a model, all of them inside the box if there is one.
    ///
    /// # Errors
    /// When a file cannot be read, does not fit the model, or an input lies outside the box.
    pub fn open(&self, file: &ModelFile, range: Option<&Bounds>, tell: Tell) -> Result<InputSource> {
        let model = &file.model;
        if self.split.is_some() {
            self.check_table(file.preparation.as_deref()).with_context(|| self.place())?;
        }
        let options = self.options(file);
        let names = file.preparation.as_ref().map(|record| record.coordinates()).unwrap_or_default();
        let range = &Within { bounds: range, names };
        let held = |tell: Tell| self.held(read_inputs(&self.inputs, &options)?, model, range, tell);
        let stock = match open_array(&self.inputs, &options)? {
            Some(file) => self.file(file, model, range, tell)?,
            None => match self.labelled(spool(&self.inputs, &options)?)? {
                Some(spool) => self.spooled(spool, model, range, tell)?,
                None => held(tell)?,
            },
        };
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut source = InputSource { stock, size: model.input_size(), count: 0 };
        source.count = source.numbers().take(limit).count();
        if source.count == 0 {
            bail!("{}: expected inputs, found none", self.inputs.display());
        }
        if let Some(labels) = source.labels() {
            tell(&format!("labels: {}", listed(&tally(labels))));
        }
        Ok(source)
    }

    fn options(&self, file: &ModelFile) -> InputOptions {
        let (preparation, split, label_column) = (file.preparation.clone(), self.split, self.label_column.clone());
        let (header, delimiter, drop_missing) = (self.header.known(), self.delimiter, self.drop_missing);
        InputOptions { preparation, split, label_column, header, delimiter, drop_missing, reading: self.reading }
    }

    /// The rows of a table with names that these samples are, if they are such rows.
    ///
    /// # Errors
    /// When the table cannot be read again.
    pub fn table(&self, file: &ModelFile, samples: &InputSource) -> Result<Option<RawTable>> {
        Ok(RawTable::read(&self.inputs, &self.options(file), samples.numbers().take(samples.count()))?)
    }

    fn file(&self, file: ArrayFile, model: &Model, range: &Within, tell: Tell) -> Result<Stock> {
        file.fit(&model.graph().node(0).shape).map_err(Error::msg).with_context(|| self.place())?;
        let labels = self.labels.as_ref().map(|path| self.label_file(path, file.rows)).transpose()?;
        // Behind the last sample that is used, nothing is looked at.
        let mut kept = (0..file.rows).filter(|&row| is_kept(labels.as_ref(), row));
        let rows = self.limit.and_then(|limit| kept.nth(limit - 1)).map_or(file.rows, |last| last + 1);
        let (mut blocks, mut first) = (file.blocks()?, 0);
        while first < rows {
            let values = blocks.next((rows - first).min(LOOKED_AT.div_ceil(model.input_size())))?;
            let features = file.shape.iter().product();
            range.check(&values, features, (&|i| first + i, &[])).with_context(|| self.place())?;
            first += values.len() / features;
        }
        blocks.finish()?.iter().for_each(|note| tell(&format!("note: {note}")));
        if let (Some(labels), Some(path)) = (&labels, &self.labels) {
            let left_out = labels.left_out(path, self.drop_missing)?;
            left_out.iter().for_each(|note| tell(&format!("note: {note}")));
        }
        Ok(Stock::File { file, labels })
    }

    fn held(&self, mut inputs: Inputs, model: &Model, range: &Within, tell: Tell) -> Result<Stock> {
        let fits = inputs.fit(&model.graph().node(0).shape, self.reading.flatten);
        fits.map_err(Error::msg).with_context(|| self.place())?;
        if let Some(path) = &self.labels {
            let file = self.label_file(path, inputs.rows)?;
            inputs.label(path, file, self.drop_missing)?;
        }
        inputs.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        let number = |i: usize| inputs.numbers[i];
        let about = (&number as &dyn Fn(usize) -> usize, &inputs.columns[..]);
        range.check(&inputs.values, inputs.features(), about).with_context(|| self.place())?;
        Ok(Stock::Held(inputs))
    }

    /// The same with the labels of their file; `None` where one is missing, so that samples may be left out.
    fn labelled(&self, spool: Option<Spool>) -> Result<Option<Spool>> {
        let Some(path) = &self.labels else { return Ok(spool) };
        let Some(mut spool) = spool else { return Ok(None) };
        let file = self.label_file(path, spool.about.rows)?;
        Ok(spool.about.label_all(&file).then_some(spool))
    }

    fn spooled(&self, spool: Spool, model: &Model, range: &Within, tell: Tell) -> Result<Stock> {
        let (about, size) = (&spool.about, spool.about.features());
        let fits =
            sample_shape::fit(about.numbers.len(), &about.shape, &model.graph().node(0).shape, self.reading.flatten);
        fits.map_err(Error::msg).with_context(|| self.place())?;
        about.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        let (mut blocks, most) = (spool.blocks()?, LOOKED_AT.div_ceil(size));
        for numbers in about.numbers.chunks(most) {
            let values = blocks.next(numbers.len())?;
            let is_first = numbers.first() == about.numbers.first();
            let warning = is_first.then(|| raw_scales::warning(model, &about.columns, &values)).flatten();
            if let Some(warning) = warning {
                tell(&format!("warning: {}: {warning}", self.place()));
            }
            range.check(&values, size, (&|i| numbers[i], &about.columns)).with_context(|| self.place())?;
        }
        Ok(Stock::Spool(spool))
    }

    /// Makes sure that this is the table that the model was trained on.
    fn check_table(&self, preparation: Option<&Preparation>) -> Result<()> {
        let Some(TrainedOn { sha256: wanted, .. }) = preparation.and_then(|record| record.trained_on.as_ref()) else {
            bail!("--split: the model has no record of the table that it was trained on");
        };
        let found = sha256(&std::fs::read(&self.inputs)?);
        ensure!(
            found == *wanted,
            "--split: expected the table that the model was trained on, SHA-256 {wanted}, found {found}"
        );
        Ok(())
    }

    fn place(&self) -> String {
        self.inputs.display().to_string()
    }

    /// Labels for inputs of so many rows.
    fn label_file(&self, path: &Path, rows: usize) -> Result<LabelFile> {
        let file = read_label_file(path, self.header.known())?;
        if !self.drop_missing {
            // A gap explains more than a count that differs.
            file.left_out(path, false)?;
        }
        check_count(path, &file, rows, self.header.known())?;
        Ok(file)
    }
}

/// One label per row of the inputs' file, those left out among them.
fn check_count(path: &Path, file: &LabelFile, rows: usize, header: Option<bool>) -> Result<()> {
    let found = file.labels.len();
    let heading = match file.labels.first() {
        Some(Some(first)) if found == rows + 1 && header.is_none() => {
            format!("; is `{first}` a heading (--header yes)?")
        }
        _ => String::new(),
    };
    if found != rows {
        bail!("{}: expected {rows} labels, one per input, found {found}{heading}", path.display());
    }
    Ok(())
}

/// The box that inputs lie in, and what the model's record calls the coordinates.
struct Within<'a> {
    bounds: Option<&'a Bounds>,
    names: Vec<String>,
}

impl Within<'_> {
    /// `number` is where a sample stands in its file, `columns` the names of a table's columns that are coordinates.
    fn check(
        &self,
        values: &[f32],
        size: usize,
        (number, columns): (&dyn Fn(usize) -> usize, &[String]),
    ) -> Result<()> {
        let Some(bounds) = self.bounds else { return Ok(()) };
        let ranges = bounds.ranges();
        for (at, &value) in values.iter().enumerate() {
            let (input, coordinate) = (number(at / size), at % size);
            let range = ranges.at(coordinate);
            if !range.contains(value.into()) {
                let own = self.names.get(coordinate).or_else(|| columns.get(coordinate));
                let own = own.map(|name| format!(" (`{name}`)")).unwrap_or_default();
                let (name, of) = match bounds.file() {
                    None => (own, String::new()),
                    Some(file) => (file.called(coordinate), format!(" of {}", file.path.display())),
                };
                bail!("input {input}, coordinate {coordinate}{name}: {value} lies outside the box [{range}]{of}");
            }
        }
        Ok(())
    }
}
