//! INPUTS of `underplane certify`: npy, npz, csv and the box.

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::data::{InputOptions, Inputs, Label, Reading, check_box, read_inputs, read_labels};
use underplane_kernel::Uint8;
use zip::write::SimpleFileOptions;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn read_with(name: &str, bytes: &[u8], options: &InputOptions) -> Result<Inputs, String> {
    let folder = folder();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_inputs(&path, options).map_err(|error| error.to_string())
}

fn csv(text: &str) -> Result<Inputs, String> {
    read_with("batch.csv", text.as_bytes(), &InputOptions::default())
}

fn labelled(column: &str) -> InputOptions {
    InputOptions { label_column: Some(column.into()), ..InputOptions::default() }
}

fn array(shape: &[usize], values: NpyValues) -> Result<Inputs, String> {
    let folder = folder();
    let path = folder.path().join("batch.npy");
    write_npy(&path, &NpyArray { shape: shape.to_vec(), values }).unwrap();
    read_inputs(&path, &InputOptions::default()).map_err(|error| error.to_string())
}

/// An npz of arrays, each written by the npy writer.
pub fn archive(folder: &TempDir, arrays: &[(&str, &[usize], NpyValues)], method: zip::CompressionMethod) -> PathBuf {
    let path = folder.path().join("batch.npz");
    let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, shape, values) in arrays {
        let entry = folder.path().join("entry.npy");
        write_npy(&entry, &NpyArray { shape: shape.to_vec(), values: values.clone() }).unwrap();
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(&fs::read(&entry).unwrap()).unwrap();
    }
    archive.finish().unwrap();
    path
}

fn read(path: &Path) -> Result<Inputs, String> {
    read_inputs(path, &InputOptions::default()).map_err(|error| error.to_string())
}

#[test]
fn arrays_keep_their_shape_and_samples() {
    let inputs = array(&[2, 1, 3], NpyValues::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).unwrap();
    assert_eq!((inputs.len(), inputs.features(), &inputs.shape[..]), (2, 3, &[1, 3][..]));
    assert_eq!(inputs.input(1), [4.0, 5.0, 6.0]);
}

#[test]
fn bytes_mean_the_nearest_float32_to_k_over_255() {
    let inputs = array(&[1, 256], NpyValues::U8((0..=255).collect())).unwrap();
    for (k, &value) in inputs.values.iter().enumerate() {
        // No float32 is nearer: |255 x − k| is exact in f64 for a float32 x.
        let miss = |x: f32| (255.0 * f64::from(x) - k as f64).abs();
        assert!(miss(value) <= miss(value.next_up()) && miss(value) <= miss(value.next_down()), "{k}");
    }
    assert_eq!((inputs.values[0], inputs.values[255]), (0.0, 1.0));
}

#[test]
fn float64_must_be_float32_exactly() {
    assert_eq!(array(&[1, 2], NpyValues::F64(vec![0.5, -3.25])).unwrap().values, [0.5, -3.25]);
    let message = array(&[2, 2], NpyValues::F64(vec![0.5, 0.25, 0.75, 0.1])).unwrap_err();
    assert!(message.contains("sample 1, coordinate 1") && message.contains("0.1 "), "{message}");
    // Overflows to infinity as a float32.
    let message = array(&[1, 1], NpyValues::F64(vec![1e39])).unwrap_err();
    assert!(message.contains("sample 0, coordinate 0"), "{message}");
}

