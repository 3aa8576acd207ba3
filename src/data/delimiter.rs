//! What separates the fields of a table.

use crate::data::error::{DataError, Place};
use crate::data::inputs::decimals::is_decimal_comma;
use crate::data::inputs::missing::Voice;
use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The lines that are looked at.
const LINES: usize = 100;

/// One of the separators that tables have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Bar,
}

/// All of them.
const ALL: [Delimiter; 4] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Bar];

impl Delimiter {
    /// The byte.
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Bar => b'|',
        }
    }

    /// Its name for several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Delimiter::Comma => "commas",
            Delimiter::Semicolon => "semicolons",
            Delimiter::Tab => "tabs",
            Delimiter::Bar => "bars",
        }
    }

    /// The one that separates the fields of a text that begins with `head` (`whole`: and ends with it).
    ///
    /// It is the only one that splits the first line, or of several the only one with which all lines have as many
    /// fields and no field holds another one (but a comma in a decimal); where none splits the first line it is a comma.
    ///
    /// # Errors
    /// When nobody can tell.
    pub(crate) fn find(path: &Path, head: &[u8], whole: bool, voice: Voice) -> Result<Delimiter, DataError> {
        let split: Vec<Delimiter> = ALL.into_iter().filter(|one| one.splits(head)).collect();
        let fits = match split.as_slice() {
            [] => vec![Delimiter::Comma],
            [one] => vec![*one],
            several => chosen(several, head, whole),
        };
        match fits.as_slice() {
            [one] => Ok(*one),
            _ => {
                let names: Vec<&str> = split.iter().map(|one| one.plural()).collect();
                let expected = format!("fields separated by {}", names.join(" or by "));
                let found = format!("a first line that each of them splits; {} says which", voice.delimiter());
                Err(DataError::content(path, Place::Line(1), expected, found))
            }
        }
    }

    fn splits(self, head: &[u8]) -> bool {
        self.records(head).next().is_some_and(|first| first.len() > 1)
    }

    /// The first lines; the last one may be cut.
    fn lines(self, head: &[u8], whole: bool) -> Vec<StringRecord> {
        let mut records: Vec<StringRecord> = self.records(head).take(LINES).collect();
        if !whole && records.len() > 1 && records.len() < LINES {
            records.pop();
        }
        records
    }

    fn records(self, head: &[u8]) -> impl Iterator<Item = StringRecord> {
        let mut builder = ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).delimiter(self.byte()).from_reader(head);
        reader.into_byte_records().map_while(Result::ok).map(StringRecord::from_byte_record_lossy)
    }
}

/// Those with which all lines have as many fields; of several those with which no field holds another one of them, but a
/// comma in a decimal.
fn chosen(several: &[Delimiter], head: &[u8], whole: bool) -> Vec<Delimiter> {
    let is_even = |one: &Delimiter| {
        let lines = one.lines(head, whole);
        lines.iter().all(|line| line.len() == lines[0].len())
    };
    let even: Vec<Delimiter> = several.iter().copied().filter(is_even).collect();
    let is_clean = |one: &Delimiter| {
        let others = even.iter().filter(|other| *other != one).map(|other| char::from(other.byte()));
        let others: Vec<char> = others.collect();
        let foreign = |cell: &str| !is_decimal_comma(cell) && cell.contains(others.as_slice());
        !one.lines(head, whole).iter().any(|line| line.iter().any(foreign))
    };
    match even.as_slice() {
        [_] => even,
        _ => even.iter().copied().filter(is_clean).collect(),
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Delimiter::Comma => ",",
            Delimiter::Semicolon => ";",
            Delimiter::Tab => "tab",
            Delimiter::Bar => "|",
        })
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Delimiter, String> {
        let same = |one: &Delimiter| one.to_string() == text || text == char::from(one.byte()).to_string();
        let found = ALL.into_iter().find(same).or((text == "\\t").then_some(Delimiter::Tab));
        found.ok_or_else(|| "expected one of `,` `;` `|` and `tab`".into())
    }
}

impl TryFrom<String> for Delimiter {
    type Error = String;

    fn try_from(text: String) -> Result<Delimiter, String> {
        text.parse()
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> String {
        delimiter.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_found_or_asked_for() {
        let find = |text: &str| Delimiter::find(Path::new("t.csv"), text.as_bytes(), true, Voice::Options);
        for (text, right) in [
            ("", Delimiter::Comma),
            ("1\n2\n", Delimiter::Comma),
            ("a,b\n1,2\n", Delimiter::Comma),
            ("a;b\n1,5;2\n", Delimiter::Semicolon),
            ("a\tb\n1\t2\n", Delimiter::Tab),
            ("a|b\n1|2\n", Delimiter::Bar),
            // A quoted name holds what it likes.
            ("\"a;b\",c\n1,2\n", Delimiter::Comma),
            ("\"a,b\";c\n1;2\n", Delimiter::Semicolon),
            // Decimal commas: as many fields with commas, but they are no numbers.
            ("1,5;2,5\n1,0;2,0\n", Delimiter::Semicolon),
            // A name that holds another separator, over lines that do not.
            ("a;b,c,d\n1,2,3\n", Delimiter::Comma),
        ] {
            assert_eq!(find(text).map_err(|error| error.to_string()), Ok(right), "{text}");
        }
        for text in ["a;b,c;d\n", "1;b,3\n4;c,6\n"] {
            assert!(find(text).unwrap_err().to_string().contains("--delimiter"), "{text}");
        }
    }

    #[test]
    fn a_last_line_that_is_cut_does_not_count() {
        let find =
            |text: &str, whole: bool| Delimiter::find(Path::new("t.csv"), text.as_bytes(), whole, Voice::Options);
        let cut = "a;b,c,d\n1,2,3\n4,5";
        assert_eq!(find(cut, false).unwrap(), Delimiter::Comma);
        assert!(find(cut, true).is_err());
    }
}
