//! Whole training runs on small synthetic tasks.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use underplane::data::{DataError, Dataset, Task, load_own};
use underplane::model::{Graph, Layer, Model, onnx};
use underplane::radius::Method;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::run::Questions;
use underplane::train::evaluate::{accuracy, logits, radii};
use underplane::train::export::{self, graph};
use underplane::train::loss::Norm;
use underplane::train::{Config, Record, Resumable, TrainError, Trained, joined, train};

/// Sensitive outside a disc: convex, and not linear.
fn ring(shape: &[usize], n: usize, seed: u64) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let d: usize = shape.iter().product();
    let inputs: Vec<f32> = (0..n * d).map(|_| rng.random_range(-1.0..1.0)).collect();
    let sensitive = inputs.chunks(d).map(|x| x[0] * x[0] + x[1] * x[1] > 0.6).collect();
    Dataset { shape: shape.to_vec(), inputs, sensitive }
}

fn task(shape: &[usize]) -> Task {
    Task {
        name: "ring".into(),
        unit: "units".into(),
        range: None,
        preparation: None,
        columns: vec![],
        train: ring(shape, 600, 1),
        validation: ring(shape, 200, 2),
        test: ring(shape, 200, 3),
        notes: vec!["600 samples".into()],
    }
}

fn config(more: &str) -> Config {
    let epochs = if more.contains("epochs") { "" } else { "epochs = 12\n" };
    let text = format!("task = \"ring\"\n{epochs}batch = 32\n{more}");
    Config::parse(&text, "test").unwrap()
}

fn quiet(config: &Config, task: &Task) -> Trained {
    train(config, task, None, &mut |_| {}).unwrap()
}

fn model(trained: &Trained, task: &Task) -> Model {
    export::model(&trained.network, &task.test.shape).unwrap()
}

const SMALL: &str =
    "[network]\nhidden = [16, 8]\n[optimiser]\nrate = 0.01\n[loss]\npenalty = [{ norm = \"l2\", weight = 0.01 }]\n";

#[test]
fn a_run_learns_a_convex_class_that_no_line_separates() {
    let task = task(&[2]);
    for network in [SMALL.to_string(), SMALL.replace("[network]", "[network]\nbatch_norm = true")] {
        let config = config(&network);
        let mut seen = 0;
        let trained = train(&config, &task, None, &mut |_| seen += 1).unwrap();
        assert_eq!((seen, trained.history.len()), (12, 12));
        let record = Record::new(&config, &task, &trained, &model(&trained, &task));
        assert!(record.accuracy.test.overall > 0.93, "{:?}", record.accuracy);
        assert!(record.baseline.unwrap().test_accuracy < 0.8);
        let best = trained.history.iter().filter_map(|e| e.validation_loss).fold(f64::INFINITY, f64::min);
        assert_eq!(trained.history[trained.selected[0] - 1].validation_loss, Some(best));
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let task = task(&[1, 2, 2]);
    for norm in ["", "batch_norm = true"] {
        let more =
            format!("[network]\nhidden = [40, 20]\n{norm}\n[augmentation]\ncrop = 1\nflip = true\nnoise = 0.1\n");
        let config = Config { epochs: 3, ..config(&more) };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| quiet(&config, &task))
        };
        let (one, three) = (run(1), run(3));
        assert_eq!(one.network.parameters, three.network.parameters);
        assert_eq!(one.history, three.history);
        assert_ne!(one.network.parameters, quiet(&Config { seed: 1, ..config.clone() }, &task).network.parameters);
    }
}

#[test]
fn hidden_weights_end_nonnegative_and_gains_positive() {
    for batch_norm in [false, true] {
        let config = config(&SMALL.replace("[network]", &format!("[network]\nbatch_norm = {batch_norm}")));
        let network = quiet(&config, &task(&[2])).network;
        for term in network.architecture.terms().filter(|term| term.nonnegative) {
            assert!(network.parameters[term.weight.clone()].iter().all(|&w| w >= 0.0));
        }
        for norm in network.architecture.norms() {
            assert!(network.parameters[norm.gains()].iter().all(|&gain| gain > 0.0));
        }
    }
}

