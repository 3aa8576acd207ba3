//! The binary tasks: which source, which classes, which features, which split.

mod cifar_pair;
mod clamp;
mod digits;
mod drebin;
mod labelled;
mod own;
mod pdf_malware;
mod phishing;
mod prepare;
mod spambase;

pub use labelled::Labelled;
pub use own::{Header, OwnTable, guess, load_own};
pub(crate) use prepare::signed_log;

use crate::data::dataset::Task;
use crate::data::error::DataError;
use crate::data::sources::source;
use crate::data::store::Store;
use std::path::Path;

/// How one task is made.
pub struct Recipe {
    /// Short name, as `underplane train` takes it.
    pub name: &'static str,
    /// The sources that it can be built from, each alone; the first is the published one.
    pub sources: &'static [&'static str],
    /// The certified class, in the source's words.
    pub sensitive: &'static str,
    /// The other class.
    pub other: &'static str,
    /// What a radius of 1 means.
    pub unit: &'static str,
    /// The valid range of every coordinate, if there is one.
    pub range: Option<(f32, f32)>,
    /// Number of labelled samples of the two classes in the source, before any is dropped.
    pub samples: usize,
    /// Number of coordinates of a sample.
    pub features: usize,
    build: fn(&Store) -> Result<Labelled, DataError>,
}

impl Recipe {
    /// The files that the task would be built from: the first of its sources that is complete, else the first.
    ///
    /// # Errors
    /// When a source is not on record.
    pub fn store(&self, data_dir: &Path) -> Result<Store, DataError> {
        let mut stores = Vec::new();
        for name in self.sources {
            stores.push(Store::new(source(name)?, data_dir));
        }
        let complete = stores.iter().position(Store::is_complete).unwrap_or(0);
        Ok(stores.swap_remove(complete))
    }
}

/// All tasks.
pub const RECIPES: &[Recipe] = &[
    digits::MNIST_3_8,
    digits::FASHION_SHIRTS,
    cifar_pair::CIFAR_CATS_DOGS,
    spambase::SPAMBASE,
    phishing::PHISHING,
    drebin::DREBIN,
    clamp::CLAMP,
    pdf_malware::PDF_MALWARE,
];

/// Names of all tasks.
pub fn task_names() -> Vec<&'static str> {
    RECIPES.iter().map(|recipe| recipe.name).collect()
}

/// The recipe of a task.
///
/// # Errors
/// When there is no task of that name.
pub fn recipe(name: &str) -> Result<&'static Recipe, DataError> {
    let found = RECIPES.iter().find(|recipe| recipe.name == name);
    found.ok_or_else(|| DataError::UnknownName { what: "task", name: name.into(), known: task_names() })
}

/// Builds a task from the files in the data directory, each checked against its SHA-256.
///
/// The same seed gives the same split. Validation (and test, where the source has no official one) is drawn per class;
/// no vector is on two sides, and none carries both labels.
///
/// # Errors
/// When there is no such task, a file is missing, changed or damaged, or a class is too small to be split.
pub fn load_task(name: &str, data_dir: &Path, seed: u64) -> Result<Task, DataError> {
    let recipe = recipe(name)?;
    build_task(recipe, &recipe.store(data_dir)?, seed)
}

/// Builds a task from a store of its source's form.
///
/// # Errors
/// As [`load_task`].
pub fn build_task(recipe: &Recipe, store: &Store, seed: u64) -> Result<Task, DataError> {
    load_labelled(recipe, store)?.split(recipe, seed)
}

/// The labelled samples of a task's source, before any is dropped.
///
/// # Errors
/// When a file is missing, changed or damaged.
pub fn load_labelled(recipe: &Recipe, store: &Store) -> Result<Labelled, DataError> {
    (recipe.build)(store)
}
