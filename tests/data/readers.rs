//! IDX, CIFAR, ARFF and CSV tables: what is read, what is refused, and the place that is named.

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::Path;
use underplane::data::DataError;
use underplane::data::arff::{Arff, Attribute, Cell, Kind, read_arff};
use underplane::data::cifar::{CIFAR_PIXELS, read_cifar};
use underplane::data::content::Content;
use underplane::data::idx::{IdxArray, read_idx};
use underplane::data::table::Table;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes a file and reads it with one of the readers.
fn with_file<T>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, DataError>) -> Result<T, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    read(&path).map_err(|error| error.to_string())
}

/// Both forms of a file, which must be read alike.
fn plain_and_packed<T: PartialEq + std::fmt::Debug>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, DataError>) -> T {
    let plain = with_file(bytes, &read).unwrap();
    assert_eq!(with_file(&gzip(bytes), &read).unwrap(), plain);
    plain
}

fn refused<T: std::fmt::Debug>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, DataError>, part: &str) {
    let message = with_file(bytes, read).unwrap_err();
    assert!(message.contains(part), "{message}: no `{part}`");
}

fn idx(magic: [u8; 4], lengths: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(lengths.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

#[test]
fn idx_files() {
    let images = |path: &Path| read_idx(path, 3);
    let whole = idx([0, 0, 8, 3], &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
    assert_eq!(plain_and_packed(&whole, images), IdxArray { shape: vec![2, 1, 3], bytes: vec![1, 2, 3, 4, 5, 6] });
    refused(&whole, |path| read_idx(path, 1), "00 00 08 01");
    refused(&idx([0, 0, 13, 3], &[2, 1, 3], &[0; 24]), images, "found 00 00 0d 03");
    refused(&whole[..2], images, "4 bytes of the IDX magic");
    refused(&whole[..9], images, "4 bytes of an axis length");
    refused(&whole[..21], images, "offset 16: expected 6 bytes of entries, found at most 5");
    refused(&gzip(&whole[..21]), images, "found the end of the file after 5 bytes");
    refused(&idx([0, 0, 8, 3], &[2, 1, 3], &[0; 7]), images, "offset 22: expected the end of the file");
    refused(&gzip(&idx([0, 0, 8, 3], &[2, 1, 3], &[0; 7])), images, "expected the end of the file");
    refused(&idx([0, 0, 8, 3], &[u32::MAX; 3], &[0; 7]), images, "fits 64 bits");
}

#[test]
fn sizes_are_refused_before_memory_is_taken() {
    // 4 TB claimed by a file of some bytes, plain and packed.
    let claim = idx([0, 0, 8, 2], &[1 << 21, 1 << 21], &[0; 100]);
    refused(&claim, |path| read_idx(path, 2), "4398046511104 bytes of entries");
    refused(&gzip(&claim), |path| read_idx(path, 2), "4398046511104 bytes of entries");
    // 64 MB of zeros in 64 KB: reading stops at the limit.
    let bomb = gzip(&vec![0; 1 << 26]);
    assert!(bomb.len() < 1 << 17);
    refused(&bomb, |path| Content::open(path)?.rest(1000), "at most 1000 more bytes");
}

#[test]
fn damaged_gzip_is_refused() {
    let whole = idx([0, 0, 8, 1], &[200], &[7; 200]);
    let packed = gzip(&whole);
    let labels = |path: &Path| read_idx(path, 1);
    refused(&packed[..packed.len() - 1], labels, "undamaged");
    let mut flipped = packed.clone();
    let at = flipped.len() - 5;
    flipped[at] ^= 0x80;
    refused(&flipped, labels, "undamaged");
    let mut followed = packed.clone();
    followed.extend(b"more");
    refused(&followed, labels, "undamaged");
}

fn cifar_record(label: u8, fill: u8) -> Vec<u8> {
    let mut record = vec![label];
    record.extend([fill; CIFAR_PIXELS]);
    record
}

#[test]
fn cifar_files() {
    let bytes = [cifar_record(3, 1), cifar_record(9, 2)].concat();
    let records = plain_and_packed(&bytes, read_cifar);
    assert_eq!((records.labels, records.pixels.len()), (vec![3, 9], 2 * CIFAR_PIXELS));
    refused(b"", read_cifar, "found 0 bytes");
    refused(&bytes[1..], read_cifar, "(3072 over)");
    refused(&[cifar_record(3, 1), cifar_record(10, 2)].concat(), read_cifar, "offset 3073: expected a label");
}

const ARFF: &str = "% a comment\r\n@RELATION 'two words'\r\n\r\n@attribute size NUMERIC\r\n\
    @Attribute 'the colour' {red, 'dark \\'blue', \"?\"}\r\n@attribute note string\r\n@DATA\r\n\
    1.5, red, \"a, b\"\r\n% in between\r\n?,'dark \\'blue',?\r\n-2,'?',''\r\n";

#[test]
fn arff_files() {
    let arff = plain_and_packed(ARFF.as_bytes(), read_arff);
    let attribute = |name: &str, kind| Attribute { name: name.into(), kind };
    let colours = ["red", "dark 'blue", "?"].map(String::from).to_vec();
    let expected = Arff {
        relation: "two words".into(),
        attributes: vec![
            attribute("size", Kind::Numeric),
            attribute("the colour", Kind::Nominal(colours)),
            attribute("note", Kind::Text),
        ],
        rows: vec![
            vec![Cell::Number(1.5), Cell::Category(0), Cell::Text("a, b".into())],
            vec![Cell::Missing, Cell::Category(1), Cell::Missing],
            vec![Cell::Number(-2.0), Cell::Category(2), Cell::Text(String::new())],
        ],
    };
    assert_eq!(arff, expected);
}

#[test]
fn faulty_arff_is_refused() {
    let head = "@relation r\n@attribute a {x,y}\n@attribute b real\n@data\n";
    let cases = [
        ("x,1\nz,2\n", "line 6, column 1: expected one of {x, y} for `a`, found `z`"),
        ("x,one\n", "line 5, column 2: expected a finite number for `b`, found `one`"),
        ("x,NaN\n", "line 5, column 2: expected a finite number"),
        ("x,inf\n", "line 5, column 2: expected a finite number"),
        ("x\n", "line 5: expected 2 fields, found 1"),
        ("x,1,2\n", "line 5: expected 2 fields, found 3"),
        ("{0 x}\n", "sparse"),
        ("'x,1\n", "a closing '"),
        ("'x'y,1\n", "a comma after a quoted field"),
    ];
    for (rows, part) in cases {
        refused(format!("{head}{rows}").as_bytes(), read_arff, part);
    }
    let heads = [
        ("", "a line @data"),
        ("@relation r\n@attribute a real\n", "a line @data"),
        ("@relation r\n@data\n", "line 2: expected an attribute before @data"),
        ("x,1\n", "line 1: expected @relation, @attribute or @data"),
        ("@attribute a date\n", "line 1: expected numeric, real"),
        ("@attribute a {x,y\n", "a list that ends in }"),
        ("@attribute a {x,x}\n", "`x` twice"),
        ("@attribute\n", "a name"),
        ("@attribute a real\n@attribute b real\n@attribute a real\n", "line 3: expected one attribute `a`, found 2 of"),
    ];
    for (text, part) in heads {
        refused(text.as_bytes(), read_arff, part);
    }
    refused(b"@relation \xff\n", read_arff, "offset 10: expected UTF-8");
}

#[test]
fn tables() {
    let text = "a,\"b \"\"quoted\"\"\",c\n1,\"x, y\",red\n\n 2.5 ,,blue\n";
    for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        fs::write(&path, bytes).unwrap();
        let table = Table::read(&path, true).unwrap();
        assert_eq!(table.columns(), ["a", "b \"quoted\"", "c"]);
        assert_eq!((table.len(), table.cell(0, 1), table.number(1, 0).unwrap()), (2, "x, y", 2.5));
        assert_eq!(table.category(1, 2, &["red", "blue"]).unwrap(), 1);
        let message = table.category(1, 2, &["red", "green"]).unwrap_err().to_string();
        assert!(message.contains("line 4, column 3: expected one of {red, green} for `c`, found `blue`"), "{message}");
        assert!(table.number(1, 1).unwrap_err().to_string().contains("line 4, column 2"));
        assert!(table.column("d").is_err());
    }
    let headless = |path: &Path| Table::read(path, false).map(|table| table.len());
    assert_eq!(with_file(b"1,2\n3,4\n", headless), Ok(2));
    let headed = |path: &Path| Table::read(path, true).map(|table| table.len());
    refused(b"", headed, "at least one row");
    refused(b"a,b\n", headed, "at least one row");
    refused(b"a,b\n1,2\n3\n", headed, "line 3: expected 2 fields, found 1");
    refused(b"a,b\n1,\xff\n", headed, "line 2");
    refused(b"a,a\n1,2\n", |path| Table::read(path, true)?.column("a"), "one column `a`, found several");
    refused(b"a\nnan\n", |path| Table::read(path, true)?.number(0, 0), "a finite number, found `nan`");
}

proptest! {
    #[test]
    fn arff_never_panics(text in "(@attribute|@data|@relation|[ ,'\"{}x1?%\\\\\n]){0,40}") {
        let _ = with_file(text.as_bytes(), read_arff);
    }

    #[test]
    fn quoted_words_survive(words in prop::collection::vec("[a-z ,'\"{}?%\\\\]{0,8}", 1..5)) {
        let head: String = (0..words.len()).map(|i| format!("@attribute a{i} string\n")).collect();
        let quote = |word: &String| format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'"));
        let row = words.iter().map(quote).collect::<Vec<_>>().join(",");
        let arff = with_file(format!("{head}@data\n{row}\n").as_bytes(), read_arff).unwrap();
        let expected: Vec<Cell> = words.into_iter().map(Cell::Text).collect();
        prop_assert_eq!(&arff.rows[0], &expected);
    }
}