#[test]
fn the_balanced_threshold_balances_validation() {
    let task = task(&[2]);
    let trained = quiet(&config(SMALL), &task);
    let found = accuracy(&logits(&trained.network, &task.validation), &task.validation.sensitive);
    assert!((found.sensitive - found.other).abs() < 0.03, "{found:?}");
    let plain = quiet(&config(&format!("threshold = \"none\"\n{SMALL}")), &task);
    assert_eq!(plain.threshold, 0.0);
}

/// A naive twin of any evaluator: node by node, in f64.
fn evaluate_graph(graph: &Graph, input: &[f32]) -> f64 {
    let mut values: Vec<Vec<f64>> = Vec::new();
    for node in graph.nodes() {
        let of = |i: usize| values[node.inputs[i]].clone();
        values.push(match &node.layer() {
            None => input.iter().map(|&x| f64::from(x)).collect(),
            Some(Layer::Dense(dense)) => (0..dense.rows)
                .map(|i| {
                    let terms = dense.row(i).iter().zip(of(0)).map(|(&w, x)| f64::from(w) * x);
                    terms.sum::<f64>() + f64::from(dense.bias[i])
                })
                .collect(),
            Some(Layer::Scale(c)) => of(0).iter().zip(c).map(|(x, c)| x * c).collect(),
            Some(Layer::Shift(c)) => of(0).iter().zip(c).map(|(x, c)| x + c).collect(),
            Some(Layer::Linear(map, offset)) => {
                let sum = |row: usize| map.entries(row).map(|(col, weight)| weight.value * of(0)[col]).sum::<f64>();
                (0..map.rows()).map(|row| sum(row) + offset.get(row).copied().unwrap_or(0.0)).collect()
            }
            Some(Layer::Max) => {
                let all: Vec<Vec<f64>> = (0..node.inputs.len()).map(of).collect();
                (0..all[0].len()).map(|i| all.iter().fold(f64::NEG_INFINITY, |most, v| most.max(v[i]))).collect()
            }
            Some(Layer::Kink(kink)) => of(0).iter().map(|&x| kink.slope(x) * x).collect(),
            Some(Layer::Sum) => of(0).iter().zip(of(1)).map(|(a, b)| a + b).collect(),
            Some(Layer::Concat { .. }) => [of(0), of(1)].concat(),
            Some(Layer::Reshape) => of(0),
            _ => panic!("{} is not written by the trainer", node.operation()),
        });
    }
    assert_eq!(graph.node(graph.output()).shape, [1]);
    values[graph.output()][0]
}

#[test]
fn the_exported_graph_is_the_evaluated_network() {
    let task = task(&[1, 2, 2]);
    let shapes = [
        "hidden = [9, 5]",
        "hidden = [9]\nheads = 3",
        "convolution = { channels = 2, depth = 1, kernels = [3, 2] }",
        "convolution = { channels = 2, depth = 2, kernels = [2, 1], stride = 2, passthrough = true }\nheads = 2",
    ];
    for (map, shape) in ["identity", "centred", "abs"].into_iter().flat_map(|map| shapes.map(|shape| (map, shape))) {
        for batch_norm in [false, true] {
            let more = format!(
                "[network]\nfeature_map = \"{map}\"\ncentre = \"feature\"\nbatch_norm = {batch_norm}\n{shape}\n"
            );
            let network = quiet(&Config { epochs: 2, ..config(&more) }, &task).network;
            let graph = graph(&network, &task.test.shape).unwrap();
            let found = logits(&network, &task.test);
            for (i, logit) in found.iter().enumerate() {
                let expected = evaluate_graph(&graph, task.test.input(i));
                let close = (logit - expected).abs() < 1e-9 * (1.0 + expected.abs());
                assert!(close, "{map} {shape} {batch_norm} {i}: {logit} {expected}");
            }
            let heads = if shape.contains("heads") { shape.ends_with('3') as usize + 2 } else { 1 };
            let model = export::model(&network, &task.test.shape).unwrap();
            assert_eq!(model.functions().len(), heads, "{map} {shape} {batch_norm}");
            assert!(model.broken().is_none(), "{map} {shape} {batch_norm}: {:?}", model.broken());
            let file = tempfile::NamedTempFile::new().unwrap();
            onnx::write(&graph, file.path()).unwrap();
            let read = onnx::read(file.path()).unwrap();
            for (i, logit) in found.iter().enumerate().take(20) {
                let again = evaluate_graph(&read, task.test.input(i));
                assert!((logit - again).abs() < 1e-9 * (1.0 + again.abs()), "{map} {shape} {batch_norm} {i}");
            }
        }
    }
}

