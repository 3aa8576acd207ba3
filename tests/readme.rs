//! The README's table of bundled models says what their training records say.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// "l1 5: .964, 10: .855" for one norm of the closed form on the test split.
fn certified(record: &Value, norm: &str) -> String {
    let rows = record["certified"].as_array().expect("certified accuracies");
    let of_norm = |row: &&Value| row["split"] == "test" && row["method"] == "closed-form" && row["norm"] == norm;
    let cell = |row: &Value| format!("{}: {:.3}", row["radius"], row["accuracy"].as_f64().unwrap());
    let cells: Vec<String> = rows.iter().filter(of_norm).map(cell).collect();
    assert!(!cells.is_empty(), "no {norm} radii");
    cells.join(", ")
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or("–".into(), |v| format!("{:.2} %", 100.0 * v))
}

#[test]
fn the_table_of_models_is_what_the_records_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let mut expected = String::new();
    for name in ["mnist-3-8", "mnist-3-8-abs", "fashion-shirts", "spambase", "spambase-abs", "phishing", "drebin"] {
        let text = fs::read_to_string(root.join(format!("proofs-data/models/{name}.json"))).unwrap();
        let record: Value = serde_json::from_str(&text).unwrap();
        let clean = percent(&record["accuracy"]["test"]["overall"]);
        let rival = percent(&record["baseline"]["test_accuracy"]);
        let radii = ["l1", "l2", "linf"].map(|norm| certified(&record, norm)).join(" | ");
        let unit = record["radius_unit"].as_str().unwrap();
        let _ = writeln!(expected, "| `{name}` | {clean} | {rival} | {radii} | {unit} |");
    }
    assert!(readme.contains(&expected), "the README's table should read:\n{expected}");
}
