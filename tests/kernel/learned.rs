//! Operators of scikit-learn's converters, in both readers.

use testing::corpora::files::{Parts, bytes, node, tensor, value};
use testing::corpora::windows::{int, ints, list, text};
use testing::learned::{classifier, domain, file, floats, labels, learned, maps, names, texts};
use testing::readings::logit;
use underplane::model::onnx::decode;
use underplane::model::{Logit, Model, Sensitive};
use underplane_kernel::{Class, Code, Reading, Rejection};

/// y = column 1 of two scores of the scaled x, in a file with the operators of scikit-learn.
fn pipeline(nodes: Vec<Vec<u8>>) -> Result<Vec<u8>, Rejection> {
    let parts = Parts { nodes, constants: vec![list("one", &[1])], input: value("x", &[2]), output: "y" };
    let file = [parts.file(), domain()].concat();
    Reading::read(&file, Class::Positive).map(|_| file)
}

#[test]
fn learned_operators_are_affine_or_refused() {
    let labels = |count: i64| ints("classlabels_ints", &(0..count).collect::<Vec<_>>());
    let weights = floats("coefficients", &[1.0, 2.0, -1.0, 0.5]);
    let scaler = |offset: &[f32], scale: &[f32]| {
        learned("Scaler", &["x"], &["s"], &[floats("offset", offset), floats("scale", scale)])
    };
    let classifier = |attributes: &[Vec<u8>]| learned("LinearClassifier", &["s"], &["label", "all"], attributes);
    let column = || learned("ArrayFeatureExtractor", &["all", "one"], &["y"], &[]);
    let good = || scaler(&[0.5, -1.0], &[2.0, 4.0]);
    let scores = |more: &[Vec<u8>]| classifier(&[&[labels(2), weights.clone()], more].concat());
    let intercepts = || floats("intercepts", &[0.0, 0.25]);
    let file = pipeline(vec![good(), scores(&[intercepts()]), column()]).unwrap();
    // −2·(x₀ − ½) + 2·(x₁ + 1) + ¼ at (3, ½).
    assert_eq!(logit(&file, Class::Positive, &[3.0, 0.5]).unwrap(), -1.75);
    let code = |nodes: Vec<Vec<u8>>| pipeline(nodes).unwrap_err().code;
    let transform = |name: &str| scores(&[text("post_transform", name)]);
    assert_eq!(code(vec![good(), transform("PROBIT"), column()]), Code::Unsupported);
    // Probabilities beside others are an end that is left over.
    let doubled = node("Add", &["y0", "y0"], &["y"], &[]);
    let inner = learned("ArrayFeatureExtractor", &["all", "one"], &["y0"], &[]);
    let logistic = scores(&[text("post_transform", "LOGISTIC"), intercepts()]);
    assert_eq!(code(vec![good(), logistic, inner, doubled]), Code::Unsupported);
    assert_eq!(code(vec![good(), scores(&[]), column()]), Code::Unsupported, "runtimes need intercepts");
    assert_eq!(code(vec![good(), classifier(&[labels(1), weights.clone()]), column()]), Code::Unsupported);
    assert_eq!(code(vec![good(), classifier(&[labels(3), weights.clone()]), column()]), Code::ShapeMismatch);
    assert_eq!(code(vec![scaler(&[0.5, 1.0], &[2.0]), scores(&[]), column()]), Code::ShapeMismatch);
    assert_eq!(code(vec![scaler(&[f32::NAN; 2], &[2.0; 2]), scores(&[]), column()]), Code::NotFinite);
    assert_eq!(
        code(vec![good(), classifier(&[labels(2), floats("coefficients", &[1.0; 3])]), column()]),
        Code::ShapeMismatch
    );
    let label = node("Neg", &["label"], &["y"], &[]);
    assert_eq!(code(vec![good(), scores(&[intercepts()]), label]), Code::MalformedModel, "the label is read");
    let standard = node("Scaler", &["x"], &["y"], &[floats("offset", &[0.0]), floats("scale", &[1.0])]);
    assert_eq!(code(vec![standard]), Code::Unsupported, "an operator of another domain");
    let relu = [node("Relu", &["x"], &["y"], &[]), bytes(7, b"ai.onnx.ml")].concat();
    assert_eq!(code(vec![relu]), Code::Unsupported, "a standard operator of another domain");
    // Nor is one of constants alone computed.
    let third = |domain: &[u8]| {
        let div = [node("Div", &["one", "three"], &["c"], &[]), bytes(7, domain)].concat();
        let constants = [tensor("one", &[], &[1.0]), tensor("three", &[], &[3.0])];
        self::file(&[div, node("Add", &["x", "c"], &["y"], &[])], &constants, &[value("y", &[2])])
    };
    assert!(decode(&third(b"")).is_ok() && decode(&third(b"ai.onnx.ml")).is_err());
}

