//! Attribute-relation files (ARFF): attribute list, then comma-separated data.
//!
//! Source: the format description in the Weka manual. Dates, relational attributes and sparse data are refused.

use crate::data::content::Content;
use crate::data::error::{DataError, Place};
use crate::data::records::{MAX_TEXT, Record};
use csv::StringRecord;
use std::path::Path;

/// A table with typed columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Arff {
    /// Name of the relation.
    pub relation: String,
    /// The columns.
    pub attributes: Vec<Attribute>,
    /// The rows, each with one cell per attribute.
    pub rows: Vec<Vec<Cell>>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// What its cells hold.
    pub kind: Kind,
}

/// What the cells of a column hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Finite numbers.
    Numeric,
    /// One of these words.
    Nominal(Vec<String>),
    /// Any text.
    Text,
}

/// One entry of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A number.
    Number(f64),
    /// Index into the attribute's list.
    Category(usize),
    /// Text.
    Text(String),
    /// `?`.
    Missing,
}

/// Whether a file is one by its name.
pub(crate) fn is_arff(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.ends_with(".arff") || name.ends_with(".arff.gz")
}

/// Reads an ARFF file, plain or gzip.
///
/// # Errors
/// When the file cannot be read or a line is not what the attribute list demands.
pub fn read_arff(path: &Path) -> Result<Arff, DataError> {
    parse_arff(Content::open(path)?)
}

/// The same from content that is already open.
pub(crate) fn parse_arff(content: Content<'_>) -> Result<Arff, DataError> {
    let mut rows = Vec::new();
    let arff = parse_lines(content, |cells, _, _| rows.push(cells))?;
    Ok(Arff { rows, ..arff })
}

/// The attributes' names and the rows as text, nothing where a cell is missing.
pub(crate) fn arff_records(content: Content<'_>) -> Result<Vec<Record>, DataError> {
    let mut records = vec![Record { line: 1, cells: StringRecord::new() }];
    let arff = parse_lines(content, |cells, words, line| {
        let is_there = |cell: &Cell| !matches!(cell, Cell::Missing);
        let text = |(cell, word): (&Cell, &Word)| if is_there(cell) { word.text.clone() } else { String::new() };
        records.push(Record { line, cells: cells.iter().zip(&words).map(text).collect() });
    })?;
    records[0].cells = arff.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    Ok(records)
}

/// All but the rows, which are handed over with their words and their lines.
fn parse_lines(mut content: Content<'_>, mut push: impl FnMut(Vec<Cell>, Vec<Word>, u64)) -> Result<Arff, DataError> {
    let bytes = content.rest(MAX_TEXT)?;
    let path = content.path();
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let place = Place::Offset(error.valid_up_to() as u64);
        DataError::content(path, place, "UTF-8 text", "other bytes")
    })?;
    let mut arff = Arff { relation: String::new(), attributes: Vec::new(), rows: Vec::new() };
    let mut in_data = false;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('%') {
            continue;
        }
        let step = match in_data {
            true => arff.row(line).map(|(cells, words)| push(cells, words, i as u64 + 1)),
            false => arff.declare(line).map(|data| in_data = data),
        };
        step.map_err(|Problem { column, expected, found }| {
            let line = i as u64 + 1;
            let place = column.map_or(Place::Line(line), |column| Place::Cell { line, column });
            DataError::content(path, place, expected, found)
        })?;
    }
    if !in_data {
        return Err(DataError::content(path, Place::Whole, "a line @data", "none"));
    }
    Ok(arff)
}

struct Problem {
    column: Option<usize>,
    expected: String,
    found: String,
}

fn problem<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { column: None, expected: expected.into(), found: found.into() })
}

