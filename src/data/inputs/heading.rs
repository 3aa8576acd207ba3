//! The first line of a table: the names of its columns, or its first row, and which column holds the labels.

use crate::data::error::{DataError, Place};
use crate::data::inputs::label::nearest;
use crate::data::inputs::missing::Voice;
use crate::data::records::Record;
use csv::StringRecord;
use std::path::Path;

/// What the first line and the user's options say about a table.
pub(crate) struct Heading {
    /// Whether the first line names the columns.
    pub header: bool,
    /// The columns' names; without a header `1`, `2`, ….
    pub names: Vec<String>,
    /// The label column.
    pub label: Option<usize>,
    /// What was taken for granted, for the user to hear.
    pub notes: Vec<String>,
}

impl Heading {
    /// `header`: whether there is one, `None`: find out. The label column is the one of that very name, or where none
    /// is called so the one at that position, from 1.
    ///
    /// # Errors
    /// When two columns have one name, there is no such label column, or nobody can tell whether this is a header.
    pub fn find(
        path: &Path,
        first: &Record,
        header: Option<bool>,
        label: Option<&str>,
        voice: Voice,
    ) -> Result<Heading, DataError> {
        let line = Line { path, first, label, voice };
        let mut notes = Vec::new();
        let header = match header {
            Some(header) => header,
            None => match line.guess()? {
                Guess::Names => true,
                Guess::Sample => false,
                Guess::Count => {
                    let shown = abridged(&first.cells);
                    notes.push(format!(
                        "{}: the first line, {shown}, counts the columns and is taken as their header ({}: a sample)",
                        path.display(),
                        voice.header("no")
                    ));
                    true
                }
            },
        };
        let names: Vec<String> = if header {
            first.cells.iter().map(|name| name.trim().to_string()).collect()
        } else {
            (1..=first.cells.len()).map(|number| number.to_string()).collect()
        };
        if header {
            line.all_different(&names)?;
        }
        let label = label.map(|wanted| line.label_column(wanted, &names, header, &mut notes)).transpose()?;
        Ok(Heading { header, names, label, notes })
    }
}

/// What a first line looks like.
enum Guess {
    /// Names.
    Names,
    /// 0, 1, 2, …: what a data frame without column names writes.
    Count,
    /// Numbers.
    Sample,
}

/// The first line, and the label column asked for.
struct Line<'a> {
    path: &'a Path,
    first: &'a Record,
    label: Option<&'a str>,
    voice: Voice,
}

