//! One method, or the attack, with one norm.

use crate::audit::accuracy::Rights;
use crate::audit::median::Median;
use crate::audit::reference::Reference;
use crate::radius::{Guarantee, Subject};
use crate::report::answer::Status;
use crate::report::records::{Found, Record, Replay};
use std::fmt;

/// One method and norm, over the inputs with f > 0. What is not certified counts as radius 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The norm.
    pub norm: String,
    /// The method.
    pub method: String,
    /// Whose radii they are.
    pub subject: Subject,
    /// What they are worth.
    pub worth: Worth,
    /// Why the method does not apply; then nothing else counts.
    pub not_applicable: Option<String>,
    /// How many inputs have a certified radius.
    pub certified: usize,
    /// How many stayed unknown.
    pub unknown: usize,
    /// How many radii the kernel has proven; `None` for a method without evidence.
    pub proven: Option<usize>,
    /// How many it has refused.
    pub refused: usize,
    /// Median radius.
    pub radius: f64,
    /// radius / reference, median and least, over the inputs with a reference.
    pub tightness: (f64, f64),
    /// Median seconds per input.
    pub seconds: f64,
    /// Those, relative to the closed form's.
    pub time_ratio: f64,
    /// Largest witness distance / radius − 1, for methods that are exact on some input.
    pub gap: f64,
    /// Violations.
    pub violations: usize,
    /// What the smoothed classifier says of the inputs, label by label.
    pub smoothed: Option<Rights>,
}

/// What the certified radii of a line are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// All of them the same.
    All(Guarantee),
    /// So many are exact, and the others sound.
    ExactOn(usize),
}

impl Worth {
    /// Whether any radius is exact.
    fn is_exact(self) -> bool {
        matches!(self, Worth::All(Guarantee::Exact) | Worth::ExactOn(_))
    }
}

impl fmt::Display for Worth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Worth::All(guarantee) => guarantee.fmt(f),
            Worth::ExactOn(count) => write!(f, "exact on {count}, else sound"),
        }
    }
}

/// The attack with one norm.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackLine {
    /// The norm.
    pub norm: String,
    /// Inputs with a verified witness.
    pub found: usize,
    /// Inputs attacked.
    pub attacked: usize,
    /// Median distance.
    pub distance: f64,
    /// distance / reference, median and largest, over the inputs whose reference is a proven exact radius.
    pub tightness: (f64, f64),
    /// Median seconds per input.
    pub seconds: f64,
}

/// A method's line as its records come: in the first pass all is counted, in the others medians are narrowed.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub norm: String,
    pub method: String,
    subject: Subject,
    /// What the first row says that a missing radius is worth.
    missing: Guarantee,
    /// Why the method does not apply, as long as it applied to no row.
    not_applicable: Option<String>,
    /// What the first certified radius is worth, and how many of them are exact.
    worth: Option<Guarantee>,
    exact: usize,
    certified: usize,
    unknown: usize,
    /// Whether the kernel was asked about any.
    replayed: bool,
    accepted: usize,
    refused: usize,
    radius: Median,
    tightness: Median,
    worst: f64,
    seconds: Median,
    gap: f64,
    smoothed: Rights,
    pub violations: usize,
}

impl Gathered {
    /// For the rows of the norm and the method of this one, which is the first.
    pub fn new(first: &Record) -> Gathered {
        Gathered {
            norm: first.norm.clone(),
            method: first.method.clone(),
            subject: first.subject,
            missing: first.guarantee,
            not_applicable: first.not_applicable().is_some().then(|| first.detail.to_string()),
            worth: None,
            exact: 0,
            certified: 0,
            unknown: 0,
            replayed: false,
            accepted: 0,
            refused: 0,
            radius: Median::default(),
            tightness: Median::default(),
            worst: f64::NAN,
            seconds: Median::default(),
            gap: f64::NAN,
            smoothed: Rights::default(),
            violations: 0,
        }
    }

    /// One row; `reference` is what its radius is measured against.
    pub fn add(&mut self, row: &Record, reference: Option<Reference>, first_pass: bool) {
        let ratio = reference.filter(|_| row.is_base()).map(|reference| {
            let (radius, reference) = (row.certified().unwrap_or(0.0), reference.value());
            if radius == reference { 1.0 } else { radius / reference }
        });
        if row.logit > 0.0 {
            self.radius.add(row.certified().unwrap_or(0.0));
            self.seconds.add(row.seconds);
            self.tightness.add(ratio.unwrap_or(f64::NAN));
        }
        if first_pass {
            self.count(row, ratio);
        }
    }

