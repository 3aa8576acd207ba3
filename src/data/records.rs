//! Records of fields with the line that each begins on.

use crate::data::content::{Content, unreadable};
use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::inputs::missing::Voice;
use csv::StringRecord;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Chain, Cursor, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Users' tables are not read beyond this many bytes, once unpacked.
pub(crate) const MAX_TEXT: u64 = 1 << 30;

/// So many bytes are looked at to find out what separates fields.
const HEAD: usize = 1 << 16;

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

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What separates the fields.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn delimiter(&self, voice: Voice) -> Result<Delimiter, DataError> {
        let head = &self.bytes[..self.bytes.len().min(HEAD)];
        Delimiter::find(&self.path, head, head.len() == self.bytes.len(), voice)
    }

    /// All records, blank lines left out; their lengths may differ.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, DataError>> + '_ {
        self.separated_by(Delimiter::Comma)
    }

    /// The same with another separator.
    pub fn separated_by(&self, delimiter: Delimiter) -> impl Iterator<Item = Result<Record, DataError>> + '_ {
        let mut builder = csv::ReaderBuilder::new();
        let builder = builder.has_headers(false).flexible(true).delimiter(delimiter.byte());
        let reader = builder.from_reader(self.bytes.as_slice());
        reader.into_records().map(move |record| match record {
            Ok(cells) => Ok(Record { line: self.line(cells.position()), cells }),
            Err(error) => {
                let place = Place::Line(self.line(error.position()));
                let expected = format!("UTF-8 fields separated by {}", delimiter.plural());
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

/// The records of a text that need not fit into memory; blank lines are left out.
pub(crate) struct Records<'a> {
    /// What separates the fields.
    pub delimiter: Delimiter,
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
    content: Chain<Cursor<Vec<u8>>, Content<'a>>,
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
    /// Of content that is already open; what separates the fields is found out where it is not given.
    ///
    /// # Errors
    /// When the content cannot be read, or nobody can tell.
    pub fn new(mut content: Content<'a>, delimiter: Option<Delimiter>, voice: Voice) -> Result<Records<'a>, DataError> {
        let (path, seen) = (content.path().to_path_buf(), Rc::<RefCell<Seen>>::default());
        let mut head = Vec::new();
        let read = Read::take(&mut content, HEAD as u64).read_to_end(&mut head);
        read.map_err(|source| unreadable(&path, 0, source))?;
        let find = || Delimiter::find(&path, &head, head.len() < HEAD, voice);
        let delimiter = delimiter.map_or_else(find, Ok)?;
        let watched = Watched { content: Cursor::new(head).chain(content), seen: Rc::clone(&seen) };
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).delimiter(delimiter.byte()).from_reader(watched);
        Ok(Records { delimiter, path, reader, seen })
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
                    let expected = format!("UTF-8 fields separated by {}", self.delimiter.plural());
                    DataError::content(&self.path, Place::Line(self.line(pos.as_ref())), expected, err.to_string())
                }
                other => DataError::content(&self.path, Place::Whole, "records", format!("{other:?}")),
            }),
        })
    }
}
