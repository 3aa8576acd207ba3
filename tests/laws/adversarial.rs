//! Every method on the adversarial models: none claims more than the kernel accepts, or than a point with f ≤ 0 allows.

use num_traits::Signed;
use std::path::{Path, PathBuf};
use testing::networks::{exact_logit, rational};
use underplane::data::read_inputs;
use underplane::model::sensitive::Sensitive;
use underplane::model::{Model, onnx};
use underplane::norm::Norm;
use underplane::proof::Prover;
use underplane::query::{Perturbation, Query, Range, Ranges};
use underplane::radius::best::Best;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::{Exact, Tightened};
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::{Lp, LpSolver};
use underplane::radius::sharp::Sharp;
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Method, Outcome, Samples, Subject, Verdict};

fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data/adversarial");
    let mut models: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    models.retain(|path| path.extension().unwrap() == "onnx");
    models.sort();
    assert!(models.len() >= 15);
    models
}

fn methods() -> Vec<Box<dyn Method>> {
    vec![
        Box::new(ClosedForm),
        Box::new(Sharp),
        Box::new(Ibp::default()),
        Box::new(Lp::default()),
        Box::new(Lp::new(LpSolver::Microlp)),
        Box::new(Tightened::default()),
        Box::new(Exact::default()),
        Box::new(Best::new(vec![Box::new(ClosedForm), Box::new(Sharp), Box::new(Lp::default())], 60.0)),
        Box::new(Smoothing { samples: 200, ..Smoothing::default() }),
    ]
}

struct Case {
    name: String,
    model: Model,
    prover: Option<Prover>,
    x: Vec<f64>,
}

fn case(path: &Path) -> Case {
    let values = read_inputs(&path.with_extension("npy"), &Default::default()).unwrap().values;
    let x: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
    let model = Model::new(onnx::read(path).unwrap()).unwrap();
    let prover = Prover::new(&std::fs::read(path).unwrap(), Sensitive::Positive, &x, x.len()).ok();
    Case { name: path.file_stem().unwrap().to_str().unwrap().into(), model, prover, x }
}

fn perturbations() -> Vec<Perturbation<'static>> {
    let norms = [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(1.5)];
    let boxes = [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))];
    norms.iter().flat_map(|&norm| boxes.map(|range| Perturbation { norm, range, weights: None })).collect()
}

/// Whether a witness is what it says: its exact logit, and its distance.
fn is_witness(case: &Case, outcome: &Outcome) -> bool {
    outcome.witness.as_ref().is_none_or(|w| !exact_logit(case.model.graph(), &w.point).is_positive())
}

#[test]
fn no_method_claims_more_than_the_kernel_accepts() {
    let (mut proven, mut certified) = (0, 0);
    for path in models() {
        let case = case(&path);
        for perturbation in perturbations() {
            let samples = Samples::new(&case.x, case.x.len());
            for method in methods() {
                let outcome = method.certify(&case.model, samples, perturbation).remove(0);
                let place = format!("{} {} {perturbation:?}: {outcome:?}", case.name, method.name());
                assert!(is_witness(&case, &outcome), "{place}");
                let (Some(radius), Subject::Base) = (outcome.radius(), method.subject()) else { continue };
                certified += 1;
                assert!(exact_logit(case.model.graph(), &case.x).is_positive(), "{place}");
                if method.name() == "ibp" {
                    continue;
                }
                let prover = case.prover.as_ref().unwrap_or_else(|| panic!("the kernel refuses the model: {place}"));
                let query = Query { model: &case.model, x: &case.x, index: 0, perturbation };
                match prover.prove(query, &outcome) {
                    Ok(proof) => {
                        proven += 1;
                        let fractional = matches!(perturbation.norm, Norm::Lp(_));
                        let kept = proof.radius.value() >= radius.value() * (1.0 - 1e-6);
                        assert!(kept || fractional, "{place}: the kernel accepts {} only", proof.radius);
                    }
                    Err(why) => panic!("{place}: {why}"),
                }
            }
        }
    }
    assert!(proven > 200, "{proven} proofs of {certified} radii");
}

#[test]
fn interval_bounds_stay_below_every_witness() {
    for path in models() {
        let case = case(&path);
        for norm in Norm::STANDARD {
            let perturbation = Perturbation { norm, range: None, weights: None };
            let samples = Samples::new(&case.x, case.x.len());
            let ibp = Ibp::default().certify(&case.model, samples, perturbation).remove(0);
            let lp = Lp::default().certify(&case.model, samples, perturbation).remove(0);
            let (Some(radius), Some(witness)) = (ibp.radius(), lp.witness) else { continue };
            assert!(rational(radius.value().min(f64::MAX)) <= rational(witness.distance), "{}", case.name);
        }
    }
}

#[test]
fn ties_and_negative_weights_are_never_certified() {
    for (name, convex) in [("tie", true), ("tiny-negative-weight", false)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("proofs-data/adversarial/{name}.onnx"));
        let case = case(&path);
        assert_eq!(case.prover.is_some(), convex, "{name}");
        for perturbation in perturbations() {
            for method in [Box::new(ClosedForm) as Box<dyn Method>, Box::new(Sharp), Box::new(Lp::default())] {
                let outcome = method.certify(&case.model, Samples::new(&case.x, 2), perturbation).remove(0);
                let certified = matches!(outcome.verdict, Verdict::Certified(_));
                assert!(!certified, "{name} {}: {outcome:?}", method.name());
            }
        }
    }
}

#[test]
fn a_gradient_that_is_exactly_zero_is_unbounded_and_proven_so() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data/adversarial/zero-gradient.onnx");
    let case = case(&path);
    for perturbation in perturbations() {
        let outcome = ClosedForm.certify(&case.model, Samples::new(&case.x, 2), perturbation).remove(0);
        assert_eq!(outcome.radius().map(|r| r.value()), Some(f64::INFINITY), "{outcome:?}");
        let query = Query { model: &case.model, x: &case.x, index: 0, perturbation };
        let proof = case.prover.as_ref().unwrap().prove(query, &outcome).unwrap();
        assert!(proof.line.contains("unbounded"));
    }
}
