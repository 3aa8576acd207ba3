//! The methods, listed once: what they are called, need, know, guarantee and let be set, they say of themselves.

use crate::radius::best::Best;
use crate::radius::closed_form::ClosedForm;
use crate::radius::exact::{Exact, Tightened};
use crate::radius::ibp::Ibp;
use crate::radius::lp::{Lp, LpSolver};
use crate::radius::sharp::Sharp;
use crate::radius::smoothing::Smoothing;
use crate::radius::{Limits, Method, Setting};

/// What a user sets about methods; what is not set is a method's own default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Who solves linear programs.
    pub solver: LpSolver,
    /// Relative gap at which cutting planes stop.
    pub gap: Option<f64>,
    /// Seconds per sample after which cutting planes stop.
    pub seconds: Option<f64>,
    /// Seconds per sample after which `lp` and `best` stop.
    pub lp_seconds: Option<f64>,
    /// Master problems per sample after which cutting planes stop.
    pub passes: Option<usize>,
    /// Noise and risk of smoothing.
    pub smoothing: Smoothing,
}

/// Every single method, in the order of every list of them. A new one is a line here.
pub fn single(settings: &Settings) -> Vec<Box<dyn Method>> {
    vec![
        Box::new(ClosedForm),
        Box::new(Sharp),
        Box::new(Tightened { limits: settings.limits(Tightened::default().limits) }),
        Box::new(Exact { limits: settings.limits(Exact::default().limits) }),
        Box::new(Ibp::default()),
        Box::new(settings.lp()),
        Box::new(settings.smoothing),
    ]
}

/// The largest radius of the sound ones, or of those among them that have evidence.
pub fn best(settings: &Settings, proven: bool) -> Best {
    let mut methods = single(settings);
    methods.retain(|method| !proven || method.has_evidence());
    Best::new(methods, settings.lp().seconds)
}

/// Every method that can be asked for; [`best`] comes last, made of those with evidence where `proven`.
pub fn all(settings: &Settings, proven: bool) -> Vec<Box<dyn Method>> {
    let mut methods = single(settings);
    methods.push(Box::new(best(settings, proven)));
    methods
}

/// Names as a sentence has them: the last one behind `and` or `or`.
pub fn listed(names: &[&str], last: &str) -> String {
    match names {
        [rest @ .., name] if !rest.is_empty() => format!("{} {last} {name}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// The names of those of `methods` that are `so`, in their order.
pub fn names(methods: &[Box<dyn Method>], so: impl Fn(&dyn Method) -> bool) -> Vec<&'static str> {
    methods.iter().filter(|method| so(method.as_ref())).map(|method| method.name()).collect()
}

/// Whether `setting` is one of the method's.
pub fn takes(method: &dyn Method, setting: Setting) -> bool {
    method.settings().contains(&setting)
}

impl Settings {
    fn limits(&self, defaults: Limits) -> Limits {
        Limits {
            gap: self.gap.unwrap_or(defaults.gap),
            seconds: self.seconds.unwrap_or(defaults.seconds),
            passes: self.passes.unwrap_or(defaults.passes),
        }
    }

    fn lp(&self) -> Lp {
        let lp = Lp::new(self.solver);
        Lp { seconds: self.lp_seconds.unwrap_or(lp.seconds), ..lp }
    }
}
