//! The TOML file that describes a training run.

mod network;

use super::augment::Augmentation;
use super::error::TrainError;
use super::feature_map::FeatureKind;
use super::loss::{Classification, Norm, Objective, PullBack};
use super::optimiser::OptimiserConfig;
use super::threshold::Threshold;
use crate::data::OwnTable;
pub use network::{ConvolutionConfig, NetworkConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A training run. Every key but `task` has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the task, as `underplane data list` prints it; with `[data]` any name.
    pub task: String,
    /// `[data]`: the user's own table, in place of a task on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<OwnTable>,
    /// Name of the files that are written (default: the task's).
    #[serde(default)]
    pub name: Option<String>,
    /// Seed of everything random in training (default 0).
    #[serde(default)]
    pub seed: u64,
    /// Seed of the split (default 0).
    #[serde(default)]
    pub split_seed: u64,
    /// Passes over the training split (default 30).
    #[serde(default = "default_epochs")]
    pub epochs: usize,
    /// The network is the mean of so many dense ones, which are trained one after the other from seeds that follow each other
    /// (default 1).
    #[serde(default = "one")]
    pub ensemble: usize,
    /// Samples per step (default 64).
    #[serde(default = "default_batch")]
    pub batch: usize,
    /// Stop after this many epochs without a better checkpoint (default: never).
    #[serde(default)]
    pub patience: Option<usize>,
    /// Which epoch's weights are kept (default `loss`).
    #[serde(default)]
    pub selection: Selection,
    /// Whether the validation rows only validate (default); without, they train, too, `selection` is `last`, and `threshold`
    /// is `training` or `none`.
    #[serde(default = "yes")]
    pub validation: bool,
    /// How the decision threshold is set on the validation split (default `balanced`).
    #[serde(default)]
    pub threshold: Threshold,
    /// `[network]`.
    #[serde(default)]
    pub network: NetworkConfig,
    /// `[loss]`.
    #[serde(default)]
    pub loss: Objective,
    /// `[optimiser]`.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// `[augmentation]`.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// `[radii]`.
    #[serde(default)]
    pub radii: Radii,
}

fn yes() -> bool {
    true
}

fn default_epochs() -> usize {
    30
}

fn one() -> usize {
    1
}

fn default_batch() -> usize {
    64
}

/// Which epoch's weights are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// The least objective on the validation split.
    #[default]
    Loss,
    /// The highest accuracy on the validation split at threshold 0 (of equals, the least objective).
    Accuracy,
    /// The last.
    Last,
}

/// `[radii]`: where the record states certified accuracy, in the task's unit. Without the section some are taken that suit
/// standard deviations; in a section that is there, a norm without radii is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Radii {
    /// ℓ1 radii.
    #[serde(default)]
    pub l1: Vec<f64>,
    /// ℓ2 radii.
    #[serde(default)]
    pub l2: Vec<f64>,
    /// ℓ∞ radii.
    #[serde(default)]
    pub linf: Vec<f64>,
    /// So many sensitive samples of each split, from the first on, also by `tightened`, which takes longer (default 0).
    #[serde(default)]
    pub tightened: usize,
}

impl Default for Radii {
    fn default() -> Self {
        Radii { l1: vec![0.5, 1.0, 2.0], l2: vec![0.25, 0.5, 1.0], linf: vec![0.05, 0.1, 0.2], tightened: 0 }
    }
}

impl Radii {
    /// The radii of one norm.
    pub fn of(&self, norm: Norm) -> &[f64] {
        match norm {
            Norm::L1 => &self.l1,
            Norm::L2 => &self.l2,
            Norm::Linf => &self.linf,
        }
    }
}

/// The bundled configs, by the name of what they write.
const BUNDLED: &[(&str, &str)] = &[
    ("mnist-3-8", include_str!("../configs/mnist-3-8.toml")),
    ("mnist-3-8-abs", include_str!("../configs/mnist-3-8-abs.toml")),
    ("fashion-shirts", include_str!("../configs/fashion-shirts.toml")),
    ("spambase", include_str!("../configs/spambase.toml")),
    ("spambase-abs", include_str!("../configs/spambase-abs.toml")),
    ("phishing", include_str!("../configs/phishing.toml")),
    ("drebin", include_str!("../configs/drebin.toml")),
    ("paper-mnist-3-8", include_str!("../configs/paper-mnist-3-8.toml")),
    ("paper-fashion-shirts", include_str!("../configs/paper-fashion-shirts.toml")),
    ("paper-cifar-cats-dogs", include_str!("../configs/paper-cifar-cats-dogs.toml")),
    ("learned-cats", include_str!("../configs/learned-cats.toml")),
];

