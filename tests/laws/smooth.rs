//! Smooth units: their own functions against naive series, and the laws of the methods on networks that have some.

use num_rational::BigRational;
use num_traits::Signed;
use proptest::prelude::*;
use rand::RngExt;
use testing::convex_networks::{perturbations, random_smooth_model, run, sides};
use testing::naive_smooth;
use testing::networks::{exact_gradient, exact_logit, generator, rational};
use underplane::model::minorant::minorants;
use underplane::model::passes::{forward, tangent_slopes};
use underplane::model::{Curve, Dense, Graph, Layer, Model};
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::{Exact, Tightened};
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::Lp;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Limits, Samples, Verdict};

const HUBER: Curve = Curve::Square { rising: false, edge: 1.5 };

fn curves() -> impl Strategy<Value = Curve> {
    prop_oneof![
        Just(Curve::SOFTPLUS),
        Just(Curve::Softplus { threshold: 20.0 }),
        (0.01..=1.0_f64).prop_map(Curve::Elu),
        Just(Curve::LogSumExp),
        Just(Curve::square(false)),
        (any::<bool>(), 0.01..10.0_f64).prop_map(|(rising, edge)| Curve::Square { rising, edge }),
    ]
}

fn inputs(curve: Curve, t: &[f64]) -> &[f64] {
    if curve == Curve::LogSumExp { t } else { &t[..1] }
}

