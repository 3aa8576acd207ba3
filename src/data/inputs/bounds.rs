//! The box: a range for every coordinate, the same for all of them or each its own from a file.

use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::inputs::csv::separated;
use crate::data::inputs::decimals::Decimals;
use crate::data::inputs::missing::Voice;
use crate::data::inputs::reading::Reading;
use crate::data::inputs::sample_shape::same_entries;
use crate::data::npy::{NpyValues, read_npy};
use crate::data::records::{MAX_TEXT, Record, Text};
use crate::query::{Range, Ranges};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Columns of a table that every box has.
const ENDS: [&str; 2] = ["lo", "hi"];

/// So many coordinates are named.
const TOLD: usize = 6;

/// A column of a table that names the coordinates.
const NAMES: &str = "column";

/// Where an attacker stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Bounds {
    /// One range for every coordinate.
    Same(Range),
    /// Each has its own.
    Each(BoundsFile),
}

/// The ranges of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundsFile {
    /// The file.
    pub path: PathBuf,
    /// `[input size]`, their ends float32 or infinite.
    pub ranges: Vec<Range>,
    /// What the coordinates are called, if that is known.
    pub names: Option<Vec<String>>,
    /// What the user should hear about how the file was read.
    pub notes: Vec<String>,
}

impl Bounds {
    /// For queries.
    pub fn ranges(&self) -> Ranges<'_> {
        match self {
            Bounds::Same(range) => Ranges::Same(*range),
            Bounds::Each(file) => Ranges::Each(&file.ranges),
        }
    }

    /// The file that it is from, if it is from one.
    pub fn file(&self) -> Option<&BoundsFile> {
        match self {
            Bounds::Same(_) => None,
            Bounds::Each(file) => Some(file),
        }
    }
}

impl From<Range> for Bounds {
    fn from(range: Range) -> Bounds {
        Bounds::Same(range)
    }
}

/// `LO,HI`, or the file's name.
impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bounds::Same(range) => range.fmt(f),
            Bounds::Each(file) => f.write_str(&file.path.file_name().unwrap_or_default().to_string_lossy()),
        }
    }
}

impl BoundsFile {
    /// ` (name)` of coordinate `i`, or nothing where that is not known.
    pub fn called(&self, i: usize) -> String {
        self.names.as_ref().map(|names| format!(" (`{}`)", names[i])).unwrap_or_default()
    }

    /// All lower and upper ends `[input size × 2]`.
    pub fn ends(&self) -> Vec<f64> {
        self.ranges.iter().flat_map(|range| [range.low, range.high]).collect()
    }
}

/// A box as a user names it.
#[derive(Clone, Debug, PartialEq)]
pub enum NamedBox {
    /// The ends of every coordinate.
    Same(Range),
    /// A file that has those of each coordinate.
    File(PathBuf),
}

impl NamedBox {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            NamedBox::Same(_) => None,
            NamedBox::File(path) => Some(path),
        }
    }

    /// The box for inputs of the shape `model`, as [`read_bounds`].
    ///
    /// # Errors
    /// When the file cannot be read, or does not fit the model.
    pub fn read(&self, model: &[usize], names: Option<Vec<String>>, reading: Reading) -> Result<Bounds, DataError> {
        match self {
            NamedBox::Same(range) => Ok(Bounds::Same(*range)),
            NamedBox::File(path) => read_bounds(path, model, names, reading).map(Bounds::Each),
        }
    }
}

impl FromStr for NamedBox {
    type Err = String;

    fn from_str(text: &str) -> Result<NamedBox, String> {
        match text.parse() {
            Ok(range) => Ok(NamedBox::Same(range)),
            Err(_) if is_array(text) || is_table(text) => Ok(NamedBox::File(text.into())),
            Err(why) => Err(format!("{why}, or a file .csv, .tsv or .npy with lo and hi of each coordinate")),
        }
    }
}

impl fmt::Display for NamedBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamedBox::Same(range) => range.fmt(f),
            NamedBox::File(path) => path.display().fmt(f),
        }
    }
}

/// Whether a name is that of an array, plain or gzip.
fn is_array(name: &str) -> bool {
    [".npy", ".npy.gz"].iter().any(|ending| name.to_lowercase().ends_with(ending))
}

/// The same of a table.
fn is_table(name: &str) -> bool {
    [".csv", ".csv.gz", ".tsv", ".tsv.gz"].iter().any(|ending| name.to_lowercase().ends_with(ending))
}