impl Line<'_> {
    fn cells(&self) -> impl Iterator<Item = (usize, &str)> {
        self.first.cells.iter().map(str::trim).enumerate()
    }

    fn refuse(&self, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        DataError::content(self.path, Place::Line(self.first.line), expected, found)
    }

    /// Whether cell k of the whole line is the number k + `start`.
    fn counts_from(&self, start: usize) -> bool {
        self.cells().all(|(k, cell)| is_count(cell, k + start))
    }

    /// A header has no number in it (or counts its columns), a sample nothing else; what is between is refused rather
    /// than guessed at, because a sample with a slip in it must not vanish as a header.
    fn guess(&self) -> Result<Guess, DataError> {
        let named: Vec<usize> = self.cells().filter(|(_, cell)| Some(*cell) == self.label).map(|(k, _)| k).collect();
        let numeric = self.label.is_some_and(is_number);
        if let Some(label) = self.label.filter(|_| !numeric) {
            let names: Vec<String> = self.cells().map(|(_, cell)| cell.to_string()).collect();
            return if named.is_empty() { Err(self.absent(label, &names, None)) } else { Ok(Guess::Names) };
        }
        match self.first.cells.len() {
            1 if self.counts_from(0) => return Err(self.either()),
            _ if self.counts_from(0) => return Ok(Guess::Count),
            3.. if self.counts_from(1) => return Err(self.either()),
            _ => {}
        }
        // A column whose name is a number, among words.
        if named.first().is_some_and(|&at| self.words(Some(at)) + 1 == self.first.cells.len()) {
            return Ok(Guess::Names);
        }
        let at = self.label.and_then(|label| self.position(label));
        let others = self.first.cells.len() - usize::from(at.is_some());
        match self.words(at) {
            0 => self.numbers_only(at),
            words if words == others => Ok(Guess::Names),
            words => Err(self.mixed(at, words)),
        }
    }

    /// Number of cells besides the label's that are no numbers.
    fn words(&self, label: Option<usize>) -> usize {
        self.cells().filter(|(k, cell)| Some(*k) != label && !is_number(cell)).count()
    }

    /// All features are numbers: a sample, unless they count the columns beside a label that may be a name.
    fn numbers_only(&self, label: Option<usize>) -> Result<Guess, DataError> {
        let features = self.cells().filter(|(k, _)| Some(*k) != label);
        let counts = features.enumerate().all(|(k, (_, cell))| is_count(cell, k));
        let word = label.is_some_and(|at| !is_number(self.first.cells[at].trim()));
        if counts && word {
            return Err(self.either());
        }
        Ok(Guess::Sample)
    }

    /// Asks the user.
    fn either(&self) -> DataError {
        let expected = format!(
            "a header or a sample, and {} or {} to say which",
            self.voice.header("yes"),
            self.voice.header("no")
        );
        self.refuse(expected, format!("{}, which could be either", abridged(&self.first.cells)))
    }

    fn mixed(&self, label: Option<usize>, words: usize) -> DataError {
        let number = self.cells().find(|(k, cell)| Some(*k) != label && is_number(cell));
        let (at, number) = number.unwrap_or_default();
        let index = if self.first.cells.get(0).is_some_and(|cell| cell.trim().is_empty()) {
            " (an empty first cell: a data frame's index? write the table without it)"
        } else {
            ""
        };
        let found =
            format!("`{number}` beside {words} cells that are no numbers: {}{index}", abridged(&self.first.cells));
        let place = Place::Cell { line: self.first.line, column: at + 1 };
        let (yes, no) = (self.voice.header("yes"), self.voice.header("no"));
        let expected = format!("a header without numbers, or a sample of numbers ({yes} or {no} says which)");
        DataError::content(self.path, place, expected, found)
    }

    /// The column that a number stands for, counted from 1.
    fn position(&self, label: &str) -> Option<usize> {
        label.parse::<usize>().ok().filter(|number| (1..=self.first.cells.len()).contains(number)).map(|n| n - 1)
    }

    fn all_different(&self, names: &[String]) -> Result<(), DataError> {
        for (at, name) in names.iter().enumerate() {
            let same: Vec<usize> = (0..names.len()).filter(|&k| names[k] == *name).collect();
            if same.len() > 1 && same[0] == at {
                let columns: Vec<String> = same.iter().map(|k| (k + 1).to_string()).collect();
                let found = format!("{} columns of that name: columns {}", same.len(), columns.join(" and "));
                return Err(self.refuse(format!("one column `{name}`"), found));
            }
        }
        Ok(())
    }

    /// There is no such label column; `like` is what may have been meant.
    fn absent(&self, wanted: &str, names: &[String], like: Option<&String>) -> DataError {
        let like = like.or_else(|| nearest(wanted, names.iter()));
        let like = like.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let found = format!("{} columns: {}{like}", names.len(), abridged(&self.first.cells));
        self.refuse(format!("a label column `{wanted}`"), found)
    }

    /// By its name, else by its position, which is said.
    fn label_column(
        &self,
        wanted: &str,
        names: &[String],
        header: bool,
        notes: &mut Vec<String>,
    ) -> Result<usize, DataError> {
        if header && let Some(at) = names.iter().position(|name| name == wanted) {
            return Ok(at);
        }
        let value = wanted.parse::<f64>();
        let equal = names.iter().find(|name| header && value.is_ok() && name.parse() == value);
        let at = self.position(wanted).filter(|_| equal.is_none());
        let Some(at) = at else { return Err(self.absent(wanted, names, equal)) };
        let path = self.path.display();
        notes.push(match header {
            true => format!("{path}: no column is named `{wanted}`; labels are column {wanted}, `{}`", names[at]),
            false => format!("{path}: no header; labels are column {wanted}"),
        });
        Ok(at)
    }
}

/// Is this the number k as a data frame writes it that numbers its columns?
fn is_count(cell: &str, k: usize) -> bool {
    cell.strip_suffix(".0").unwrap_or(cell) == k.to_string()
}

fn is_number(cell: &str) -> bool {
    cell.trim().parse::<f32>().is_ok()
}

/// The first cells of a line, for a message.
pub(crate) fn abridged(record: &StringRecord) -> String {
    let mut text: String = record.iter().take(6).collect::<Vec<_>>().join(",").chars().take(80).collect();
    if record.len() > 6 {
        text.push_str(",…");
    }
    text
}
