//! Samples of a table, kept in a file without a name while a run lasts: few of them are in memory.

use super::Inputs;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// Samples in a file that goes when it is dropped, or the process ends.
#[derive(Debug)]
pub struct Spool {
    file: File,
    /// All about the samples but their values.
    pub about: Inputs,
}

/// Takes samples one after the other.
pub(super) struct Spooling(BufWriter<File>);

impl Spooling {
    /// A new file.
    pub fn new() -> io::Result<Spooling> {
        Ok(Spooling(BufWriter::with_capacity(1 << 16, tempfile::tempfile()?)))
    }

    /// One more sample.
    pub fn push(&mut self, sample: &[f32]) -> io::Result<()> {
        sample.iter().try_for_each(|value| self.0.write_all(&value.to_le_bytes()))
    }

    /// All samples are there.
    pub fn finish(self, about: Inputs) -> io::Result<Spool> {
        Ok(Spool { file: self.0.into_inner().map_err(io::IntoInnerError::into_error)?, about })
    }
}

impl Spool {
    /// From the first sample on; one pass after the other.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn blocks(&self) -> io::Result<SpoolBlocks> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(SpoolBlocks { file: BufReader::with_capacity(1 << 16, file), size: self.about.features() })
    }
}

/// A pass over the samples.
pub struct SpoolBlocks {
    file: BufReader<File>,
    size: usize,
}

impl SpoolBlocks {
    /// The next `count` samples.
    ///
    /// # Errors
    /// When the file cannot be read, or holds fewer.
    pub fn next(&mut self, count: usize) -> io::Result<Vec<f32>> {
        let mut bytes = vec![0; count * self.size * 4];
        self.file.read_exact(&mut bytes)?;
        let value = |word: &[u8]| f32::from_le_bytes(word.try_into().expect("4 bytes"));
        Ok(bytes.chunks_exact(4).map(value).collect())
    }
}