/// Reads a box for inputs of the shape `model`, whose coordinates have these `names` if any: a `.npy` `[…, 2]` of lower
/// and upper ends, in that shape or flat before the last axis (any of as many entries with `reading.flatten`); or a
/// table with the columns `lo` and `hi`, and perhaps `column` for the coordinates' names, a line for each of them, or of
/// those two numbers alone. A decimal means the float32 nearest to it; `-inf` and `inf` are no end.
///
/// # Errors
/// When the file cannot be read or is of another form, an end is no number or no float32, or a range is empty.
pub fn read_bounds(
    path: &Path,
    model: &[usize],
    names: Option<Vec<String>>,
    reading: Reading,
) -> Result<BoundsFile, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let size = model.iter().product();
    let mut notes = Vec::new();
    let (ranges, found) = if is_array(&name) {
        (from_npy(path, model, reading, &mut notes)?, None)
    } else if is_table(&name) {
        from_csv(path, size, names.as_deref(), &mut notes)?
    } else {
        let expected = "a name ending in .npy, .csv or .tsv (perhaps .gz)";
        return Err(DataError::content(path, Place::Whole, expected, format!("`{name}`")));
    };
    if let (Some(found), Some(names)) = (&found, &names)
        && let Some(at) = (0..size).find(|&at| found[at].0 != names[at])
    {
        let (name, line) = &found[at];
        let expected = format!("`{}`, which is the model's coordinate {at},", names[at]);
        return Err(DataError::content(path, Place::Line(*line), expected, format!("`{name}`")));
    }
    let names = names.or_else(|| found.map(|found| found.into_iter().map(|(name, _)| name).collect()));
    Ok(BoundsFile { path: path.into(), ranges, names, notes })
}

fn from_npy(path: &Path, model: &[usize], reading: Reading, notes: &mut Vec<String>) -> Result<Vec<Range>, DataError> {
    let array = read_npy(path)?;
    let size: usize = model.iter().product();
    let fits = |shape: &[usize]| {
        shape.split_last().is_some_and(|(&ends, shape)| {
            let entries: usize = shape.iter().product();
            ends == 2 && entries == size && (reading.flatten || same_entries(shape, model))
        })
    };
    if !fits(&array.shape) {
        let expected = format!("[{size}, 2], or a last axis of 2 behind {model:?}: lo and hi of every coordinate");
        let advice = match array.shape[..] {
            [2, count] if count == size => "; perhaps its transpose is meant",
            _ => "",
        };
        return Err(DataError::content(path, Place::Whole, expected, format!("{:?}{advice}", array.shape)));
    }
    if matches!(array.values, NpyValues::U8(_)) {
        return Err(DataError::content(path, Place::Whole, "floats or integers of more than 8 bits", "uint8 entries"));
    }
    let values = Reading { uint8: None, ..reading }.float32(path, array.values, 2, notes).map_err(in_row)?;
    let pairs = values.as_chunks::<2>().0.iter().enumerate();
    pairs.map(|(at, &ends)| range(ends).map_err(|why| why.at(path, row(at)))).collect()
}

/// A row of an array, from 0.
fn row(at: usize) -> Place {
    Place::Several { what: "row", at: vec![at as u64] }
}

/// A row of a box is no sample.
fn in_row(mut error: DataError) -> DataError {
    if let DataError::Content { place, .. } = &mut error
        && let Place::Entry { sample, .. } = *place
    {
        *place = row(sample);
    }
    error
}

/// The ranges, and what the coordinates are called in which line, if the table says so.
type Lines = (Vec<Range>, Option<Vec<(String, u64)>>);

fn from_csv(path: &Path, size: usize, known: Option<&[String]>, notes: &mut Vec<String>) -> Result<Lines, DataError> {
    let text = Text::open(path, MAX_TEXT)?;
    let delimiter = text.delimiter(Voice::Options)?;
    notes.extend(separated(path, delimiter));
    let mut decimals = Decimals::new(delimiter == Delimiter::Comma);
    let mut records = text.separated_by(delimiter).collect::<Result<Vec<Record>, _>>()?;
    let columns = Columns::find(path, &mut records, &mut decimals)?;
    if records.len() != size {
        return Err(columns.miscounted(path, &records, size, known));
    }
    let mut names = columns.name.map(|_| Vec::with_capacity(size));
    let mut ranges = Vec::with_capacity(size);
    for record in &records {
        if record.cells.len() != columns.width {
            let (expected, found) = (format!("{} fields", columns.width), record.cells.len().to_string());
            return Err(DataError::content(path, Place::Line(record.line), expected, found));
        }
        let mut end = |column: usize| {
            end(path, Place::Cell { line: record.line, column: column + 1 }, &record.cells[column], &mut decimals)
        };
        let ends = [end(columns.ends[0])?, end(columns.ends[1])?];
        ranges.push(range(ends).map_err(|why| why.at(path, Place::Line(record.line)))?);
        if let (Some(names), Some(column)) = (&mut names, columns.name) {
            names.push((record.cells[column].trim().to_string(), record.line));
        }
    }
    notes.extend(decimals.finish(path)?);
    Ok((ranges, names))
}