/// f of a class of several at (3, ½), in which both readers agree.
fn score(file: &[u8], class: usize) -> f64 {
    let at = [3.0, 0.5];
    let found = logit(file, Class::Index(class as u32), &at).unwrap();
    let heads = Logit::from(Sensitive::Index(class)).heads(decode(file).unwrap()).unwrap();
    let ends = heads.into_iter().map(|head| {
        let value = &Model::new(head).unwrap().enclose(&at)[0];
        [value.lower(), value.upper()]
    });
    let least = ends.fold([f64::INFINITY; 2], |least, ends| [least[0].min(ends[0]), least[1].min(ends[1])]);
    assert!(least[0] <= found && found <= least[1], "{found} {least:?}");
    found
}

#[test]
fn opposite_scores_are_one_logit() {
    let (opposite, both) = ([-1.0, 2.0, 1.0, -2.0], [-0.25, 0.25]);
    for zipped in [false, true] {
        let of = |coefficients: &[f32; 4], intercepts: &[f32; 2], transform: &str| {
            let file = classifier(coefficients, intercepts, transform, zipped);
            [0, 1].map(|class| score(&file, class))
        };
        assert_eq!(of(&opposite, &both, "LOGISTIC"), [-2.25, 2.25]);
        assert_eq!(of(&opposite, &[0.0, -0.0], "LOGISTIC"), [-2.0, 2.0]);
        // Otherwise one score minus the other.
        for transform in ["NONE", "SOFTMAX"] {
            assert_eq!(of(&opposite, &both, transform), [-4.5, 4.5]);
        }
        assert_eq!(of(&[-1.0, 2.0, 1.0, 2.0], &both, "LOGISTIC"), [-4.5 - 2.0, 4.5 + 2.0]);
        assert_eq!(of(&[-1.0, 2.0, -1.0, 2.0], &both, "LOGISTIC"), [-0.5, 0.5]);
        assert_eq!(of(&opposite, &[0.25, 0.25], "LOGISTIC"), [-4.0, 4.0]);
        let ulp = f32::from_bits(1.0_f32.to_bits() + 1);
        assert_eq!(of(&[-1.0, 2.0, ulp, -2.0], &both, "LOGISTIC")[1], 4.5 + 3.0 * f64::from(f32::EPSILON));
    }
}

#[test]
fn sigmoids_of_opposite_entries_are_one_logit() {
    let sigmoids = |columns: [f32; 4], bias: [f32; 2], factors: [f32; 2]| {
        let nodes = [
            node("MatMul", &["x", "W"], &["t"], &[]),
            node("Add", &["t", "b"], &["u"], &[]),
            node("Mul", &["u", "f"], &["z"], &[]),
            node("Sigmoid", &["z"], &["p"], &[]),
        ];
        let constants = [tensor("W", &[2, 2], &columns), tensor("b", &[2], &bias), tensor("f", &[2], &factors)];
        score(&file(&nodes, &constants, &[value("p", &[2])]), 1)
    };
    let columns = [-1.0, 1.0, 2.0, -2.0];
    assert_eq!(sigmoids(columns, [-0.25, 0.25], [2.0, 2.0]), 4.5);
    assert_eq!(sigmoids(columns, [-0.25, 0.5], [2.0, 2.0]), 9.5);
    assert_eq!(sigmoids(columns, [-0.25, 0.25], [2.0, -2.0]), 0.0);
    assert_eq!(sigmoids(columns, [-0.25, 0.25], [1.0, 2.0]), 6.75);
    assert_eq!(sigmoids([-1.0, 1.0, 2.0, 2.0], [-0.25, 0.25], [1.0, 1.0]), 6.5);
    // The second of two entries that are no vector: each is a logit of its own.
    let nodes = [node("Relu", &["x"], &["r"], &[]), node("Sigmoid", &["r"], &["p"], &[])];
    assert_eq!(score(&file(&nodes, &[], &[value("p", &[2])]), 1), -2.5);
}

