//! The JSON record of a run.

use super::config::Config;
use super::epoch::Epoch;
use super::evaluate::{Accuracy, Certified, accuracy, logits, radii, share_at};
use super::logistic::Logistic;
use super::loss::Norm;
use super::trainer::Trained;
use crate::data::{Column, DataError, Dataset, Preparation, Task};
use crate::files::write_atomically;
use crate::model::Model;
use crate::query::Range;
use crate::radius::Method;
use crate::radius::closed_form::ClosedForm;
use crate::radius::exact::Tightened;
use crate::radius::run::Questions;
use crate::radius::sharp::Sharp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Everything that a run settled, measured and produced.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Program and version.
    pub program: String,
    /// The settings.
    pub config: Config,
    /// What preparing the data did.
    pub data_notes: Vec<String>,
    /// What a radius of 1 means.
    pub radius_unit: String,
    /// What the coordinates are, and how raw values become inputs (tabular tasks).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// How rows of the user's own table become inputs, and what became of each row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
    /// Number of trained parameters, μ left out.
    pub parameters: usize,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// The epoch whose weights are kept, from 1; of an ensemble the first network's.
    pub selected_epoch: usize,
    /// Of an ensemble, every network's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub selected_epochs: Vec<usize>,
    /// What was subtracted from the logit, from validation samples alone, unless the config says `training`.
    pub threshold: f64,
    /// Clean accuracy.
    pub accuracy: Splits,
    /// Certified accuracy of the sensitive class.
    pub certified: Vec<Certified>,
    /// Logistic regression on the same features (tabular tasks).
    pub baseline: Option<Baseline>,
    /// Wall-clock time of training.
    pub seconds: f64,
    /// The epochs after which an interrupted run went on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<usize>,
    /// SHA-256 of the files that the data came from and of the network that was written, by name; empty until they are
    /// known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sha256: BTreeMap<String, String>,
}

/// Clean accuracy per split.
#[derive(Clone, Debug, Serialize)]
pub struct Splits {
    /// Training split.
    pub train: Accuracy,
    /// Validation split, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Accuracy>,
    /// Test split.
    pub test: Accuracy,
}

/// Logistic regression, fitted on the training split.
#[derive(Clone, Debug, Serialize)]
pub struct Baseline {
    /// What it is.
    pub model: String,
    /// Accuracy on the validation split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// Accuracy on the test split.
    pub test_accuracy: f64,
}

/// The ridge of the baseline: scikit-learn's default, C = 1.
const RIDGE: f64 = 1.0;

impl Record {
    /// Evaluates a finished run on all splits; `model` is the trained network as exported.
    pub fn new(config: &Config, task: &Task, trained: &Trained, model: &Model) -> Record {
        let clean = |split: &Dataset| accuracy(&logits(&trained.network, split), &split.sensitive);
        Record {
            program: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            config: config.clone(),
            data_notes: task.notes.clone(),
            radius_unit: task.unit.clone(),
            columns: task.columns.clone(),
            preparation: task.preparation.clone(),
            parameters: trained.network.parameters.len(),
            history: trained.history.clone(),
            selected_epoch: trained.selected[0],
            selected_epochs: if trained.selected.len() > 1 { trained.selected.clone() } else { vec![] },
            threshold: trained.threshold,
            accuracy: Splits {
                train: clean(&task.train),
                validation: (!task.validation.is_empty()).then(|| clean(&task.validation)),
                test: clean(&task.test),
            },
            certified: certified(config, task, model),
            baseline: (task.train.shape.len() == 1).then(|| baseline(task)),
            seconds: trained.seconds,
            resumed: trained.resumed.clone(),
            sha256: BTreeMap::new(),
        }
    }

    /// Writes the record as JSON, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        write_atomically(path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })?;
        Ok(())
    }
}

/// Certified accuracy by the two methods that cost two passes, the closed form, which ignores the box, and the sharp
/// radius in the task's box; of as many samples as the config says by `tightened` in the box, too.
fn certified(config: &Config, task: &Task, model: &Model) -> Vec<Certified> {
    let mut table = Vec::new();
    for (split, data) in [("validation", &task.validation), ("test", &task.test)] {
        let quick: [Box<dyn Method>; 2] = [Box::new(ClosedForm), Box::new(Sharp)];
        table.extend(certified_by(&quick, config, task, model, (split, data)));
        if config.radii.tightened > 0 {
            let positives = (0..data.len()).filter(|&i| data.sensitive[i]);
            let first = data.select(&positives.take(config.radii.tightened).collect::<Vec<_>>());
            let tightened: [Box<dyn Method>; 1] = [Box::new(Tightened::default())];
            table.extend(certified_by(&tightened, config, task, model, (split, &first)));
        }
    }
    table
}

fn certified_by(
    methods: &[Box<dyn Method>],
    config: &Config,
    task: &Task,
    model: &Model,
    (split, data): (&str, &Dataset),
) -> Vec<Certified> {
    if data.is_empty() {
        return vec![];
    }
    let range = task.range.map(|(low, high)| Range { low: f64::from(low), high: f64::from(high) });
    let wanted: Vec<Norm> = Norm::ALL.into_iter().filter(|&norm| !config.radii.of(norm).is_empty()).collect();
    let norms: Vec<crate::norm::Norm> = wanted.iter().map(|&norm| norm.into()).collect();
    let questions =
        Questions { model, methods, norms: &norms, range: range.map(Range::into), weights: None, always: true };
    let mut table = Vec::new();
    let asked = wanted.iter().flat_map(|&norm| methods.iter().map(move |method| (norm, method.name())));
    for ((norm, method), found) in asked.zip(radii(questions, data)) {
        let range = range.filter(|_| method != ClosedForm.name()).map(|range| [range.low, range.high]);
        table.extend(config.radii.of(norm).iter().map(|&radius| Certified {
            split: split.into(),
            method: method.into(),
            range,
            norm,
            radius,
            samples: found.len(),
            accuracy: share_at(&found, radius),
        }));
    }
    table
}

fn baseline(task: &Task) -> Baseline {
    let model = Logistic::fit(&task.train, RIDGE);
    Baseline {
        model: format!("logistic regression, ridge {RIDGE}, threshold 0"),
        validation_accuracy: (!task.validation.is_empty()).then(|| model.accuracy(&task.validation)),
        test_accuracy: model.accuracy(&task.test),
    }
}
