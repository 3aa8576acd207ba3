//! The Fact for CIFAR-10, cats against dogs: bundled certificates and networks, against the whole training set where it is
//! there, else against the first images of either class.

use std::fs;
use std::path::{Path, PathBuf};
use underplane::data::tasks::{load_labelled, recipe};
use underplane::data::{Dataset, data_dir};
use underplane::separation::{Class as Role, Classes};
use underplane_kernel::separation::driver::{Options, accuracy};
use underplane_kernel::separation::{Points, Separation, Tally};
use underplane_kernel::{Class, Logit, Uint8};

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data").join(name)
}

/// The sensitive class, the other one, and the network's name.
const DIRECTIONS: [(&str, &str, &str); 2] = [("cat", "dog", "perfect-cats"), ("dog", "cat", "perfect-dogs")];

/// What the lines behind the header prove of points, with a header of their own.
fn proven(certificate: &Path, [sensitive, other]: [&Path; 2]) -> Tally {
    let [sensitive, other] = [sensitive, other].map(|path| Points::read(&fs::read(path).unwrap()).unwrap());
    let [a, b] = [sensitive.digest(), other.digest()];
    let header = format!(r#"{{"separation":"1","sensitive":"sha256:{a}","other":"sha256:{b}"}}"#);
    let mut separation = Separation::new(sensitive, other).unwrap();
    let text = fs::read_to_string(certificate).unwrap();
    for (number, line) in (1..).zip(std::iter::once(header.as_str()).chain(text.lines().skip(1))) {
        separation.check(number, line).unwrap();
    }
    separation.tally()
}

/// Right answers of the network, out of all; bytes are its inputs as they are, or the learned one's as k/255.
fn right(model: &str, files: [&Path; 2]) -> (usize, usize) {
    let (logit, learned) = (Logit::from(Class::Positive), model.starts_with("learned"));
    let uint8 = Some(if learned { Uint8::Unit } else { Uint8::Raw });
    let options = Options { logit: &logit, uint8, flatten: false, follow_links: false };
    let [a, b] = accuracy(&bundled(&format!("models/{model}.onnx")), files, options).unwrap();
    (a.right + b.right, a.points + b.points)
}

#[test]
fn the_first_images_are_separated_and_classified() {
    let files = |name: &str| bundled(&format!("separation/{name}-first.npy"));
    for (sensitive, other, model) in DIRECTIONS {
        let (own, hull) = (files(sensitive), files(other));
        let certificate = bundled(&format!("separation/{sensitive}-from-{other}.jsonl"));
        assert_eq!(fs::read_to_string(&certificate).unwrap().lines().count(), 3, "a header and two hyperplanes");
        let tally = proven(&certificate, [&own, &hull]);
        assert_eq!((tally.outside, tally.points), (16, 16));
        assert_eq!(right(model, [&own, &hull]), (32, 32));
        // The classes the other way round are told apart by no line, and misjudged by the network.
        assert_eq!(right(model, [&hull, &own]), (0, 32));
    }
    assert_eq!(right("learned-cats", [&files("cat"), &files("dog")]), (32, 32));
}

#[test]
fn all_training_images_are_separated_and_classified_where_they_are_there() {
    let recipe = recipe("cifar-cats-dogs").unwrap();
    let store = recipe.store(&data_dir(None)).unwrap();
    if !store.is_complete() {
        eprintln!("skipped: no data of cifar-cats-dogs");
        return;
    }
    let cats = load_labelled(recipe, &store).unwrap().train;
    let dogs = Dataset { sensitive: cats.sensitive.iter().map(|is| !is).collect(), ..cats.clone() };
    let folder = tempfile::TempDir::new().unwrap();
    for ((sensitive, other, model), data) in DIRECTIONS.into_iter().zip([cats, dogs]) {
        let [own, hull] = [sensitive, other].map(|name| folder.path().join(format!("{name}.npy")));
        let classes = Classes::of(&data);
        classes.write(Role::Sensitive, &own).unwrap();
        classes.write(Role::Other, &hull).unwrap();
        let certificate = bundled(&format!("separation/{sensitive}-from-{other}.jsonl"));
        let files =
            underplane_kernel::separation::driver::Files { sensitive: &own, other: &hull, certificate: &certificate };
        let summary = underplane_kernel::separation::driver::run(files, &mut std::io::sink()).unwrap();
        assert_eq!(summary.tally, Tally { points: 5000, others: 5000, outside: 5000, inside: 0 });
        assert_eq!((summary.invalid, summary.hyperplanes), (0, 2));
        assert_eq!(right(model, [&own, &hull]), (10_000, 10_000));
        if sensitive == "cat" {
            assert_eq!(right("learned-cats", [&own, &hull]), (10_000, 10_000));
        }
    }
}
