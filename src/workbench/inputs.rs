//! Samples from a user's files.

use super::model::ModelFile;
use crate::data::export::Split;
use crate::data::inputs::array::{ArrayBlocks, ArrayFile};
use crate::data::inputs::label::{Label, LabelFile, listed, tally};
use crate::data::inputs::label_file::read_label_file;
use crate::data::inputs::sample_shape;
use crate::data::inputs::spool::{Spool, SpoolBlocks};
use crate::data::preparation::{Preparation, TrainedOn};
use crate::data::store::sha256;
use crate::data::tasks::Header;
use crate::data::{Delimiter, InputOptions, Inputs, Reading, open_array, read_inputs, spool_table};
use crate::model::Model;
use crate::query::Range;
use anyhow::{Context, Error, Result, bail, ensure};
use std::borrow::Cow;
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
}

/// Samples that fit a model, in order.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// `[count × size]`, exact.
    pub values: Vec<f64>,
    /// One per sample.
    pub labels: Option<Vec<Label>>,
    /// Number of samples.
    pub count: usize,
    /// `[count]`: where each sample stands in its file, from 0.
    pub numbers: Vec<usize>,
}

impl Loaded {
    /// The label's text, or nothing.
    pub fn label(&self, i: usize) -> String {
        self.labels.as_ref().map(|labels| labels[i].to_string()).unwrap_or_default()
    }

    /// Sample `i`.
    pub fn sample(&self, i: usize) -> &[f64] {
        let size = self.values.len() / self.count;
        &self.values[i * size..(i + 1) * size]
    }

    /// The samples as they are numbered in their file: zeros in place of those that were left out, which nothing speaks
    /// of.
    pub fn numbered(&self) -> Cow<'_, [f64]> {
        let rows = self.numbers.last().map_or(0, |last| last + 1);
        if rows == self.count {
            return Cow::Borrowed(&self.values);
        }
        let size = self.values.len() / self.count;
        let mut all = vec![0.0; rows * size];
        for (&number, sample) in self.numbers.iter().zip(self.values.chunks_exact(size)) {
            all[number * size..(number + 1) * size].copy_from_slice(sample);
        }
        Cow::Owned(all)
    }
}

/// The samples of a user's files that fit a model: all of them have been looked at, and those of an array or a table are
/// read again where they are wanted, so that few of them are in memory.
pub struct InputSource {
    stock: Stock,
    /// Coordinates of one sample.
    size: usize,
    /// Number of samples.
    count: usize,
}

enum Stock {
    Held(Inputs),
    Spool(Spool),
    File { file: ArrayFile, labels: Option<LabelFile> },
}

