//! Arguments that say which function of a model's outputs is f.

use super::state::or_none;
use underplane::model::Logit;
use underplane::model::logit::threshold;
use underplane::model::sensitive::Sensitive;
use underplane::proof::log_odds;

/// Which output, which class, and from where on.
#[derive(Clone, Debug, clap::Args)]
pub struct LogitArgs {
    /// Which class is sensitive: positive or negative (the sign of the one output), or an index from 0 (of several
    /// outputs; f is the least difference to the others)
    #[arg(long, default_value = "positive", requires = "model")]
    sensitive: Sensitive,
    /// Which output of the model holds the logit, where it has several
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, requires = "model")]
    output: Option<String>,
    /// Sensitive from this logit on: it is taken off (the nearest float32)
    #[arg(long, value_name = "T", value_parser = threshold, allow_negative_numbers = true, requires = "model")]
    threshold: Option<f32>,
    /// Sensitive from this probability on: its logit is the threshold (the least float32 not below it)
    #[arg(long, value_name = "P", value_parser = log_odds, conflicts_with = "threshold", requires = "model")]
    probability: Option<f32>,
}

impl LogitArgs {
    /// What they say.
    pub fn logit(&self) -> Logit {
        if let Some(threshold) = self.probability {
            say!("note: --probability is --threshold {threshold:?}");
        }
        let threshold = self.threshold.or(self.probability);
        let of_probability = self.probability.is_some();
        Logit { sensitive: self.sensitive, output: self.output.clone(), threshold, of_probability }
    }
}

/// What says which function is f: the options and their values.
pub fn shown(logit: &Logit) -> Vec<(&'static str, String)> {
    vec![
        ("--sensitive", logit.sensitive.to_string()),
        ("--output", or_none(&logit.output)),
        ("--threshold", or_none(&logit.threshold.map(|threshold| format!("{threshold:?}")))),
    ]
}
