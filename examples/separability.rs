//! The Fact's table, from records of `underplane separate`: `cargo run --release --example separability -- OUT RECORD…`
//! writes `table.md` and `hyperplanes.svg` into the folder OUT. With `--radii FILE.csv…` instead, rows of `underplane certify`:
//! prints how many are certified in each norm, and their median radius.

use plotters::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use underplane::separation::Record;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if let [word, rows @ ..] = &files[..]
        && word == "--radii"
    {
        return rows.iter().try_for_each(|path| radii(path));
    }
    let [out, records @ ..] = &files[..] else { return Err("expected a folder and records".into()) };
    let read = |path: &String| -> Result<Record, Error> { Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?) };
    let records = records.iter().map(read).collect::<Result<Vec<Record>, Error>>()?;
    if records.is_empty() {
        return Err("expected a folder and records".into());
    }
    std::fs::create_dir_all(out)?;
    std::fs::write(Path::new(out).join("table.md"), table(&records)?)?;
    draw(&Path::new(out).join("hyperplanes.svg"), &records)?;
    Ok(())
}

/// The certified rows of each norm, and the median of their radii.
fn radii(path: &str) -> Result<(), Error> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in csv::Reader::from_path(path)?.deserialize() {
        let row: BTreeMap<String, String> = row?;
        if row["status"] == "certified" {
            found.entry(row["norm"].clone()).or_default().push(row["radius"].parse()?);
        }
    }
    for (norm, mut radii) in found {
        radii.sort_by(f64::total_cmp);
        println!("{path}: {norm}: {} certified, median radius {:.4}", radii.len(), radii[radii.len() / 2]);
    }
    Ok(())
}

fn table(records: &[Record]) -> Result<String, Error> {
    let mut text = String::from(
        "| data | points of | hull of | coordinates | outside | inside | unknown | hyperplanes | test accuracy of the classifier \
         | seconds |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for r in records {
        let test = r.classifier.as_ref().map_or("none is perfect".into(), |counted| match counted.test {
            Some([[a, of_a], [b, of_b]]) => format!("{:.2} %", 100.0 * (a + b) as f64 / (of_a + of_b) as f64),
            None => "no official test samples".into(),
        });
        writeln!(
            text,
            "| {} | {} {} | {} {} | {} | {} | {} | {} | {} | {test} | {:.0} |",
            r.data,
            r.points,
            r.sensitive,
            r.others,
            r.other,
            r.coordinates,
            r.outside,
            r.inside,
            r.open,
            r.hyperplanes,
            r.seconds
        )?;
    }
    Ok(text)
}

const BAR: i32 = 26;
const LEFT: i32 = 300;
const RIGHT: i32 = 720;

/// A bar per record, as long as the logarithm of its hyperplanes, and in words what they cover.
fn draw(path: &Path, records: &[Record]) -> Result<(), Error> {
    let height = BAR * records.len() as i32 + 60;
    let root = SVGBackend::new(path, (960, height as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |size: f64| ("sans-serif", size).into_font();
    let most = records.iter().map(|r| r.hyperplanes).max().unwrap_or(1).max(10) as f64;
    let across = |count: usize| LEFT + ((count as f64).ln() / most.ln() * f64::from(RIGHT - LEFT)) as i32 + 4;
    root.draw(&Text::new(
        "Hyperplanes that cut off every point outside the hull of the other class (logarithmic)",
        (12, 10),
        text(16.0),
    ))?;
    for (k, r) in records.iter().enumerate() {
        let top = 40 + BAR * k as i32;
        root.draw(&Text::new(format!("{}: {} from {}", r.data, r.sensitive, r.other), (12, top + 4), text(13.0)))?;
        let whole = r.outside == r.points;
        let fill = if whole { RGBColor(31, 119, 180) } else { RGBColor(214, 126, 44) };
        root.draw(&Rectangle::new([(LEFT, top), (across(r.hyperplanes), top + BAR - 8)], fill.filled()))?;
        let rest = match (r.inside, r.open) {
            (0, 0) => "all points".into(),
            (inside, 0) => format!("{} of {}, {inside} inside", r.outside, r.points),
            (inside, open) => format!("{} of {}, {inside} inside, {open} unknown", r.outside, r.points),
        };
        root.draw(&Text::new(format!("{}: {rest}", r.hyperplanes), (across(r.hyperplanes) + 6, top + 4), text(13.0)))?;
    }
    root.present()?;
    Ok(())
}
