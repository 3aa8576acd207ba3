//! Claims as a table: `input,norm,radius[,box]`, separated by commas, semicolons or tabs, plain or gzip.

use crate::data::error::Place;
use crate::data::records::{MAX_TEXT, Record, Text};
use crate::data::{Bounds, DataError, Delimiter, NamedBox};
use crate::norm::{Norm, NormError};
use crate::proof::Claimed;
use crate::query::{Perturbation, Range, Ranges, is_marked};
use std::path::Path;
use underplane_kernel::Code;

/// Columns without which nothing is claimed.
const NEEDED: [&str; 3] = ["input", "norm", "radius"];

/// A radius that somebody claims for the open ball.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Index of the input.
    pub input: usize,
    /// Norm and box.
    pub perturbation: Perturbation<'a>,
    /// The box in words: `LO,HI`, a file's name, or nothing.
    pub range: String,
    /// As it is written.
    pub radius: String,
    /// As the kernel reads it.
    pub claimed: Claimed,
    /// Its line in the file, from 1.
    pub line: u64,
}

/// A file's claims.
#[derive(Clone, Debug)]
pub struct Claims<'a> {
    /// In the order of the file.
    pub claims: Vec<Claim<'a>>,
    /// Rows with an empty radius, which claim nothing.
    pub empty: usize,
    /// Rows whose `subject` is `smoothed`: they speak of another classifier.
    pub smoothed: usize,
    /// Line of the first row whose `detail` says that its norm is weighted.
    pub weighted: Option<u64>,
}

/// Reads a claims file about `inputs` `[count × size]`; `bounds` is the box of claims that name none, and if it is from a
/// file, of all claims, as a checker is given that one file. Rows with an empty radius, and rows about a smoothed classifier, are left out and counted, so that the rows of `certify` can be read as
/// they are.
///
/// # Errors
/// When the file cannot be read or a row is no claim: the message names file, line and column.
pub fn read_claims<'a>(
    path: &Path,
    inputs: &[f64],
    size: usize,
    bounds: Option<&'a Bounds>,
) -> Result<Claims<'a>, DataError> {
    let text = Text::open(path, MAX_TEXT)?;
    let table = Table::find(path, &text)?;
    let mut found = Claims { claims: Vec::new(), empty: 0, smoothed: 0, weighted: None };
    for record in text.separated_by(table.delimiter).skip(1) {
        let row = Row { table: &table, record: &record? };
        row.check_width()?;
        if is_marked(row.cell(table.detail)) {
            found.weighted = found.weighted.or(Some(row.record.line));
        }
        match row.cell(table.subject) {
            "smoothed" => found.smoothed += 1,
            "" | "base" if row.cell(Some(table.radius)).is_empty() => found.empty += 1,
            "" | "base" => found.claims.push(row.claim(inputs, size, bounds)?),
            _ => return Err(row.fault(table.subject, "base or smoothed")),
        }
    }
    if found.claims.is_empty() {
        let (empty, smoothed) = (found.empty, found.smoothed);
        let rows = match empty + smoothed {
            0 => "no row".into(),
            _ => format!("{empty} rows without a radius and {smoothed} about a smoothed classifier"),
        };
        return Err(table.refuse(1, "rows that claim a radius of the base classifier", &rows));
    }
    Ok(found)
}

/// Where the columns are.
struct Table<'a> {
    path: &'a Path,
    delimiter: Delimiter,
    header: Vec<String>,
    input: usize,
    norm: usize,
    radius: usize,
    range: Option<usize>,
    subject: Option<usize>,
    detail: Option<usize>,
}

impl<'a> Table<'a> {
    /// Takes the separator with which the first line has the most of the columns that are needed.
    fn find(path: &'a Path, text: &Text) -> Result<Table<'a>, DataError> {
        let mut best: (usize, usize, Vec<String>, Delimiter) = (0, 0, Vec::new(), Delimiter::Comma);
        for delimiter in [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab] {
            let first = text.separated_by(delimiter).next().transpose()?;
            let name = |cell: &str| cell.trim().to_lowercase();
            let header: Vec<String> = first.map(|r| r.cells.iter().map(name).collect()).unwrap_or_default();
            let needed = NEEDED.iter().filter(|name| header.iter().any(|h| h == *name)).count();
            if (needed, header.len()) > (best.0, best.1) {
                best = (needed, header.len(), header, delimiter);
            }
        }
        let (_, _, header, delimiter) = best;
        let mut table =
            Table { path, delimiter, header, input: 0, norm: 0, radius: 0, range: None, subject: None, detail: None };
        table.place_columns()?;
        Ok(table)
    }

    fn place_columns(&mut self) -> Result<(), DataError> {
        let has = |name: &&&str| self.header.iter().any(|h| h == **name);
        let missing: Vec<&&str> = NEEDED.iter().filter(|name| !has(name)).collect();
        if !missing.is_empty() {
            let missing: Vec<String> = missing.iter().map(|name| format!("column `{name}`")).collect();
            let expected = format!("{} (a claim is input, norm, radius and perhaps box)", missing.join(", "));
            return Err(self.refuse(1, &expected, &format!("columns {}", self.header.join(", "))));
        }
        let needed = |name: &str| -> Result<_, DataError> { Ok(self.column(name)?.expect("none is missing")) };
        (self.input, self.norm, self.radius) = (needed("input")?, needed("norm")?, needed("radius")?);
        (self.range, self.subject) = (self.column("box")?, self.column("subject")?);
        self.detail = self.header.iter().position(|name| name == "detail");
        Ok(())
    }

    fn column(&self, name: &str) -> Result<Option<usize>, DataError> {
        let at: Vec<usize> = (0..self.header.len()).filter(|&i| self.header[i] == name).collect();
        match at[..] {
            [] => Ok(None),
            [at] => Ok(Some(at)),
            _ => {
                let places: Vec<String> = at.iter().map(|i| (i + 1).to_string()).collect();
                let found = format!("{} of that name, at {}", at.len(), places.join(" and "));
                Err(self.refuse(1, &format!("one column `{name}`"), &found))
            }
        }
    }

    fn refuse(&self, line: u64, expected: &str, found: &str) -> DataError {
        DataError::content(self.path, Place::Line(line), expected, found.escape_debug().to_string())
    }
}

/// One line of a table.
struct Row<'a> {
    table: &'a Table<'a>,
    record: &'a Record,
}

