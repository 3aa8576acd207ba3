//! Laws of the LP verifier on random input-convex networks.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use testing::convex_networks::{linear, perturbations, positive_everywhere, push, random_model, run, sides};
use underplane::model::{Dense, Graph, Kink, Layer, Model};
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::lp::{EXACT_GAP, Lp, LpSolver};
use underplane::radius::sharp::Sharp;
use underplane::radius::{Outcome, Verdict};

proptest! {
    // The same networks every time: among a million random ones some are too ill-conditioned for any solver.
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, rng_seed: RngSeed::Fixed(17), ..ProptestConfig::default() })]

    #[test]
    fn both_sides_are_proven_and_meet(seed: u64, d in 1..12_usize, logit in prop::sample::select(&[1e-3, 0.1, 0.8, 3.0, 30.0][..])) {
        let (model, x) = random_model(seed, d, logit);
        prop_assert!(model.convexity().unwrap().map.is_identity());
        for perturbation in perturbations() {
            let outcome = run(&Lp::default(), &model, &x, perturbation);
            let (lower, upper) = sides(&outcome);
            let place = format!("{perturbation:?}: {lower} and {upper}, {}", outcome.detail);
            prop_assert!(lower <= upper, "{}", place);
            match &outcome.witness {
                Some(witness) => {
                    // Where rounding alone makes the logit at the sample uncertain, no more can be asked.
                    let value = model.enclose(&x)[0];
                    let rounding = 1e3 * value.error / value.value;
                    prop_assert!(upper <= lower * (1.0 + EXACT_GAP + rounding), "{}", place);
                    prop_assert!(outcome.detail.starts_with("gap ") || rounding > EXACT_GAP, "{}", place);
                    prop_assert!(model.enclose(&witness.point)[0].upper() <= 0.0);
                    prop_assert!(perturbation.range.is_none() || witness.point.iter().all(|v| (0.0..=1.0).contains(v)));
                }
                // Without a box only an exactly zero gradient proves that there is no end.
                None if perturbation.range.is_some() => prop_assert_eq!(lower, f64::INFINITY, "{}", place),
                None => prop_assert!(lower == f64::INFINITY || lower > 1e3, "{}", place),
            }
            let closed = run(&ClosedForm, &model, &x, perturbation).radius().unwrap().value();
            let sharp = run(&Sharp, &model, &x, perturbation).radius().unwrap().value();
            prop_assert!(closed <= sharp && sharp <= lower, "{}: {closed}, {sharp}", place);
        }
    }

    #[test]
    fn solvers_agree(seed: u64, d in 1..7_usize, logit in prop::sample::select(&[1e-3, 0.1, 0.8, 3.0, 30.0][..])) {
        let (model, x) = random_model(seed, d, logit);
        for perturbation in perturbations() {
            let (lower, upper) = sides(&run(&Lp::default(), &model, &x, perturbation));
            for &solver in &LpSolver::AVAILABLE[1..] {
                let outcome = run(&Lp::new(solver), &model, &x, perturbation);
                let (other, other_upper) = sides(&outcome);
                let place = format!("{perturbation:?}: {lower}..{upper} and {other}..{other_upper}, {}", outcome.detail);
                prop_assert!(lower <= other_upper && other <= upper, "{}", place);
                if upper < f64::INFINITY {
                    let close = |a: f64, b: f64| (a / b - 1.0).abs() <= 1e-6;
                    prop_assert!(close(other, lower) && close(other_upper, upper), "{}", place);
                } else {
                    prop_assert_eq!(other_upper, f64::INFINITY, "{}", place);
                }
            }
        }
    }

    #[test]
    fn no_grid_point_within_the_radius_is_negative(seed: u64, d in 1..3_usize, logit in prop::sample::select(&[1e-3, 0.1, 0.8, 3.0, 30.0][..])) {
        let (model, x) = random_model(seed, d, logit);
        for perturbation in perturbations() {
            let (lower, upper) = sides(&run(&Lp::default(), &model, &x, perturbation));
            let reach = if lower == f64::INFINITY { 100.0 } else { lower };
            let mut points = Vec::new();
            for k in 0..360 {
                let angle = f64::from(k).to_radians();
                let direction = if d == 1 { vec![angle.cos().signum()] } else { vec![angle.cos(), angle.sin()] };
                let length = perturbation.norm.upper(&direction);
                for share in [0.3, 0.999_999] {
                    let step = reach * share / length;
                    let inside = |v: f64| if perturbation.range.is_some() { v.clamp(0.0, 1.0) } else { v };
                    points.extend(x.iter().zip(&direction).map(|(x, e)| inside(x + step * e)));
                }
            }
            let least = model.enclose(&points).iter().map(|f| f.upper()).fold(f64::INFINITY, f64::min);
            prop_assert!(least > 0.0, "{perturbation:?}: {lower}..{upper}, least logit {least}");
        }
    }
}