/// The record's radii are those of the exported model: no random point inside a certified ball is of the other class.
fn closed_form_radii(model: &Model, norm: underplane::norm::Norm, data: &Dataset) -> Vec<Option<f64>> {
    let methods: [Box<dyn Method>; 1] = [Box::new(ClosedForm)];
    let questions = Questions { model, methods: &methods, norms: &[norm], range: None, weights: None, always: true };
    radii(questions, data).remove(0)
}

#[test]
fn a_certified_ball_holds_no_point_of_the_other_class() {
    let task = task(&[2]);
    let sensitive: Vec<usize> = (0..task.test.len()).filter(|&i| task.test.sensitive[i]).collect();
    for map in ["identity", "abs"] {
        let more = SMALL.replace("[network]", &format!("[network]\nfeature_map = \"{map}\""));
        let trained = quiet(&Config { epochs: 4, ..config(&more) }, &task);
        let model = model(&trained, &task);
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for norm in Norm::ALL {
            let found = closed_form_radii(&model, norm.into(), &task.test);
            assert_eq!(found.len(), sensitive.len());
            assert!(found.iter().flatten().count() > 50);
            for (&i, radius) in sensitive.iter().zip(found) {
                let Some(radius) = radius else { continue };
                let mut attacked = task.test.select(&[i; 20]);
                for row in attacked.inputs.chunks_mut(2) {
                    let step = [rng.random_range(-1.0..1.0f64), rng.random_range(-1.0..1.0)];
                    let length = 0.999 * radius.min(1e3) / norm.of(&step);
                    row.iter_mut().zip(step).for_each(|(x, s)| *x += (s * length) as f32);
                }
                let least = logits(&trained.network, &attacked).into_iter().fold(f64::INFINITY, f64::min);
                assert!(least > 0.0, "{map} {norm:?} sample {i}, radius {radius}: {least}");
            }
        }
    }
}

#[test]
fn senseless_runs_are_refused() {
    let mut one_class = task(&[2]);
    one_class.validation.sensitive.fill(true);
    let error = train(&config(SMALL), &one_class, None, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("validation") && error.contains("200 sensitive of 200"), "{error}");

    let mut broken = task(&[2]);
    broken.train.inputs[5] = f32::NAN;
    let error = train(&config(SMALL), &broken, None, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("sample 2, feature 1"), "{error}");

    let error = train(&config("[augmentation]\ncrop = 1"), &task(&[2]), None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, TrainError::Data { .. }) && error.to_string().contains("crop"), "{error}");

    let error = train(&config("[network]\nconvolution = {}"), &task(&[2]), None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, TrainError::Data { .. }) && error.to_string().contains("convolution"), "{error}");

    let wild = config("[optimiser]\nrule = \"sgd\"\nrate = 1e30\n");
    assert!(matches!(train(&wild, &task(&[2]), None, &mut |_| {}), Err(TrainError::Diverged { .. })));
}

