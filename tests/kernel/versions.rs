//! Older versions of the operators have as attributes what are inputs in newer ones. Both readers give the old spelling
//! the new one's meaning in the versions that have it, and refuse it in the others.

use rand::RngExt;
use testing::corpora::files::{bytes, integer, node, tensor};
use testing::corpora::windows::{file, int, ints, list, real};
use testing::naive_proofs::npy;
use testing::networks::generator;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Code, Inputs, Reading};

type Bytes = Vec<u8>;

/// The first version that has it, the nodes, their constants, and the sizes of x.
type Since<'a> = (u64, Vec<Bytes>, &'a [Bytes], &'a [u64]);

/// The oldest version that is read, and the newest.
const VERSIONS: [u64; 2] = [9, 28];

/// A node that gives `t` of so many entries from x [N, 2, 4]: with attributes up to a version, with inputs from the next on.
struct Case {
    operator: &'static str,
    until: u64,
    old: Vec<Bytes>,
    inputs: &'static [&'static str],
    constants: Vec<Bytes>,
    entries: usize,
}

fn case(
    operator: &'static str,
    until: u64,
    old: Vec<Bytes>,
    inputs: &'static [&'static str],
    constants: Vec<Bytes>,
    entries: usize,
) -> Case {
    Case { operator, until, old, inputs, constants, entries }
}

fn cases() -> Vec<Case> {
    let number = |name, value: f32| tensor(name, &[], &[value]);
    let pads = [0, 0, 1, 0, 1, 0];
    let axes = |values: &[i64]| vec![ints("axes", values)];
    let cut = vec![ints("starts", &[1]), ints("ends", &[3]), ints("axes", &[2])];
    vec![
        case("Slice", 9, cut, &["x", "s", "e", "a"], vec![list("s", &[1]), list("e", &[3]), list("a", &[2])], 4),
        case("Clip", 10, vec![real("min", 0.25)], &["x", "l"], vec![number("l", 0.25)], 8),
        case("Clip", 10, vec![real("max", 0.25)], &["x", "", "h"], vec![number("h", 0.25)], 8),
        case("Pad", 10, vec![ints("pads", &pads)], &["x", "p"], vec![list("p", &pads)], 15),
        case(
            "Pad",
            10,
            vec![ints("pads", &pads), real("value", 0.5)],
            &["x", "p", "v"],
            vec![list("p", &pads), number("v", 0.5)],
            15,
        ),
        case("Dropout", 11, vec![real("ratio", 0.25)], &["x", "r"], vec![number("r", 0.25)], 8),
        case("Unsqueeze", 12, axes(&[1, 4]), &["x", "a"], vec![list("a", &[1, 4])], 8),
        case("Split", 12, vec![ints("split", &[3, 1])], &["x", "k"], vec![list("k", &[3, 1])], 6),
        case("ReduceSum", 12, axes(&[2]), &["x", "a"], vec![list("a", &[2])], 2),
        case("ReduceMean", 17, axes(&[-1]), &["x", "a"], vec![list("a", &[-1])], 2),
        case("ReduceMax", 17, axes(&[1]), &["x", "a"], vec![list("a", &[1])], 4),
        case("ReduceMin", 17, axes(&[1, 2]), &["x", "a"], vec![list("a", &[1, 2])], 1),
        case("ReduceLogSumExp", 17, axes(&[2]), &["x", "a"], vec![list("a", &[2])], 2),
    ]
}

impl Case {
    /// The file of version `opset` in one spelling.
    fn file(&self, old: bool, opset: u64) -> Bytes {
        let (inputs, mut attributes) = if old { (&self.inputs[..1], self.old.clone()) } else { (self.inputs, vec![]) };
        let outputs: &[&str] = if self.operator == "Split" { &["t", "rest"] } else { &["t"] };
        if self.operator == "Split" {
            attributes.push(int("axis", 2));
        }
        let weights: Vec<f32> = (1..=self.entries).map(|k| k as f32 / 4.0).collect();
        let constants = if old { vec![] } else { self.constants.clone() };
        let nodes = vec![node(self.operator, inputs, outputs, &attributes)];
        file(nodes, constants, &[2, 4], ("t", &weights)).file_with(&[], opset)
    }
}

/// f at an input as the kernel computes it, or why not.
fn logit(bytes: &[u8], x: &[f64]) -> Result<String, Code> {
    let value = |reading: Reading| reading.logit(&Inputs::read(&npy(x)).unwrap(), 0);
    Reading::read(bytes, Class::Positive).and_then(value).map(|value| format!("{value:?}")).map_err(|r| r.code)
}

