//! Laws of the cutting-plane engine on random input-convex networks; the LP verifier is the second opinion.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::RngExt;
use testing::convex_networks::{UNIT_BOX, linear, perturbations, positive_everywhere, random_model, run, sides};
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::model::Model;
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::{EXACT_GAP, Exact, Limits};
use underplane::radius::lp::Lp;
use underplane::radius::sharp::Sharp;

const LOGITS: &[f64] = &[1e-3, 0.1, 0.8, 3.0, 30.0];

/// More than enough even where the network hardly falls.
fn exact() -> Exact {
    Exact { limits: Limits { seconds: 30.0, ..Exact::default().limits } }
}

/// Both methods on one input; they must agree wherever the logit itself is certain enough.
fn compare(model: &Model, x: &[f64], perturbation: Perturbation) -> Result<(), TestCaseError> {
    let outcome = run(&exact(), model, x, perturbation);
    let (lower, upper) = sides(&outcome);
    let lp = run(&Lp::default(), model, x, perturbation);
    let (other, other_upper) = sides(&lp);
    let place =
        format!("{perturbation:?}: {lower}..{upper} ({}), lp {other}..{other_upper} ({})", outcome.detail, lp.detail);
    prop_assert!(lower <= upper && lower <= other_upper && other <= upper, "{}", place);
    let value = model.enclose(x)[0];
    let rounding = 1e3 * value.error / value.value;
    if let Some(witness) = &outcome.witness {
        prop_assert!(upper <= lower * (1.0 + EXACT_GAP + rounding), "{}", place);
        prop_assert!(model.enclose(&witness.point)[0].upper() <= 0.0);
        prop_assert!(perturbation.range.is_none() || witness.point.iter().all(|v| (0.0..=1.0).contains(v)));
        prop_assert!(lp.witness.is_some() || lower > 1e3, "{}", place);
        let exact = other_upper <= other * (1.0 + EXACT_GAP);
        prop_assert!(!exact || (lower / other - 1.0).abs() <= 1e-6 + rounding, "{}", place);
    } else if perturbation.range.is_some() {
        prop_assert_eq!(lower, f64::INFINITY, "{}", place);
    } else {
        prop_assert!(lower == f64::INFINITY || lower > 1e3, "{}", place);
    }
    let closed = run(&ClosedForm, model, x, perturbation).radius().unwrap().value();
    let sharp = run(&Sharp, model, x, perturbation).radius().unwrap().value();
    prop_assert!(closed <= sharp && sharp <= lower, "{}: {closed}, {sharp}", place);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, rng_seed: RngSeed::Fixed(23), ..ProptestConfig::default() })]

    #[test]
    fn both_sides_meet_and_the_lp_agrees(seed: u64, d in 1..12_usize, logit in prop::sample::select(LOGITS)) {
        let (model, x) = random_model(seed, d, logit);
        for perturbation in perturbations() {
            compare(&model, &x, perturbation)?;
        }
    }

    #[test]
    fn fractional_norms_lie_between_their_neighbours(seed: u64, d in 1..12_usize, logit in prop::sample::select(LOGITS)) {
        let (model, x) = random_model(seed, d, logit);
        for range in [None, UNIT_BOX] {
            let norms = [Norm::L1, Norm::Lp(1.25), Norm::L2, Norm::Lp(4.0), Norm::Linf];
            let found = norms.map(|norm| run(&exact(), &model, &x, Perturbation { norm, range, weights: None }));
            for pair in found.windows(2) {
                // ‖·‖_p falls in p, and so does the radius.
                let (_, upper) = sides(&pair[0]);
                let (lower, _) = sides(&pair[1]);
                prop_assert!(lower <= upper, "{pair:?}");
            }
            if range.is_none() {
                for outcome in &found {
                    let (lower, upper) = sides(outcome);
                    prop_assert!(upper == f64::INFINITY || upper <= lower * (1.0 + 1e-5), "{} {}", lower, outcome.detail);
                }
            }
        }
    }
}

#[test]
fn exact_and_lp_agree_on_networks_of_every_width_and_depth() {
    let (mut compared, mut seed) = (0, 0);
    while compared < 80 {
        seed += 1;
        let rng = &mut generator(seed);
        let d = rng.random_range(1..40);
        let width = |rng: &mut rand::rngs::StdRng| if rng.random_bool(0.15) { 300 } else { rng.random_range(1..40) };
        let hidden: Vec<usize> = (0..rng.random_range(1..5)).map(|_| width(rng)).collect();
        let leak = if rng.random_bool(0.3) { 0.125 } else { 0.0 };
        let map = if rng.random_bool(0.5) { Map::Centred } else { Map::Scaled };
        let network = model(icnn(rng, d, &hidden, map, leak));
        let x = inputs(rng, 1, d);
        if network.enclose(&x)[0].lower() <= 1e-3 {
            continue;
        }
        compared += 1;
        for perturbation in perturbations() {
            compare(&network, &x, perturbation).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        }
    }
}

#[test]
fn no_end_is_found_where_there_is_none() {
    let model = positive_everywhere();
    for perturbation in perturbations() {
        let outcome = run(&exact(), &model, &[0.75, 0.25], perturbation);
        let (lower, upper) = sides(&outcome);
        assert_eq!(upper, f64::INFINITY);
        assert!(
            lower == f64::INFINITY || (perturbation.range.is_none() && lower > 1e3),
            "{perturbation:?}: {lower}, {}",
            outcome.detail
        );
        assert!(!outcome.detail.starts_with("gap"), "{}", outcome.detail);
    }
}

#[test]
fn a_linear_network_has_the_dual_norm_radius() {
    let model = linear();
    for (norm, expected) in [(Norm::L1, 10.0 / 4.0), (Norm::L2, 10.0 / 5.0), (Norm::Linf, 10.0 / 7.0)] {
        let (lower, upper) = sides(&run(&exact(), &model, &[2.0, 9.0, -1.0], Perturbation::new(norm)));
        assert!(lower <= expected && expected <= upper, "{norm}: {lower}..{upper}");
        assert!(upper / lower - 1.0 < 1e-9, "{norm}");
    }
}

/// On one input all norms are the same, also where f is positive everywhere and a search ends far away.
#[test]
fn in_one_dimension_all_norms_agree() {
    let mut far = 0;
    for seed in 0..200 {
        let mut rng = generator(seed);
        let model = model(icnn(&mut rng, 1, &[7, 7], Map::Identity, 0.0));
        let x = inputs(&mut rng, 1, 1);
        if model.enclose(&x)[0].lower() <= 0.0 {
            continue;
        }
        let radius = |norm| {
            let outcome = run(&exact(), &model, &x, Perturbation { norm, range: None, weights: None });
            far += usize::from(outcome.witness.is_none());
            outcome.radius().unwrap().value()
        };
        let [l1, l2, linf] = [Norm::L1, Norm::L2, Norm::Linf].map(radius);
        assert!((l1 - l2).abs() <= 1e-5 * l2 && (linf - l2).abs() <= 1e-5 * l2, "seed {seed}: {l1} {l2} {linf}");
    }
    assert!(far > 60, "{far}");
}