#[test]
fn unusable_arrays_are_refused() {
    let cases: Vec<(Result<Inputs, String>, &str)> = vec![
        (array(&[2], NpyValues::F32(vec![1.0, 2.0])), "shape [2]"),
        (array(&[], NpyValues::F32(vec![1.0])), "a single number"),
        (array(&[0, 4], NpyValues::F32(vec![])), "at least one sample"),
        (array(&[4, 0], NpyValues::F32(vec![])), "at least one sample"),
        (
            array(&[1, 2], NpyValues::Integer(vec![1, (1 << 24) + 1])),
            "sample 0, coordinate 1: expected a number that is",
        ),
        (array(&[1, 2], NpyValues::Integer(vec![1, i64::MAX])), "found 9223372036854775807"),
        (array(&[1, 2], NpyValues::U8(vec![0, 1])), "--uint8 unit (k means k/255) or --uint8 raw"),
        (array(&[1, 2], NpyValues::Text(vec!["1".into(), "2".into()])), "found strings"),
        (array(&[2, 2], NpyValues::F32(vec![0.0, 0.0, f32::NAN, 0.0])), "sample 1, coordinate 0"),
        (array(&[1, 2], NpyValues::F32(vec![0.0, f32::INFINITY])), "sample 0, coordinate 1"),
        (array(&[1, 2], NpyValues::F64(vec![0.0, f64::NAN])), "expected a finite number, found NaN"),
        (read_with("batch.txt", b"1,2\n", &InputOptions::default()), "name ending in .npy"),
        (read_with("batch.npy", b"1,2\n", &InputOptions::default()), "batch.npy"),
        (read_with("batch.npz", b"1,2\n", &InputOptions::default()), "npz (zip) archive"),
        (read_with("batch.npy", b"", &labelled("y")), "a .csv file"),
    ];
    for (result, part) in cases {
        let message = result.unwrap_err();
        assert!(message.contains(part), "{message}: no `{part}`");
    }
    let missing = read(Path::new("no-such-folder/batch.npy")).unwrap_err();
    assert!(missing.contains("no-such-folder/batch.npy"), "{missing}");
}

#[test]
fn archives_give_inputs_and_labels() {
    let x = || NpyValues::F32(vec![1.0, 2.0, 3.0, 4.0]);
    let y = || NpyValues::Integer(vec![7, 8]);
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        for (inputs, labels) in [("x", "y"), ("inputs", "labels"), ("pixels", "y")] {
            let folder = folder();
            let path = archive(&folder, &[(labels, &[2], y()), (inputs, &[2, 2], x())], method);
            let batch = read(&path).unwrap();
            assert_eq!(batch.values, [1.0, 2.0, 3.0, 4.0]);
            assert_eq!(batch.labels, Some(vec![Label::Integer(7), Label::Integer(8)]));
        }
    }
    let folder = folder();
    let unnamed = [("a", &[1usize, 2][..], NpyValues::F32(vec![1.0, 2.0])), ("b", &[2], y())];
    assert_eq!(read(&archive(&folder, &unnamed, zip::CompressionMethod::Stored)).unwrap().labels, None);
}

#[test]
fn an_array_of_an_archive_is_picked_by_its_name() {
    let folder = folder();
    let words = || NpyValues::Text(vec!["spam".into(), "ham".into()]);
    let x = |name, first: f32| (name, &[2usize, 1][..], NpyValues::F32(vec![first, 2.0]));
    let arrays = [("names", &[2usize][..], words()), x("x_train", 1.0), x("x_test", 3.0), ("y_test", &[2], words())];
    let path = archive(&folder, &arrays, zip::CompressionMethod::Deflated);
    let member = |name: &str| PathBuf::from(format!("{}:{name}", path.display()));
    let batch = read(&member("x_test")).unwrap();
    assert_eq!((batch.values, batch.labels), (vec![3.0, 2.0], None));
    assert!(batch.notes[0].contains("inputs `x_test`; not read: `names`, `x_train`, `y_test`"), "{:?}", batch.notes);
    assert_eq!(read_labels(&member("y_test")).unwrap()[1], Label::Text("ham".into()));
    let message = read(&member("x")).unwrap_err();
    assert!(message.contains("an array `x`, found names, x_train, x_test, y_test"), "{message}");
    assert!(read(&path).unwrap_err().contains("name one"));
    assert!(read_labels(&path).unwrap_err().to_string().contains("an array `y` or `labels`"));
    // One array of floats beside names, and labels that are strings.
    let arrays = [("feature_names", &[2usize][..], words()), x("X", 1.0), ("Y", &[2], words())];
    let batch = read(&archive(&folder, &arrays, zip::CompressionMethod::Stored)).unwrap();
    assert_eq!((batch.values, batch.labels.unwrap()[0].to_string()), (vec![1.0, 2.0], "spam".to_string()));
    assert!(batch.notes[0].contains("inputs `X`, labels `Y`; not read: `feature_names`"), "{:?}", batch.notes);
    // A file whose own name looks like that is the file.
    fs::copy(&path, folder.path().join("odd.npz:x")).unwrap();
    assert!(read(&folder.path().join("odd.npz:x")).unwrap_err().contains("odd.npz:x"));
}

