//! Cells that stand for nothing: how tables write a missing value, and what becomes of rows that have one.

use crate::data::error::{DataError, Place, counted};
use std::collections::BTreeSet;
use std::path::Path;

/// What spreadsheets, data frames, statistics programs and dataset archives write for a missing value, in lower case.
const WORDS: &[&str] = &[
    "", "?", ".", "na", "n/a", "#n/a", "#na", "#n/a n/a", "<na>", "nan", "-nan", "+nan", "1.#qnan", "-1.#qnan",
    "1.#ind", "-1.#ind", "null", "(null)", "\\n",
];

/// The same in just this spelling: in small letters they are names of classes.
const SPELT: &[&str] = &["None", "NaT"];

/// Does this cell stand for a missing value?
pub fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    WORDS.contains(&cell.to_lowercase().as_str()) || SPELT.contains(&cell)
}

/// How the user sets what a table's reader is told: for messages that say what to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Voice {
    /// By options.
    #[default]
    Options,
    /// By keys of a training config.
    Config,
}

impl Voice {
    /// How to say whether there is a header.
    pub fn header(self, word: &str) -> String {
        match self {
            Voice::Options => format!("--header {word}"),
            Voice::Config => format!("header = \"{word}\""),
        }
    }

    /// How to say what separates fields.
    pub fn delimiter(self) -> &'static str {
        match self {
            Voice::Options => "--delimiter",
            Voice::Config => "`delimiter`",
        }
    }

    /// How to have rows left out that lack something.
    pub fn drop_missing(self) -> &'static str {
        match self {
            Voice::Options => "--drop-missing",
            Voice::Config => "drop_missing = true",
        }
    }
}

/// The rows that were met with something missing.
#[derive(Debug)]
pub(crate) struct Missing {
    /// How places are counted: "line" or "sample".
    pub what: &'static str,
    /// Whether such rows are left out; else they are refused.
    drop: bool,
    voice: Voice,
    /// Rows without a label.
    labels: Vec<u64>,
    /// What stands there instead.
    words: BTreeSet<String>,
    /// Rows with a label and without some feature.
    features: Vec<u64>,
    /// Rows with a label and a word that training did not have.
    unknown: Vec<u64>,
}

impl Missing {
    /// Such rows are left out if `drop`.
    pub fn new(drop: bool, voice: Voice) -> Missing {
        let (labels, words, features, unknown) = (Vec::new(), BTreeSet::new(), Vec::new(), Vec::new());
        Missing { what: "line", drop, voice, labels, words, features, unknown }
    }

    /// A row without a label; `cell` is what stands there.
    pub fn label(&mut self, line: u64, cell: &str) {
        self.labels.push(line);
        if !cell.trim().is_empty() {
            self.words.insert(format!("`{}`", cell.trim()));
        }
    }

    /// A feature that is missing where there should be what is `expected`.
    ///
    /// # Errors
    /// When such rows are not to be left out: the cell, and what to do.
    pub fn feature(
        &mut self,
        path: &Path,
        line: u64,
        column: usize,
        (cell, expected): (&str, String),
    ) -> Result<(), DataError> {
        if self.drop {
            self.features.push(line);
            return Ok(());
        }
        let shown = if cell.trim().is_empty() { String::new() } else { format!(" (`{}`)", cell.trim()) };
        let found = format!("a missing value{shown}; {} leaves such rows out", self.voice.drop_missing());
        let found = match self.voice {
            Voice::Options => found,
            Voice::Config => format!("{found}, `impute = true` puts something in its place"),
        };
        Err(DataError::content(path, Place::Cell { line, column }, expected, found))
    }

    /// A word that training did not have, where none stands for it.
    ///
    /// # Errors
    /// When such rows are not to be left out: the cell, and what to do.
    pub fn unknown(
        &mut self,
        path: &Path,
        line: u64,
        column: usize,
        cell: &str,
        (name, words): (&str, &[String]),
    ) -> Result<(), DataError> {
        if self.drop {
            self.unknown.push(line);
            return Ok(());
        }
        let expected = format!("a word of `{name}` that training had ({})", words.join(", "));
        let found = format!("`{cell}`; {} leaves such rows out", self.voice.drop_missing());
        Err(DataError::content(path, Place::Cell { line, column }, expected, found))
    }

    /// Number of rows left out.
    pub fn count(&self) -> usize {
        self.labels.len() + self.features.len() + self.unknown.len()
    }

    /// What was left out of `rows` rows, for the user to hear; `None` where nothing was.
    ///
    /// # Errors
    /// When labels are missing and such rows are not to be left out, or no row is left.
    pub fn finish(&self, path: &Path, rows: usize) -> Result<Option<String>, DataError> {
        if !self.drop && !self.labels.is_empty() {
            let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
            let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
            let advice = self.voice.drop_missing();
            let found = format!("{} of {rows} without one{words}; {advice} leaves such rows out", self.labels.len());
            let place = Place::Several { what: self.what, at: self.labels.clone() };
            return Err(DataError::content(path, place, "a label in every row", found));
        }
        if rows > 0 && self.count() == rows {
            return Err(DataError::content(
                path,
                Place::Whole,
                "a row with nothing missing",
                format!("none of {rows}"),
            ));
        }
        let part = |lines: &[u64], what: &str| {
            (!lines.is_empty()).then(|| format!("{} {what} ({})", lines.len(), counted(self.what, lines)))
        };
        let parts = [
            part(&self.labels, "without a label"),
            part(&self.features, "with a missing feature"),
            part(&self.unknown, "with a word that training did not have"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let told = || format!("{}: {} of {rows} rows left out: {}", path.display(), self.count(), parts.join(", "));
        Ok((!parts.is_empty()).then(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_are_known_and_labels_are_not_among_them() {
        for cell in
            ["", "  ", "NA", "n/a", "#N/A", "<NA>", "NaN", "nan", "?", "NULL", "None", " null ", "NaT", ".", "\\N"]
        {
            assert!(is_missing(cell), "`{cell}`");
        }
        for cell in ["0", "1", "spam", "nano", "no", "N", "other", "unknown", "false", "-1", "...", "+", "-", "none"] {
            assert!(!is_missing(cell), "`{cell}`");
        }
    }

    #[test]
    fn rows_are_refused_by_line_or_counted() {
        let path = Path::new("t.csv");
        let mut refusing = Missing::new(false, Voice::Options);
        (2..30).for_each(|line| refusing.label(line, "NA"));
        let message = refusing.finish(path, 40).unwrap_err().to_string();
        assert!(message.starts_with("t.csv: lines 2, 3, 4,") && message.contains("and 18 more"), "{message}");
        assert!(message.contains("28 of 40 without one (`NA`)") && message.contains("--drop-missing"), "{message}");
        assert!(
            refusing
                .feature(path, 7, 2, ("NA", "a number".into()))
                .unwrap_err()
                .to_string()
                .contains("line 7, column 2")
        );
        let mut dropping = Missing::new(true, Voice::Config);
        dropping.label(5, "");
        dropping.feature(path, 7, 2, ("NA", "a number".into())).unwrap();
        let told = dropping.finish(path, 9).unwrap().unwrap();
        assert_eq!(told, "t.csv: 2 of 9 rows left out: 1 without a label (line 5), 1 with a missing feature (line 7)");
        assert!(dropping.finish(path, 2).is_err(), "nothing would be left");
        assert!(Missing::new(true, Voice::Config).finish(path, 9).unwrap().is_none());
    }
}
