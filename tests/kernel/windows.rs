//! Convolutions, pools, padding and moves of entries as the kernel reads them, against naive loops.

use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, text};
use testing::readings::logit;
use testing::window_cases;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Code};

#[test]
fn windows_and_moves_mean_what_naive_loops_compute() {
    window_cases::compare(|bytes, x| logit(bytes, Class::Positive, x));
}

#[test]
fn chosen_padding_that_runtimes_count_otherwise_is_refused() {
    let code = |operator: &str, stride: i64, dilation: i64| {
        let mut attributes = vec![text("auto_pad", "SAME_LOWER"), ints("strides", &[stride])];
        attributes.extend((dilation != 1).then(|| ints("dilations", &[dilation])));
        let is_conv = operator == "Conv";
        attributes.extend((!is_conv).then(|| ints("kernel_shape", &[2])));
        let inputs: &[&str] = if is_conv { &["x", "K"] } else { &["x"] };
        let kernel = is_conv.then(|| tensor("K", &[1, 1, 2], &[1.0, 2.0]));
        let entries = 6_usize.div_ceil(stride as usize);
        let nodes = vec![node(operator, inputs, &["t"], &attributes)];
        let bytes = file(nodes, kernel.into_iter().collect(), &[1, 6], ("t", &[1.0; 6][..entries])).file();
        let found = logit(&bytes, Class::Positive, &[1.0; 6]).map(|_| ()).map_err(|rejection| rejection.code);
        assert_eq!(decode(&bytes).is_ok(), found.is_ok(), "{operator} {stride} {dilation}");
        found
    };
    for operator in ["Conv", "MaxPool", "AveragePool"] {
        for stride in [1, 2] {
            assert_eq!(code(operator, stride, 1), Ok(()), "{operator}");
        }
    }
    // Two windows of two entries each, three apart, need five of six.
    assert_eq!(code("Conv", 3, 1), Ok(()));
    assert_eq!(code("MaxPool", 3, 1), Err(Code::Unsupported));
    assert_eq!(code("AveragePool", 3, 1), Err(Code::Unsupported));
    assert_eq!(code("Conv", 1, 2), Err(Code::Unsupported));
    assert_eq!(code("MaxPool", 1, 2), Err(Code::Unsupported));
}

#[test]
fn rounding_up_to_a_window_behind_the_entries_is_refused() {
    let read = |operator: &str, stride: i64, size: u64| {
        let attributes = [ints("kernel_shape", &[2]), ints("strides", &[stride]), int("ceil_mode", 1)];
        let nodes = vec![node(operator, &["x"], &["t"], &attributes)];
        let bytes = file(nodes, vec![], &[1, size], ("t", &[1.0; 2])).file();
        [decode(&bytes).is_ok(), logit(&bytes, Class::Positive, &[1.0; 8][..size as usize]).is_ok()]
    };
    for operator in ["MaxPool", "AveragePool"] {
        // Places at 0 and 3 of four entries; at 0 and 3 of three.
        assert_eq!(read(operator, 3, 4), [true; 2], "{operator}");
        assert_eq!(read(operator, 3, 3), [false; 2], "{operator}");
    }
}

#[test]
fn a_maximum_of_too_many_entries_is_refused() {
    let side = 400;
    let nodes = |operator| {
        let attributes = if operator == "ReduceMax" { vec![ints("axes", &[2, 3])] } else { vec![] };
        vec![node(operator, &["x"], &["t"], &attributes)]
    };
    for operator in ["ReduceMax", "GlobalMaxPool"] {
        let bytes = file(nodes(operator), vec![], &[1, side, side], ("t", &[1.0])).file();
        let found = logit(&bytes, Class::Positive, &vec![1.0; (side * side) as usize]).map_err(|r| r.code);
        assert!(decode(&bytes).is_err() && found == Err(Code::TooLarge), "{operator}");
    }
}

#[test]
fn windows_far_apart_are_refused_before_they_are_laid_out() {
    for operator in ["Conv", "AveragePool"] {
        let read = |stride: i64| {
            let own = match operator {
                "Conv" => vec![],
                _ => vec![ints("kernel_shape", &[2])],
            };
            let attributes = [own, vec![ints("strides", &[stride]), ints("pads", &[0, 1])]].concat();
            let inputs: &[&str] = if operator == "Conv" { &["x", "K"] } else { &["x"] };
            let kernel = [tensor("K", &[1, 1, 2], &[1.0, 2.0])];
            let nodes = vec![node(operator, inputs, &["t"], &attributes)];
            let bytes = file(nodes, kernel.to_vec(), &[1, 6], ("t", &[1.0])).file();
            decode(&bytes).map_err(|error| error.to_string())
        };
        assert!(read(6).is_ok(), "{operator}");
        assert!(read(i64::from(u32::MAX)).unwrap_err().contains("too many entries"), "{operator}");
    }
}