impl Arff {
    /// Takes a line of the head; true after `@data`.
    fn declare(&mut self, line: &str) -> Result<bool, Problem> {
        let (keyword, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match keyword.to_ascii_lowercase().as_str() {
            "@relation" => self.relation = word(rest)?.0,
            "@attribute" => self.push_attribute(attribute(rest)?)?,
            "@data" if self.attributes.is_empty() => return problem("an attribute before @data", "none"),
            "@data" => return Ok(true),
            _ => return problem("@relation, @attribute or @data", format!("`{keyword}`")),
        }
        Ok(false)
    }

    fn push_attribute(&mut self, attribute: Attribute) -> Result<(), Problem> {
        if let Some(before) = self.attributes.iter().position(|other| other.name == attribute.name) {
            let found = format!("2 of that name: columns {} and {}", before + 1, self.attributes.len() + 1);
            return problem(format!("one attribute `{}`", attribute.name), found);
        }
        self.attributes.push(attribute);
        Ok(())
    }

    fn row(&self, line: &str) -> Result<(Vec<Cell>, Vec<Word>), Problem> {
        if line.starts_with('{') {
            return problem("a dense row", "a sparse one, which is not supported");
        }
        let words = words(line)?;
        if words.len() != self.attributes.len() {
            return problem(format!("{} fields", self.attributes.len()), words.len().to_string());
        }
        let mut row = Vec::with_capacity(words.len());
        for (i, (attribute, word)) in self.attributes.iter().zip(&words).enumerate() {
            row.push(cell(attribute, word).map_err(|problem| Problem { column: Some(i + 1), ..problem })?);
        }
        Ok((row, words))
    }
}

fn attribute(text: &str) -> Result<Attribute, Problem> {
    let (name, kind) = word(text)?;
    let kind = kind.trim();
    if let Some(list) = kind.strip_prefix('{') {
        let Some(list) = list.strip_suffix('}') else { return problem("a list that ends in }", format!("`{kind}`")) };
        let names: Vec<String> = words(list)?.into_iter().map(|word| word.text).collect();
        for (i, category) in names.iter().enumerate() {
            if names[..i].contains(category) {
                return problem("categories that differ", format!("`{category}` twice"));
            }
        }
        return Ok(Attribute { name, kind: Kind::Nominal(names) });
    }
    let kind = match kind.to_ascii_lowercase().as_str() {
        "numeric" | "real" | "integer" => Kind::Numeric,
        "string" => Kind::Text,
        _ => return problem("numeric, real, integer, string or a list {a, b}", format!("`{kind}`")),
    };
    Ok(Attribute { name, kind })
}

fn cell(attribute: &Attribute, word: &Word) -> Result<Cell, Problem> {
    // A quoted question mark is text.
    if word.text == "?" && !word.quoted {
        return Ok(Cell::Missing);
    }
    match &attribute.kind {
        Kind::Text => Ok(Cell::Text(word.text.clone())),
        Kind::Numeric => match word.text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Cell::Number(value)),
            _ => problem(format!("a finite number for `{}`", attribute.name), format!("`{}`", word.text)),
        },
        Kind::Nominal(names) => match names.iter().position(|name| *name == word.text) {
            Some(index) => Ok(Cell::Category(index)),
            None => {
                let expected = format!("one of {{{}}} for `{}`", names.join(", "), attribute.name);
                problem(expected, format!("`{}`", word.text))
            }
        },
    }
}

/// A field with its quotes taken off.
struct Word {
    text: String,
    quoted: bool,
}

/// The first word of `text`, quoted or up to white space, and what follows it.
fn word(text: &str) -> Result<(String, &str), Problem> {
    let text = text.trim();
    match text.chars().next() {
        None => problem("a name", "nothing"),
        Some(quote @ ('\'' | '"')) => unquote(&text[1..], quote),
        Some(_) => {
            let end = text.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(text.len());
            Ok((text[..end].into(), &text[end..]))
        }
    }
}

/// The text up to the closing quote, backslash escapes resolved, and what follows the quote.
fn unquote(text: &str, quote: char) -> Result<(String, &str), Problem> {
    let mut result = String::new();
    let mut symbols = text.char_indices();
    while let Some((at, symbol)) = symbols.next() {
        match symbol {
            '\\' => match symbols.next() {
                Some((_, escaped)) => result.push(escaped),
                None => break,
            },
            _ if symbol == quote => return Ok((result, &text[at + symbol.len_utf8()..])),
            _ => result.push(symbol),
        }
    }
    problem(format!("a closing {quote}"), "the end of the line")
}

/// Splits a line at its commas.
fn words(line: &str) -> Result<Vec<Word>, Problem> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    loop {
        let (word, after) = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let (text, after) = unquote(&rest[1..], quote)?;
                (Word { text, quoted: true }, after.trim_start())
            }
            _ => {
                let end = rest.find(',').unwrap_or(rest.len());
                (Word { text: rest[..end].trim().into(), quoted: false }, &rest[end..])
            }
        };
        words.push(word);
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => return Ok(words),
            None => return problem("a comma after a quoted field", format!("`{after}`")),
        }
    }
}
