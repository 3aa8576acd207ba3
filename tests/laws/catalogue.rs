//! What methods say of themselves holds: where one does not apply it gives no radius, where it does it can tell.

use testing::networks::{MAPS, generator, icnn, inputs, model};
use underplane::model::{Dense, Graph, Kink, Layer, Model};
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::catalogue::{Settings, all, best, names, single, takes};
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Cost, Guarantee, Method, Samples, Setting, Subject, Verdict};

fn methods() -> Vec<Box<dyn Method>> {
    let smoothing = Smoothing { samples: 200, ..Smoothing::default() };
    all(&Settings { smoothing, seconds: Some(2.0), lp_seconds: Some(2.0), ..Settings::default() }, false)
}

/// A unit whose slope counts negatively: not convex.
fn concave() -> Model {
    let mut graph = Graph::new("x", &[5]);
    let row = |rows: usize, cols: usize, weight: f32, bias: f32| {
        Layer::Dense(Dense { rows, cols, weight: vec![weight; rows * cols], bias: vec![bias; rows] })
    };
    let first = graph.push("first", row(2, 5, 0.5, 0.1), &[0]).unwrap();
    let unit = graph.push("unit", Layer::Kink(Kink::RELU), &[first]).unwrap();
    graph.push("last", row(1, 2, -0.25, 3.0), &[unit]).unwrap();
    model(graph)
}

#[test]
fn a_method_gives_a_radius_only_where_it_applies_and_can_tell_where_it_does() {
    let mut rng = generator(11);
    let mut models: Vec<Model> =
        MAPS.iter().map(|&map| model(icnn(&mut rng, 5, &[6, 4], map, 0.1))).chain([concave()]).collect();
    models.push(model(icnn(&mut rng, 5, &[8], MAPS[0], 0.0)));
    let weights = [1.0, 2.0, 0.5, 4.0, 1.0];
    let (mut apply, mut decline) = (0, 0);
    for model in &models {
        let values = inputs(&mut rng, 6, 5);
        for norm in Norm::STANDARD.into_iter().chain([Norm::Lp(1.5)]) {
            for weights in [None, Some(&weights[..])] {
                let perturbation = Perturbation { norm, range: None, weights };
                for method in methods() {
                    let outcomes = method.certify(model, Samples::new(&values, 5), perturbation);
                    let place = format!("{} {norm} {weights:?}: {outcomes:?}", method.name());
                    if method.applies(model, perturbation).is_ok() {
                        let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown(_));
                        assert!(!outcomes.iter().any(|outcome| unknown(&outcome.verdict)), "{place}");
                        apply += 1;
                    } else {
                        assert!(outcomes.iter().all(|outcome| outcome.radius().is_none()), "{place}");
                        decline += 1;
                    }
                }
            }
        }
    }
    assert!(apply > 300 && decline > 80, "{apply} {decline}");
}

#[test]
fn a_method_that_serves_every_norm_answers_as_it_does_for_each() {
    let mut rng = generator(3);
    let model = model(icnn(&mut rng, 5, &[6], MAPS[1], 0.0));
    let values = inputs(&mut rng, 4, 5);
    let methods = methods();
    let shared: Vec<_> = methods.iter().filter_map(|m| Some((m, m.for_every_norm()?))).collect();
    assert!(!shared.is_empty());
    for (method, every_norm) in shared {
        for i in 0..4 {
            let sample = Samples::new(&values, 5).one(i);
            let answer = every_norm.answer(&model, sample);
            for norm in Norm::STANDARD {
                let outcome = method.certify(&model, sample, Perturbation::new(norm)).remove(0);
                assert_eq!(answer(norm), outcome, "{} {norm}", method.name());
            }
        }
    }
}

#[test]
fn settings_reach_the_methods_that_take_them() {
    let settings = Settings { gap: Some(0.125), seconds: Some(7.0), passes: Some(9), ..Settings::default() };
    for method in single(&settings) {
        assert_eq!(method.limits().is_some(), takes(method.as_ref(), Setting::Passes), "{}", method.name());
        let limits = method.limits().map(|limits| (limits.gap, limits.seconds, limits.passes));
        assert!(limits.is_none_or(|limits| limits == (0.125, 7.0, 9)), "{}: {limits:?}", method.name());
    }
}

#[test]
fn names_differ_and_the_best_asks_sound_methods_cheapest_first() {
    let mut all_names = names(&methods(), |_| true);
    let count = all_names.len();
    all_names.sort_unstable();
    all_names.dedup();
    assert_eq!(all_names.len(), count);
    for proven in [false, true] {
        let best = best(&Settings::default(), proven);
        let sound = |m: &dyn Method| m.subject() == Subject::Base && m.guarantee() != Guarantee::Probabilistic;
        assert!(best.methods().all(|method| sound(method) && (method.has_evidence() || !proven)));
        let costs: Vec<Cost> = best.methods().map(Method::cost).collect();
        assert!(costs.is_sorted() && costs.len() > 2, "{costs:?}");
        assert_eq!(best.has_evidence(), proven);
    }
}