/// Where the columns of a table are.
struct Columns {
    ends: [usize; 2],
    name: Option<usize>,
    width: usize,
}

impl Columns {
    /// By the first line, which is taken off where it is a header.
    fn find(path: &Path, records: &mut Vec<Record>, decimals: &mut Decimals) -> Result<Columns, DataError> {
        let Some(first) = records.first() else {
            return Err(DataError::content(path, Place::Whole, "lines of `lo` and `hi`", "none"));
        };
        let width = first.cells.len();
        let is_end = |cell: &str| end(path, Place::Line(first.line), cell, decimals).is_ok();
        if width == 2 && first.cells.iter().all(is_end) {
            return Ok(Columns { ends: [0, 1], name: None, width });
        }
        let header: Vec<String> = first.cells.iter().map(|cell| cell.trim().to_lowercase()).collect();
        let place = Place::Line(first.line);
        let refuse = || {
            let expected = "a header with one column `lo` and one `hi`, and perhaps `column`, or two numbers";
            DataError::content(path, place.clone(), expected, format!("`{}`", header.join(",")))
        };
        let column = |name: &str| {
            let mut at = (0..width).filter(|&i| header[i] == name);
            match (at.next(), at.next()) {
                (_, Some(_)) => Err(refuse()),
                (at, None) => Ok(at),
            }
        };
        let needed = |name: &str| column(name)?.ok_or_else(refuse);
        let columns = Columns { ends: [needed(ENDS[0])?, needed(ENDS[1])?], name: column(NAMES)?, width };
        records.remove(0);
        Ok(columns)
    }

    /// What is wrong where there are more lines than coordinates, or fewer, by the names of those if they are `known`.
    fn miscounted(&self, path: &Path, records: &[Record], size: usize, known: Option<&[String]>) -> DataError {
        let quoted = |names: Vec<&str>| {
            let more = if names.len() > TOLD { format!(" and {} more", names.len() - TOLD) } else { String::new() };
            let told: Vec<String> = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
            format!("{}{more}", told.join(", "))
        };
        let all = known.map(|known| format!(": {}", quoted(known.iter().map(String::as_str).collect())));
        let expected = format!("{size} lines of `lo` and `hi`, one per coordinate{}", all.unwrap_or_default());
        let there = self.name.map(|at| records.iter().filter_map(move |record| Some(record.cells.get(at)?.trim())));
        let there: Option<Vec<&str>> = there.map(Iterator::collect);
        let named = there.zip(known).map(|(there, known)| {
            let lacking = known.iter().map(String::as_str).filter(|name| !there.contains(name)).collect::<Vec<_>>();
            let strange = there.iter().copied().filter(|name| known.iter().all(|known| known != name));
            [("without", lacking), ("with", strange.collect())]
        });
        let parts = named.into_iter().flatten().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts.map(|(word, names)| format!(", {word} {}", quoted(names))).collect();
        DataError::content(path, Place::Whole, expected, format!("{}{}", records.len(), parts.concat()))
    }
}

/// A decimal, or an infinite end.
fn end(path: &Path, place: Place, cell: &str, decimals: &mut Decimals) -> Result<f32, DataError> {
    let cell = cell.trim();
    let word = cell.trim_start_matches(['+', '-']).to_lowercase();
    if let (true, Ok(value)) = (["inf", "infinity"].contains(&word.as_str()), cell.parse::<f32>()) {
        return Ok(value);
    }
    decimals.number(path, place.clone(), cell).map_err(|_| {
        let expected = "a float32, or -inf or inf where there is no end";
        DataError::content(path, place, expected, format!("`{cell}`"))
    })
}

/// What two numbers are, if they are no range.
struct NoRange(&'static str, [f32; 2]);

impl NoRange {
    fn at(self, path: &Path, place: Place) -> DataError {
        let NoRange(expected, [low, high]) = self;
        DataError::content(path, place, expected, format!("lo {low}, hi {high}"))
    }
}

fn range([low, high]: [f32; 2]) -> Result<Range, NoRange> {
    if low.is_nan() || high.is_nan() {
        return Err(NoRange("two numbers, -inf or inf where there is no end", [low, high]));
    }
    if low > high || low == f32::INFINITY || high == f32::NEG_INFINITY {
        return Err(NoRange("lo ≤ hi, and a number between them", [low, high]));
    }
    Ok(Range { low: low.into(), high: high.into() })
}