#[test]
fn probabilities_of_two_that_are_normalised_stay_what_they_are() {
    let constants = [tensor("W", &[2, 2], &[-1.0, 1.0, 2.0, -2.0]), tensor("b", &[2], &[-0.25, 0.25])];
    let normalised = |before: &[u8], keep: i64, bias: f32| {
        let nodes = [
            node("MatMul", &["x", "W"], &["t"], &[]),
            node("Add", &["t", "b"], &["u"], &[]),
            before.to_vec(),
            node("Abs", &["s"], &["sizes"], &[]),
            node("ReduceSum", &["sizes", "axes"], &["norm"], &[int("keepdims", keep)]),
            node("Div", &["s", "norm"], &["p"], &[]),
        ];
        let constants = [constants[0].clone(), tensor("b", &[2], &[-0.25, bias]), list("axes", &[1])];
        file(&nodes, &constants, &[value("p", &[2])])
    };
    let sigmoid = node("Sigmoid", &["u"], &["s"], &[]);
    assert_eq!(score(&normalised(&sigmoid, 1, 0.25), 1), 2.25);
    assert_eq!(score(&normalised(&node("Softmax", &["u"], &["s"], &[]), 1, 0.25), 0), -4.5);
    // Sigmoids that do not add up to 1, logarithms, a sum along the batch, and numbers of any sign.
    let others = [
        normalised(&sigmoid, 1, 0.5),
        normalised(&sigmoid, 0, 0.25),
        normalised(&node("LogSoftmax", &["u"], &["s"], &[]), 1, 0.25),
        normalised(&node("Identity", &["u"], &["s"], &[]), 1, 0.25),
    ];
    for file in others {
        assert!(decode(&file).is_err() && Reading::read(&file, Class::Index(1)).is_err());
    }
}

#[test]
fn a_softmax_of_one_number_says_nothing() {
    for operator in ["Softmax", "LogSoftmax"] {
        let nodes = [node("MatMul", &["x", "w"], &["z"], &[]), node(operator, &["z"], &["p"], &[])];
        let file = |columns: u64| {
            file(&nodes, &[tensor("w", &[2, columns], &[1.0; 4][..2 * columns as usize])], &[value("p", &[columns])])
        };
        assert!(decode(&file(1)).is_err() && Reading::read(&file(1), Class::Positive).is_err(), "{operator}");
        assert!(decode(&file(2)).is_ok() && Reading::read(&file(2), Class::Index(0)).is_ok(), "{operator}");
    }
}

#[test]
fn what_is_taken_from_one_keeps_its_axes() {
    let read = |operator: &str, axes: usize| {
        let operands: &[&str] = if operator == "Sub" { &["one", "p"] } else { &["p", "one"] };
        let nodes = [
            node("MatMul", &["x", "w"], &["z"], &[]),
            node("Sigmoid", &["z"], &["p"], &[]),
            node(operator, operands, &["q"], &[]),
        ];
        let constants = [tensor("w", &[2], &[1.0, 2.0]), tensor("one", &vec![1; axes], &[1.0])];
        let file = file(&nodes, &constants, &[value("q", &[])]);
        [decode(&file).is_ok(), Reading::read(&file, Class::Positive).is_ok()]
    };
    for (axes, expected) in [(0, true), (1, true), (2, false), (3, false)] {
        assert_eq!(read("Sub", axes), [expected; 2], "{axes}");
        assert!(expected || read("Div", axes) == [false; 2], "{axes}");
    }
}

#[test]
fn one_of_opposite_scores_is_the_same_logit() {
    let constants = [
        tensor("W", &[2, 2], &[-1.0, 1.0, 2.0, -2.0]),
        tensor("b", &[2], &[-0.25, 0.25]),
        list("one", &[1]),
        list("two", &[2]),
    ];
    let ends = [
        node("Gather", &["p", "one"], &["y"], &[int("axis", 1)]),
        node("Slice", &["p", "one", "two", "one"], &["y"], &[]),
        learned("ArrayFeatureExtractor", &["p", "one"], &["y"], &[]),
    ];
    for end in ends {
        let mut nodes =
            vec![node("MatMul", &["x", "W"], &["t"], &[]), node("Add", &["t", "b"], &["u"], &[]), vec![], end];
        // σ(z) beside σ(−z), and the softmax of z and −z.
        for (operator, expected) in [("Sigmoid", 2.25), ("Softmax", 4.5)] {
            nodes[2] = node(operator, &["u"], &["p"], &[]);
            let file = file(&nodes, &constants, &[value("y", &[1])]);
            assert_eq!(logit(&file, Class::Positive, &[3.0, 0.5]).unwrap(), expected);
            let value = &Model::new(decode(&file).unwrap()).unwrap().enclose(&[3.0, 0.5])[0];
            assert!(value.lower() <= expected && expected <= value.upper(), "{value:?}");
        }
    }
}