#[test]
fn numbers_mean_what_the_user_says() {
    let with = |reading: Reading, values: NpyValues| {
        let folder = folder();
        let path = folder.path().join("batch.npy");
        let shape = vec![1, 2];
        write_npy(&path, &NpyArray { shape, values }).unwrap();
        read_inputs(&path, &InputOptions { reading, ..InputOptions::default() }).map_err(|error| error.to_string())
    };
    let plain = Reading::default();
    let (unit, raw) = (Some(Uint8::Unit), Some(Uint8::Raw));
    let says = |uint8| Reading { uint8, ..plain };
    let bytes = |k| NpyValues::U8(vec![0, k]);
    let cases = [
        (plain, bytes(0), [0.0, 0.0], "k/255"),
        (plain, bytes(2), [0.0, 2.0 / 255.0], "k/255"),
        (says(unit), bytes(1), [0.0, 1.0 / 255.0], ""),
        (says(raw), bytes(1), [0.0, 1.0], ""),
        (says(raw), bytes(255), [0.0, 255.0], ""),
        (plain, NpyValues::Bool(vec![false, true]), [0.0, 1.0], "bool entries are taken as 0 and 1"),
        (plain, NpyValues::Integer(vec![-3, 1 << 40]), [-3.0, (1_u64 << 40) as f32], "integers are taken as they are"),
        (Reading { round: true, ..plain }, NpyValues::F64(vec![0.1, 0.5]), [0.1, 0.5], "1 of 2 entries rounded"),
        (Reading { round: true, ..plain }, NpyValues::Integer(vec![16_777_217, 0]), [16_777_216.0, 0.0], "1 of 2"),
    ];
    for (reading, values, expected, note) in cases {
        let batch = with(reading, values.clone()).unwrap();
        assert_eq!(batch.values, expected, "{values:?}");
        assert_eq!(batch.notes.is_empty(), note.is_empty(), "{:?}", batch.notes);
        assert!(batch.notes.join(" ").contains(note), "{:?}", batch.notes);
    }
    let refused = [
        (says(raw), NpyValues::F32(vec![0.0, 1.0]), "uint8 entries, as --uint8 says what they mean, found float32"),
        (says(unit), NpyValues::Integer(vec![0, 255]), "found integers"),
        (
            plain,
            NpyValues::F64(vec![0.5, 0.1]),
            "coordinate 1: expected a number that is a float32 exactly, found 0.1 ",
        ),
        (Reading { round: true, ..plain }, NpyValues::F64(vec![0.5, 1e39]), "within the range of float32, found 1e39"),
        (Reading { round: true, ..plain }, NpyValues::F64(vec![0.5, f64::NAN]), "a finite number"),
    ];
    for (reading, values, part) in refused {
        let message = with(reading, values).unwrap_err();
        assert!(message.contains(part), "{message}: no `{part}`");
    }
    let decimals = InputOptions { reading: says(raw), ..InputOptions::default() };
    assert!(read_with("b.csv", b"1,2\n", &decimals).unwrap_err().contains("found decimals"));
}

#[test]
fn ambiguous_or_damaged_archives_are_refused() {
    let folder = folder();
    let floats = |name| (name, &[1usize, 2][..], NpyValues::F32(vec![1.0, 2.0]));
    let stored = zip::CompressionMethod::Stored;
    let message = read(&archive(&folder, &[floats("a"), floats("b")], stored)).unwrap_err();
    assert!(message.contains("`a`, `b`; name one: `") && message.contains("batch.npz:NAME`"), "{message}");
    let message = read(&archive(&folder, &[], stored)).unwrap_err();
    assert!(message.contains("an array `x` or `inputs`, or a single array of samples"), "{message}");
    let message = read(&archive(&folder, &[floats("x"), floats("X")], stored)).unwrap_err();
    assert!(message.contains("one array of the names x, inputs"), "{message}");
    let message = read(&archive(&folder, &[floats("data"), floats("shape"), floats("format")], stored)).unwrap_err();
    assert!(message.contains("sparse") && message.contains("toarray"), "{message}");
    // Coordinates of the entries of a sparse array are no samples.
    let sparse =
        [("coords", &[2usize, 2][..], NpyValues::Integer(vec![0; 4])), ("data", &[2], NpyValues::F32(vec![1.0; 2]))];
    assert!(read(&archive(&folder, &sparse, stored)).unwrap_err().contains("name one"));
    let labels = ("y", &[3usize][..], NpyValues::Integer(vec![1, 2, 3]));
    let message = read(&archive(&folder, &[floats("x"), labels], stored)).unwrap_err();
    assert!(message.contains("expected 1 labels, one per sample, found 3 in `y`"), "{message}");
    // One bit of the data: the archive's checksum notices.
    let path = archive(&folder, &[floats("x")], stored);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|w| w == 2.0f32.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let message = read(&path).unwrap_err();
    assert!(message.contains("x.npy"), "{message}");
    let whole = bytes.len();
    fs::write(&path, &bytes[..whole / 2]).unwrap();
    assert!(read(&path).unwrap_err().contains("npz (zip) archive"));
}

