//! Labels in files of their own.

use std::fs;
use tempfile::TempDir;
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::data::{Label, read_labels};

fn labels(name: &str, bytes: &[u8]) -> Result<Vec<Label>, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_labels(&path).map_err(|error| error.to_string())
}

#[test]
fn label_files() {
    let numbers = vec![Label::Integer(1), Label::Integer(0)];
    assert_eq!(labels("l.txt", b"1\n0\n").unwrap(), numbers);
    assert_eq!(labels("l.csv", b"class\n1\n0\n").unwrap(), numbers);
    assert_eq!(labels("l.txt", b"spam\nham\n").unwrap()[1], Label::Text("ham".into()));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("l.npy");
    for values in [
        NpyValues::Integer(vec![1, 0]),
        NpyValues::U8(vec![1, 0]),
        NpyValues::Bool(vec![true, false]),
        NpyValues::F32(vec![1.0, -0.0]),
        NpyValues::Text(vec!["1".into(), "0".into()]),
    ] {
        for shape in [vec![2], vec![2, 1]] {
            write_npy(&path, &NpyArray { shape, values: values.clone() }).unwrap();
            assert_eq!(read_labels(&path).unwrap(), numbers);
        }
    }
    for (shape, values) in [(vec![1, 2], NpyValues::Integer(vec![1, 0])), (vec![1], NpyValues::F32(vec![1.5]))] {
        write_npy(&path, &NpyArray { shape, values }).unwrap();
        assert!(read_labels(&path).is_err());
    }
    let words = ["spam", "NA", "", "ham"].map(String::from).to_vec();
    for (values, place) in [
        (NpyValues::F64(vec![1.0, f64::NAN, f64::NAN, 0.0]), "samples 1, 2: expected a label in every row"),
        (NpyValues::Text(words), "samples 1, 2: expected a label in every row"),
    ] {
        write_npy(&path, &NpyArray { shape: vec![4], values }).unwrap();
        let message = read_labels(&path).unwrap_err().to_string();
        assert!(message.contains(place), "{message}");
    }
    assert_eq!(labels("l.txt", b"\"a\nb\"\nham\n\n").unwrap()[0], Label::Text("a\nb".into()));
    for (text, part) in [
        ("1\n\n0\n", "line 2: expected a label in every row, found 1 of 3 without one"),
        ("", "at least one label"),
        ("1\n2,3\n", "line 2"),
        ("1\n \n", "line 2"),
    ] {
        let message = labels("l.txt", text.as_bytes()).unwrap_err();
        assert!(message.contains(part), "{message}: no `{part}`");
    }
}