#[test]
fn attributes_of_older_versions_mean_what_inputs_of_newer_ones_do() {
    let mut rng = generator(9);
    for case in cases() {
        let x: Vec<f64> = (0..8).map(|_| f64::from(rng.random_range(-8..9)) / 4.0).collect();
        let newer = case.file(false, case.until + 1);
        let (graph, value) = (decode(&newer).unwrap(), logit(&newer, &x));
        for opset in VERSIONS[0]..=VERSIONS[1] {
            let place = format!("{} in version {opset}", case.operator);
            for old in [true, false] {
                let bytes = case.file(old, opset);
                if old == (opset <= case.until) {
                    assert_eq!(decode(&bytes).unwrap_or_else(|e| panic!("{place}: {e}")), graph, "{place}");
                    assert_eq!(logit(&bytes, &x), value, "{place}");
                } else {
                    assert!(decode(&bytes).is_err(), "{place}: old {old} is read");
                    assert_eq!(logit(&bytes, &x), Err(Code::Unsupported), "{place}: old {old}");
                }
            }
        }
    }
}

#[test]
fn versions_read_their_own_operators_and_attributes_alone() {
    let file = |nodes: Vec<Bytes>, constants: &[Bytes], shape: &[u64], opset: u64| {
        let weights = vec![1.0; if shape.len() == 1 { 1 } else { 8 }];
        file(nodes, constants.to_vec(), shape, ("t", &weights)).file_with(&[], opset)
    };
    let one = |operator, inputs: &[&str], attributes: &[Bytes]| vec![node(operator, inputs, &["t"], attributes)];
    let column = [tensor("w", &[4, 1], &[1.0; 4]), tensor("k", &[1], &[0.5])];
    let two = [tensor("two", &[], &[2.0]), list("int", &[2])];
    let constant =
        vec![node("Constant", &[], &["c"], &[real("value_float", 0.5)]), node("Add", &["x", "c"], &["t"], &[])];
    let compared =
        vec![node("GreaterOrEqual", &["x", "two"], &["m"], &[]), node("Where", &["m", "x", "two"], &["t"], &[])];
    let pool = |attribute: Bytes| one("MaxPool", &["x"], &[ints("kernel_shape", &[1]), attribute]);
    let square = [2, 4];
    let cases: [Since; 11] = [
        (10, pool(int("ceil_mode", 0)), &[], &square),
        (10, pool(ints("dilations", &[1])), &[], &square),
        (11, one("Gemm", &["x", "w"], &[]), &column, &[4]),
        (7, one("Gemm", &["x", "w", "k"], &[]), &column, &[4]),
        (8, one("Max", &["x", "two"], &[]), &two, &square),
        (8, pool(int("storage_order", 0)), &[], &square),
        (11, one("Flatten", &["x"], &[int("axis", -2)]), &[], &square),
        (12, one("Celu", &["x"], &[]), &[], &square),
        (12, one("Pow", &["x", "int"], &[]), &two, &square),
        (12, constant, &[], &square),
        (12, compared, &two, &square),
    ];
    for (first, nodes, constants, shape) in cases {
        for opset in 7..15 {
            let bytes = file(nodes.clone(), constants, shape, opset);
            let place = format!("since {first}, in version {opset}, {} bytes", bytes.len());
            let read = [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()];
            assert_eq!(read, [opset >= first; 2], "{place}");
        }
    }
}

#[test]
fn axes_are_counted_from_the_end_since_version_11() {
    let there_and_back = |axes: [i64; 2], opset: u64| {
        let unsqueeze = node("Unsqueeze", &["x"], &["u"], &[ints("axes", &axes[..1])]);
        let squeeze = node("Squeeze", &["u"], &["t"], &[ints("axes", &axes[1..])]);
        let bytes = file(vec![unsqueeze, squeeze], vec![], &[2, 4], ("t", &[1.0; 8])).file_with(&[], opset);
        [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()]
    };
    for opset in VERSIONS[0]..13 {
        assert_eq!(there_and_back([2, 2], opset), [true; 2], "version {opset}");
        for axes in [[-2, 2], [2, -2]] {
            assert_eq!(there_and_back(axes, opset), [opset >= 11; 2], "axes {axes:?} in version {opset}");
        }
        for (axes, rises) in [([1, 2], true), ([2, 1], false)] {
            let twice = [
                node("Unsqueeze", &["x"], &["u"], &[ints("axes", &axes)]),
                node("Squeeze", &["u"], &["t"], &[ints("axes", &axes)]),
            ];
            let bytes = file(twice.to_vec(), vec![], &[2, 4], ("t", &[1.0; 8])).file_with(&[], opset);
            let read = [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()];
            assert_eq!(read, [rises || opset >= 11; 2], "axes {axes:?} in version {opset}");
        }
    }
}

