//! The samples of a run, a block at a time.

use crate::data::Inputs;
use crate::data::inputs::array::{ArrayBlocks, ArrayFile};
use crate::data::inputs::label::{Label, LabelFile};
use crate::data::inputs::spool::{Spool, SpoolBlocks};
use anyhow::{Result, bail};
use std::borrow::Cow;

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
    pub(super) stock: Stock,
    /// Coordinates of one sample.
    pub(super) size: usize,
    /// Number of samples.
    pub(super) count: usize,
}

pub(super) enum Stock {
    Held(Inputs),
    Spool(Spool),
    File { file: ArrayFile, labels: Option<LabelFile> },
}

/// Values that are looked at together.
pub(super) const LOOKED_AT: usize = 1 << 18;

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
    pub(super) fn labels(&self) -> Option<Box<dyn Iterator<Item = &Label> + '_>> {
        match &self.stock {
            Stock::Held(about) | Stock::Spool(Spool { about, .. }) => {
                Some(Box::new(about.labels.as_ref()?.iter().take(self.count)))
            }
            Stock::File { labels, .. } => Some(Box::new(labels.as_ref()?.labels.iter().flatten().take(self.count))),
        }
    }
}

/// Whether a row has a label, where there are labels.
pub(super) fn is_kept(labels: Option<&LabelFile>, row: usize) -> bool {
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
