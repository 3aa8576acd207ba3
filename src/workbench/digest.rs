//! Exactly which files were read.

use crate::data::member;
use crate::data::store::sha256_of;
use anyhow::{Context, Result};
use prost::bytes::Bytes;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

/// A name and a value, as a report shows them.
pub type Circumstance = (String, String);

/// A file's name and SHA-256; of one array of an archive that of the archive.
///
/// # Errors
/// When it cannot be read.
pub fn digest(path: &Path) -> Result<Circumstance> {
    let (path, _) = member(path);
    let hash = File::open(&path).and_then(|file| sha256_of(pieces(file)));
    Ok((name(&path), hash.with_context(|| path.display().to_string())?))
}

/// The name that a file goes by.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The digests of those files that were named, as a report shows them.
///
/// # Errors
/// When a file cannot be read.
pub fn digests<'a>(files: impl IntoIterator<Item = Option<&'a Path>>) -> Result<Vec<Circumstance>> {
    files.into_iter().flatten().map(|path| digest(path).map(shown)).collect()
}

/// A file's name and digest, as a report shows it.
pub fn shown((name, hex): Circumstance) -> Circumstance {
    (format!("SHA-256 of {name}"), hex)
}

/// Bytes that are read at once, and how many times so many ahead of who uses them.
const PIECE: u64 = 1 << 20;
const AHEAD: usize = 2;

/// All that can be read, in pieces.
fn pieces(mut source: impl Read) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    std::iter::from_fn(move || {
        let mut piece = Vec::new();
        let read = source.by_ref().take(PIECE).read_to_end(&mut piece);
        read.map(|count| (count > 0).then_some(piece)).transpose()
    })
}

/// What `user` makes of all that `source` gives, and the SHA-256 of just that, or why it could not be read. One thread reads
/// and hashes, and this one uses what was read.
pub(super) fn hashed<T>(source: impl Read + Send, user: impl FnOnce(&mut dyn Read) -> T) -> (io::Result<String>, T) {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        let shared = move |piece: io::Result<Vec<u8>>| match piece.map(Bytes::from) {
            // Who found the beginning wrong does not hear the rest.
            Ok(piece) => sender.send(piece.clone()).is_ok().then_some(Ok(piece)),
            Err(error) => Some(Err(error)),
        };
        let hashing = scope.spawn(move || sha256_of(pieces(source).map_while(shared)));
        let used = user(&mut Pieces { receiver, piece: Bytes::new() });
        (hashing.join().expect("hashing does not panic"), used)
    })
}

/// Bytes that come piece by piece.
struct Pieces {
    receiver: Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = self.receiver.recv().unwrap_or_default();
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.split_to(count).as_ref().read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::store::sha256;

    /// Gives bytes, and then fails.
    struct Torn<'a>(&'a [u8]);

    impl Read for Torn<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("torn")) } else { self.0.read(buffer) }
        }
    }

    #[test]
    fn what_is_used_is_what_is_hashed() {
        for size in [0, 1, PIECE as usize, 5 * PIECE as usize + 3] {
            let bytes: Vec<u8> = (0..size).map(|i| ((i * 7919) >> 5) as u8).collect();
            let all = |source: &mut dyn Read| {
                let mut used = Vec::new();
                source.read_to_end(&mut used).map(|_| used)
            };
            let (hash, used) = hashed(&bytes[..], all);
            assert!(hash.unwrap() == sha256(&bytes) && used.unwrap() == bytes);
            let (hash, used) = hashed(Torn(&bytes), all);
            assert!(hash.is_err() && used.unwrap().len() <= size);
            let (_, count) = hashed(&bytes[..], |source| source.read(&mut [0; 10]).unwrap());
            assert!(count <= 10);
        }
    }
}
