//! Methods asked about a network that is the least of several functions: each head is asked about by itself.
//!
//! Every x' in a ball has f(x') > 0 exactly if every head is > 0 on it, so the least of the heads' radii is f's, and
//! the nearest of their witnesses is one of f.

use super::evidence::Evidence;
use super::method::{Method, Subject};
use super::outcome::{Outcome, Samples, Verdict};
use crate::model::Model;
use crate::query::{Perturbation, Witness};

/// The functions that a method is asked about: a smoothed classifier is one of the whole network.
fn functions<'a>(method: &dyn Method, model: &'a Model) -> &'a [Model] {
    if method.subject() == Subject::Smoothed { std::slice::from_ref(model) } else { model.functions() }
}

/// [`Method::applies`], to all heads.
///
/// # Errors
/// Why it does not, to the first head to which it does not.
pub fn applies(method: &dyn Method, model: &Model, perturbation: Perturbation) -> Result<(), String> {
    functions(method, model).iter().try_for_each(|function| method.applies(function, perturbation))
}

/// [`Method::certify`], of all heads.
pub fn certify(method: &dyn Method, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
    let functions = functions(method, model);
    if let [function] = functions {
        return method.certify(function, samples, perturbation);
    }
    let of_head = |(head, function): (usize, &Model)| {
        let shared = samples.shared.map(|shared| shared.of_head(head, functions.len()));
        method.certify(function, Samples { shared, ..samples }, perturbation).into_iter()
    };
    let mut columns: Vec<_> = functions.iter().enumerate().map(of_head).collect();
    (0..samples.count()).map(|_| least(columns.iter_mut().filter_map(Iterator::next).collect())).collect()
}

/// What the heads' answers say of their least.
fn least(heads: Vec<Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match &outcome.verdict {
        // One head that is not positive decides, and one that nobody knows leaves all open.
        Verdict::NotSensitive => f64::NEG_INFINITY,
        Verdict::Certified(radius) => radius.value(),
        _ => -1.0,
    };
    let (decides, _) =
        heads.iter().enumerate().min_by(|(_, a), (_, b)| rank(a).total_cmp(&rank(b))).expect("one head at least");
    let nearest = |of: fn(&Outcome) -> &Option<Witness>| {
        heads.iter().filter_map(|head| of(head).clone()).min_by(|a, b| a.distance.total_cmp(&b.distance))
    };
    let witness = nearest(|head| &head.witness);
    let reach = witness.as_ref().map_or(f64::INFINITY, |witness| witness.distance);
    let tie = nearest(|head| &head.tie).filter(|tie| tie.distance < reach);
    let named = |text: &str| if text.is_empty() { text.into() } else { format!("head {decides}: {text}") };
    let verdict = match &heads[decides].verdict {
        Verdict::Unknown(why) => Verdict::Unknown(named(why)),
        Verdict::NotAsked(why) => Verdict::NotAsked(named(why)),
        other => other.clone(),
    };
    let detail = named(&heads[decides].detail);
    let evidence = Evidence::Heads(heads.into_iter().map(|head| head.evidence).collect());
    Outcome { verdict, witness, tie, detail, evidence: Some(evidence) }
}
