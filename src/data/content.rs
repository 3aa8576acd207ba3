//! Files as bytes: plain or gzip, never more of them in memory than the file can honestly hold.

use crate::data::error::{DataError, Place};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// No deflate stream unpacks to more than this many times its own length (RFC 1951: 258 bytes from 2 bits).
pub(crate) const MAX_DEFLATE_RATIO: u64 = 1032;
/// The first bytes of every gzip file.
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Room is made for at most so many bytes before any of them has been read.
const FIRST_ALLOCATION: u64 = 1 << 20;

/// An open file, unpacked on the fly when it starts like gzip.
pub struct Content<'a> {
    path: PathBuf,
    reader: Box<dyn BufRead + 'a>,
    offset: u64,
    ceiling: u64,
}

impl Content<'static> {
    /// Opens a file, plain or gzip (told apart by the first two bytes, not by the name).
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::file(path, source);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        // A pipe has no length that could be checked.
        let length = if metadata.is_file() { metadata.len() } else { u64::MAX };
        Content::unpack(path, BufReader::with_capacity(1 << 16, file), length)
    }

    /// The same from a file's bytes that are in memory already.
    ///
    /// # Errors
    /// None in practice: memory can always be read.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, DataError> {
        let length = bytes.len() as u64;
        Content::unpack(path, Cursor::new(bytes), length)
    }

    fn unpack(path: &Path, mut plain: impl BufRead + 'static, length: u64) -> Result<Self, DataError> {
        let start = plain.fill_buf().map_err(|source| DataError::file(path, source))?;
        let (reader, ceiling): (Box<dyn BufRead>, u64) = if start.starts_with(&GZIP_MAGIC) {
            (Box::new(BufReader::new(MultiGzDecoder::new(plain))), length.saturating_mul(MAX_DEFLATE_RATIO))
        } else {
            (Box::new(plain), length)
        };
        Ok(Content { path: path.into(), reader, offset: 0, ceiling })
    }
}

impl<'a> Content<'a> {
    /// Content that comes from elsewhere (an archive's entry) and holds at most `ceiling` bytes.
    pub fn from_reader(path: PathBuf, reader: impl Read + 'a, ceiling: u64) -> Self {
        Content { path, reader: Box::new(BufReader::new(reader)), offset: 0, ceiling }
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of bytes read so far, after decompression.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads exactly `count` bytes of `what`. A count that the file cannot hold is refused before memory is taken.
    ///
    /// # Errors
    /// When the file ends before, cannot be unpacked, or cannot be read.
    pub fn take(&mut self, count: u64, what: &str) -> Result<Vec<u8>, DataError> {
        let left = self.ceiling.saturating_sub(self.offset);
        if count > left {
            let found = format!("at most {left} bytes before the end of the file");
            return Err(self.unexpected(format!("{count} bytes of {what}"), found));
        }
        let mut bytes = Vec::with_capacity(count.min(FIRST_ALLOCATION) as usize);
        let start = self.offset;
        let outcome = self.reader.by_ref().take(count).read_to_end(&mut bytes);
        self.offset += bytes.len() as u64;
        outcome.map_err(|source| unreadable(&self.path, self.offset, source))?;
        if (bytes.len() as u64) < count {
            let found = format!("the end of the file after {} bytes", bytes.len());
            let place = Place::Offset(start);
            return Err(DataError::content(&self.path, place, format!("{count} bytes of {what}"), found));
        }
        Ok(bytes)
    }

    /// Passes over `count` bytes of `what`.
    ///
    /// # Errors
    /// As [`Content::take`].
    pub fn skip(&mut self, count: u64, what: &str) -> Result<(), DataError> {
        let outcome = std::io::copy(&mut self.reader.by_ref().take(count), &mut std::io::sink());
        let passed = outcome.map_err(|source| unreadable(&self.path, self.offset, source))?;
        self.offset += passed;
        if passed < count {
            return Err(
                self.unexpected(format!("{count} bytes of {what}"), format!("{passed} and the end of the file"))
            );
        }
        Ok(())
    }

    /// Reads up to the end, refusing more than `limit` bytes.
    ///
    /// # Errors
    /// When there is more, or the file cannot be unpacked or read.
    pub fn rest(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let outcome = self.reader.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes);
        self.offset += bytes.len() as u64;
        outcome.map_err(|source| unreadable(&self.path, self.offset, source))?;
        if bytes.len() as u64 > limit {
            return Err(self.unexpected(format!("at most {limit} more bytes"), "more than that"));
        }
        Ok(bytes)
    }

    /// Makes sure that nothing is left (which also lets an unpacker verify its checksum).
    ///
    /// # Errors
    /// When a byte is left, or the end cannot be reached.
    pub fn finish(mut self) -> Result<(), DataError> {
        let at = self.offset;
        let rest = self.reader.fill_buf().map_err(|source| unreadable(&self.path, at, source))?;
        if rest.is_empty() {
            return Ok(());
        }
        Err(self.unexpected("the end of the file", "further bytes"))
    }

    /// An error at the current offset.
    pub fn unexpected(&self, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        DataError::content(&self.path, Place::Offset(self.offset), expected, found)
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// A failed read: broken compressed data is a fault of the content, anything else one of the system.
pub(crate) fn unreadable(path: &Path, offset: u64, source: std::io::Error) -> DataError {
    match source.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            let found = format!("broken data ({source})");
            DataError::content(path, Place::Offset(offset), "a whole, undamaged compressed file", found)
        }
        _ => DataError::file(path, source),
    }
}
