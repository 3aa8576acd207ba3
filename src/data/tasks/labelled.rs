//! Labelled samples as their source has them.

use super::Recipe;
use super::prepare::{drawn_split, official_split};
use crate::data::dataset::{Column, Dataset, Task};
use crate::data::error::DataError;

/// All samples of the two classes, before duplicates are dropped and splits made.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The official training samples in their order, or all samples where there is no official split.
    pub train: Dataset,
    /// The official test samples.
    pub test: Option<Dataset>,
    /// What the coordinates are, for tasks from a table.
    pub columns: Vec<Column>,
    /// Whether the coordinates are to be standardised.
    pub standardise: bool,
    /// What has been done, for the user to read.
    pub notes: Vec<String>,
}

impl Labelled {
    /// Samples without a split or columns.
    pub(super) fn new(train: Dataset, notes: Vec<String>) -> Labelled {
        Labelled { train, test: None, columns: Vec::new(), standardise: false, notes }
    }

    /// The task: no vector twice, none with both labels, validation (and test) drawn per class by the seed.
    pub(super) fn split(self, recipe: &Recipe, seed: u64) -> Result<Task, DataError> {
        match &self.test {
            Some(test) => official_split(recipe, &self.train, test, seed, self.notes),
            None => drawn_split(recipe, &self.train, (self.columns, self.standardise), seed, self.notes),
        }
    }
}
