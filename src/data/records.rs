//! Comma-separated records with the line that each begins on.

use crate::data::content::{Content, unreadable};
use crate::data::error::{DataError, Place};
use csv::StringRecord;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Users' tables are not read beyond this many bytes, once unpacked.
pub(crate) const MAX_TEXT: u64 = 1 << 30;

/// A record and its line, from 1.
pub(crate) struct Record {
    pub line: u64,
    pub cells: StringRecord,
}

/// The text of a file, to be read record by record; quoted fields may hold commas, quotes (doubled) and line ends.
pub(crate) struct Text {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Text {
    /// Reads a plain or gzip file of at most `limit` bytes, unpacked.
    pub fn open(path: &Path, limit: u64) -> Result<Text, DataError> {
        Text::from_content(Content::open(path)?, limit)
    }

    /// The same from content that is already open.
    pub fn from_content(mut content: Content<'_>, limit: u64) -> Result<Text, DataError> {
        Ok(Text { path: content.path().into(), bytes: content.rest(limit)? })
    }

    /// All records, blank lines left out; their lengths may differ.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, DataError>> + '_ {
        self.separated_by(b',')
    }

    /// The same with another separator.
    pub fn separated_by(&self, delimiter: u8) -> impl Iterator<Item = Result<Record, DataError>> + '_ {
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).delimiter(delimiter).from_reader(self.bytes.as_slice());
        reader.into_records().map(move |record| match record {
            Ok(cells) => Ok(Record { line: self.line(cells.position()), cells }),
            Err(error) => {
                let place = Place::Line(self.line(error.position()));
                let expected = format!("UTF-8 fields separated by {}", separator(delimiter));
                Err(DataError::content(&self.path, place, expected, error.to_string()))
            }
        })
    }

    /// The line of a record: the reader counts blank lines before a record as its part.
    fn line(&self, position: Option<&csv::Position>) -> u64 {
        let Some(position) = position else { return 1 };
        let rest = self.bytes.get(position.byte() as usize..).unwrap_or_default();
        let blank = rest.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r');
        position.line() + blank.filter(|&&byte| byte == b'\n').count() as u64
    }
}

/// The records of a text that need not fit into memory, separated by commas; blank lines are left out.
pub(crate) struct Records<'a> {
    path: PathBuf,
    reader: csv::Reader<Watched<'a>>,
    seen: Rc<RefCell<Seen>>,
}

/// Bytes that have been read from `start` on.
#[derive(Default)]
struct Seen {
    start: u64,
    bytes: VecDeque<u8>,
}

/// A reader that keeps what it has read, until it is dropped from [`Seen`].
struct Watched<'a> {
    content: Content<'a>,
    seen: Rc<RefCell<Seen>>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.seen.borrow_mut().bytes.extend(&buffer[..count]);
        Ok(count)
    }
}

impl<'a> Records<'a> {
    /// Of content that is already open.
    pub fn new(content: Content<'a>) -> Records<'a> {
        let (path, seen) = (content.path().to_path_buf(), Rc::<RefCell<Seen>>::default());
        let watched = Watched { content, seen: Rc::clone(&seen) };
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(watched);
        Records { path, reader, seen }
    }

    /// The line of a record, as [`Text::line`]; what lies before the record is not needed any more.
    fn line(&self, position: Option<&csv::Position>) -> u64 {
        let Some(position) = position else { return 1 };
        let mut seen = self.seen.borrow_mut();
        let before = (position.byte().saturating_sub(seen.start) as usize).min(seen.bytes.len());
        seen.bytes.drain(..before);
        seen.start += before as u64;
        let blank = seen.bytes.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r');
        position.line() + blank.filter(|&&byte| byte == b'\n').count() as u64
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cells = StringRecord::new();
        Some(match self.reader.read_record(&mut cells) {
            Ok(false) => return None,
            Ok(true) => Ok(Record { line: self.line(cells.position()), cells }),
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(source) => unreadable(&self.path, self.seen.borrow().start, source),
                csv::ErrorKind::Utf8 { pos, err } => {
                    let expected = format!("UTF-8 fields separated by {}", separator(b','));
                    DataError::content(&self.path, Place::Line(self.line(pos.as_ref())), expected, err.to_string())
                }
                other => DataError::content(&self.path, Place::Whole, "records", format!("{other:?}")),
            }),
        })
    }
}

/// A separator in words.
fn separator(delimiter: u8) -> String {
    match delimiter {
        b',' => "commas".into(),
        b';' => "semicolons".into(),
        b'\t' => "tabs".into(),
        other => format!("`{}`", char::from(other)),
    }
}