#[test]
fn operators_take_bfloat16_since_version_13() {
    let half = [integer(1, 1), integer(2, 16), bytes(9, &[0x00, 0x3f]), bytes(8, b"h")].concat();
    for opset in VERSIONS[0]..16 {
        let nodes = vec![node("Cast", &["h"], &["c"], &[int("to", 1)]), node("Add", &["x", "c"], &["t"], &[])];
        let bytes = file(nodes, vec![half.clone()], &[2, 4], ("t", &[1.0; 8])).file_with(&[], opset);
        let read = [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()];
        assert_eq!(read, [opset >= 13; 2], "version {opset}");
    }
}

#[test]
fn an_attribute_that_is_none_is_refused() {
    let refused = |operator, attributes: &[Bytes], opset| {
        let nodes = vec![node(operator, &["x"], &["t"], attributes)];
        let bytes = file(nodes, vec![], &[2, 4], ("t", &[1.0; 8])).file_with(&[], opset);
        assert!(decode(&bytes).is_err(), "{operator} is read");
        Reading::read(&bytes, Class::Positive).unwrap_err().code
    };
    assert_eq!(refused("Clip", &[real("min", f32::NAN)], 9), Code::NotFinite);
    assert_eq!(refused("Clip", &[real("min", 1.0), real("max", 0.5)], 9), Code::Unsupported);
    assert_eq!(refused("Clip", &[ints("min", &[1])], 9), Code::MalformedModel);
    assert_eq!(refused("Pad", &[ints("pads", &[0, 0, -4, 0, 0, 0])], 9), Code::Unsupported);
    assert_eq!(refused("Unsqueeze", &[], 9), Code::Unsupported);
    assert_eq!(refused("Squeeze", &[ints("axes", &[0])], 9), Code::Unsupported);
    assert_eq!(refused("Dropout", &[real("ratio", 1.0)], 9), Code::Unsupported);
    assert_eq!(refused("ReduceSum", &[], 9), Code::Unsupported);
    assert_eq!(refused("Slice", &[ints("starts", &[0])], 9), Code::Unsupported);
}

#[test]
fn axes_that_a_file_computes_are_refused() {
    let read = |more: Vec<Bytes>, constants: &[Bytes]| {
        let nodes =
            [more, vec![node("Unsqueeze", &["x", "a"], &["u"], &[]), node("Squeeze", &["u", "b"], &["t"], &[])]];
        let bytes = file(nodes.concat(), constants.to_vec(), &[2, 4], ("t", &[1.0; 8])).file_with(&[], 17);
        [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()]
    };
    let constant = |name| node("Constant", &[], &[name], &[ints("value_ints", &[1])]);
    let one = |name| list(name, &[1]);
    assert_eq!(read(vec![], &[one("a"), one("b")]), [true; 2]);
    assert_eq!(read(vec![constant("a"), constant("b")], &[]), [true; 2]);
    for (computed, stored) in [("a", "b"), ("b", "a")] {
        let nodes = vec![node("Mul", &[stored, stored], &[computed], &[])];
        assert_eq!(read(nodes, &[one(stored)]), [false; 2], "{computed} is computed");
    }
}

#[test]
fn bounds_that_a_relu_gives_are_refused() {
    let read = |operator: &str, of: &str, inputs: &[&str]| {
        let bound = [node(operator, &["c"], &["b"], &[]), node("Identity", &["b"], &["h"], &[])];
        let nodes = [&bound[..], &[node("Clip", inputs, &["t"], &[])]].concat();
        let bytes = file(nodes, vec![tensor("c", &[], &[4.0])], &[2, 4], ("t", &[1.0; 8])).file_with(&[], 17);
        let found = [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()];
        assert_eq!(found[0], found[1], "{operator} {of}");
        found[0]
    };
    for (what, inputs) in [("lower", &["x", "h"][..]), ("upper", &["x", "", "h"])] {
        assert!(read("Abs", what, inputs) && !read("Relu", what, inputs), "{what}");
    }
}