#[test]
fn no_end_is_found_where_there_is_none() {
    let model = positive_everywhere();
    for perturbation in perturbations() {
        for &solver in LpSolver::AVAILABLE {
            let outcome = run(&Lp::new(solver), &model, &[0.75, 0.25], perturbation);
            let (lower, upper) = sides(&outcome);
            assert_eq!(upper, f64::INFINITY);
            let proven = if perturbation.range.is_some() { lower == f64::INFINITY } else { lower > 1e3 };
            assert!(proven, "{solver} {perturbation:?}: {lower}, {}", outcome.detail);
            assert!(!outcome.detail.starts_with("gap"), "{}", outcome.detail);
        }
    }
}

#[test]
fn another_solver_ends_what_clarabel_leaves_apart() {
    // One of 240,000 random cases in which Clarabel alone says `not exact`.
    let (model, x) = random_model(514_u64.wrapping_mul(0x9E37_79B9_7F4A_7C15), 4, 30.0);
    let outcome = run(&Lp::default(), &model, &x, Perturbation::new(Norm::Linf));
    let (lower, upper) = sides(&outcome);
    assert!(lower <= upper && upper <= lower * (1.0 + EXACT_GAP), "{lower} and {upper}: {}", outcome.detail);
    assert!(outcome.detail.starts_with("gap "), "{}", outcome.detail);
}

#[test]
fn a_linear_network_has_the_dual_norm_radius() {
    let model = linear();
    for (norm, expected) in [(Norm::L1, 10.0 / 4.0), (Norm::L2, 10.0 / 5.0), (Norm::Linf, 10.0 / 7.0)] {
        let (lower, upper) = sides(&run(&Lp::default(), &model, &[2.0, 9.0, -1.0], Perturbation::new(norm)));
        assert!(lower <= expected && expected <= upper, "{norm}");
        assert!(upper / lower - 1.0 < 1e-9, "{norm}");
    }
}

#[test]
fn the_other_class_gets_no_certificate() {
    for seed in 0..5 {
        let (model, x) = random_model(seed, 4, -0.5);
        for perturbation in perturbations() {
            assert_eq!(run(&Lp::default(), &model, &x, perturbation).verdict, Verdict::NotSensitive);
        }
    }
}

fn unknown(outcome: Outcome) -> String {
    match outcome.verdict {
        Verdict::Unknown(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_lp_cannot_do_is_unknown_with_a_reason() {
    let (model, x) = random_model(3, 4, 1.0);
    let fractional = Perturbation::new(Norm::Lp(1.5));
    assert!(unknown(run(&Lp::default(), &model, &x, fractional)).contains("p = 1, 2 and ∞"));

    let mut graph = Graph::new("x", &[1]);
    let size = push(&mut graph, Layer::Kink(Kink::ABS), &[0]);
    push(&mut graph, Layer::Dense(Dense { rows: 1, cols: 1, weight: vec![-1.0], bias: vec![1.0] }), &[size]);
    let absolute = Model::new(graph).unwrap();
    assert_eq!(unknown(run(&Lp::default(), &absolute, &[0.5], Perturbation::new(Norm::L2))), "non-affine feature map");

    let mut graph = Graph::new("x", &[2]);
    let op = Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0, 1.0], bias: vec![0.0] });
    let first = push(&mut graph, op, &[0]);
    let kink = push(&mut graph, Layer::Kink(Kink::RELU), &[first]);
    push(&mut graph, Layer::Dense(Dense { rows: 1, cols: 1, weight: vec![-1.0], bias: vec![5.0] }), &[kink]);
    let concave = Model::new(graph).unwrap();
    assert!(unknown(run(&Lp::default(), &concave, &[0.5, 0.5], Perturbation::new(Norm::L2))).starts_with("not convex"));
}

#[test]
fn a_spent_time_limit_leaves_a_sound_radius_and_says_so() {
    let (model, x) = random_model(3, 4, 1.0);
    let lp = Lp { seconds: 0.0, ..Lp::new(LpSolver::Clarabel) };
    let outcome = run(&lp, &model, &x, Perturbation::new(Norm::Linf));
    let sharp = run(&Sharp, &model, &x, Perturbation::new(Norm::Linf));
    assert_eq!(outcome.radius(), sharp.radius());
    assert!(outcome.detail.contains("time limit") && outcome.detail.contains("not exact"), "{}", outcome.detail);
}

#[test]
fn solver_names_are_checked() {
    assert_eq!("clarabel".parse::<LpSolver>().unwrap(), LpSolver::Clarabel);
    assert_eq!("microlp".parse::<LpSolver>().unwrap(), LpSolver::Microlp);
    assert!("gurobi".parse::<LpSolver>().unwrap_err().contains("expected clarabel, microlp or highs"));
    if cfg!(not(feature = "highs")) {
        assert!("highs".parse::<LpSolver>().unwrap_err().contains("--features highs"));
    }
}