fn naive(curve: Curve, t: &[f64]) -> BigRational {
    let t: Vec<BigRational> = t.iter().map(|&t| rational(t)).collect();
    naive_smooth::value(curve, &t.iter().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn values_are_within_their_errors(curve in curves(), t in prop::collection::vec(-40.0..40.0_f64, 3),
                                      e in 0.0..0.5_f64, share in -1.0..1.0_f64) {
        let t = inputs(curve, &t);
        let value = curve.value(t.iter().copied());
        let error = curve.value_error(value, t.iter().map(|&t| (t, e)));
        let moved: Vec<f64> = t.iter().map(|t| t + share * e).collect();
        prop_assert!((naive(curve, &moved) - rational(value)).abs() <= rational(error), "{curve:?} {t:?}");
        let exact = curve.value_error(value, t.iter().map(|&t| (t, 0.0)));
        prop_assert!((naive(curve, t) - rational(value)).abs() <= rational(exact), "{curve:?} {t:?}");
        prop_assert!(exact <= 1e-12 * (1.0 + value.abs()) || curve == Curve::Softplus { threshold: 20.0 }, "{curve:?} {t:?}: {exact}");
    }

    #[test]
    fn conjugates_make_lines_below_that_touch(curve in curves(), t in prop::collection::vec(-30.0..30.0_f64, 3),
                                              far in prop::collection::vec(-30.0..30.0_f64, 3)) {
        let (t, far) = (inputs(curve, &t), inputs(curve, &far));
        let mut slopes: Vec<f64> = (0..t.len()).map(|k| curve.slope(t.iter().copied(), k)).collect();
        if t.len() > 1 {
            // Weights that are 1 together in floats.
            slopes.iter_mut().for_each(|s| *s = (*s * 1e12).floor() / 1e12);
            slopes[0] = 1.0 - slopes[1..].iter().sum::<f64>();
            prop_assume!(slopes.iter().all(|s| *s >= 0.0) && slopes.iter().map(|&s| rational(s)).sum::<BigRational>() == rational(1.0));
        }
        let (conjugate, error) = curve.conjugate(slopes.iter().copied());
        let line = |at: &[f64], conjugate: BigRational| {
            at.iter().zip(&slopes).map(|(&t, &s)| rational(t) * rational(s)).sum::<BigRational>() - conjugate
        };
        let lowest = |at: &[f64]| line(at, rational(conjugate) + rational(error));
        prop_assert!(lowest(far) <= naive(curve, far) && lowest(t) <= naive(curve, t), "{curve:?} {t:?} {far:?}");
        // The exact conjugate is not above the computed one by more than its error, either: the line touches, or lies
        // as much below as the curve jumps down at a threshold, ln(1 + e^−20) < 3e-9.
        let jump = if curve == (Curve::Softplus { threshold: 20.0 }) { 3e-9 } else { 0.0 };
        let slack = rational(error + jump + 1e-9 * (1.0 + t[0] * t[0]));
        prop_assert!(line(t, rational(conjugate)) >= naive(curve, t) - slack, "{curve:?} {t:?}");
    }

    #[test]
    fn ranges_hold_all_values(curve in curves(), low in prop::collection::vec(-30.0..30.0_f64, 3), width in 0.0..9.0_f64, share in 0.0..=1.0_f64) {
        let low = inputs(curve, &low);
        let range = curve.range(low.iter().map(|&low| (low, low + width)));
        let inside: Vec<f64> = low.iter().map(|low| (low + share * width).clamp(*low, low + width)).collect();
        let value = naive(curve, &inside);
        prop_assert!(rational(range.0) <= value && value <= rational(range.1), "{curve:?} {low:?} {width}: {range:?}");
    }
}

#[test]
fn infinite_and_missing_arguments_tell_nothing_false() {
    let ends = [(f64::NEG_INFINITY, f64::INFINITY)];
    for curve in [Curve::SOFTPLUS, Curve::Elu(0.5), Curve::square(false), HUBER, Curve::LogSumExp] {
        let (low, high) = curve.range(ends.into_iter());
        assert!(low <= 0.0 && (high.is_nan() || high == f64::INFINITY), "{curve:?}: {low} {high}");
        let value = curve.value([f64::NAN].into_iter());
        assert!(value.is_nan() && curve.value_error(value, [(f64::NAN, 0.0)].into_iter()).is_nan(), "{curve:?}");
        assert!(curve.value_error(1.0, [(1.0, f64::NAN)].into_iter()).is_nan(), "{curve:?}");
    }
}

#[test]
fn enclosures_hold_and_any_slopes_give_a_minorant() {
    for seed in 0..8 {
        let (model, x) = random_smooth_model(seed, 3, 0.7);
        let mut rng = generator(seed);
        let enclosed = model.enclose(&x)[0];
        let exact = exact_logit(model.graph(), &x);
        assert!(rational(enclosed.lower()) <= exact && exact <= rational(enclosed.upper()), "seed {seed}");
        assert!(enclosed.error <= 1e-9 * (1.0 + enclosed.value.abs()), "seed {seed}: {}", enclosed.error);
        let tangent = tangent_slopes(model.network(), &forward(model.network(), &x));
        for (node, slopes) in model.graph().nodes().iter().zip(&tangent.nodes) {
            let sum = |i: usize| slopes.iter().skip(i).step_by(node.size()).map(|&s| rational(s)).sum::<BigRational>();
            if node.op.curve() == Some(Curve::LogSumExp) {
                assert!((0..node.size()).all(|i| sum(i) == rational(1.0)), "seed {seed}: weights are 1 together");
            }
        }
        for wild in [false, true] {
            let mut slopes = tangent.clone();
            if wild {
                slopes.nodes.iter_mut().flatten().for_each(|s| *s = rng.random_range(-0.5..1.5));
            }
            let minorant = &minorants(model.network(), &x, slopes, model.convexity().unwrap().input_stops())[0];
            assert!(wild || minorant.value.lower() > 0.7 - 1e-6, "seed {seed}: {:?}", minorant.value);
            for _ in 0..3 {
                let y: Vec<f64> = x.iter().map(|x| x + rng.random_range(-2.0..2.0)).collect();
                let part = &minorant.parts[0];
                let mut lowest = rational(minorant.value.lower());
                for i in 0..x.len() {
                    let step = rational(y[i]) - rational(x[i]);
                    lowest += rational(part.coefficients[i]) * &step - rational(part.errors[i]) * step.abs();
                }
                assert!(lowest <= exact_logit(model.graph(), &y), "seed {seed}");
            }
        }
    }
}

#[test]
fn the_ladder_holds_on_smooth_networks() {
    let mut closed = 0;
    for seed in 0..30 {
        let (model, x) = random_smooth_model(seed, 3, 0.5);
        let limits = Limits { gap: 1e-6, seconds: 5.0, passes: 400 };
        for perturbation in perturbations() {
            let place = format!("seed {seed} {perturbation:?}");
            let first = sides(&run(&ClosedForm, &model, &x, perturbation)).0;
            let sharp = sides(&run(&Sharp, &model, &x, perturbation)).0;
            let tightened =
                sides(&run(&Tightened { limits: Limits { gap: 1e-2, ..limits } }, &model, &x, perturbation));
            let exact = sides(&run(&Exact { limits }, &model, &x, perturbation));
            let ibp = run(&Ibp::default(), &model, &x, perturbation).radius().map_or(0.0, |r| r.value());
            assert!(first <= sharp && sharp <= tightened.0, "{place}: {first} {sharp} {tightened:?}");
            assert!(
                tightened.0 <= exact.1 && exact.0 <= tightened.1 && exact.0 <= exact.1,
                "{place} {tightened:?} {exact:?}"
            );
            assert!(ibp <= exact.1 && ibp <= tightened.1, "{place}: {ibp} {exact:?}");
            closed += usize::from(exact.1 <= exact.0 * (1.0 + 1e-5));
            let lp = run(&Lp::default(), &model, &x, perturbation);
            assert!(matches!(lp.verdict, Verdict::Unknown(ref why) if why == "smooth unit"), "{place}: {lp:?}");
        }
    }
    assert!(closed > 90, "{closed} of 180 closed");
}

#[test]
fn the_closed_form_is_near_its_exact_value() {
    for seed in 0..20 {
        // Without maxima, of which the naive gradient knows nothing.
        let mut rng = generator(seed);
        let mut graph = Graph::new("x", &[4]);
        let mut dense = |rows: usize, cols: usize, least: f32| {
            let weight = (0..rows * cols).map(|_| rng.random_range(least..1.0)).collect();
            Layer::Dense(Dense { rows, cols, weight, bias: (0..rows).map(|_| rng.random_range(0.1..0.5)).collect() })
        };
        let first = graph.push("first", dense(5, 4, -1.0), &[0]).unwrap();
        let bent = graph.push("bent", Layer::Smooth(Curve::SOFTPLUS), &[first]).unwrap();
        let second = graph.push("second", dense(5, 5, 0.0), &[bent]).unwrap();
        let bent = graph.push("again", Layer::Smooth(Curve::Elu(0.5)), &[second]).unwrap();
        let squared = graph.push("squared", Layer::Smooth(Curve::square(false)), &[first]).unwrap();
        let sum = graph.push("sum", Layer::Sum, &[bent, squared]).unwrap();
        graph.push("last", dense(1, 5, 0.0), &[sum]).unwrap();
        let model = Model::new(graph).unwrap();
        let x: Vec<f64> = (0..4).map(|_| f64::from(rng.random_range(0.0..1.0_f32))).collect();
        let (f, gradient) = exact_gradient(model.graph(), &x);
        let radius = sides(&run(&ClosedForm, &model, &x, Perturbation::new(Norm::L1))).0;
        let largest = gradient.iter().map(|g| g.abs()).max().unwrap();
        let value = rational(radius) * largest;
        assert!(value < f && value > f * rational(1.0 - 1e-10), "seed {seed}");
        let _ = Samples::new(&x, 4);
    }
}