    fn count(&mut self, row: &Record, ratio: Option<f64>) {
        if row.not_applicable().is_none() {
            self.not_applicable = None;
        }
        self.unknown += usize::from(row.status == Status::Unknown);
        self.replayed |= row.proof != Replay::Nothing;
        self.accepted += usize::from(row.proof == Replay::Accepted);
        self.refused += usize::from(row.proof == Replay::Refused);
        self.smoothed.add(row, row.status == Status::Certified, row.status == Status::NotSensitive);
        if row.logit > 0.0 {
            self.count_sensitive(row, ratio);
        }
    }

    fn count_sensitive(&mut self, row: &Record, ratio: Option<f64>) {
        self.worst = self.worst.min(ratio.unwrap_or(f64::NAN));
        let Some(radius) = row.certified() else { return };
        self.certified += 1;
        self.worth.get_or_insert(row.guarantee);
        self.exact += usize::from(row.guarantee == Guarantee::Exact);
        let gap = row.witness().filter(|_| radius > 0.0).map_or(f64::NAN, |upper| (upper / radius - 1.0).max(0.0));
        self.gap = self.gap.max(gap);
    }

    /// The end of a pass; whether all medians are found.
    pub fn narrow(&mut self) -> bool {
        let found = [&mut self.radius, &mut self.tightness, &mut self.seconds].map(Median::narrow);
        found.iter().all(|found| *found)
    }

    /// What was gathered; `closed_form` is the time per input of that method.
    pub fn line(&self, closed_form: f64) -> Line {
        let worth = match self.exact {
            0 => Worth::All(self.worth.unwrap_or(self.missing)),
            exact if exact == self.certified => Worth::All(Guarantee::Exact),
            exact => Worth::ExactOn(exact),
        };
        let seconds = self.seconds.value();
        Line {
            norm: self.norm.clone(),
            method: self.method.clone(),
            subject: self.subject,
            worth,
            not_applicable: self.not_applicable.clone(),
            certified: self.certified,
            unknown: self.unknown,
            proven: self.replayed.then_some(self.accepted),
            refused: self.refused,
            radius: self.radius.value(),
            tightness: (self.tightness.value(), self.worst),
            seconds,
            time_ratio: seconds / closed_form,
            gap: if worth.is_exact() { self.gap } else { f64::NAN },
            violations: self.violations,
            smoothed: if self.subject == Subject::Base { None } else { Some(self.smoothed.clone()) },
        }
    }

    /// Seconds per input.
    pub fn time(&self) -> f64 {
        self.seconds.value()
    }
}

/// The attack's line, as what it found comes.
#[derive(Clone, Debug)]
pub(super) struct GatheredAttack {
    pub norm: String,
    found: usize,
    attacked: usize,
    distance: Median,
    tightness: Median,
    worst: f64,
    seconds: Median,
}

impl GatheredAttack {
    pub fn new(norm: &str) -> GatheredAttack {
        let (distance, tightness, seconds) = Default::default();
        GatheredAttack { norm: norm.into(), found: 0, attacked: 0, distance, tightness, worst: f64::NAN, seconds }
    }

    /// What was found about one input.
    pub fn add(&mut self, found: &Found, reference: Option<Reference>, first_pass: bool) {
        let distance = found.distance.unwrap_or(f64::NAN);
        let ratio = if let Some(Reference::Exact(exact)) = reference { distance / exact } else { f64::NAN };
        self.distance.add(distance);
        self.tightness.add(ratio);
        self.seconds.add(found.seconds);
        if first_pass {
            self.found += usize::from(found.distance.is_some());
            self.attacked += 1;
            self.worst = self.worst.max(ratio);
        }
    }

    /// The end of a pass; whether all medians are found.
    pub fn narrow(&mut self) -> bool {
        let found = [&mut self.distance, &mut self.tightness, &mut self.seconds].map(Median::narrow);
        found.iter().all(|found| *found)
    }

    /// What was gathered.
    pub fn line(&self) -> AttackLine {
        AttackLine {
            norm: self.norm.clone(),
            found: self.found,
            attacked: self.attacked,
            distance: self.distance.value(),
            tightness: (self.tightness.value(), self.worst),
            seconds: self.seconds.value(),
        }
    }
}
