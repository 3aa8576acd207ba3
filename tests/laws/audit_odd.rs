//! The audit of networks that are not convex, constant, or have nothing to certify.

use crate::audit_ladder::*;
use testing::networks::model;
use underplane::audit::ladder::{Conclusion, violations};
use underplane::model::{Dense, Graph, Kink, Layer, Model};
use underplane::report::answer::Status;
use underplane::report::records::Record;

/// f(x) = 1 − relu(x₀) − relu(x₁): concave.
fn concave() -> Model {
    let mut graph = Graph::new("x", &[2]);
    let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[0]).unwrap();
    let last = Dense { rows: 1, cols: 2, weight: vec![-1.0, -1.0], bias: vec![1.0] };
    graph.push("logit", Layer::Dense(last), &[kink]).unwrap();
    model(graph)
}

#[test]
fn a_network_that_is_not_convex_is_audited_by_what_applies() {
    let case = case(concave(), vec![0.0, 0.0, 0.25, 0.25, 2.0, 2.0], None);
    // Its kinks are coordinate-wise, so φ can take them in; a network on top of them cannot.
    let findings = findings(&all_methods(), &case);
    let text = rendered(&findings);
    assert_eq!(conclusion(&findings), Conclusion::Passed, "{text}");
    for norm in ["l1", "l2", "linf"] {
        let ibp = findings.records.iter().find(|r| r.method == "ibp" && r.norm == norm && r.input == 0).unwrap();
        assert!(ibp.certified().is_some_and(|r| r > 0.0), "{ibp:?}");
        assert!(ibp.witness().is_some_and(|d| d >= ibp.certified().unwrap()), "{ibp:?}");
    }
}

#[test]
fn methods_that_need_convexity_are_left_out_without_it() {
    let mut graph = Graph::new("x", &[2]);
    let mix = Dense { rows: 2, cols: 2, weight: vec![1.0, 1.0, 1.0, -1.0], bias: vec![0.0, 0.0] };
    let mix = graph.push("mix", Layer::Dense(mix), &[0]).unwrap();
    let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[mix]).unwrap();
    let last = Dense { rows: 1, cols: 2, weight: vec![-1.0, 1.0], bias: vec![1.0] };
    graph.push("logit", Layer::Dense(last), &[kink]).unwrap();
    let case = case(model(graph), vec![0.0, 0.0, 3.0, 0.0], None);
    let findings = findings(&all_methods(), &case);
    let text = rendered(&findings);
    assert_eq!(conclusion(&findings), Conclusion::Passed, "{text}");
    for method in ["closed-form", "sharp", "lp"] {
        let mut rows = findings.records.iter().filter(|r| r.method == method);
        assert!(rows.all(|r| r.not_applicable().is_some_and(|why| why.starts_with("not convex"))), "{method}");
    }
    let works = |r: &&Record| (r.method == "ibp" || r.method == "smoothing") && r.certified().is_some();
    assert!(findings.records.iter().filter(works).count() >= 6, "{text}");
}

#[test]
fn no_sensitive_input_leaves_an_empty_but_whole_table() {
    let case = case(affine(vec![1.0, -1.0], -5.0), vec![0.0, 0.0, 1.0, 0.5], None);
    let findings = findings(&all_methods(), &case);
    let text = rendered(&findings);
    assert_eq!(conclusion(&findings), Conclusion::Passed, "{text}");
    assert!(text.contains("0/0") && text.contains("2 inputs, 0 classified as sensitive"), "{text}");
    assert!(findings.records.iter().all(|r| r.status == Status::NotSensitive), "{text}");
}

#[test]
fn a_constant_network_is_unbounded_and_has_no_witness() {
    let case = case(affine(vec![0.0, 0.0], 2.0), vec![0.5, 0.5, 0.0, 1.0], None);
    let findings = findings(&all_methods(), &case);
    let text = rendered(&findings);
    assert_eq!(conclusion(&findings), Conclusion::Passed, "{text}");
    let closed_form = findings.records.iter().filter(|r| r.method == "closed-form");
    assert!(closed_form.clone().all(|r| r.radius == "unbounded" && r.upper.is_empty()), "{text}");
    assert!(text.contains("unbounded"));
}

#[test]
fn a_logit_of_zero_is_no_violation_and_no_panic() {
    // f(x) = 0 exactly at the first input, and within rounding of 0 at the second.
    let case = case(affine(vec![1.0, 1.0, 1.0], -0.3), vec![0.0; 6], None);
    let tie = Inputs {
        values: vec![f64::from(0.3_f32), 0.0, 0.0, f64::from(0.1_f32), f64::from(0.1_f32), f64::from(0.1_f32)],
        ..case
    };
    let findings = findings(&all_methods(), &tie);
    assert!(violations(&findings.records, &findings.found).is_empty(), "{}", rendered(&findings));
}
