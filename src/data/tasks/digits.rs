//! Two classes of an MNIST-like source: IDX images of 28 × 28 bytes with an official test split.

use crate::data::dataset::Dataset;
use crate::data::error::{DataError, Place};
use crate::data::idx::parse_idx;
use crate::data::inputs::reading::pixel;
use crate::data::store::Store;
use crate::data::tasks::{Labelled, Recipe};

const UNIT: &str = "pixel intensity in [0, 1]";

/// MNIST, 3 against 8.
pub(super) const MNIST_3_8: Recipe = Recipe {
    name: "mnist-3-8",
    sources: &["mnist"],
    sensitive: "digit 3",
    other: "digit 8",
    unit: UNIT,
    range: Some((0.0, 1.0)),
    samples: 13_966,
    features: 28 * 28,
    build: |store| build(store, 3, 8),
};

/// Fashion-MNIST, T-shirt against shirt.
pub(super) const FASHION_SHIRTS: Recipe = Recipe {
    name: "fashion-shirts",
    sources: &["fashion-mnist"],
    sensitive: "T-shirt/top",
    other: "shirt",
    unit: UNIT,
    range: Some((0.0, 1.0)),
    samples: 14_000,
    features: 28 * 28,
    build: |store| build(store, 0, 6),
};

fn build(store: &Store, sensitive: u8, other: u8) -> Result<Labelled, DataError> {
    let train = pair(store, "train", sensitive, other)?;
    let test = pair(store, "t10k", sensitive, other)?;
    let notes = vec![
        format!("classes {sensitive} (sensitive) and {other}: {} training and {} test images", train.len(), test.len()),
        "shape [1, 28, 28]; a byte k is the float32 nearest to k/255".into(),
    ];
    Ok(Labelled { test: Some(test), ..Labelled::new(train, notes) })
}

/// The images of two classes, in the file's order.
fn pair(store: &Store, part: &str, sensitive: u8, other: u8) -> Result<Dataset, DataError> {
    let content = store.open(&format!("{part}-images-idx3-ubyte"))?;
    let path = content.path().to_path_buf();
    let images = parse_idx(content, 3)?;
    let labels = parse_idx(store.open(&format!("{part}-labels-idx1-ubyte"))?, 1)?;
    if images.shape[1..] != [28, 28] || images.shape[0] != labels.shape[0] {
        let expected = format!("shape [{}, 28, 28], one image per label", labels.shape[0]);
        return Err(DataError::content(&path, Place::Whole, expected, format!("{:?}", images.shape)));
    }
    let mut pair = Dataset { shape: vec![1, 28, 28], inputs: Vec::new(), sensitive: Vec::new() };
    for (image, &label) in images.bytes.chunks_exact(28 * 28).zip(&labels.bytes) {
        if label == sensitive || label == other {
            pair.inputs.extend(image.iter().map(|&k| pixel(k)));
            pair.sensitive.push(label == sensitive);
        }
    }
    Ok(pair)
}
