//! Audits whose answers come as they are found: broken off, gone on with, ended by the clock.

use crate::stream::{Desk, kill_beyond, timeless, told};
use rand::RngExt;
use std::fs;
use std::process::Output;
use testing::networks::generator;

#[test]
fn what_is_named_twice_is_answered_once() {
    let desk = Desk::new(3);
    let once = desk.run("inputs.npy --norm l2,l1 --method sharp,closed-form");
    let twice = desk.run("inputs.npy --norm l2,l1,lp:2 --norm l2 --method sharp,closed-form,sharp");
    let rows = |output: Output| timeless(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(rows(twice), rows(once));
    let audit = "inputs.npy --norm l2,lp:2 --norm l2 --method sharp,sharp";
    assert!(desk.program("audit", audit).status().unwrap().success());
    let report = only_report(&desk, "reports");
    assert_eq!(records(&desk, &report, "records.csv").len(), 3);
}

/// The rows of a file of an audit but for the column `seconds`, by the name of the report's folder.
fn records(desk: &Desk, folder: &str, name: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(desk.path(folder).join(name)).unwrap();
    let seconds = reader.headers().unwrap().iter().position(|name| name == "seconds").unwrap();
    let without = |row: csv::StringRecord| {
        row.iter().enumerate().filter(|(i, _)| *i != seconds).map(|(_, cell)| cell.to_string()).collect()
    };
    reader.records().map(|row| without(row.unwrap())).collect()
}

/// The lines of the report that tell of answers, not of times.
fn report(desk: &Desk, folder: &str) -> Vec<String> {
    let text = desk.read(&format!("{folder}/report.md"));
    let is_timeless = |line: &&str| !["- command", "- time", "| "].iter().any(|start| line.starts_with(start));
    text.lines().filter(is_timeless).map(str::to_string).collect()
}

/// The only report in a folder.
fn only_report(desk: &Desk, reports: &str) -> String {
    let names: Vec<_> = fs::read_dir(desk.path(reports)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    format!("{reports}/{}", names[0].display())
}

const AUDIT: &str = "inputs.npy --method closed-form,smoothing,sharp --samples 1000 --box -9,9";

#[test]
fn an_audit_that_is_killed_goes_on_and_ends_as_if_nothing_had_been() {
    let desk = Desk::new(120);
    let mut rng = generator(8);
    let code = desk.program("audit", &format!("{AUDIT} --reports whole")).status().unwrap().code();
    let whole = only_report(&desk, "whole");
    let length = desk.read(&format!("{whole}/records.csv")).len() as u64;
    let partial = |name: &str| desk.path(&format!("out/audit.partial/{name}"));
    let mut resumed = 0;
    for _ in 0..5 {
        let child = desk.program("audit", &format!("{AUDIT} --reports out --resume")).spawn().unwrap();
        kill_beyond(child, &partial("records.csv"), rng.random_range(0..length));
        if let Ok(bytes) = fs::read(partial("records.csv")) {
            resumed += usize::from(!bytes.is_empty());
            // As if the last write had been cut anywhere; the witnesses, which are written before, are all there.
            let cut = bytes.len() - rng.random_range(0..bytes.len().clamp(1, 500));
            fs::write(partial("records.csv"), &bytes[..cut]).unwrap();
        }
    }
    assert!(resumed > 0, "nothing was broken off");
    let output = desk.program("audit", &format!("{AUDIT} --reports out --resume --threads 1")).output().unwrap();
    assert_eq!(output.status.code(), code, "{}", told(&output));
    let out = only_report(&desk, "out");
    for name in ["records.csv", "witnesses.csv"] {
        assert_eq!(records(&desk, &out, name), records(&desk, &whole, name));
    }
    let but_threads =
        |lines: Vec<String>| lines.into_iter().filter(|line| !line.starts_with("- machine")).collect::<Vec<_>>();
    assert_eq!(but_threads(report(&desk, &out)), but_threads(report(&desk, &whole)));
}

/// Lets the clock end an audit that has answered something, whatever the machine is like.
fn broken_off(desk: &Desk, options: &str) {
    let mut seconds = 0.02;
    while !desk.path("reports/audit.partial/records.csv").exists() {
        let output = desk.program("audit", &format!("{options} --total-time {seconds}")).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", told(&output));
        assert!(
            told(&output).contains(&format!("--total-time {seconds} is over"))
                && told(&output).contains("of 400 inputs")
        );
        seconds *= 1.25;
    }
}

#[test]
fn the_clock_ends_an_audit_and_only_the_same_one_goes_on() {
    let desk = Desk::new(400);
    let options = "inputs.npy --norm l2 --method smoothing,closed-form --samples 3000";
    let audit = |arguments: &str| desk.program("audit", arguments).output().unwrap();
    broken_off(&desk, options);
    let rows = desk.read("reports/audit.partial/records.csv");
    desk.inputs("others.npy", 399);
    for (arguments, word) in [
        (options.replace("--norm l2", "--norm l1"), "--norm"),
        (options.replace("3000", "3001"), "--samples: 3000, now 3001"),
        (options.replace("smoothing,closed-form", "smoothing"), "--method"),
        (format!("{options} --box -9,9"), "--box"),
        (options.replace("inputs.npy", "others.npy"), "SHA-256 of others.npy"),
    ] {
        let output = audit(&format!("{arguments} --resume"));
        assert_eq!(output.status.code(), Some(2));
        assert!(told(&output).contains("audit.partial") && told(&output).contains(word), "{}", told(&output));
        assert_eq!(desk.read("reports/audit.partial/records.csv"), rows, "{arguments}");
    }
    // Records that are not those of the inputs, or whose witnesses are gone.
    let fewer: String = rows.split_inclusive('\n').enumerate().filter(|(i, _)| *i != 2).map(|(_, line)| line).collect();
    let witnesses = desk.read("reports/audit.partial/witnesses.csv");
    for (name, text, before) in [("records.csv", &fewer, &rows), ("witnesses.csv", &String::new(), &witnesses)] {
        let path = desk.path("reports/audit.partial").join(name);
        fs::write(&path, text).unwrap();
        let output = audit(&format!("{options} --resume"));
        assert_eq!(output.status.code(), Some(2));
        assert!(told(&output).contains(name) && told(&output).contains("begins anew"), "{}", told(&output));
        fs::write(&path, before).unwrap();
    }
    // Another audit does not touch it, and one that nobody asks to go on says what it gives up.
    assert_eq!(audit("inputs.npy --norm l1 --method closed-form --limit 3").status.code(), Some(0));
    assert_eq!(desk.read("reports/audit.partial/records.csv"), rows);
    assert_eq!(audit(&format!("{options} --resume")).status.code(), Some(0));
    assert!(!desk.path("reports/audit.partial").exists());
    broken_off(&desk, options);
    let output = audit(options);
    assert!(told(&output).contains("audit.partial is begun anew"), "{}", told(&output));
    assert_eq!(fs::read_dir(desk.path("reports")).unwrap().count(), 3, "nothing unfinished is left");
}

#[test]
fn audits_at_the_same_time_do_not_meet() {
    let desk = Desk::new(20);
    let audit =
        |norm: &str| desk.program("audit", &format!("inputs.npy --method closed-form --norm {norm}")).spawn().unwrap();
    let children: Vec<_> = ["l1", "l2", "linf", "l2", "l1", "l2"].into_iter().map(audit).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
    }
    let reports = fs::read_dir(desk.path("reports")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert!(
        reports.len() == 6 && reports.iter().all(|report| fs::read_dir(report).unwrap().count() == 5),
        "{reports:?}"
    );
}