#[test]
fn config_errors_name_the_key() {
    let cases = [
        ("epochs = 0", "`epochs`"),
        ("name = \"../x\"", "`name`"),
        ("batch = 0", "`batch`"),
        ("patience = 0", "`patience`"),
        ("[network]\nhidden = [4, 0]", "`network.hidden`"),
        ("[network]\nbatch_norm = true\n[loss]\nmargin = [{ norm = \"l2\", radius = 1 }]", "`loss.margin`"),
        ("[loss]\nfrobenius = -1.0", "`loss.frobenius`"),
        ("[loss]\npenalty = [{ norm = \"l2\", weight = nan }]", "`loss.penalty.weight`"),
        ("[loss]\nsensitive_weight = 0.0", "`loss.sensitive_weight`"),
        ("[loss]\nfocal = -1", "`loss.focal`"),
        ("[loss]\nadaptive = true", "`loss.adaptive`"),
        ("[loss]\npull_back = \"sharp\"", "`loss.pull_back`"),
        ("[network]\nheads = 0", "`network.heads`"),
        ("[network]\nconvolution = { channels = 0 }", "`network.convolution.channels`"),
        ("[network]\nconvolution = { stride = 0 }", "`network.convolution.stride`"),
        ("[network]\nconvolution = { kernels = [3, 0] }", "`network.convolution.kernels`"),
        ("[network]\nconvolution = { width = 3 }", "width"),
        ("[optimiser]\naverage = 1.5", "`optimiser.average`"),
        ("ensemble = 0", "`ensemble`"),
        ("ensemble = 2\n[network]\nheads = 2", "`ensemble`"),
        ("ensemble = 2\n[network]\nconvolution = {}", "`ensemble`"),
        ("[optimiser]\nrate = 0.0", "`optimiser.rate`"),
        ("[optimiser]\nmomentum = 2.0", "`optimiser.momentum`"),
        ("[augmentation]\nnoise = -0.1", "`augmentation.noise`"),
        ("[radii]\nl1 = [-1.0]", "`radii.l1`"),
        ("epoch = 3", "epoch"),
        ("[network]\nlayers = 3", "layers"),
        ("[loss]\npenalty = [{ norm = \"l3\", weight = 1.0 }]", "l3"),
        ("selection = \"best\"", "best"),
        ("validation = false", "`selection`"),
        ("validation = false\nselection = \"last\"", "`threshold`"),
        ("validation = false\nselection = \"last\"\nthreshold = \"none\"\npatience = 2", "`patience`"),
        ("[network]\nwhiten = 0.1", "`network.feature_map`"),
        ("[network]\nwhiten = 0.0\nfeature_map = \"identity\"", "`network.whiten`"),
        ("[network]\nwhiten = 0.1\nfeature_map = \"identity\"\n[augmentation]\ncrop = 1", "`augmentation`"),
        ("[network]\nwhiten = 0.1\nfeature_map = \"identity\"\n[augmentation]\nnoise = 0.1", "`augmentation`"),
        ("[network]\nwhiten = 0.1\nfeature_map = \"identity\"\n[loss]\nfrobenius = 0.1", "`loss`"),
        ("[loss]\nclassification = \"squared-hinge\"\nmargin = [{ norm = \"l2\", radius = 1 }]", "`loss.margin`"),
    ];
    for (text, key) in cases {
        let error = Config::parse(&format!("task = \"ring\"\n{text}"), "c.toml").unwrap_err().to_string();
        assert!(error.contains(key) && error.starts_with("c.toml"), "{text}: {error}");
    }
    assert!(Config::parse("epochs = 3", "c.toml").unwrap_err().to_string().contains("task"));
}

