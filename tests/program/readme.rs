//! The README's table of bundled models says what their training records say, and its commands about proofs work.

use assert_cmd::Command;
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

/// The code blocks of a language in the section of this name.
fn blocks(readme: &str, section: &str, language: &str) -> String {
    let rest = readme.split(&format!("\n## {section}\n")).nth(1).unwrap_or_else(|| panic!("no section `{section}`"));
    let section = rest.split("\n## ").next().unwrap();
    section.split("```").filter_map(|block| block.strip_prefix(&format!("{language}\n"))).collect()
}

#[test]
fn the_commands_about_proofs_claims_and_verified_radii_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = root.join("proofs-data").display().to_string();
    let (section, mine) = ("Verified radii under version control", folder.path().join("mine"));
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("verified.toml"), blocks(&readme, section, "toml")).unwrap();
    fs::copy(root.join("proofs-data/models/drebin.onnx"), mine.join("model.onnx")).unwrap();
    fs::copy(root.join("proofs-data/inputs/drebin.npy"), mine.join("inputs.npy")).unwrap();
    let mut commands = 0;
    for section in ["Proofs", "Other people's radii", section] {
        for line in blocks(&readme, section, "sh").lines() {
            let mut words = line.split(" #").next().unwrap().split_whitespace();
            let program = match words.next() {
                Some("underplane") => env!("CARGO_BIN_EXE_underplane"),
                Some("underplane-check") => env!("CARGO_BIN_EXE_underplane-check"),
                _ => continue,
            };
            Command::new(program)
                .args(words.map(|word| word.replace("proofs-data", &data)))
                .current_dir(&folder)
                .assert()
                .code(0);
            commands += 1;
        }
    }
    assert_eq!(commands, 9);
}