#[test]
fn tables_with_and_without_header() {
    let plain = csv("1,2\n3,4.5\n").unwrap();
    assert_eq!((plain.len(), plain.values, plain.labels), (2, vec![1.0, 2.0, 3.0, 4.5], None));
    assert_eq!(csv("a,b\n1,2\n").unwrap().values, [1.0, 2.0]);
    assert_eq!(csv("\u{feff}a,\"b, c\"\r\n 1 ,\"2\"\r\n").unwrap().values, [1.0, 2.0]);
    assert_eq!(csv("1,2").unwrap().values, [1.0, 2.0]);
    let numbered = InputOptions { header: Some(true), ..InputOptions::default() };
    assert_eq!(read_with("b.csv", b"0,1\n5,6\n", &numbered).unwrap().values, [5.0, 6.0]);
    let counted = csv("0,1\n5,6\n").unwrap();
    assert_eq!((counted.values, counted.notes.len()), (vec![5.0, 6.0], 1));
    let headless = InputOptions { header: Some(false), ..InputOptions::default() };
    assert_eq!(read_with("b.csv", b"0,1\n5,6\n", &headless).unwrap().values, [0.0, 1.0, 5.0, 6.0]);
}

#[test]
fn label_columns_by_name_and_number() {
    let expected = vec![Label::Text("spam".into()), Label::Integer(3)];
    let named = read_with("b.csv", b"x,class,y\n1,spam,2\n3,3,4\n", &labelled("class")).unwrap();
    assert_eq!((named.values, named.labels), (vec![1.0, 2.0, 3.0, 4.0], Some(expected.clone())));
    let numbered = read_with("b.csv", b"1,spam,2\n3,3,4\n", &labelled("2")).unwrap();
    assert_eq!((numbered.values, numbered.labels), (vec![1.0, 2.0, 3.0, 4.0], Some(expected)));
    // Numbered columns beside a named one: the name alone shows the header.
    let pandas = read_with("b.csv", b"label,0,1\n7,5,6\n", &labelled("label")).unwrap();
    assert_eq!((pandas.values, pandas.labels), (vec![5.0, 6.0], Some(vec![Label::Integer(7)])));
    // A number is a position, even where the first sample holds that number: no sample vanishes as a header.
    let first = read_with("b.csv", b"3,1\n4,0\n", &labelled("2")).unwrap();
    assert_eq!((first.values, first.labels.unwrap().len()), (vec![3.0, 4.0], 2));
}