impl InputFiles {
    /// Looks at the inputs for a model, all of them inside the box if there is one.
    ///
    /// # Errors
    /// When a file cannot be read, does not fit the model, or an input lies outside the box.
    pub fn open(&self, file: &ModelFile, range: Option<Range>, tell: Tell) -> Result<InputSource> {
        let (model, preparation) = (&file.model, file.preparation.clone());
        let (header, drop_missing, reading) = (self.header.known(), self.drop_missing, self.reading);
        let (label_column, delimiter) = (self.label_column.clone(), self.delimiter);
        if self.split.is_some() {
            self.check_table(preparation.as_deref()).with_context(|| self.place())?;
        }
        let split = self.split;
        let options = InputOptions { preparation, split, label_column, header, delimiter, drop_missing, reading };
        let stock = match (open_array(&self.inputs, &options)?, &self.labels) {
            (Some(file), _) => self.file(file, model, range, tell)?,
            (None, Some(_)) => self.held(read_inputs(&self.inputs, &options)?, model, range, tell)?,
            (None, None) => match spool_table(&self.inputs, &options)? {
                Some(spool) => self.spooled(spool, model, range, tell)?,
                None => self.held(read_inputs(&self.inputs, &options)?, model, range, tell)?,
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

    fn file(&self, file: ArrayFile, model: &Model, range: Option<Range>, tell: Tell) -> Result<Stock> {
        file.fit(&model.graph().node(0).shape).map_err(Error::msg).with_context(|| self.place())?;
        let labels = self.labels.as_ref().map(|path| self.label_file(path, file.rows)).transpose()?;
        // Behind the last sample that is used, nothing is looked at.
        let mut kept = (0..file.rows).filter(|&row| is_kept(labels.as_ref(), row));
        let rows = self.limit.and_then(|limit| kept.nth(limit - 1)).map_or(file.rows, |last| last + 1);
        let (mut blocks, mut first) = (file.blocks()?, 0);
        while first < rows {
            let values = blocks.next((rows - first).min(LOOKED_AT.div_ceil(model.input_size())))?;
            let features = file.shape.iter().product();
            check_range(&values, range, features, &|i| first + i).with_context(|| self.place())?;
            first += values.len() / features;
        }
        blocks.finish()?.iter().for_each(|note| tell(&format!("note: {note}")));
        if let (Some(labels), Some(path)) = (&labels, &self.labels) {
            let left_out = labels.left_out(path, self.drop_missing)?;
            left_out.iter().for_each(|note| tell(&format!("note: {note}")));
        }
        Ok(Stock::File { file, labels })
    }

    fn held(&self, mut inputs: Inputs, model: &Model, range: Option<Range>, tell: Tell) -> Result<Stock> {
        let fits = inputs.fit(&model.graph().node(0).shape, self.reading.flatten);
        fits.map_err(Error::msg).with_context(|| self.place())?;
        if let Some(path) = &self.labels {
            let file = self.label_file(path, inputs.rows)?;
            inputs.label(path, file, self.drop_missing)?;
        }
        inputs.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        let number = |i: usize| inputs.numbers[i];
        check_range(&inputs.values, range, inputs.features(), &number).with_context(|| self.place())?;
        Ok(Stock::Held(inputs))
    }

    fn spooled(&self, spool: Spool, model: &Model, range: Option<Range>, tell: Tell) -> Result<Stock> {
        let (about, size) = (&spool.about, spool.about.features());
        let fits =
            sample_shape::fit(about.numbers.len(), &about.shape, &model.graph().node(0).shape, self.reading.flatten);
        fits.map_err(Error::msg).with_context(|| self.place())?;
        about.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        let (mut blocks, most) = (spool.blocks()?, LOOKED_AT.div_ceil(size));
        for numbers in about.numbers.chunks(most) {
            let values = blocks.next(numbers.len())?;
            check_range(&values, range, size, &|i| numbers[i]).with_context(|| self.place())?;
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

/// Values that are looked at together.
const LOOKED_AT: usize = 1 << 18;

impl InputSource {
    /// Number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Where sample `i` stands in its file; behind the last one: a number that is larger than any other.
    pub fn number(&self, i: usize) -> u64 {
        self.numbers().take(self.count).nth(i).map_or(u64::MAX, |number| number as u64)
    }

    /// From the first sample on.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn blocks(&self) -> Result<Blocks<'_>> {
        let pass = match &self.stock {
            Stock::File { file, .. } => Pass::Array(file.blocks()?),
            Stock::Spool(spool) => Pass::Spool(spool.blocks()?),
            Stock::Held(_) => Pass::Held,
        };
        Ok(Blocks { source: self, pass, given: 0, row: 0 })
    }

    /// All samples at once.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn load(&self) -> Result<Loaded> {
        let mut all = Loaded::default();
        let mut blocks = self.blocks()?;
        while let Some(block) = blocks.next(LOOKED_AT.div_ceil(self.size))? {
            all.values.extend(block.values);
            all.numbers.extend(block.numbers);
            all.count += block.count;
            match (&mut all.labels, block.labels) {
                (Some(labels), Some(more)) => labels.extend(more),
                (labels, more) => *labels = more,
            }
        }
        Ok(all)
    }

    /// Those samples that are `wanted`, in memory: it is given blocks of `most` samples, and says which of them it wants,
    /// or `None` where it wants no more.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn chosen(&self, most: usize, wanted: &mut dyn FnMut(&Loaded) -> Option<Vec<usize>>) -> Result<InputSource> {
        let mut kept = Inputs { shape: vec![self.size], ..Inputs::default() };
        let mut blocks = self.blocks()?;
        while let Some(block) = blocks.next(most)? {
            let Some(chosen) = wanted(&block) else { break };
            for i in chosen {
                kept.values.extend(block.sample(i).iter().map(|&x| x as f32));
                kept.numbers.push(block.numbers[i]);
                if let Some(labels) = &block.labels {
                    kept.labels.get_or_insert_default().push(labels[i].clone());
                }
            }
        }
        let count = kept.numbers.len();
        Ok(InputSource { stock: Stock::Held(kept), size: self.size, count })
    }

    /// Where every sample stands in its file, without a limit.
    pub fn numbers(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match &self.stock {
            Stock::Held(about) | Stock::Spool(Spool { about, .. }) => Box::new(about.numbers.iter().copied()),
            Stock::File { file, labels } => Box::new((0..file.rows).filter(|&row| is_kept(labels.as_ref(), row))),
        }
    }

    /// Every sample's label, where there are labels.
    fn labels(&self) -> Option<Box<dyn Iterator<Item = &Label> + '_>> {
        match &self.stock {
            Stock::Held(about) | Stock::Spool(Spool { about, .. }) => {
                Some(Box::new(about.labels.as_ref()?.iter().take(self.count)))
            }
            Stock::File { labels, .. } => Some(Box::new(labels.as_ref()?.labels.iter().flatten().take(self.count))),
        }
    }
}

/// Whether a row has a label, where there are labels.
fn is_kept(labels: Option<&LabelFile>, row: usize) -> bool {
    labels.is_none_or(|file| file.labels[row].is_some())
}

/// A pass over the samples of a [`InputSource`].
pub struct Blocks<'a> {
    source: &'a InputSource,
    pass: Pass<'a>,
    /// Samples that have been given.
    given: usize,
    /// Rows of the array that have been read.
    row: usize,
}

/// Where a pass has its values from.
enum Pass<'a> {
    Held,
    Spool(SpoolBlocks),
    Array(ArrayBlocks<'a>),
}

impl Blocks<'_> {
    /// The next samples, at most `most`; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or is another one by now.
    pub fn next(&mut self, most: usize) -> Result<Option<Loaded>> {
        let most = most.min(self.source.count - self.given);
        if most == 0 {
            return Ok(None);
        }
        let rows = self.given..self.given + most;
        let block = match (&self.source.stock, &mut self.pass) {
            (Stock::File { labels, .. }, _) => self.array_block(labels.as_ref(), most)?,
            (Stock::Spool(spool), Pass::Spool(blocks)) => block(&spool.about, rows, &blocks.next(most)?),
            (Stock::Spool(_), _) => bail!("a table is read by its blocks"),
            (Stock::Held(about), _) => {
                let size = self.source.size;
                block(about, rows.clone(), &about.values[rows.start * size..rows.end * size])
            }
        };
        self.given += block.count;
        Ok(Some(block))
    }

