//! `--method` and the options of the methods.

use anyhow::{Result, bail};
use underplane::radius::Method;
use underplane::radius::best::Best;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::{Exact, Limits, Tightened};
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::{Lp, LpSolver};
use underplane::radius::sharp::Sharp;
use underplane::radius::smoothing::Smoothing;

/// Settings of single methods.
#[derive(clap::Args)]
pub struct MethodArgs {
    /// Methods, separated by commas: closed-form, sharp, tightened, exact, ibp, lp, smoothing, best (the largest
    /// sound one)
    #[arg(long = "method", value_name = "M,…", value_delimiter = ',', default_value = "closed-form")]
    pub methods: Vec<String>,
    /// Who solves the LPs of `lp`: clarabel, microlp, or highs (in builds with that feature)
    #[arg(long, value_name = "NAME", default_value = "clarabel")]
    pub lp_solver: LpSolver,
    /// Relative gap between radius and witness at which tightened and exact stop; default: 1e-3 and 1e-6
    #[arg(long, value_name = "G", value_parser = positive, allow_negative_numbers = true)]
    pub gap: Option<f64>,
    /// Seconds per input after which tightened, exact, lp and best stop with what they have; default: 60
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true)]
    pub time: Option<f64>,
    /// Master problems per input after which tightened and exact stop; default: 2000
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
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
    number(text).and_then(|v| if v > 0.0 && v < 1.0 { Ok(v) } else { Err("expected a number between 0 and 1".into()) })
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

/// The methods behind `best`, cheapest first.
const SOUND: [&str; 5] = ["closed-form", "sharp", "ibp", "exact", "lp"];

impl MethodArgs {
    /// The methods asked for, in order; `best` is made of those with evidence where `proven`.
    pub fn build(&self, proven: bool) -> Result<Vec<Box<dyn Method>>> {
        self.methods.iter().map(|name| self.method(name.trim(), proven)).collect()
    }

    fn method(&self, name: &str, proven: bool) -> Result<Box<dyn Method>> {
        Ok(match name {
            "closed-form" => Box::new(ClosedForm),
            "sharp" => Box::new(Sharp),
            "ibp" => Box::new(Ibp::default()),
            "tightened" => Box::new(Tightened { limits: self.limits(Tightened::default().limits) }),
            "exact" => Box::new(Exact { limits: self.limits(Exact::default().limits) }),
            "lp" => Box::new(self.lp()),
            "smoothing" => Box::new(Smoothing {
                sigma: self.sigma,
                samples: self.samples,
                alpha: self.alpha,
                seed: self.seed,
                ..Smoothing::default()
            }),
            "best" => {
                let rungs = SOUND.iter().filter(|name| !proven || **name != "ibp");
                let rungs = rungs.map(|name| self.method(name, proven)).collect::<Result<_>>()?;
                Box::new(Best::new(rungs, self.lp().seconds))
            }
            other => {
                bail!("--method `{other}`: expected closed-form, sharp, tightened, exact, ibp, lp, smoothing or best")
            }
        })
    }

    fn limits(&self, defaults: Limits) -> Limits {
        Limits {
            gap: self.gap.unwrap_or(defaults.gap),
            seconds: self.time.unwrap_or(defaults.seconds),
            passes: self.passes.unwrap_or(defaults.passes),
        }
    }

    fn lp(&self) -> Lp {
        let lp = Lp::new(self.lp_solver);
        Lp { seconds: self.time.unwrap_or(lp.seconds), ..lp }
    }
}