#[test]
fn faulty_tables_are_refused_and_the_place_named() {
    let cases = [
        ("", "an empty file"),
        ("a,b\n", "a header alone"),
        ("1,2\n3\n", "line 2: expected 2 fields separated by commas, as in the first line, found 1"),
        ("1,2\n3,4,5\n", "line 2: expected 2 fields separated by commas, as in the first line, found 3"),
        ("1,2\n3,x\n", "line 2, column 2: expected a number, found `x`"),
        ("1,2\n\n3,\n", "line 3, column 2: expected a number, found a missing value;"),
        ("1,2\nnan,4\n", "line 2, column 1: expected a number, found a missing value (`nan`)"),
        ("1,inf\n", "line 1, column 2: expected a finite number"),
        ("1,2\n3,1e39\n", "line 2, column 2: expected a finite number"),
        ("0.1,0.2x\n0.3,0.4\n", "line 1, column 1"),
        ("a,b\n1;2,3\n", "expected a number (fields are separated by commas), found `1;2`"),
        ("0\n5\n", "a header or a sample"),
        ("1,2,3\n5,6,7\n", "a header or a sample"),
        (",0,1\n0,5,6\n", "a data frame's index"),
        ("a,b\n1,NA\n", "line 2, column 2: expected a number in `b`, found a missing value (`NA`)"),
        ("a,b,a\n1,2,3\n", "expected one column `a`, found 2 columns of that name: columns 1 and 3"),
    ];
    for (text, part) in cases {
        let message = csv(text).unwrap_err();
        assert!(message.contains(part), "{text:?}: {message}: no `{part}`");
    }
    let labels = [
        ("a,b\n1,2\n", "c", "a label column `c`"),
        ("a,a\n1,2\n", "a", "2 columns of that name"),
        ("1,2\n", "3", "a label column `3`"),
        ("1,2\n", "0", "a label column `0`"),
        ("a\n1\n", "a", "no column besides the labels"),
        ("0,1,spam\n5,6,ham\n", "3", "a header or a sample"),
        ("a,y\n1,\n2,1\n3,n/a\n", "y", "lines 2, 4: expected a label in every row, found 2 of 3 without one"),
    ];
    for (text, column, part) in labels {
        let message = read_with("b.csv", text.as_bytes(), &labelled(column)).unwrap_err();
        assert!(message.contains(part), "{text:?}: {message}: no `{part}`");
    }
    assert!(read_with("b.csv", b"1,\xff\n", &InputOptions::default()).unwrap_err().contains("line 1"));
}

#[test]
fn decimals_are_rounded_once() {
    // Just above the middle between 1 and the next float32; as an f64 it is the middle itself, which rounds to even.
    let decimal = "1.000000059604644775390625000001";
    assert_eq!(decimal.parse::<f64>().unwrap() as f32, 1.0);
    assert_eq!(csv(&format!("{decimal}\n")).unwrap().values, [1.0f32.next_up()]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_unpacked_and_its_faults_found() {
    let options = InputOptions::default();
    let packed = gzip(b"a,b\n1,2\n");
    assert_eq!(read_with("b.csv.gz", &packed, &options).unwrap().values, [1.0, 2.0]);
    assert_eq!(read_with("b.csv", &packed, &options).unwrap().values, [1.0, 2.0]);
    let mut corrupt = packed.clone();
    let at = corrupt.len() - 6;
    corrupt[at] ^= 1;
    assert!(read_with("b.csv.gz", &corrupt, &options).unwrap_err().contains("undamaged"));
    assert!(read_with("b.csv.gz", &packed[..packed.len() - 3], &options).unwrap_err().contains("undamaged"));
}

#[test]
fn the_box_is_checked_coordinate_by_coordinate() {
    let inputs = array(&[2, 2], NpyValues::F32(vec![0.0, 1.0, 0.5, 1.25])).unwrap();
    assert!(check_box(&inputs, 0.0, 1.25).is_ok());
    let message = check_box(&inputs, 0.0, 1.0).unwrap_err().to_string();
    assert_eq!(message, "sample 1, coordinate 1: 1.25 is outside the box [0, 1]");
    assert!(check_box(&inputs, 0.5, 2.0).unwrap_err().to_string().contains("sample 0, coordinate 0"));
    for (low, high) in [(1.0, 0.0), (f32::NAN, 1.0), (0.0, f32::NAN)] {
        assert!(check_box(&inputs, low, high).unwrap_err().to_string().contains("the lower one first"));
    }
}

proptest! {
    #[test]
    fn decimals_of_float32_read_back(values in prop::collection::vec(any::<f32>(), 1..20)) {
        let values: Vec<f32> = values.into_iter().filter(|x| x.is_finite()).collect();
        prop_assume!(!values.is_empty());
        let line: Vec<String> = values.iter().map(|x| format!("{x:e}")).collect();
        let back = csv(&format!("{}\n", line.join(","))).unwrap();
        prop_assert!(back.values.iter().map(|x| x.to_bits()).eq(values.iter().map(|x| x.to_bits())));
    }
}
