//! The folder of a model's file, where other files may hold some of its numbers.

use crate::budget;
use crate::onnx::elsewhere::Place;
use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Reads places of a model's folder, within the budget of a model file altogether.
pub struct Folder {
    path: PathBuf,
    follow_links: bool,
    taken: Cell<u64>,
}

impl Folder {
    /// That of the model file that goes by this name, which may be a link itself. Files that are links out of the folder
    /// are read with `follow_links` only.
    pub fn of(model: &Path, follow_links: bool) -> Folder {
        let path = model.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Folder { path: path.into(), follow_links, taken: Cell::new(0) }
    }

    /// The bytes of a place.
    pub fn bytes(&self, place: Place) -> Result<Vec<u8>, String> {
        let at = |what: &dyn std::fmt::Display| format!("`{}`: {what}", place.file.escape_debug());
        let path = self.path.join(place.file);
        let target = path.canonicalize().map_err(|e| at(&e))?;
        if !self.follow_links && !target.starts_with(self.path.canonicalize().map_err(|e| at(&e))?) {
            return Err(at(&"a link out of the model's folder, which is followed with --follow-links only"));
        }
        // Asked before it is opened: to open a pipe is to wait for its writer.
        let found = target.metadata().map_err(|e| at(&e))?;
        let end = place.offset.checked_add(place.length);
        if !found.is_file() || end.is_none_or(|end| end > found.len()) {
            let (size, Place { offset, length, .. }) = (found.len(), place);
            return Err(at(&format!("no file of {length} bytes from byte {offset} on, but of {size}")));
        }
        self.taken.set(self.taken.get().saturating_add(place.length));
        budget::within(place.file, "bytes of other files", self.taken.get(), budget::MODEL_BYTES)
            .map_err(|r| r.to_string())?;
        let mut file = File::open(&target).map_err(|e| at(&e))?;
        file.seek(SeekFrom::Start(place.offset)).map_err(|e| at(&e))?;
        let mut bytes = Vec::new();
        file.take(place.length).read_to_end(&mut bytes).map_err(|e| at(&e))?;
        Ok(bytes)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_out_of_the_folder_are_followed_on_request_alone() {
        let root = std::env::temp_dir().join(format!("underplane-folder-{}", std::process::id()));
        let model = root.join("inside/model.onnx");
        std::fs::create_dir_all(root.join("inside/sub")).expect("the test's own files");
        std::fs::write(root.join("outside"), b"abcdef").expect("the test's own files");
        std::fs::write(root.join("inside/sub/data"), b"abcdef").expect("the test's own files");
        symlink("../outside", root.join("inside/away")).expect("the test's own files");
        symlink("sub/data", root.join("inside/here")).expect("the test's own files");
        let read = |follow, file, offset, length| Folder::of(&model, follow).bytes(Place { file, offset, length });
        for file in ["sub/data", "here", "./here"] {
            assert_eq!(read(false, file, 1, 3).expect("the test's own files"), b"bcd", "{file}");
        }
        assert!(read(false, "away", 1, 3).unwrap_err().contains("--follow-links"));
        assert_eq!(read(true, "away", 0, 6).expect("the test's own files"), b"abcdef");
        for (file, offset, length) in [("sub/data", 4, 3), ("sub/data", u64::MAX, 1), ("sub", 0, 0), ("none", 0, 0)] {
            assert!(read(true, file, offset, length).is_err(), "{file} {offset} {length}");
        }
        std::fs::remove_dir_all(root).expect("the test's own files");
    }

    #[test]
    fn a_pipe_is_refused_unopened() {
        let root = std::env::temp_dir().join(format!("underplane-pipe-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("the test's own files");
        let made = std::process::Command::new("mkfifo").arg(root.join("pipe")).status().expect("mkfifo of the system");
        assert!(made.success());
        let read = Folder::of(&root.join("m"), false).bytes(Place { file: "pipe", offset: 0, length: 0 });
        assert!(read.unwrap_err().contains("no file of"));
        std::fs::remove_dir_all(root).expect("the test's own files");
    }
}
