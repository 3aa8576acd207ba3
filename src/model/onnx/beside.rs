//! Other files of a model's folder that hold some of its numbers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use prost::bytes::Bytes;

/// Bytes of all such files of one model.
const MOST: u64 = 4 << 30;

/// The files of a model's folder, each read once and whole, so that whoever asks for a part of it, or for its digest, sees
/// the same bytes.
#[derive(Debug)]
pub struct Beside {
    folder: Option<PathBuf>,
    follow_links: bool,
    files: RefCell<BTreeMap<String, Bytes>>,
}

impl Beside {
    /// What is beside the model of this name, which may be a link itself; files that are links out of its folder are read
    /// with `follow_links` only.
    pub fn of(model: &Path, follow_links: bool) -> Beside {
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Beside { folder: Some(folder.into()), follow_links, files: RefCell::default() }
    }

    /// Of a model whose folder is not known: nothing.
    pub fn nothing() -> Beside {
        Beside { folder: None, follow_links: false, files: RefCell::default() }
    }

    /// `length` bytes from `offset` on of the file `location`, a path in the folder.
    ///
    /// # Errors
    /// When the path or a link leads out of the folder, or the file cannot be read, or is too short.
    pub fn part(&self, location: &str, offset: u64, length: u64) -> Result<Bytes, String> {
        let at = |what: String| format!("data file `{}`: {what}", location.escape_debug());
        let file = self.file(location).map_err(at)?;
        let end = offset.checked_add(length).filter(|&end| end <= file.len() as u64);
        match end {
            Some(end) => Ok(file.slice(offset as usize..end as usize)),
            None => Err(at(format!("expected {length} bytes from {offset} on, found {} bytes in all", file.len()))),
        }
    }

    /// The names and bytes of the files that were read so far.
    pub fn read(&self) -> Vec<(String, Bytes)> {
        self.files.borrow().iter().map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
    }

    fn file(&self, location: &str) -> Result<Bytes, String> {
        if let Some(bytes) = self.files.borrow().get(location) {
            return Ok(bytes.clone());
        }
        let Some(folder) = &self.folder else {
            return Err("it can only be read with the model's folder known".into());
        };
        let inside = |part: &str| !matches!(part, "" | "..");
        if location.contains(['\\', '\0']) || !location.split('/').all(inside) {
            return Err("its path leads outside the model's folder".into());
        }
        let bytes = read(folder, location, self.follow_links)?;
        let all: u64 = self.files.borrow().values().map(|bytes| bytes.len() as u64).sum();
        if all.saturating_add(bytes.len() as u64) > MOST {
            return Err(format!("the model's data files have more than {MOST} bytes"));
        }
        self.files.borrow_mut().insert(location.into(), bytes.clone());
        Ok(bytes)
    }
}

fn read(folder: &Path, location: &str, follow_links: bool) -> Result<Bytes, String> {
    let text = |error: std::io::Error| error.to_string();
    let target = folder.join(location).canonicalize().map_err(text)?;
    if !follow_links && !target.starts_with(folder.canonicalize().map_err(text)?) {
        let place = target.display();
        return Err(format!("it is a link to {place}, outside the model's folder: --follow-links follows it"));
    }
    // Asked before it is opened: to open a pipe is to wait for its writer.
    if !target.metadata().map_err(text)?.is_file() {
        return Err("it is not a file".into());
    }
    let mut bytes = Vec::new();
    File::open(&target).map_err(text)?.take(MOST + 1).read_to_end(&mut bytes).map_err(text)?;
    Ok(bytes.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_the_folder_is_read_unasked() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir_all(at("inside/sub")).unwrap();
        std::fs::write(at("outside"), b"abcdef").unwrap();
        std::fs::write(at("inside/sub/data"), b"abcdef").unwrap();
        symlink("../outside", at("inside/away")).unwrap();
        symlink("sub/data", at("inside/here")).unwrap();
        let part = |follow, name: &str, offset, length| Beside::of(&at("inside/m"), follow).part(name, offset, length);
        for name in ["sub/data", "here", "./here"] {
            assert_eq!(&part(false, name, 1, 3).unwrap()[..], b"bcd", "{name}");
        }
        let refused = |follow, name: &str, words: &str| {
            let message = part(follow, name, 0, 1).unwrap_err();
            assert!(message.contains(words), "{name}: {message}");
        };
        refused(false, "away", "--follow-links");
        assert_eq!(&part(true, "away", 0, 6).unwrap()[..], b"abcdef");
        let absolute = at("outside").display().to_string();
        for name in ["../outside", "sub/../../outside", "", "/", &absolute, "sub//data", "sub\\data", "here\0"] {
            refused(true, name, "outside the model's folder");
        }
        refused(true, "sub", "not a file");
        assert!(std::process::Command::new("mkfifo").arg(at("inside/pipe")).status().unwrap().success());
        refused(false, "pipe", "not a file");
        assert!(part(true, "here", 4, 3).unwrap_err().contains("6 bytes in all"));
        assert!(part(true, "here", u64::MAX, 1).is_err());
        assert!(Beside::nothing().part("here", 0, 1).unwrap_err().contains("folder known"));
    }
}
