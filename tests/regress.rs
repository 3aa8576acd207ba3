//! `underplane regress`: the bundled verified radii stand, and what moves is reported.

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn regress(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_underplane")).arg("regress").args(arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr),
    )
}

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data")
}

/// A folder of its own with one bundled entry.
fn own(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = bundled().display().to_string();
    let definition = format!(
        "[[entry]]\nname = \"{name}\"\nmodel = \"{root}/models/{name}.onnx\"\ninputs = \"{root}/inputs/{name}.npy\"\n\
         limit = 4\nmethods = [\"closed-form\", \"sharp\", \"lp\"]\n"
    );
    std::fs::write(folder.path().join("verified.toml"), definition).unwrap();
    for ext in ["csv", "jsonl"] {
        std::fs::copy(bundled().join(format!("verified/{name}.{ext}")), folder.path().join(format!("{name}.{ext}")))
            .unwrap();
    }
    folder
}

/// Runs the entry with one edit of a stored file.
fn after(name: &str, ext: &str, edit: impl Fn(&str) -> String) -> (i32, String) {
    let folder = own(name);
    let path = folder.path().join(format!("{name}.{ext}"));
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = edit(&text);
    assert!(edited != text, "the edit changes nothing");
    std::fs::write(path, edited).unwrap();
    regress(&[folder.path().to_str().unwrap()])
}

#[test]
fn the_bundled_radii_stand() {
    let (code, told) = regress(&[bundled().join("verified").to_str().unwrap()]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(" 0 of them failures"), "{told}");
}

#[test]
fn a_row_without_its_certificate_is_reported() {
    // The stored radius says more than its certificate.
    let raised = |text: &str| {
        text.replacen(",closed-form,0.", ",closed-form,1.", 1).replacen(",closed-form,1", ",closed-form,2", 1)
    };
    let (code, told) = after("phishing", "csv", raised);
    assert!(code == 1 && told.contains("stored proof refused"), "{told}");
}

#[test]
fn a_damaged_certificate_is_reported() {
    let (code, told) = after("spambase", "jsonl", |text| text.replacen("\"codes\":\"", "\"codes\":\"/", 1));
    assert!(code == 1 && told.contains("stored proof refused"), "{told}");
}

#[test]
fn a_missing_certificate_is_an_error_that_names_the_file() {
    let (code, told) = after("spambase", "jsonl", |text| text.lines().skip(1).map(|l| format!("{l}\n")).collect());
    assert!(code == 2 && told.contains("spambase.jsonl"), "{told}");
}

#[test]
fn bless_stores_what_a_run_then_finds() {
    let folder = own("phishing");
    let path = folder.path().to_str().unwrap();
    for ext in ["csv", "jsonl"] {
        std::fs::remove_file(folder.path().join(format!("phishing.{ext}"))).unwrap();
    }
    let (code, told) = regress(&[path]);
    assert!(code == 1 && told.contains("not stored"), "{told}");
    let (code, told) = regress(&[path, "--bless"]);
    assert!(code == 0 && told.contains("not stored"), "{told}");
    assert_eq!(regress(&[path]).0, 0);
}

#[test]
fn what_the_definition_no_longer_asks_for_is_reported() {
    let folder = own("phishing");
    let path = folder.path().join("verified.toml");
    let less = std::fs::read_to_string(&path).unwrap().replace("\"closed-form\", ", "");
    std::fs::write(path, less).unwrap();
    let (code, told) = regress(&[folder.path().to_str().unwrap()]);
    assert!(code == 1 && told.contains("lost its proof") && told.contains("does not ask for it"), "{told}");
}

#[test]
fn a_definition_that_verifies_nothing_or_is_ambiguous_is_an_error() {
    let folder = own("spambase");
    let path = folder.path().join("verified.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(folder.path().join("spambase.csv")).unwrap();
    // The first three inputs are of the other class.
    for (edited, says) in [
        (text.replace("limit = 4", "limit = 3"), "nothing to verify"),
        (text.replace("name = \"spambase\"", "name = \"../spambase\""), "expected a name"),
        (format!("{text}{text}"), "twice"),
        (text.replace("\"lp\"", "\"ibp\""), "method `ibp`"),
    ] {
        assert!(edited != text);
        std::fs::write(&path, edited).unwrap();
        let (code, told) = regress(&[folder.path().to_str().unwrap()]);
        assert!(code == 2 && told.contains(says), "{says}: {told}");
    }
}

#[test]
fn a_folder_that_is_none_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (code, told) = regress(&[folder.path().to_str().unwrap()]);
    assert!(code == 2 && told.contains("verified.toml"), "{told}");
    std::fs::write(folder.path().join("verified.toml"), "entry = []").unwrap();
    assert_eq!(regress(&[folder.path().to_str().unwrap()]).0, 2);
}