    fn array_block(&mut self, labels: Option<&LabelFile>, most: usize) -> Result<Loaded> {
        let Pass::Array(array) = &mut self.pass else { bail!("a file is read by its blocks") };
        let mut block = Loaded { labels: labels.map(|_| Vec::new()), ..Loaded::default() };
        while block.count < most {
            let values = array.next(most - block.count)?;
            let rows = values.len() / self.source.size;
            if rows == 0 {
                bail!("expected {} samples, found fewer", self.source.count);
            }
            for (i, sample) in values.chunks_exact(self.source.size).enumerate() {
                let row = self.row + i;
                if is_kept(labels, row) {
                    block.values.extend(sample.iter().map(|&x| f64::from(x)));
                    block.numbers.push(row);
                    block.count += 1;
                }
                if let (Some(all), Some(file)) = (&mut block.labels, labels) {
                    all.extend(file.labels[row].clone());
                }
            }
            self.row += rows;
        }
        Ok(block)
    }
}

/// Those samples, with these values.
fn block(about: &Inputs, rows: std::ops::Range<usize>, values: &[f32]) -> Loaded {
    Loaded {
        values: values.iter().map(|&x| f64::from(x)).collect(),
        labels: about.labels.as_ref().map(|labels| labels[rows.clone()].to_vec()),
        count: rows.len(),
        numbers: about.numbers[rows].to_vec(),
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

/// `number` is where a sample stands in its file.
fn check_range(values: &[f32], range: Option<Range>, size: usize, number: &dyn Fn(usize) -> usize) -> Result<()> {
    let Some(range) = range else { return Ok(()) };
    for (at, &value) in values.iter().enumerate() {
        if !(range.low..=range.high).contains(&f64::from(value)) {
            let (input, coordinate) = (number(at / size), at % size);
            bail!("input {input}, coordinate {coordinate}: {value} lies outside the box [{range}]");
        }
    }
    Ok(())
}
