//! Writing files whole or not at all.

mod growing;

pub use growing::{Growing, partial_name};

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file or folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes a file through a temporary name beside it, so that `path` is either the old file or the whole new one. A
/// symbolic link stays, and the file that it leads to is replaced. What is no file of its own (a pipe, a device, an
/// open descriptor like /dev/stdout) is written to as it is.
///
/// # Errors
/// When the file cannot be written; nothing is left behind then.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FileError> {
    let written = match target(path) {
        Ok(Target::File(file)) => replace(&file, write),
        Ok(Target::Stream(stream)) => append(&stream, write),
        Err(error) => Err(error),
    };
    written.map_err(|source| FileError { path: path.into(), source })
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file, to be made or replaced under this name, which is no link.
    File(PathBuf),
    /// Something that takes bytes as they come.
    Stream(PathBuf),
}

/// Links followed before it is taken for a circle; as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Follows symbolic links, to a place that need not exist yet.
///
/// # Errors
/// When the links go round in a circle, or lead to a folder, or into one that is not there.
pub fn target(path: &Path) -> io::Result<Target> {
    let mut at = path.to_path_buf();
    for _ in 0..=MOST_LINKS {
        if is_descriptor(&at) {
            return Ok(Target::Stream(at));
        }
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_symlink() => {
                let next = fs::read_link(&at)?;
                at = folder_of(&at).join(next);
            }
            Ok(found) if found.is_file() => return Ok(Target::File(at)),
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => return Ok(Target::Stream(at)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(&at).is_dir() => {
                return Ok(Target::File(at));
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The folder that a path lies in; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Is this an open file of a process? Its name looks like a link, but what it leads to may have no name.
fn is_descriptor(path: &Path) -> bool {
    let folder = folder_of(path);
    let among_processes = || folder.canonicalize().is_ok_and(|f| f.starts_with("/proc") && f.ends_with("fd"));
    folder == Path::new("/dev/fd") || among_processes()
}

/// Writes behind whatever a stream has taken already (its owner may have opened a file in the middle).
fn append(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = BufWriter::with_capacity(1 << 16, OpenOptions::new().append(true).open(path)?);
    write(&mut buffered)?;
    buffered.flush()
}

/// A folder that is made if need be, with those that it lies in; those made here go when this is dropped, if nothing
/// has been put into them.
pub struct Folder {
    /// Innermost first.
    made: Vec<PathBuf>,
}

impl Folder {
    /// Makes `path`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(path: &Path) -> Result<Folder, FileError> {
        let missing = path.ancestors().take_while(|folder| *folder != Path::new("") && !folder.exists());
        let made = missing.map(Path::to_path_buf).collect();
        let folder = Folder { made };
        fs::create_dir_all(path).map_err(|source| FileError { path: path.into(), source })?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for folder in &self.made {
            // Refused where something is in it, and then it is wanted.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// How a name ends that nobody reads.
const HIDDEN: &str = ".part";

/// Younger files than this may be those of a run that has just begun.
const OLD: Duration = Duration::from_secs(60);

/// Removes what runs that were killed have left of a file; a run that lives holds a lock.
fn remove_left_over(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_hidden = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(HIDDEN));
        let changed = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        let is_free = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_hidden && changed().is_some_and(|age| age > OLD) && is_free() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes or replaces `path`, which is no link, by a file that is written under a name that nobody reads.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let prefix = format!(".{}.", name.to_string_lossy());
    remove_left_over(folder_of(path), &prefix);
    // Opened here, and not by tempfile: with the rights that any new file gets.
    let open = |hidden: &Path| OpenOptions::new().write(true).create_new(true).open(hidden);
    let temporary = tempfile::Builder::new().prefix(&prefix).suffix(HIDDEN).make_in(folder_of(path), open)?;
    // Held as long as it is written; where there are no locks, there are none to respect.
    let _ = temporary.as_file().try_lock();
    let mut buffered = BufWriter::with_capacity(1 << 16, temporary.as_file());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    // The name must not become visible before the bytes are safe.
    temporary.as_file().sync_all()?;
    if let Ok(old) = fs::metadata(path) {
        fs::set_permissions(temporary.path(), old.permissions())?;
    }
    temporary.persist(path)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn put(path: &Path, text: &str) -> Result<(), FileError> {
        write_atomically(path, |out| out.write_all(text.as_bytes()))
    }

    #[test]
    fn links_stay_and_what_they_lead_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("store")).unwrap();
        symlink("store/old.csv", at("second.csv")).unwrap();
        symlink("second.csv", at("first.csv")).unwrap();
        for text in ["new", "newer"] {
            put(&at("first.csv"), text).unwrap();
            assert!(["first.csv", "second.csv"].iter().all(|name| at(name).is_symlink()));
            assert_eq!(fs::read_to_string(at("store/old.csv")).unwrap(), text);
            assert_eq!(fs::read_dir(at("store")).unwrap().count(), 1, "a temporary file is left");
        }
        symlink("circle.csv", at("circle.csv")).unwrap();
        symlink("nowhere/x.csv", at("broken.csv")).unwrap();
        for name in ["circle.csv", "broken.csv", "store"] {
            let message = put(&at(name), "").unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn rights_are_those_of_a_new_file_or_of_the_old_one_and_a_failure_leaves_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode();
        fs::write(at("plain"), "").unwrap();
        put(&at("new"), "").unwrap();
        assert_eq!(mode("new"), mode("plain"));
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o640)).unwrap();
        put(&at("new"), "newer").unwrap();
        assert_eq!(mode("new") & 0o777, 0o640);
        let failing = write_atomically(&at("new"), |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failing.unwrap_err().to_string().ends_with("new: no more"));
        assert_eq!(
            (fs::read_to_string(at("new")).unwrap(), fs::read_dir(folder.path()).unwrap().count()),
            ("newer".into(), 2)
        );
    }

    #[test]
    fn what_a_killed_run_has_left_goes_and_what_lives_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let hour = std::time::SystemTime::now() - Duration::from_secs(3600);
        let made = |name: &str, old: bool| {
            let file = File::create(at(name)).unwrap();
            if old {
                file.set_modified(hour).unwrap();
            }
            file
        };
        let living = made(".rows.csv.living.part", true);
        living.lock().unwrap();
        for (name, old) in
            [(".rows.csv.dead.part", true), (".rows.csv.young.part", false), (".others.csv.dead.part", true)]
        {
            drop(made(name, old));
        }
        put(&at("rows.csv"), "").unwrap();
        let names = ["rows.csv", ".rows.csv.living.part", ".rows.csv.young.part", ".others.csv.dead.part"];
        assert!(names.iter().all(|name| at(name).exists()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), names.len());
    }

    #[test]
    fn folders_go_again_where_nothing_came() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        drop(Folder::make(&inner).unwrap());
        assert!(!folder.path().join("a").exists() && folder.path().exists());
        let made = Folder::make(&inner).unwrap();
        put(&inner.join("file"), "").unwrap();
        drop(made);
        assert!(inner.join("file").exists());
        drop(Folder::make(&inner).unwrap());
        assert!(inner.exists(), "it was there before");
    }
}
