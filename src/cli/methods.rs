//! `--method` and the options of the methods.

use super::help;
use anyhow::{Result, bail};
use underplane::radius::Method;
use underplane::radius::catalogue::{self, Settings, listed, names};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::Exact;
use underplane::radius::lp::LpSolver;
use underplane::radius::smoothing::Smoothing;

/// Settings of single methods.
#[derive(clap::Args)]
pub struct MethodArgs {
    #[arg(long = "method", value_name = "M,…", value_delimiter = ',', default_value = ClosedForm.name(), help = help::methods())]
    pub methods: Vec<String>,
    #[arg(long, value_name = "NAME", default_value = "clarabel", help = help::solver())]
    pub lp_solver: LpSolver,
    #[arg(long, value_name = "G", value_parser = positive, allow_negative_numbers = true, help = help::gap())]
    pub gap: Option<f64>,
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true, help = help::time())]
    pub time: Option<f64>,
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true, help = help::passes())]
    pub passes: Option<usize>,
    /// Standard deviation of the smoothing noise, in input units
    #[arg(long, value_name = "S", default_value_t = 0.25, value_parser = deviation, allow_negative_numbers = true)]
    pub sigma: f64,
    /// Noise samples per input for smoothing
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = samples, allow_negative_numbers = true)]
    pub samples: usize,
    /// Probability per input that a smoothed radius is wrong
    #[arg(long, value_name = "A", default_value_t = 0.001, value_parser = probability, allow_negative_numbers = true)]
    pub alpha: f64,
    /// Seed of the smoothing noise
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub seed: u64,
}

/// Every value once, where it comes first.
pub fn distinct<T: PartialEq + Copy>(values: &[T]) -> Vec<T> {
    let is_first = |(i, value): &(usize, &T)| !values[..*i].contains(value);
    values.iter().enumerate().filter(is_first).map(|(_, value)| *value).collect()
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))
}

pub fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v > 0.0 && v.is_finite() { Ok(v) } else { Err("expected a positive number".into()) })
}

/// A standard deviation with which inputs stay float32.
pub fn deviation(text: &str) -> Result<f64, String> {
    positive(text).and_then(|v| if v <= 1e30 { Ok(v) } else { Err("expected a number of at most 1e30".into()) })
}

pub fn probability(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|v| if v > 0.0 && v < 1.0 { Ok(v) } else { Err("expected a number above 0 and below 1".into()) })
}

pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n >= 1).ok_or_else(|| "expected a whole number, at least 1".into())
}

/// Starting more threads than this takes longer than most runs.
const MOST_THREADS: usize = 512;

/// For `--threads`.
pub fn threads(text: &str) -> Result<usize, String> {
    whole(text, MOST_THREADS)
}

/// More noise samples are not counted.
pub fn samples(text: &str) -> Result<usize, String> {
    whole(text, u32::MAX as usize)
}

fn whole(text: &str, most: usize) -> Result<usize, String> {
    let fits = at_least_one(text).ok().filter(|n| *n <= most);
    fits.ok_or_else(|| format!("expected a whole number from 1 to {most}"))
}

impl MethodArgs {
    /// The methods asked for, in order; `best` is made of those with evidence where `proven`. None takes longer for an
    /// input than `most` seconds.
    pub fn build(&self, proven: bool, most: Option<f64>) -> Result<Vec<Box<dyn Method>>> {
        let names: Vec<&str> = self.methods.iter().map(|name| name.trim()).collect();
        distinct(&names).into_iter().map(|name| self.method(name, proven, most)).collect()
    }

    /// The options and their values.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let or_default = |value: Option<String>| value.unwrap_or_else(|| "the default".into());
        vec![
            ("--method", self.methods.join(",")),
            ("--lp-solver", self.lp_solver.to_string()),
            ("--gap", or_default(self.gap.map(|gap| gap.to_string()))),
            ("--time", or_default(self.time.map(|time| time.to_string()))),
            ("--passes", or_default(self.passes.map(|passes| passes.to_string()))),
            ("--sigma", self.sigma.to_string()),
            ("--samples", self.samples.to_string()),
            ("--alpha", self.alpha.to_string()),
            ("--seed", self.seed.to_string()),
        ]
    }

    fn method(&self, name: &str, proven: bool, most: Option<f64>) -> Result<Box<dyn Method>> {
        let all = catalogue::all(&self.settings(most), proven);
        let known = listed(&names(&all, |_| true), "or");
        match all.into_iter().find(|method| method.name() == name) {
            Some(method) => Ok(method),
            None => bail!("--method `{name}`: expected {known}"),
        }
    }

    fn settings(&self, most: Option<f64>) -> Settings {
        let own = self.time.unwrap_or(Exact::default().limits.seconds);
        let time = most.map_or(self.time, |most| Some(own.min(most)));
        let smoothing = Smoothing {
            sigma: self.sigma,
            samples: self.samples,
            alpha: self.alpha,
            seed: self.seed,
            ..Smoothing::default()
        };
        Settings {
            solver: self.lp_solver,
            gap: self.gap,
            seconds: time,
            lp_seconds: time,
            passes: self.passes,
            smoothing,
        }
    }
}
