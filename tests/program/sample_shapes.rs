//! The program's own reader and the kernel take the same shapes of samples.

use crate::inputs::float32;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use underplane::data::Inputs;
use underplane_kernel as kernel;

/// What the program's own reader and the kernel say of samples and a model's input shape.
fn both(array: &[usize], model: &[usize], flatten: bool) -> (bool, bool) {
    let [count, sample @ ..] = array else { unreachable!("an axis of samples") };
    let values = vec![0.0; array.iter().product()];
    let file = float32(array, &values);
    let inputs = Inputs { shape: sample.to_vec(), values, ..Inputs::default() };
    assert_eq!(inputs.len(), *count);
    let mut read = kernel::Inputs::read(&file).unwrap();
    if flatten {
        read = read.flattened();
    }
    (inputs.fit(model, flatten).is_ok(), read.check_shape(model).is_ok())
}

proptest! {
    #[test]
    fn both_readers_accept_the_same_shapes(
        array in prop::collection::vec(1_usize..4, 2..6),
        model in prop::collection::vec(1_usize..4, 1..4),
        flat in any::<bool>(),
    ) {
        let (ours, kernels) = both(&array, &model, flat);
        prop_assert_eq!(ours, kernels);
        let size = |shape: &[usize]| shape.iter().product::<usize>();
        let squeezed = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        let (sample, wanted) = (squeezed(&array[1..]), squeezed(&model));
        let fits = size(&sample) == size(&wanted) && (flat || sample == wanted || sample.len() <= 1);
        prop_assert_eq!(ours, fits);
    }
}

#[test]
fn the_bundled_inputs_are_read_by_both() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data");
    for name in ["mnist-3-8", "spambase"] {
        let bytes = fs::read(root.join(format!("models/{name}.onnx"))).unwrap();
        let model = kernel::Model::read(&bytes, kernel::Class::Positive).unwrap();
        let inputs = kernel::Inputs::read(&fs::read(root.join(format!("inputs/{name}.npy"))).unwrap()).unwrap();
        assert!(inputs.check_shape(model.input_shape()).is_ok());
    }
}