#[test]
fn a_record_is_whole_or_absent() {
    let task = task(&[2]);
    let config = Config { epochs: 1, ..config("[radii]\nl2 = [0.1]\n") };
    let trained = quiet(&config, &task);
    let record = Record::new(&config, &task, &trained, &model(&trained, &task));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    record.write(&path).unwrap();
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(json["accuracy"]["test"]["samples"], 200);
    assert_eq!(json["certified"][0]["norm"], "l2");
    assert_eq!(json["config"]["task"], "ring");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(matches!(record.write(&folder.path().join("absent/ring.json")), Err(DataError::File { .. })));
}

/// Two coordinates that almost always agree; what tells the classes apart is a hundredth of what does not.
fn narrow(count: usize) -> Dataset {
    let at = |i: usize| ((i * 7919) % 601) as f32 / 601.0 - 0.5;
    let label = |i: usize| (i * 31) % 7 < 3;
    let inputs = (0..count).flat_map(|i| {
        let off = if label(i) { 0.004 } else { -0.004 };
        [at(i) + off, at(i) - off]
    });
    Dataset { shape: vec![2], inputs: inputs.collect(), sensitive: (0..count).map(label).collect() }
}

#[test]
fn whitened_inputs_without_validation_are_learned_to_the_last_one() {
    let task = Task { train: narrow(500), validation: narrow(100), test: narrow(100), ..task(&[2]) };
    let text = |whiten: &str| {
        format!(
            "validation = false\nselection = \"last\"\nthreshold = \"training\"\n[network]\nhidden = [8]\n\
             feature_map = \"identity\"\n{whiten}[optimiser]\nrate = 0.01\n[loss]\nclassification = \"squared-hinge\"\n"
        )
    };
    let right = |text: &str| {
        let config = config(text);
        let trained = quiet(&config, &task);
        assert!(trained.history.iter().all(|epoch| epoch.validation_loss.is_none()));
        let model = model(&trained, &task);
        assert!(model.convexity().is_ok());
        let record = Record::new(&config, &joined(&config, &task), &trained, &model);
        assert_eq!((record.accuracy.train.samples, record.accuracy.validation.is_none()), (600, true));
        assert!(record.data_notes.iter().any(|note| note.contains("no validation split")));
        record.accuracy.train.overall
    };
    assert_eq!(right(&text("whiten = 0.0001\n")), 1.0);
    assert!(right(&text("")) < 1.0, "the inputs as they are stall");
}

/// Rows of four pixels: the left two tell the classes apart, and in mirrored ones the right two.
#[test]
fn mirrored_images_train_with_whitened_inputs_and_are_whitened_after_they_are_mirrored() {
    let images = |count: usize| {
        let flat = narrow(count);
        let inputs = flat.inputs.chunks(2).flat_map(|x| [x[0], x[1], 0.0, 0.0]).collect();
        Dataset { shape: vec![1, 1, 4], inputs, ..flat }
    };
    let task = Task { train: images(500), validation: images(100), test: images(100), ..task(&[1, 1, 4]) };
    let turned = |data: &Dataset| Dataset {
        inputs: data.inputs.chunks(4).flat_map(|x| [x[3], x[2], x[1], x[0]]).collect(),
        ..data.clone()
    };
    let right = |flip: bool| {
        let config = config(&format!(
            "epochs = 30\nvalidation = false\nselection = \"last\"\nthreshold = \"training\"\n[network]\nhidden = [16]\n\
             feature_map = \"identity\"\nwhiten = 0.000001\n[optimiser]\nrate = 0.01\n[loss]\n\
             classification = \"squared-hinge\"\n[augmentation]\nflip = {flip}\n"
        ));
        let trained = quiet(&config, &task);
        assert!(model(&trained, &task).convexity().is_ok());
        [task.train.clone(), turned(&task.train)]
            .map(|data| accuracy(&logits(&trained.network, &data), &data.sensitive).overall)
    };
    assert_eq!(right(true), [1.0, 1.0]);
    assert!(right(false)[1] < 0.9, "mirrored images were not seen");
}