/// A config with every key, its default and a comment.
pub const EXAMPLE: &str = include_str!("../configs/example.toml");

impl Config {
    /// Name of the files that are written.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.task)
    }

    /// Names of the bundled configs.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }

    /// The bundled config of that name.
    ///
    /// # Errors
    /// Never for the configs as shipped; the same as [`Config::parse`].
    pub fn bundled(name: &str) -> Option<Result<Config, TrainError>> {
        let (_, text) = BUNDLED.iter().find(|(known, _)| *known == name)?;
        Some(Config::parse(text, name))
    }

    /// Reads a config file.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or a key is unknown or has a senseless value.
    pub fn read(path: &Path) -> Result<Config, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|source| TrainError::File { path: path.into(), source })?;
        let mut config = Config::parse(&text, &path.display().to_string())?;
        if let (Some(own), Some(folder)) = (&mut config.data, path.parent()) {
            own.file = folder.join(&own.file);
        }
        Ok(config)
    }

    /// Parses a config; `source_name` is for messages.
    ///
    /// # Errors
    /// When the text is not TOML, or a key is unknown or has a senseless value.
    pub fn parse(text: &str, source_name: &str) -> Result<Config, TrainError> {
        let config: Config = toml::from_str(text).map_err(|error| TrainError::Syntax {
            source_name: source_name.into(),
            message: error.to_string().trim_end().into(),
        })?;
        config.validate(source_name)?;
        Ok(config)
    }

    /// Are all values sensible?
    ///
    /// # Errors
    /// Names the first key that is not.
    pub fn validate(&self, source_name: &str) -> Result<(), TrainError> {
        let check = |holds: bool, key: &str, expected: &str, found: String| {
            if holds {
                return Ok(());
            }
            let (key, expected) = (key.into(), expected.into());
            Err(TrainError::Value { source_name: source_name.into(), key, expected, found })
        };
        let positive = |key: &str, value: f64| {
            check(value > 0.0 && value.is_finite(), key, "a positive number", value.to_string())
        };
        let nonnegative = |key: &str, value: f64| {
            check(value >= 0.0 && value.is_finite(), key, "a number of at least 0", value.to_string())
        };
        let count = |key: &str, value: usize| check(value > 0, key, "at least 1", value.to_string());
        let fraction = |key: &str, value: f64| check((0.0..=1.0).contains(&value), key, "0 to 1", value.to_string());
        check(!self.task.is_empty(), "task", "a task's name", "an empty string".into())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name_fits = !self.name().starts_with('.') && self.name().chars().all(plain);
        check(name_fits, "name", "letters, digits, `-`, `_` and `.`", format!("`{}`", self.name()))?;
        if let Some(own) = &self.data
            && let Some((low, high)) = own.range
        {
            let found = format!("[{low}, {high}]");
            check(!own.standardise, "data.range", "no range with `standardise`, which moves it", found.clone())?;
            check(low < high, "data.range", "the lower end first", found)?;
        }
        count("epochs", self.epochs)?;
        count("batch", self.batch)?;
        count("patience", self.patience.unwrap_or(1))?;
        for &units in &self.network.hidden {
            count("network.hidden", units)?;
        }
        count("network.heads", self.network.heads)?;
        count("ensemble", self.ensemble)?;
        let alone = self.ensemble == 1 || (self.network.heads == 1 && self.network.convolution.is_none());
        check(alone, "ensemble", "1 with `network.convolution` or `network.heads`", self.ensemble.to_string())?;
        if let Some(convolution) = &self.network.convolution {
            count("network.convolution.channels", convolution.channels)?;
            count("network.convolution.stride", convolution.stride)?;
            let [first, inner] = convolution.kernels;
            count("network.convolution.kernels", first.min(inner))?;
            let plain = self.network.whiten.is_none();
            check(plain, "network.whiten", "none with `convolution`, which needs images", "some".into())?;
        }
        if !self.validation {
            let told = |what: &str| format!("{what} with `validation = false`");
            let last = self.selection == Selection::Last;
            check(last, "selection", &told("last"), format!("{:?}", self.selection).to_lowercase())?;
            check(self.patience.is_none(), "patience", &told("none"), format!("{:?}", self.patience))?;
            let without = matches!(self.threshold, Threshold::Training | Threshold::None);
            let found = format!("{:?}", self.threshold).to_lowercase();
            check(without, "threshold", &told("training or none"), found)?;
        }
        if let Some(ridge) = self.network.whiten {
            positive("network.whiten", ridge)?;
            let is_identity = self.network.feature_map == FeatureKind::Identity;
            let found = format!("{:?}", self.network.feature_map).to_lowercase();
            check(is_identity, "network.feature_map", "identity with `whiten`", found)?;
            let flips = Augmentation { flip: self.augmentation.flip, ..Augmentation::default() };
            let plain = self.augmentation == flips;
            check(plain, "augmentation", "no `crop` and `noise` with `whiten`", "some".into())?;
            let alone = self.loss.margin.is_empty() && self.loss.penalty.is_empty() && self.loss.frobenius == 0.0;
            check(
                alone,
                "loss",
                "no margins and penalties with `whiten`: gradients are those of whitened inputs",
                "some".into(),
            )?;
        }
        let hinges = self.loss.classification == Classification::SquaredHinge;
        check(!hinges || self.loss.margin.is_empty(), "loss.margin", "none with `squared-hinge`", "some".into())?;
        let norms_alone = "no batch-norm or `frobenius` (a per-sample margin needs the gradient of that sample alone)";
        let margin_fits = self.loss.margin.is_empty() || !self.network.batch_norm;
        check(margin_fits, "loss.margin", norms_alone, "`network.batch_norm = true`".into())?;
        for penalty in &self.loss.penalty {
            nonnegative("loss.penalty.weight", penalty.weight)?;
        }
        for margin in &self.loss.margin {
            nonnegative("loss.margin.radius", margin.radius)?;
        }
        nonnegative("loss.frobenius", self.loss.frobenius)?;
        nonnegative("loss.focal", self.loss.focal)?;
        let adaptive = !self.loss.adaptive || !self.loss.margin.is_empty();
        check(adaptive, "loss.adaptive", "false without `loss.margin`, whose radii it adapts", "true".into())?;
        let pulled = self.loss.pull_back == PullBack::Lipschitz || !self.loss.margin.is_empty();
        check(pulled, "loss.pull_back", "lipschitz without `loss.margin`", "sharp".into())?;
        positive("loss.sensitive_weight", self.loss.sensitive_weight.unwrap_or(1.0))?;
        positive("optimiser.rate", self.optimiser.rate)?;
        positive("optimiser.decay", self.optimiser.decay)?;
        fraction("optimiser.decay", self.optimiser.decay)?;
        fraction("optimiser.momentum", self.optimiser.momentum)?;
        nonnegative("optimiser.weight_decay", self.optimiser.weight_decay)?;
        fraction("optimiser.average", self.optimiser.average)?;
        nonnegative("augmentation.noise", self.augmentation.noise)?;
        for norm in Norm::ALL {
            for &radius in self.radii.of(norm) {
                nonnegative(&format!("radii.{}", norm.name()), radius)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_configs_are_sound_and_carry_their_own_name() {
        for name in Config::bundled_names() {
            let config = Config::bundled(name).unwrap().unwrap();
            assert_eq!(config.name(), name);
            assert!(crate::data::task_names().contains(&config.task.as_str()), "{}", config.task);
            assert!(!config.radii.l1.is_empty() && !config.radii.l2.is_empty() && !config.radii.linf.is_empty());
        }
        assert!(Config::bundled("mnist").is_none());
    }

    #[test]
    fn the_example_says_every_key_with_its_default() {
        let plain = "task = \"my-detector\"\n[data]\nfile = \"samples.csv\"\nlabel_column = \"class\"\n\
                     sensitive = \"malware\"\n";
        assert_eq!(Config::parse(EXAMPLE, "example").unwrap(), Config::parse(plain, "plain").unwrap());
        // With what is commented out every key is there.
        let all: String =
            EXAMPLE.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
        let all = all.replace("A training run. ", "#").replace("standardise = true", "standardise = false");
        // Whitening excludes margins and penalties.
        let all = all.replace("whiten = 0.03", "");
        let all: toml::Table = all.parse().unwrap();
        let own = toml::Table::try_from(Config::parse(&toml::to_string(&all).unwrap(), "all").unwrap()).unwrap();
        for (key, value) in &own {
            let told = all.get(key).unwrap_or_else(|| panic!("{key}"));
            let (Some(told), Some(value)) = (told.as_table(), value.as_table()) else { continue };
            let lacking: Vec<&String> = value.keys().filter(|key| !told.contains_key(*key)).collect();
            assert!(lacking.is_empty() || key == "loss", "[{key}]: {lacking:?}");
        }
    }
}
