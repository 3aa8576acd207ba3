//! Running methods over many samples, block by block.

use crate::model::{Enclosed, Model};
use crate::norm::Norm;
use crate::query::{Perturbation, Ranges};
use crate::radius::heads;
use crate::radius::{Cost, Method, Outcome, Samples, Shared, Verdict};
use rayon::prelude::*;
use std::time::Instant;

/// Samples of a block: enough for blocked products …
const BLOCK: usize = 102;

/// … and where a method searches, few enough that answers are there soon.
const SEARCHED: usize = 8;

/// Blocks that samples make at least, where there are not too few, so that threads share them.
const FEWEST: usize = 8;

/// Values of a block, so that wide samples do not fill the memory.
const MOST_VALUES: usize = 1 << 21;

/// One sample's answer and what it cost.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The answer.
    pub outcome: Outcome,
    /// Seconds of one thread that the method would take by itself; a block's time is shared out evenly.
    pub seconds: f64,
}

/// Which methods are asked about which attackers.
#[derive(Clone, Copy)]
pub struct Questions<'a> {
    /// The network.
    pub model: &'a Model,
    /// The methods.
    pub methods: &'a [Box<dyn Method>],
    /// The norms.
    pub norms: &'a [Norm],
    /// The box.
    pub range: Option<Ranges<'a>>,
    /// The weights of every norm.
    pub weights: Option<&'a [f64]>,
    /// Whether a method that does not apply is asked all the same, and says for itself what it cannot do.
    pub always: bool,
}

/// All answers about one block.
#[derive(Clone, Debug)]
pub struct Answers {
    /// f at every sample.
    pub logits: Vec<Enclosed>,
    /// A column for every norm and method, the methods of a norm together; in it an answer for every sample.
    pub columns: Vec<Vec<Timed>>,
}

/// Hears that a method has answered for a norm, about so many samples.
pub type Tick<'a> = &'a (dyn Fn(&dyn Method, Norm, usize) + Sync);

impl<'a> Questions<'a> {
    /// The attacker with this norm.
    pub fn perturbation(&self, norm: Norm) -> Perturbation<'a> {
        Perturbation { norm, range: self.range, weights: self.weights }
    }

    /// (norm, method) of every column.
    pub fn columns(&self) -> impl Iterator<Item = (Norm, &'a dyn Method)> + use<'a> {
        let methods = self.methods;
        self.norms.iter().flat_map(move |&norm| methods.iter().map(move |method| (norm, method.as_ref())))
    }

    /// How many of `count` samples make a block. It depends on nothing but what is asked, as what floats make of a block
    /// may depend on its size.
    pub fn block(&self, count: usize) -> usize {
        let searches = self.methods.iter().any(|method| method.cost() == Cost::Search);
        let most = if searches { SEARCHED } else { (count / FEWEST).clamp(SEARCHED, BLOCK) };
        most.min(MOST_VALUES / self.model.input_size()).max(1)
    }

    /// Asks about the samples `values` `[numbers × size]`, which go by these numbers; what they share is worked out
    /// once.
    pub fn ask(&self, values: &[f64], numbers: &[usize], tick: Tick) -> Answers {
        let shared = Shared::default();
        let samples = Samples { shared: Some(&shared), ..Samples::new(values, self.model.input_size()) };
        let mut columns: Vec<Vec<Timed>> = Vec::with_capacity(self.norms.len() * self.methods.len());
        let mut every_norm: Vec<Option<Vec<Vec<Timed>>>> = self.methods.iter().map(|_| None).collect();
        for (k, &norm) in self.norms.iter().enumerate() {
            for (method, every_norm) in self.methods.iter().zip(&mut every_norm) {
                let (method, perturbation) = (method.as_ref(), self.perturbation(norm));
                columns.push(match heads::applies(method, self.model, perturbation) {
                    Err(why) if !self.always => not_asked(why, samples.count()),
                    _ if method.for_every_norm().is_some() => {
                        let all = every_norm.get_or_insert_with(|| self.for_every_norm(method, samples, numbers));
                        std::mem::take(&mut all[k])
                    }
                    _ => self.column(method, samples, numbers, perturbation),
                });
                tick(method, norm, samples.count());
            }
        }
        Answers { logits: samples.logits(self.model), columns }
    }

    fn column(
        &self,
        method: &dyn Method,
        samples: Samples,
        numbers: &[usize],
        perturbation: Perturbation,
    ) -> Vec<Timed> {
        let certify = |samples: Samples| timed(samples, || heads::certify(method, self.model, samples, perturbation));
        let mut column = match method.in_blocks() {
            true => certify(samples),
            false => {
                let (values, size) = (samples.values, samples.size);
                let one = |(x, &first): (&[f64], &usize)| certify(Samples { first, ..Samples::new(x, size) });
                values.par_chunks(size).zip(numbers).map(one).flatten_iter().collect::<Vec<_>>()
            }
        };
        for Timed { outcome, .. } in &mut column {
            outcome.detail = perturbation.mark(std::mem::take(&mut outcome.detail));
        }
        column
    }

    /// A column for every norm, of a method whose work on a sample serves all of them.
    fn for_every_norm(&self, method: &dyn Method, samples: Samples, numbers: &[usize]) -> Vec<Vec<Timed>> {
        let every_norm = method.for_every_norm().expect("it has been asked for");
        let one = |(x, &first): (&[f64], &usize)| {
            let start = Instant::now();
            let answer = every_norm.answer(self.model, Samples { first, ..Samples::new(x, x.len()) });
            (answer, start.elapsed().as_secs_f64())
        };
        let all: Vec<_> = samples.values.par_chunks(samples.size).zip(numbers).map(one).collect();
        let timed =
            |norm: Norm| all.iter().map(move |(answer, seconds)| Timed { outcome: answer(norm), seconds: *seconds });
        self.norms.iter().map(|&norm| timed(norm).collect()).collect()
    }
}

/// Answers with their seconds, what was owed to others' work among them.
fn timed(samples: Samples, certify: impl FnOnce() -> Vec<Outcome>) -> Vec<Timed> {
    let start = Instant::now();
    let outcomes = certify();
    let owed = samples.shared.map_or(0.0, Shared::owed);
    let seconds = (start.elapsed().as_secs_f64() + owed) / outcomes.len() as f64;
    outcomes.into_iter().map(|outcome| Timed { outcome, seconds }).collect()
}

fn not_asked(why: String, count: usize) -> Vec<Timed> {
    vec![Timed { outcome: Outcome::plain(Verdict::NotAsked(why)), seconds: 0.0 }; count]
}