#[test]
fn a_classifier_of_three_is_as_far_above_the_others_as_above_the_nearest() {
    let scores = |labels: &[Vec<u8>], transform: &str, norm: &str| {
        let numbers = [
            floats("coefficients", &[1.0, 0.0, 0.0, 1.0, -1.0, 2.0]),
            floats("intercepts", &[0.0, 0.25, 0.5]),
            text("post_transform", transform),
        ];
        let nodes = [
            learned("LinearClassifier", &["x"], &["label", "s"], &[labels, &numbers].concat()),
            learned("Normalizer", &["s"], &["p"], &[text("norm", norm)]),
        ];
        let outputs = [value(if norm.is_empty() { "s" } else { "p" }, &[3])];
        file(if norm.is_empty() { &nodes[..1] } else { &nodes }, &[], &outputs)
    };
    let names = || texts("classlabels_strings", &["a", "b", "c"]);
    // 3, ¾ and −3/2 at (3, ½).
    for (transform, norm) in [("NONE", ""), ("LOGISTIC", ""), ("SOFTMAX", ""), ("SOFTMAX", "L1")] {
        let file = scores(&[names()], transform, norm);
        assert_eq!([0, 1, 2].map(|class| score(&file, class)), [2.25, -2.25, -4.5], "{transform} {norm}");
    }
    let refused = |file: Vec<u8>| assert!(decode(&file).is_err() && Reading::read(&file, Class::Index(1)).is_err());
    for (transform, norm) in [("NONE", "L1"), ("LOGISTIC", "L1"), ("SOFTMAX", "L2"), ("SOFTMAX", "MAX")] {
        refused(scores(&[names()], transform, norm));
    }
    refused(scores(&[names(), ints("classlabels_ints", &[0, 1, 2])], "NONE", ""));
    refused(scores(&[], "NONE", ""));
}

#[test]
fn texts_and_maps_are_not_read() {
    let code = |nodes: &[Vec<u8>], constants: &[Vec<u8>], outputs: &[Vec<u8>]| {
        let file = file(nodes, constants, outputs);
        assert!(decode(&file).is_err());
        Reading::read(&file, Class::Index(1)).unwrap_err().code
    };
    let scores = [value("p", &[2])];
    let sigmoid = || node("Sigmoid", &["x"], &["p"], &[]);
    assert!(Reading::read(&file(&[sigmoid()], &[names("t")], &scores), Class::Index(1)).is_ok());
    // One text too many, a number among them, raw bytes, and a text that is needed.
    assert_eq!(code(&[sigmoid()], &[[names("t"), bytes(6, b"more")].concat()], &scores), Code::MalformedModel);
    assert_eq!(code(&[sigmoid()], &[[names("t"), bytes(7, &[1])].concat()], &scores), Code::MalformedModel);
    assert_eq!(code(&[sigmoid()], &[[names("t"), bytes(9, b"")].concat()], &scores), Code::MalformedModel);
    assert_eq!(code(&[node("Add", &["x", "t"], &["p"], &[])], &[names("t")], &scores), Code::MalformedModel);
    // What is declared as text is no score, and maps are those of a ZipMap.
    let zip = |inputs: &[&str]| learned("ZipMap", inputs, &["m"], &[]);
    assert!(Reading::read(&file(&[sigmoid(), zip(&["p"])], &[], &[maps("m")]), Class::Index(1)).is_ok());
    assert_eq!(code(&[sigmoid(), zip(&["p", "p"])], &[], &[maps("m")]), Code::Unsupported);
    assert_eq!(code(&[sigmoid(), node("ZipMap", &["p"], &["m"], &[])], &[], &[maps("m")]), Code::Unsupported);
    assert_eq!(code(&[sigmoid()], &[], &[maps("p")]), Code::MalformedModel);
    assert_eq!(code(&[sigmoid()], &[], &[scores[0].clone(), labels("p", 8)]), Code::MalformedModel);
}

/// A machine of three support vectors, with these attributes last: refused, or its file.
fn machine(operator: &str, others: &[Vec<u8>]) -> Vec<u8> {
    machine_with(&[0.25, 0.0, 3.0], operator, others)
}

fn machine_with(params: &[f32], operator: &str, others: &[Vec<u8>]) -> Vec<u8> {
    let numbers = [
        floats("coefficients", &[1.0, 0.5, -1.5]),
        floats("support_vectors", &[1.0, 0.0, 0.0, 1.0, 0.5, 0.5]),
        floats("kernel_params", params),
        floats("rho", &[0.25]),
    ];
    let outputs: &[&str] = if operator == "SVMClassifier" { &["label", "s"] } else { &["s"] };
    let nodes = [learned(operator, &["x"], outputs, &[&numbers, others].concat())];
    file(&nodes, &[], &[value("s", &[outputs.len() as u64])])
}

