//! Files of scikit-learn's converters through the whole program.

use crate::desk::{Desk, near};
use std::fs;
use testing::corpora::files::value;
use testing::learned::{classifier, file, learned};

#[test]
fn a_classifier_of_two_is_certified_with_its_decision_function() {
    let desk = Desk::new();
    for zipped in [false, true] {
        fs::write(desk.at("m.onnx"), classifier(&[-1.0, -2.0, 1.0, 2.0], &[-0.25, 0.25], "LOGISTIC", zipped)).unwrap();
        // x₀ + 2x₁ + ¼ at (1, 2).
        let (found, told) = desk.proven("--sensitive 1");
        near(&found, 5.25, [2.625, 5.25 / 5f64.sqrt(), 1.75]);
        assert!(told.contains("`scores` holds the scores that are read") && told.contains("is taken off"), "{told}");
        // ln 9 = 2.197224577…
        let logit = 5.25 - 2.197_224_6;
        near(&desk.proven("--sensitive 1 --probability 0.9").0, logit, [logit / 2.0, logit / 5f64.sqrt(), logit / 3.0]);
        let named = if zipped { "output_probability" } else { "scores" };
        near(&desk.proven(&format!("--sensitive 1 --output {named}")).0, 5.25, [2.625, 5.25 / 5f64.sqrt(), 1.75]);
    }
    // Two logits of their own: no probability of one is that of the other.
    fs::write(desk.at("m.onnx"), classifier(&[-1.0, -2.0, 1.0, 2.0], &[0.25, 0.25], "LOGISTIC", true)).unwrap();
    near(&desk.proven("--sensitive 1").0, 10.0, [2.5, 5.0 / 5f64.sqrt(), 10.0 / 6.0]);
    let (code, _, told) = desk.run("underplane", "certify m.onnx x.npy --sensitive 1 --probability 0.9");
    assert!(code == 2 && told.contains("--probability"), "{told}");
}

#[test]
fn what_no_radius_exists_for_is_named() {
    let desk = Desk::new();
    for (operator, words) in [("TreeEnsembleClassifier", "trees jump"), ("Normalizer", "divides by")] {
        let nodes = [learned(operator, &["x"], &["y"], &[])];
        fs::write(desk.at("m.onnx"), file(&nodes, &[], &[value("y", &[1])])).unwrap();
        let (code, _, told) = desk.run("underplane", "certify m.onnx x.npy");
        assert!(code == 2 && told.contains(words), "{told}");
        assert_eq!(desk.run("underplane-check", "m.onnx x.npy none.jsonl").0, 2);
    }
}
