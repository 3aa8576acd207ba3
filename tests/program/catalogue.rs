//! What the README and `--help` say about methods is what the catalogue says.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use underplane::radius::catalogue::{Settings, all, best, listed, names};
use underplane::radius::{Guarantee, Method, Norms};

fn methods(proven: bool) -> Vec<Box<dyn Method>> {
    all(&Settings::default(), proven)
}

/// The README on one line, as words may be wrapped anywhere.
fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `a`, `b` and `c`.
fn quoted(names: &[&str], last: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    listed(&names.iter().map(String::as_str).collect::<Vec<_>>(), last)
}

#[test]
fn the_table_of_methods_has_them_all_in_order_with_their_guarantees() {
    let readme = readme();
    let section = readme.split("\n## Methods\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let methods = methods(false);
    assert_eq!(rows.len(), methods.len(), "{rows:?}");
    for (row, method) in rows.iter().zip(&methods) {
        let [name, _, guarantee] = row[..] else { panic!("{row:?}") };
        assert_eq!(name, format!("`{}`", method.name()));
        let (first, rest) = guarantee.split_once(' ').unwrap_or((guarantee, ""));
        assert_eq!(first, method.guarantee().to_string(), "{name}");
        assert!(rest.is_empty() || (method.guarantee() == Guarantee::Exact && rest.ends_with("else sound")), "{name}");
    }
    let best = best(&Settings::default(), false);
    let asked: Vec<&str> = best.methods().map(Method::name).collect();
    assert!(rows.last().unwrap()[1].contains(&quoted(&asked, "and")), "{asked:?}");
}

#[test]
fn the_readme_names_the_methods_with_evidence_and_those_without() {
    let text = on_one_line(&readme());
    let proven = names(&methods(true), |method| method.has_evidence());
    assert!(text.contains(&format!("a certificate for every radius of {}", quoted(&proven, "and"))), "{proven:?}");
    let (_, single) = proven.split_last().unwrap();
    assert!(text.contains(&format!("no radius of {} passes", quoted(single, "or"))), "{single:?}");
    let plain = names(&methods(false), |method| method.norms() == Norms::Unweighted);
    assert!(text.contains(&format!("Every method but {} takes it", quoted(&plain, "and"))), "{plain:?}");
}

#[test]
fn the_help_and_the_error_name_the_same_methods() {
    let run = |words: &[&str]| Command::cargo_bin("underplane").unwrap().args(words).output().unwrap();
    let all = names(&methods(false), |_| true);
    let help = on_one_line(&String::from_utf8(run(&["certify", "--help"]).stdout).unwrap());
    assert!(help.contains(&format!("separated by commas: {}", all.join(", "))), "{help}");
    let error = String::from_utf8(run(&["certify", "x.onnx", "x.npy", "--method", "none"]).stderr).unwrap();
    assert!(error.contains(&format!("`none`: expected {}", listed(&all, "or"))), "{error}");
}
