//! Rows on a terminal: a summary in sentences, and a table as wide as the screen.

use super::screen::ScreenArgs;
use anyhow::Result;
use std::io::Write as _;
use underplane::report::fitted::paragraph;
use underplane::report::number::{short, time};
use underplane::report::rounded::Rounded;
use underplane::report::rows::Row;
use underplane::report::sentence::{Measure, Standing, Words};
use underplane::report::table::Sheet;
use underplane::workbench::{Given, Unit};

/// So many rows are shown; whoever wants more of them wants them in a file.
const SHOWN: usize = 500;

/// Significant digits of a radius.
const DIGITS: usize = 4;

/// Rows as they come, until all are there.
pub struct Listing {
    screen: ScreenArgs,
    words: Words,
    measure: Measure,
    unit: String,
    standing: Standing,
    rows: Vec<Row>,
    count: usize,
}

impl Listing {
    /// About what is given.
    pub fn new(given: &Given, unit: Option<Unit>, screen: ScreenArgs) -> Listing {
        let range = given.range.as_ref().map(|range| range.to_string()).unwrap_or_default();
        let measure = Measure { range, weighted: given.weights.is_some() };
        let words = given.file.words().unwrap_or_default();
        let unit = Unit::name(unit, &given.file);
        Listing { screen, words, measure, unit, standing: Standing::default(), rows: Vec::new(), count: 0 }
    }

    /// Rows of whole inputs, so many each.
    pub fn add(&mut self, rows: Vec<Row>, per_sample: usize) {
        rows.chunks(per_sample).for_each(|rows| self.standing.add_rows(rows));
        self.count += rows.len();
        let room = SHOWN - self.rows.len();
        self.rows.extend(rows.into_iter().take(room));
    }

    /// Prints what there is.
    pub fn show(&self) -> Result<()> {
        Ok(std::io::stdout().lock().write_all(self.text().as_bytes())?)
    }

    fn text(&self) -> String {
        let (width, standing) = (self.screen.width(), &self.standing);
        let inputs = standing.sensitive + standing.others;
        if inputs == 0 {
            return String::new();
        }
        let plural = if inputs == 1 { "input" } else { "inputs" };
        let first = format!(
            "{inputs} {plural}, {} classified as sensitive (f > 0); radii in {}",
            standing.sensitive, self.unit
        );
        let sentences = standing.sentences(&self.words, &self.measure);
        let told: String = std::iter::once(&first).chain(&sentences).map(|line| paragraph(line, width)).collect();
        let rest = match self.count - self.rows.len() {
            0 => String::new(),
            more => paragraph(&format!("… and {more} more rows: --out F.csv takes all, and so does a pipe"), width),
        };
        format!("{told}{}{rest}", sheet(&self.rows).fitted(width))
    }
}

/// Radii are rounded down and distances up.
fn sheet(rows: &[Row]) -> Sheet {
    let header = [
        "input",
        "label",
        "norm",
        "method",
        "status",
        "guarantee",
        "subject",
        "detail",
        "radius",
        "upper",
        "logit",
        "seconds",
    ];
    let spare = ["subject", "seconds", "detail", "logit", "label", "guarantee", "upper"];
    let mut sheet = Sheet::new(&header, 8).sparing(&spare);
    let number = |text: &str| if text == "unbounded" { Some(f64::INFINITY) } else { text.parse().ok() };
    let rounded = |text: &str, round: fn(f64, usize) -> Rounded| {
        number(text).map(|value| round(value, DIGITS).to_string()).unwrap_or_default()
    };
    for row in rows {
        sheet.rows.push(vec![
            row.input.to_string(),
            row.label.clone(),
            row.norm.clone(),
            row.method.into(),
            word(&row.status),
            row.guarantee.to_string(),
            row.subject.to_string(),
            row.detail.to_string(),
            rounded(&row.radius, Rounded::down),
            rounded(&row.upper, Rounded::up),
            short(row.logit),
            time(row.seconds),
        ]);
    }
    sheet.without_empty_columns()
}

/// As it stands in a row.
fn word(status: &impl serde::Serialize) -> String {
    serde_json::to_value(status).ok().and_then(|value| value.as_str().map(String::from)).unwrap_or_default()
}
