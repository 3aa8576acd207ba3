//! Steps in parameter space.

use serde::{Deserialize, Serialize};

/// The update rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Adam (β = 0.9, 0.999) with decoupled weight decay.
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Along half a cosine to 0 at the end.
    #[default]
    Cosine,
    /// By the factor `decay` after every epoch.
    Exponential,
    /// Not at all.
    Constant,
}

/// `[optimiser]` of a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// The update rule.
    pub rule: Rule,
    /// The first learning rate.
    pub rate: f64,
    /// How it falls.
    pub schedule: Schedule,
    /// Factor per epoch of the exponential schedule.
    pub decay: f64,
    /// Momentum of `sgd`.
    pub momentum: f64,
    /// Every step also shrinks weights (not biases or gains) by this times the learning rate.
    pub weight_decay: f64,
    /// What is evaluated and kept is an average over the steps, of which each older one counts this much of the next (0: the
    /// weights themselves). Averages of input-convex networks are input-convex.
    pub average: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        OptimiserConfig {
            rule: Rule::Adam,
            rate: 1e-3,
            schedule: Schedule::Cosine,
            decay: 0.99,
            momentum: 0.9,
            weight_decay: 0.0,
            average: 0.0,
        }
    }
}

impl OptimiserConfig {
    /// The learning rate at `progress` epochs (with fraction) of `epochs`.
    pub fn rate_at(&self, progress: f64, epochs: usize) -> f64 {
        match self.schedule {
            Schedule::Constant => self.rate,
            Schedule::Exponential => self.rate * self.decay.powf(progress.floor()),
            Schedule::Cosine => {
                let done = progress / epochs.max(1) as f64;
                self.rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }
}

/// The state of an update rule.
pub struct Optimiser {
    config: OptimiserConfig,
    /// Which parameters weight decay shrinks.
    decayed: Vec<bool>,
    /// What changes from step to step.
    pub(super) moments: Moments,
}

/// What an update rule remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moments {
    pub first: Vec<f32>,
    /// Of Adam.
    pub second: Vec<f32>,
    /// The averaged parameters, where they are averaged.
    pub average: Vec<f32>,
    pub steps: i32,
}

const BETA: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

impl Optimiser {
    /// At rest; weight decay acts where `decayed`.
    pub fn new(config: &OptimiserConfig, decayed: Vec<bool>) -> Self {
        let second = if config.rule == Rule::Adam { vec![0.0; decayed.len()] } else { vec![] };
        let moments = Moments { first: vec![0.0; decayed.len()], second, ..Moments::default() };
        Optimiser { config: config.clone(), decayed, moments }
    }

    /// One step against `gradient` at learning rate `rate`.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f64) {
        self.moments.steps += 1;
        let shrink = (rate * self.config.weight_decay) as f32;
        if shrink > 0.0 {
            for (parameter, &decayed) in parameters.iter_mut().zip(&self.decayed) {
                *parameter -= if decayed { shrink * *parameter } else { 0.0 };
            }
        }
        match self.config.rule {
            Rule::Sgd => self.sgd(parameters, gradient, rate as f32),
            Rule::Adam => self.adam(parameters, gradient, rate),
        }
    }

    /// Takes the parameters of a finished step into the average; the first ones count less the more follow.
    pub fn average(&mut self, parameters: &[f32]) {
        if self.config.average == 0.0 {
            return;
        }
        let steps = f64::from(self.moments.steps);
        let old = self.config.average.min(steps / (steps + 9.0)) as f32;
        let average = &mut self.moments.average;
        if average.is_empty() {
            *average = parameters.to_vec();
        }
        average.iter_mut().zip(parameters).for_each(|(mean, &new)| *mean = old * *mean + (1.0 - old) * new);
    }

    fn sgd(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f32) {
        let momentum = self.config.momentum as f32;
        for ((parameter, &gradient), velocity) in parameters.iter_mut().zip(gradient).zip(&mut self.moments.first) {
            *velocity = momentum * *velocity + gradient;
            *parameter -= rate * *velocity;
        }
    }

    fn adam(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f64) {
        let correct = |beta: f32| 1.0 - f64::from(beta).powi(self.moments.steps);
        let rate = (rate * correct(BETA.1).sqrt() / correct(BETA.0)) as f32;
        let epsilon = EPSILON * correct(BETA.1).sqrt() as f32;
        let moments = self.moments.first.iter_mut().zip(&mut self.moments.second);
        for ((parameter, &gradient), (first, second)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *first = BETA.0 * *first + (1.0 - BETA.0) * gradient;
            *second = BETA.1 * *second + (1.0 - BETA.1) * gradient * gradient;
            *parameter -= rate * *first / (second.sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(rule: Rule) -> OptimiserConfig {
        OptimiserConfig { rule, ..OptimiserConfig::default() }
    }

    #[test]
    fn both_rules_reach_the_minimum_of_a_parabola() {
        for rule in [Rule::Adam, Rule::Sgd] {
            let mut optimiser = Optimiser::new(&config(rule), vec![false; 2]);
            let mut at = [3.0f32, -1.0];
            for _ in 0..2000 {
                let gradient = [at[0] - 1.0, 10.0 * (at[1] - 2.0)];
                optimiser.step(&mut at, &gradient, 0.01);
            }
            assert!((at[0] - 1.0).abs() < 1e-3 && (at[1] - 2.0).abs() < 1e-3, "{rule:?}: {at:?}");
        }
    }

    /// Adam's first step has length `rate` in every coordinate, whatever the gradient's size.
    #[test]
    fn adams_first_step_is_the_learning_rate() {
        let mut optimiser = Optimiser::new(&config(Rule::Adam), vec![false; 2]);
        let mut at = [0.0f32, 0.0];
        optimiser.step(&mut at, &[1e-3, -50.0], 0.1);
        assert!((at[0] + 0.1).abs() < 1e-4 && (at[1] - 0.1).abs() < 1e-4, "{at:?}");
    }

    #[test]
    fn weight_decay_spares_biases() {
        let decaying = OptimiserConfig { weight_decay: 0.5, ..config(Rule::Sgd) };
        let mut optimiser = Optimiser::new(&decaying, vec![true, false]);
        let mut at = [1.0f32, 1.0];
        optimiser.step(&mut at, &[0.0, 0.0], 0.1);
        assert!((at[0] - 0.95).abs() < 1e-6 && at[1] == 1.0);
    }

    #[test]
    fn schedules_start_at_the_rate_and_fall() {
        for schedule in [Schedule::Cosine, Schedule::Exponential] {
            let config = OptimiserConfig { schedule, ..OptimiserConfig::default() };
            assert_eq!(config.rate_at(0.0, 10), 1e-3);
            assert!(config.rate_at(9.0, 10) < config.rate_at(3.0, 10));
        }
    }
}