impl Row<'_> {
    /// Nothing where there is no such column.
    fn cell(&self, column: Option<usize>) -> &str {
        column.map_or("", |at| self.record.cells[at].trim())
    }

    fn fault(&self, column: Option<usize>, expected: &str) -> DataError {
        let name = column.map_or("", |at| &self.table.header[at]);
        self.table.refuse(
            self.record.line,
            &format!("{expected} in column `{name}`"),
            &format!("`{}`", self.cell(column)),
        )
    }

    fn check_width(&self) -> Result<(), DataError> {
        let (expected, found) = (self.table.header.len(), self.record.cells.len());
        if expected == found {
            return Ok(());
        }
        Err(self.table.refuse(self.record.line, &format!("{expected} fields"), &found.to_string()))
    }

    /// The box that the row names, or `bounds`.
    fn range<'a>(&self, bounds: Option<&'a Bounds>) -> Result<Option<Ranges<'a>>, DataError> {
        let file = bounds.and_then(Bounds::file);
        match (self.cell(self.table.range), file) {
            ("", _) => Ok(bounds.map(Bounds::ranges)),
            (text, Some(file)) if Path::new(text).file_name() == file.path.file_name() => {
                Ok(Some(Ranges::Each(&file.ranges)))
            }
            (_, Some(file)) => {
                let expected = format!("nothing or `{}`, the one file of --box,", file.path.display());
                Err(self.fault(self.table.range, &expected))
            }
            (text, None) => {
                let ends = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
                let expected = "LO,HI with LO ≤ HI, or the file that --box names,";
                let given = match text.parse() {
                    Ok(NamedBox::File(_)) => format!("{expected} which is not given (--box {text})"),
                    _ => expected.into(),
                };
                let range: Range = ends.parse().map_err(|_| self.fault(self.table.range, &given))?;
                Ok(Some(range.into()))
            }
        }
    }

    fn claim<'a>(&self, inputs: &[f64], size: usize, bounds: Option<&'a Bounds>) -> Result<Claim<'a>, DataError> {
        let table = self.table;
        let count = inputs.len() / size;
        let input = index(self.cell(Some(table.input))).filter(|&i| i < count);
        let input = input.ok_or_else(|| self.fault(Some(table.input), &format!("an index below {count}")))?;
        let norm: Norm = self
            .cell(Some(table.norm))
            .parse()
            .map_err(|_: NormError| self.fault(Some(table.norm), "a norm, l1, l2, linf or lp:P with P ≥ 1,"))?;
        let range = self.range(bounds)?;
        let x = &inputs[input * size..(input + 1) * size];
        if let Some((ranges, i)) = range.and_then(|ranges| Some((ranges, ranges.outside(x)?))) {
            let name = bounds.and_then(Bounds::file).map(|file| file.called(i)).unwrap_or_default();
            let expected = format!("a box that holds {}, coordinate {i}{name} of input {input},", x[i]);
            return Err(match self.cell(table.range) {
                "" => table.refuse(self.record.line, &expected, &format!("[{}] by --box", ranges.at(i))),
                _ => self.fault(table.range, &expected),
            });
        }
        let radius = self.cell(Some(table.radius)).to_string();
        let claimed = Claimed::read(input, norm, range, unbounded(&radius)).map_err(|why| match why.code {
            Code::Number => self.fault(
                Some(table.radius),
                "a decimal ≥ 0 with a point, or unbounded, and nothing where nothing is claimed,",
            ),
            _ => table.refuse(self.record.line, &format!("{} in column `{}`", why.expected, why.place), &why.found),
        })?;
        let perturbation = Perturbation { norm, range, weights: None };
        let range = match range {
            None => String::new(),
            Some(Ranges::Same(range)) => format!("{},{}", range.low, range.high),
            Some(Ranges::Each(_)) => bounds.map(Bounds::to_string).unwrap_or_default(),
        };
        Ok(Claim { input, perturbation, range, radius, claimed, line: self.record.line })
    }
}

/// An index, as a float of other tools too: `3.0`.
fn index(text: &str) -> Option<usize> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = whole.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b == b'0');
    whole.parse().ok().filter(|_| plain)
}

/// The kernel's word for a radius without an end, where it is one.
fn unbounded(text: &str) -> &str {
    match text.trim_start_matches('+').to_lowercase().as_str() {
        "unbounded" | "inf" | "infinity" | "∞" => "unbounded",
        _ => text,
    }
}
