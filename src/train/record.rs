//! The JSON record of a run.

use super::config::Config;
use super::error::TrainError;
use super::evaluate::{Accuracy, Certified, certified, evaluate};
use super::logistic::Logistic;
use super::loss::Norm;
use super::trainer::{Epoch, Trained};
use crate::data::Task;
use serde::Serialize;
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
    /// Number of trained numbers, μ left out.
    pub parameters: usize,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// The epoch whose weights are kept, from 1.
    pub selected_epoch: usize,
    /// What was subtracted from the logit, from validation samples alone.
    pub threshold: f64,
    /// Clean accuracy.
    pub accuracy: Splits,
    /// Method of `certified`.
    pub certified_method: String,
    /// Certified accuracy of the sensitive class on the test split.
    pub certified: Vec<Certified>,
    /// Logistic regression on the same features (tabular tasks).
    pub baseline: Option<Baseline>,
    /// Wall-clock time of training.
    pub seconds: f64,
}

/// Clean accuracy per split.
#[derive(Clone, Debug, Serialize)]
pub struct Splits {
    /// Training split.
    pub train: Accuracy,
    /// Validation split.
    pub validation: Accuracy,
    /// Test split.
    pub test: Accuracy,
}

/// Logistic regression, fitted on the training split.
#[derive(Clone, Debug, Serialize)]
pub struct Baseline {
    /// What it is.
    pub model: String,
    /// Accuracy on the validation split.
    pub validation_accuracy: f64,
    /// Accuracy on the test split.
    pub test_accuracy: f64,
}

/// The ridge of the baseline: scikit-learn's default, C = 1.
const RIDGE: f64 = 1.0;

impl Record {
    /// Evaluates a finished run on all splits.
    pub fn new(config: &Config, task: &Task, trained: &Trained) -> Record {
        let network = &trained.network;
        let test = evaluate(network, &task.test);
        let mut table = Vec::new();
        for norm in Norm::ALL {
            let radii = test.radii(network, norm);
            for &radius in config.radii.of(norm) {
                table.push(certified(&task.test, &test.logits, &radii, norm, radius));
            }
        }
        let accuracy = Splits {
            train: evaluate(network, &task.train).accuracy(&task.train),
            validation: evaluate(network, &task.validation).accuracy(&task.validation),
            test: test.accuracy(&task.test),
        };
        Record {
            program: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            config: config.clone(),
            data_notes: task.notes.clone(),
            radius_unit: task.unit.clone(),
            parameters: network.parameters.len(),
            history: trained.history.clone(),
            selected_epoch: trained.selected,
            threshold: trained.threshold,
            accuracy,
            certified_method: "closed-form".into(),
            certified: table,
            baseline: (task.train.shape.len() == 1).then(|| baseline(task)),
            seconds: trained.seconds,
        }
    }

    /// Writes the record as JSON: to a temporary name first, so that no partial file looks whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let error = |source| TrainError::File { path: path.into(), source };
        let text = serde_json::to_string_pretty(self).map_err(|e| error(e.into()))?;
        let partial = path.with_extension("json.partial");
        std::fs::write(&partial, text + "\n").map_err(error)?;
        std::fs::rename(&partial, path).map_err(error)
    }
}

fn baseline(task: &Task) -> Baseline {
    let model = Logistic::fit(&task.train, RIDGE);
    Baseline {
        model: format!("logistic regression, ridge {RIDGE}, threshold 0"),
        validation_accuracy: model.accuracy(&task.validation),
        test_accuracy: model.accuracy(&task.test),
    }
}