/// `certify --split validation` is to find no row that was trained on.
#[test]
fn rows_of_a_table_that_train_are_recorded_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| format!("{},{},{}\n", i, (i * 37) % 101, if i.is_multiple_of(3) { "bad" } else { "good" });
    std::fs::write(folder.path().join("t.csv"), "a,b,label\n".to_string() + &(0..200).map(row).collect::<String>())
        .unwrap();
    let text = "task = \"own\"\nvalidation = false\nselection = \"last\"\nthreshold = \"none\"\n[data]\nfile = \"t.csv\"\n\
                label_column = \"label\"\nsensitive = \"bad\"\n";
    let path = folder.path().join("own.toml");
    std::fs::write(&path, text).unwrap();
    let config = Config::read(&path).unwrap();
    let task = load_own(&config.task, config.data.as_ref().unwrap(), 0).unwrap();
    let letters = |task: &Task| {
        let rows = task.preparation.as_ref().unwrap().trained_on.clone().unwrap().rows;
        ['t', 'v', 'e'].map(|letter| rows.matches(letter).count())
    };
    assert_eq!(letters(&task), [140, 20, 40]);
    assert_eq!(letters(&joined(&config, &task)), [160, 0, 40]);
}

#[test]
fn selection_and_patience_decide_what_is_kept() {
    let task = task(&[2]);
    let last = quiet(&config(&format!("selection = \"last\"\n{SMALL}")), &task);
    assert_eq!(last.selected, [12]);
    let accurate = quiet(&config(&format!("selection = \"accuracy\"\n{SMALL}")), &task);
    let best = accurate.history.iter().filter_map(|e| e.validation_accuracy).fold(0.0, f64::max);
    assert_eq!(accurate.history[accurate.selected[0] - 1].validation_accuracy, Some(best));
    // At a rate this high the validation loss soon stops falling.
    let impatient =
        quiet(&config("patience = 2\nepochs = 200\n[optimiser]\nrate = 0.5\n[network]\nhidden = [4]\n"), &task);
    assert_eq!(impatient.history.len(), impatient.selected[0] + 2);
    assert!(impatient.history.len() < 200);
}

/// The feature-convex paper's own settings: uniform start, batch-norm, batch penalty, momentum, exponential decay.
#[test]
fn the_published_recipe_learns() {
    let task = task(&[2]);
    let recipe = "[network]\nhidden = [16, 8]\nbatch_norm = true\ninitialisation = \"uniform\"\n\
                  [optimiser]\nrule = \"sgd\"\nrate = 0.03\nschedule = \"exponential\"\n[loss]\nfrobenius = 0.001\n";
    let trained = quiet(&Config { epochs: 40, ..config(recipe) }, &task);
    let found = accuracy(&logits(&trained.network, &task.test), &task.test.sensitive);
    assert!(found.overall > 0.9, "{found:?}");
}

/// A margin moves samples away from the decision boundary: certified radii grow.
#[test]
fn margins_widen_certified_radii() {
    let task = task(&[2]);
    let median = |loss: &str| {
        let more =
            format!("threshold = \"none\"\n[network]\nhidden = [16, 8]\n[optimiser]\nrate = 0.01\n[loss]\n{loss}\n");
        let trained = quiet(&config(&more), &task);
        let mut found = closed_form_radii(&model(&trained, &task), Norm::L2.into(), &task.test);
        found.sort_by(|a, b| a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0)));
        found[found.len() / 2].unwrap_or(0.0)
    };
    let (plain, wide) = (median(""), median("margin = [{ norm = \"l2\", radius = 0.2 }]"));
    assert!(wide > 1.2 * plain, "{plain} and {wide}");
}

