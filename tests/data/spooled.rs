//! Inputs that wait in a file are those that are read at once.

use crate::inputs::archive;
use tempfile::TempDir;
use underplane::data::npy::NpyValues;
use underplane::data::{InputOptions, Inputs, read_inputs, spool};

#[test]
fn a_table_in_a_file_is_the_table_in_memory() {
    let folder = TempDir::new().unwrap();
    let rows: String =
        (0..3000).map(|i| format!("{i},{}.5,{}\n", i * 7 % 11, if i % 5 == 0 { "" } else { "a" })).collect();
    for (name, text) in [
        ("plain.csv", "1,2\n3,4\n".to_string()),
        ("blank.csv", "x,y\n\n\n1,2\r\n\r\n3,4".into()),
        ("long.csv", format!("x,y,kind\n{rows}")),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let label_column = (name == "long.csv").then(|| "kind".to_string());
        let options = InputOptions { label_column, drop_missing: true, ..InputOptions::default() };
        let whole = read_inputs(&path, &options).unwrap();
        let spool = spool(&path, &options).unwrap().unwrap();
        assert_eq!(Inputs { values: vec![], ..whole.clone() }, spool.about);
        for _ in 0..2 {
            let (mut blocks, mut values) = (spool.blocks().unwrap(), Vec::new());
            whole.numbers.chunks(7).for_each(|part| values.extend(blocks.next(part.len()).unwrap()));
            assert_eq!(values, whole.values, "{name}");
            assert!(blocks.next(1).is_err(), "behind the last sample");
        }
    }
    let numbers: Vec<f32> = (0..30_000).map(|i| i as f32 / 8.0).collect();
    let kinds: Vec<i64> = (0..10_000).map(|i| i % 3).collect();
    let (x, y) = (("x", &[10_000, 3][..], NpyValues::F32(numbers)), ("y", &[10_000][..], NpyValues::Integer(kinds)));
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let path = archive(&folder, &[x.clone(), y.clone()], method);
        let whole = read_inputs(&path, &InputOptions::default()).unwrap();
        let spool = spool(&path, &InputOptions::default()).unwrap().unwrap();
        assert_eq!(Inputs { values: vec![], ..whole.clone() }, spool.about);
        assert_eq!(spool.blocks().unwrap().next(10_000).unwrap(), whole.values);
    }
    let path = archive(
        &folder,
        &[("x", &[2, 2], NpyValues::F32(vec![1.0, 2.0, f32::NAN, 4.0]))],
        zip::CompressionMethod::Stored,
    );
    let refused = spool(&path, &InputOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("sample 1, coordinate 0"), "{refused}");
    let path = folder.path().join("faulty.csv");
    std::fs::write(&path, format!("x,y\n\n{}\n\nz,2\n", "1,2\n".repeat(5000))).unwrap();
    let refused = spool(&path, &InputOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("line 5005, column 1") && refused.contains("`z`"), "{refused}");
}
