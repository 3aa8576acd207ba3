//! Clean against certified accuracy of several training records, as Markdown and as a figure:
//! `cargo run --release --example front -- OUT.svg RECORD.json...`.
//!
//! The figures are the records' own, of the test split: the clean accuracy of both classes, and the share of sensitive
//! inputs that `sharp` certifies in the valid range at the second of each norm's radii; of `tightened`, where a record has
//! it, the table says over how many inputs.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use serde_json::Value;

const NORMS: [(&str, &str); 3] = [("l1", "ℓ1"), ("l2", "ℓ2"), ("linf", "ℓ∞")];
const SIZE: (u32, u32) = (360, 380);
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(120, 120, 120),
];

struct Run {
    name: String,
    record: Value,
}

impl Run {
    fn read(path: &str) -> Result<Run, Box<dyn Error>> {
        let record: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).ok_or("a file's name")?;
        Ok(Run { name: stem.into(), record })
    }

    fn clean(&self) -> f64 {
        self.record["accuracy"]["test"]["overall"].as_f64().unwrap_or(f64::NAN)
    }

    /// (radius, share, number of inputs) of every radius of a norm by a method.
    fn certified(&self, norm: &str, method: &str) -> Vec<(f64, f64, u64)> {
        let rows = self.record["certified"].as_array().into_iter().flatten();
        let rows = rows.filter(|row| row["split"] == "test" && row["norm"] == norm && row["method"] == method);
        let number = |row: &Value, key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        rows.map(|row| (number(row, "radius"), number(row, "accuracy"), row["samples"].as_u64().unwrap_or(0))).collect()
    }
}

fn table(runs: &[Run]) {
    println!("| record | clean | method | ℓ1 radius: certified | ℓ2 radius: certified | ℓ∞ radius: certified |");
    println!("|---|---|---|---|---|---|");
    for run in runs {
        for method in ["closed-form", "sharp", "tightened"] {
            let cells = NORMS.map(|(norm, _)| {
                let cell = |(radius, share, _): (f64, f64, u64)| format!("{radius:.4}: {share:.3}");
                run.certified(norm, method).into_iter().map(cell).collect::<Vec<_>>().join(", ")
            });
            let Some(&(_, _, samples)) = run.certified("l2", method).first() else { continue };
            let of = format!("{method}, {samples} inputs");
            println!("| `{}` | {:.2} % | {of} | {} |", run.name, 100.0 * run.clean(), cells.join(" | "));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, records @ ..] = &arguments[..] else { return Err("expected OUT.svg RECORD.json...".into()) };
    let runs: Vec<Run> = records.iter().map(|path| Run::read(path)).collect::<Result<_, _>>()?;
    table(&runs);
    let root = SVGBackend::new(out, (SIZE.0 * 3, SIZE.1 + 24 * runs.len().div_ceil(3) as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let (plots, legend) = root.split_vertically(SIZE.1);
    let clean: Vec<f64> = runs.iter().map(|run| 100.0 * run.clean()).collect();
    let (least, most) = clean.iter().fold((100.0, 0.0), |(a, b): (f64, f64), &c| (a.min(c), b.max(c)));
    for ((norm, name), area) in NORMS.into_iter().zip(plots.split_evenly((1, 3))) {
        let points: Vec<Option<(f64, f64)>> = runs
            .iter()
            .map(|run| run.certified(norm, "sharp").get(1).map(|&(radius, share, _)| (radius, 100.0 * share)))
            .collect();
        let radius = points.iter().flatten().next().map_or(f64::NAN, |point| point.0);
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("certified at {name} radius {radius:.3}"), ("sans-serif", 15))
            .margin(10)
            .x_label_area_size(34)
            .y_label_area_size(40)
            .build_cartesian_2d(least.floor() - 1.0..most.ceil() + 1.0, 0.0..100.0f64)?;
        chart
            .configure_mesh()
            .x_desc("clean accuracy, %")
            .y_desc("certified share of sensitive inputs, %")
            .light_line_style(WHITE)
            .draw()?;
        for (i, (point, &clean)) in points.iter().zip(&clean).enumerate() {
            let Some((_, share)) = point else { continue };
            chart.draw_series([Circle::new((clean, *share), 5, COLOURS[i % COLOURS.len()].filled())])?;
            chart.draw_series([Text::new((i + 1).to_string(), (clean + 0.1, share + 4.0), ("sans-serif", 12))])?;
        }
    }
    for (i, run) in runs.iter().enumerate() {
        let at = (20 + (i % 3) as i32 * SIZE.0 as i32, (i / 3) as i32 * 22 + 8);
        legend.draw(&Circle::new((at.0, at.1 + 6), 5, COLOURS[i % COLOURS.len()].filled()))?;
        legend.draw(&Text::new(format!("{} {}", i + 1, run.name), (at.0 + 12, at.1), ("sans-serif", 13)))?;
    }
    root.present()?;
    Ok(())
}
