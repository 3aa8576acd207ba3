//! Inputs that can be read only once: what a pipe gives, or stdin.

use crate::data::content::GZIP_MAGIC;
use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A copy under a name that says what it is; it goes with the last of these.
#[derive(Clone, Debug)]
pub struct Piped {
    _folder: Arc<TempDir>,
    /// Where it is.
    pub path: PathBuf,
}

/// Endings of names that say what a file is.
const ENDINGS: [&str; 5] = [".npy", ".npz", ".csv", ".tsv", ".arff"];

/// So many bytes are looked at to find out what a file is.
const HEAD: u64 = 4096;

impl Piped {
    /// Reads all that `path` gives; `None` where it is a file of its own, which can be read again. `-` is stdin.
    ///
    /// # Errors
    /// When it cannot be read, or the copy not be written.
    pub fn of(path: &Path) -> Result<Option<Piped>> {
        let is_stdin = STDIN.iter().any(|name| path == Path::new(name));
        let is_other = path.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir());
        let is_nameless = is_other || ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.starts_with(folder));
        if !is_stdin && !is_nameless {
            return Ok(None);
        }
        let place = || path.display().to_string();
        let mut source: Box<dyn Read> = match is_stdin {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).with_context(place)?),
        };
        ensure!(
            !is_stdin || !io::stdin().is_terminal(),
            "{}: expected inputs on stdin, found a terminal: pipe them into it, or name a file",
            place()
        );
        let mut head = Vec::new();
        source.by_ref().take(HEAD).read_to_end(&mut head).with_context(place)?;
        let own = if is_stdin { "stdin".into() } else { path.file_name().unwrap_or_default().to_string_lossy() };
        let folder = tempfile::Builder::new().prefix("underplane-").tempdir().with_context(place)?;
        let copy = folder.path().join(format!("{own}{}", ending(&own, &head)));
        let write = || {
            let mut file = File::create(&copy)?;
            io::copy(&mut head.as_slice().chain(source), &mut file)
        };
        write().with_context(|| format!("{}: copying it to {}", place(), copy.display()))?;
        Ok(Some(Piped { _folder: Arc::new(folder), path: copy }))
    }
}

/// Names of stdin.
const STDIN: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// What a name lacks to say what begins with these bytes.
fn ending(name: &str, head: &[u8]) -> String {
    let name = name.to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    if ENDINGS.iter().any(|ending| plain.ends_with(ending)) {
        return String::new();
    }
    if head.starts_with(&GZIP_MAGIC) {
        let mut inside = Vec::new();
        // The end of what was looked at is no fault.
        let _ = MultiGzDecoder::new(head).take(HEAD).read_to_end(&mut inside);
        return format!("{}.gz", kind(&inside));
    }
    kind(head).into()
}

fn kind(head: &[u8]) -> &'static str {
    let is_relation =
        || head.split(|byte| *byte == b'\n').any(|line| line.to_ascii_lowercase().starts_with(b"@relation"));
    match head {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => ".npy",
        [b'P', b'K', 3, 4, ..] => ".npz",
        _ if is_relation() => ".arff",
        _ => ".csv",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_is_told_by_its_name_or_its_bytes() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        let gzip = gzip.finish().unwrap();
        let cases: [(&str, &[u8], &str); 7] = [
            ("stdin", b"\x93NUMPY\x01\x00", ".npy"),
            ("stdin", b"PK\x03\x04", ".npz"),
            ("stdin", b"a,b\n1,2\n", ".csv"),
            ("stdin", b"% comment\n@RELATION t\n", ".arff"),
            ("stdin", &gzip, ".npy.gz"),
            ("rows.tsv", b"a\tb\n", ""),
            ("stdin", b"", ".csv"),
        ];
        for (name, head, expected) in cases {
            assert_eq!(ending(name, head), expected, "{name}");
        }
    }

    #[test]
    fn a_file_of_its_own_is_not_copied() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Piped::of(file.path()).unwrap().is_none());
        assert!(Piped::of(Path::new("absent")).unwrap().is_none());
        assert!(Piped::of(Path::new(".")).unwrap().is_none());
    }
}