#[test]
fn linear_machines_are_their_sums() {
    // 1·x₀ + ½·x₁ − 3/2·(x₀ + x₁)/2 + ¼ = 3/4 − 1/8 + 1/4 at (3, ½).
    let file = machine("SVMRegressor", &[int("n_supports", 3), text("kernel_type", "LINEAR")]);
    let model = Model::new(decode(&file).unwrap()).unwrap();
    let enclosed = &model.enclose(&[3.0, 0.5])[0];
    assert_eq!(logit(&file, Class::Positive, &[3.0, 0.5]).unwrap(), 0.875);
    assert!(enclosed.lower() <= 0.875 && enclosed.upper() >= 0.875);
    // A classifier writes minus that, and that: the latter for its first label.
    let shares = |list: &[i64]| ints("vectors_per_class", list);
    let file = machine("SVMClassifier", &[ints("classlabels_ints", &[0, 1]), shares(&[2, 1])]);
    assert_eq!([score(&file, 0), score(&file, 1)], [-1.75, 1.75]);
    let refused_file = |operator: &str, file: &[u8]| {
        let class = if operator == "SVMClassifier" { Class::Index(1) } else { Class::Positive };
        assert!(decode(file).is_err() && Reading::read(file, class).is_err());
    };
    let refused = |operator: &str, others: &[Vec<u8>]| refused_file(operator, &machine(operator, others));
    // Runtimes need them all.
    refused_file("SVMRegressor", &machine_with(&[], "SVMRegressor", &[int("n_supports", 3)]));
    refused_file("SVMRegressor", &machine_with(&[0.25], "SVMRegressor", &[int("n_supports", 3)]));
    for others in [
        &[] as &[Vec<u8>],
        &[int("n_supports", 2)],
        &[int("n_supports", 3), int("one_class", 1)],
        &[int("n_supports", 3), text("kernel_type", "RBF")],
        &[int("n_supports", 3), text("post_transform", "LOGISTIC")],
    ] {
        refused("SVMRegressor", others);
    }
    let labels = || texts("classlabels_strings", &["no", "yes"]);
    for others in [
        &[labels()] as &[Vec<u8>],
        &[labels(), shares(&[2, 2])],
        &[labels(), shares(&[4, -1])],
        &[labels(), shares(&[3])],
        &[shares(&[2, 1])],
        &[labels(), shares(&[2, 1]), floats("prob_a", &[-2.0])],
        &[labels(), shares(&[2, 1]), floats("prob_b", &[])],
        &[labels(), shares(&[2, 1]), text("post_transform", "LOGISTIC")],
        &[labels(), shares(&[2, 1]), text("kernel_type", "POLY")],
    ] {
        refused("SVMClassifier", others);
    }
}

#[test]
fn what_is_declared_of_scores_is_not_what_runtimes_compute() {
    let coefficients = floats("coefficients", &[1.0, 2.0, -1.0, 0.5]);
    let attributes = [ints("classlabels_ints", &[0, 1]), coefficients, floats("intercepts", &[0.0; 2])];
    let scores = learned("LinearClassifier", &["x"], &["label", "all"], &attributes);
    let column = |output: &str| learned("ArrayFeatureExtractor", &["all", "one"], &[output], &[]);
    let one = [list("one", &[1])];
    // RidgeClassifier's converter says [N, 2] of the one score.
    let bytes = file(&[scores.clone(), column("y")], &one, &[value("y", &[2])]);
    decode(&bytes).unwrap();
    assert_eq!(logit(&bytes, Class::Positive, &[3.0, 0.5]).unwrap(), -2.75);
    // LinearSVC's says [N, 1] of two.
    let bytes = file(std::slice::from_ref(&scores), &[], &[value("all", &[1])]);
    decode(&bytes).unwrap();
    assert_eq!(logit(&bytes, Class::Index(1), &[3.0, 0.5]).unwrap(), -6.75);
    // Other outputs are as declared, and so are these in type.
    let relu = node("Relu", &["y0"], &["y"], &[]);
    let bytes = file(&[scores.clone(), column("y0"), relu], &one, &[value("y", &[2])]);
    assert!(decode(&bytes).is_err());
    assert_eq!(Reading::read(&bytes, Class::Positive).unwrap_err().code, Code::ShapeMismatch);
    let bytes = file(&[scores, column("y")], &one, &[testing::learned::labels("y", 11)]);
    assert!(decode(&bytes).is_err() && Reading::read(&bytes, Class::Positive).is_err());
}