/// The classes of two discs: a union is no convex set's complement, so one head is not enough for what lies between.
#[test]
fn the_least_of_heads_learns_what_one_head_cannot() {
    let blobs = |n: usize, seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let inputs: Vec<f32> = (0..2 * n).map(|_| rng.random_range(-1.0..1.0)).collect();
        let near = |x: &[f32], c: f32| (x[0] - c).powi(2) + x[1] * x[1] < 0.16;
        let sensitive = inputs.chunks(2).map(|x| !near(x, 0.55) && !near(x, -0.55)).collect();
        Dataset { shape: vec![2], inputs, sensitive }
    };
    let task = Task { train: blobs(1500, 1), validation: blobs(400, 2), test: blobs(400, 3), ..task(&[2]) };
    let right = |heads: usize| {
        let more = format!(
            "epochs = 60\n[network]\nhidden = [24]\nheads = {heads}\nreseed = true\n[optimiser]\nrate = 0.02\n\
             average = 0.95\n[loss]\nmargin = [{{ norm = \"l2\", radius = 0.02 }}]\npull_back = \"sharp\"\n"
        );
        let trained = quiet(&config(&more), &task);
        let all = trained.history.iter().all(|epoch| epoch.heads.len() == if heads > 1 { heads } else { 0 });
        assert!(all, "{:?}", trained.history);
        let model = model(&trained, &task);
        assert!(model.broken().is_none());
        accuracy(&logits(&trained.network, &task.test), &task.test.sensitive).overall
    };
    let (one, four) = (right(1), right(4));
    assert!(four > 0.95 && one < 0.9, "{one} {four}");
}

/// A run that is cut and taken up again ends as one that is not.
#[test]
fn an_interruption_changes_no_bit() {
    let task = task(&[1, 2, 2]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.checkpoint");
    for more in [
        "[network]\nconvolution = { channels = 2, depth = 1, kernels = [3, 2] }\nbatch_norm = true\n[augmentation]\nflip = true\n",
        "patience = 20\n[network]\nhidden = [8]\nheads = 2\nreseed = true\n[optimiser]\naverage = 0.9\n",
        "[optimiser]\nrule = \"sgd\"\n[augmentation]\nnoise = 0.1\n",
        "ensemble = 2\n[network]\nhidden = [6]\nbatch_norm = true\n",
    ] {
        let config = Config { epochs: 6, ..config(more) };
        let whole = quiet(&config, &task);
        let cut = |stop: usize, resume: bool| {
            let resumable = Resumable { path: &path, resume, every: std::time::Duration::ZERO };
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                train(&config, &task, Some(resumable), &mut |epoch| assert!(epoch.epoch < stop, "cut"))
            }))
        };
        assert!(cut(3, false).is_err() && path.exists());
        assert!(cut(5, true).is_err());
        let again = cut(7, true).unwrap().unwrap();
        assert!(!path.exists(), "it goes with the end of the run");
        assert_eq!(again.network.parameters, whole.network.parameters);
        assert_eq!((&again.history, &again.selected), (&whole.history, &whole.selected));
        assert_eq!((again.resumed, whole.resumed), (vec![2, 4], vec![]));
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let (ring, folder) = (task(&[2]), tempfile::tempdir().unwrap());
    let path = folder.path().join("ring.checkpoint");
    let resumable = |resume| Some(Resumable { path: &path, resume, every: std::time::Duration::ZERO });
    let cut = || {
        let run = || train(&config(SMALL), &ring, resumable(false), &mut |epoch| assert!(epoch.epoch < 3, "cut"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    };
    let refused = |config: &Config, task: &Task, part: &str| {
        let error = train(config, task, resumable(true), &mut |_| {}).unwrap_err();
        assert!(matches!(error, TrainError::Checkpoint { .. }) && error.to_string().contains(part), "{error}");
    };
    cut();
    refused(&Config { seed: 1, ..config(SMALL) }, &ring, "the same config");
    refused(&config(SMALL), &Task { train: narrow(600), ..ring.clone() }, "samples");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    refused(&config(SMALL), &ring, "a whole file");
    std::fs::write(&path, &bytes[..40]).unwrap();
    refused(&config(SMALL), &ring, "first line");
    std::fs::write(&path, b"").unwrap();
    refused(&config(SMALL), &ring, "first line");
}
