//! Compares the records of two audits of the same models: `cargo run --release --example compare_records -- OLD NEW`, two
//! files `records.csv`. Prints the largest differences per method, and ends with 1 where an answer has changed:
//!
//! - `closed-form`, `sharp`, `ibp`: radii, upper sides and words within 1e-12;
//! - `smoothing`: counts within 3;
//! - `tightened`, `exact`, `lp`: within the gap that either one states, and never above the other one's upper side.
//!
//! With `--grown` before the files, radii of the first three may have grown, up to the nearest witness, and upper sides,
//! which searches find, are within 1e-3.

use std::collections::BTreeMap;
use std::process::ExitCode;

type Row = BTreeMap<String, String>;
type Error = Box<dyn std::error::Error>;

/// What has been seen of one method.
#[derive(Default)]
struct Seen {
    rows: usize,
    radius: f64,
    upper: f64,
    changed: Vec<String>,
}

fn main() -> Result<ExitCode, Error> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let grown = files.first().is_some_and(|word| word == "--grown").then(|| files.remove(0)).is_some();
    let [old, new] = &files[..] else { return Err("expected two files records.csv".into()) };
    let (old, mut new) = (read(old)?, read(new)?);
    let mut methods: BTreeMap<String, Seen> = BTreeMap::new();
    for (key, before) in &old {
        let seen = methods.entry(before["method"].clone()).or_default();
        seen.rows += 1;
        match new.remove(key) {
            None => seen.changed.push(format!("{key}: is gone")),
            Some(after) => compare(key, before, &after, grown, seen),
        }
    }
    for (key, after) in &new {
        methods.entry(after["method"].clone()).or_default().changed.push(format!("{key}: is new"));
    }
    println!("{:>12} {:>6} {:>10} {:>10} {:>8}", "method", "rows", "radius", "upper", "changed");
    for (method, seen) in &methods {
        println!(
            "{method:>12} {:>6} {:>10.1e} {:>10.1e} {:>8}",
            seen.rows,
            seen.radius,
            seen.upper,
            seen.changed.len()
        );
    }
    methods.values().flat_map(|seen| &seen.changed).for_each(|line| println!("{line}"));
    let same = !old.is_empty() && methods.values().all(|seen| seen.changed.is_empty());
    Ok(ExitCode::from(u8::from(!same)))
}

/// Rows by model, input, norm and method.
fn read(path: &str) -> Result<BTreeMap<String, Row>, Error> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| format!("{path}: {e}"))?;
    let mut rows = BTreeMap::new();
    for row in reader.deserialize::<Row>() {
        let row = row.map_err(|e| format!("{path}: {e}"))?;
        let of = |column: &str| row.get(column).cloned().ok_or(format!("{path}: no column `{column}`"));
        let key = [of("model")?, of("input")?, of("norm")?, of("method")?].join(" ");
        [of("radius")?, of("upper")?, of("status")?, of("guarantee")?, of("detail")?].iter().for_each(drop);
        if rows.insert(key.clone(), row).is_some() {
            return Err(format!("{path}: {key} twice").into());
        }
    }
    Ok(rows)
}

fn compare(key: &str, before: &Row, after: &Row, grown: bool, seen: &mut Seen) {
    let apart = |column: &str| difference(&before[column], &after[column]);
    let (radius, upper) = (apart("radius"), apart("upper"));
    (seen.radius, seen.upper) = (seen.radius.max(radius), seen.upper.max(upper));
    let method = before["method"].as_str();
    let cuts = ["tightened", "exact", "lp"].contains(&method);
    let within = if cuts { gap(before).max(gap(after)) } else { 1e-12 };
    let counts =
        method == "smoothing" && ["selected", "positive"].iter().any(|name| counted(before, after, name) > 3.0);
    let above = |one: &Row, other: &Row| number(&one["radius"]) > number(&other["upper"]);
    let changed = match method {
        "smoothing" => counts,
        _ => {
            let larger = grown && number(&after["radius"]) > number(&before["radius"]);
            let most = if grown { 1e-3 } else { within };
            (radius > within && !larger) || (!cuts && upper > most) || above(before, after) || above(after, before)
        }
    };
    if changed || ["status", "guarantee"].iter().any(|column| before[*column] != after[*column]) {
        let shown =
            |row: &Row| ["radius", "upper", "status", "guarantee", "detail"].map(|c| row[c].as_str()).join(", ");
        seen.changed.push(format!("{key}: {}; now {}", shown(before), shown(after)));
    }
}

/// NaN where there is none, which is not above anything.
fn number(text: &str) -> f64 {
    if text == "unbounded" { f64::INFINITY } else { text.parse().unwrap_or(f64::NAN) }
}

/// How far two numbers are apart, relatively; infinite where only one is there.
fn difference(a: &str, b: &str) -> f64 {
    if a == b {
        return 0.0;
    }
    let apart = (number(a) / number(b) - 1.0).abs();
    if apart.is_nan() { f64::INFINITY } else { apart }
}

/// The gap that a row states, `gap 7.4e-11` in its detail; that of the method where it states none.
fn gap(row: &Row) -> f64 {
    let stated = row["detail"].split("gap ").nth(1).and_then(|rest| rest.split([',', ';']).next()?.trim().parse().ok());
    let own: f64 = if row["method"] == "tightened" { 1e-3 } else { 1e-6 };
    stated.map_or(own, |stated: f64| stated.max(own))
}

/// How far the counts `name=…` of two details are apart.
fn counted(before: &Row, after: &Row, name: &str) -> f64 {
    let of = |row: &Row| -> Option<f64> {
        let rest = row["detail"].split(&format!("{name}=")).nth(1)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    match (of(before), of(after)) {
        (Some(a), Some(b)) => (a - b).abs(),
        (None, None) => 0.0,
        _ => f64::INFINITY,
    }
}
