//! CIFAR-10, cat against dog.

use crate::data::cifar::{CIFAR_PIXELS, parse_cifar};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::inputs::reading::pixel;
use crate::data::store::Store;
use crate::data::tasks::{Labelled, Recipe};

const CAT: u8 = 3;
const DOG: u8 = 5;

pub(super) const CIFAR_CATS_DOGS: Recipe = Recipe {
    name: "cifar-cats-dogs",
    sources: &["cifar-10", "cifar-cats-dogs"],
    sensitive: "cat",
    other: "dog",
    unit: "pixel intensity in [0, 1]",
    range: Some((0.0, 1.0)),
    samples: 12_000,
    features: CIFAR_PIXELS,
    build,
};

fn build(store: &Store) -> Result<Labelled, DataError> {
    let (test_files, train_files): (Vec<&str>, Vec<&str>) =
        store.source().files.iter().map(|file| file.name).partition(|name| name.starts_with("test"));
    let train = pair(store, &train_files)?;
    let test = pair(store, &test_files)?;
    let notes = vec![
        format!("cats (sensitive) and dogs: {} training and {} test images", train.len(), test.len()),
        "shape [3, 32, 32]; a byte k is the float32 nearest to k/255".into(),
    ];
    Ok(Labelled { test: Some(test), ..Labelled::new(train, notes) })
}

/// The cats and dogs of some files, in their order.
fn pair(store: &Store, files: &[&str]) -> Result<Dataset, DataError> {
    let mut pair = Dataset { shape: vec![3, 32, 32], inputs: Vec::new(), sensitive: Vec::new() };
    for file in files {
        let records = parse_cifar(store.open(file)?)?;
        for (image, &label) in records.pixels.chunks_exact(CIFAR_PIXELS).zip(&records.labels) {
            if label == CAT || label == DOG {
                pair.inputs.extend(image.iter().map(|&k| pixel(k)));
                pair.sensitive.push(label == CAT);
            }
        }
    }
    Ok(pair)
}
