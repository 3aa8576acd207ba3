//! Downloading a source's files with the system's `curl`.

use crate::data::error::DataError;
use crate::data::import::import;
use crate::data::sources::{Source, SourceFile};
use crate::data::store::{Store, read_verified};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// No archive of a source is larger.
const MAX_ARCHIVE: u64 = 1 << 30;
/// curl's exit codes when a server cannot or will not continue a partial file.
const CANNOT_RESUME: [i32; 2] = [33, 36];

/// How to download.
#[derive(Clone, Debug)]
pub struct Downloader {
    /// The `curl` program.
    pub program: PathBuf,
    /// Let it show its progress on stderr; otherwise what it says goes into the error.
    pub progress: bool,
}

impl Default for Downloader {
    fn default() -> Self {
        Downloader { program: "curl".into(), progress: false }
    }
}

/// Downloads the files of a source that are missing or damaged, and verifies each; an interrupted download is continued
/// by the next call.
///
/// # Errors
/// With what failed, the file's checksum and how to bring it in by hand.
pub fn fetch(source: &'static Source, data_dir: &Path, downloader: &Downloader) -> Result<Vec<PathBuf>, DataError> {
    let store = Store::new(source, data_dir);
    fs::create_dir_all(store.folder()).map_err(|error| DataError::file(store.folder(), error))?;
    let sound = |file: &SourceFile| store.locate(file).is_some_and(|path| read_verified(&path, file).is_ok());
    let wanted: Vec<&SourceFile> = source.files.iter().filter(|file| !sound(file)).collect();
    if let Some(url) = source.archive
        && !wanted.is_empty()
    {
        return fetch_archive(&store, url, data_dir, downloader);
    }
    wanted.into_iter().map(|file| fetch_file(&store, file, downloader)).collect()
}

fn fetch_file(store: &Store, file: &SourceFile, downloader: &Downloader) -> Result<PathBuf, DataError> {
    let mut failures = vec![];
    for (number, url) in file.urls.iter().enumerate() {
        let ending = if url.ends_with(".gz") { ".gz" } else { "" };
        let target = store.folder().join(format!("{}{ending}", file.name));
        // Two servers may have packed the same content differently: parts are never mixed.
        let part = store.folder().join(format!("{}{ending}.{number}.part", file.name));
        let limit = file.bytes + file.bytes / 100 + 4096;
        // A finished part that was never renamed needs no download.
        if part.is_file() && read_verified(&part, file).is_ok() {
            return rename(&part, &target);
        }
        if let Err(failure) = downloader.run(url, &part, limit) {
            failures.push(format!("{url}: {failure}"));
            continue;
        }
        match read_verified(&part, file) {
            Ok(_) => return rename(&part, &target),
            Err(error) => {
                // Continuing a wrong file would never make it right.
                let _ = fs::remove_file(&part);
                failures.push(format!("{url}: {error}"));
            }
        }
    }
    if failures.is_empty() {
        failures.push(format!("no address on record; see {}", store.source().page));
    }
    Err(failure(store, &[file], failures.join("; ")))
}

fn fetch_archive(
    store: &Store,
    url: &str,
    data_dir: &Path,
    downloader: &Downloader,
) -> Result<Vec<PathBuf>, DataError> {
    let name = url.rsplit('/').next().unwrap_or_default();
    let part = store.folder().join(format!("{name}.part"));
    let all: Vec<&SourceFile> = store.source().files.iter().collect();
    downloader.run(url, &part, MAX_ARCHIVE).map_err(|text| failure(store, &all, format!("{url}: {text}")))?;
    let archive = rename(&part, &store.folder().join(name))?;
    let outcome = import(store.source(), &archive, data_dir);
    // Its files are in place, or it is no use.
    let _ = fs::remove_file(&archive);
    let imported = outcome.map_err(|error| failure(store, &all, format!("{url}: {error}")))?.imported;
    let missing: Vec<&SourceFile> = all.into_iter().filter(|file| !imported.contains_key(file.name)).collect();
    if !missing.is_empty() {
        return Err(failure(store, &missing, format!("{url}: not in the archive, or not with that content")));
    }
    Ok(imported.into_values().collect())
}

impl Downloader {
    /// Downloads to `part`, continuing it if it is there.
    fn run(&self, url: &str, part: &Path, limit: u64) -> Result<(), String> {
        let first = self.once(url, part, limit);
        match first {
            Err((Some(code), _)) if CANNOT_RESUME.contains(&code) && part.is_file() => {
                fs::remove_file(part).map_err(|error| error.to_string())?;
                self.once(url, part, limit).map_err(|(_, text)| text)
            }
            outcome => outcome.map_err(|(_, text)| text),
        }
    }

    fn once(&self, url: &str, part: &Path, limit: u64) -> Result<(), (Option<i32>, String)> {
        let mut command = Command::new(&self.program);
        command.args(["--fail", "--location", "--retry", "3", "--continue-at", "-"]);
        command.arg("--max-filesize").arg(limit.to_string());
        if !self.progress {
            command.args(["--silent", "--show-error"]);
        }
        command.arg("--output").arg(part).arg(url).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(if self.progress { Stdio::inherit() } else { Stdio::piped() });
        let child = command.spawn().and_then(std::process::Child::wait_with_output);
        let output = child.map_err(|error| (None, format!("{}: {error}", self.program.display())))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = if said.trim().is_empty() { String::new() } else { format!(", {}", said.trim()) };
        Err((output.status.code(), format!("curl: {}{said}", output.status)))
    }
}

fn rename(from: &Path, to: &Path) -> Result<PathBuf, DataError> {
    fs::rename(from, to).map_err(|source| DataError::file(to, source))?;
    Ok(to.into())
}

fn failure(store: &Store, files: &[&SourceFile], reason: String) -> DataError {
    let list = files.iter().map(|file| format!("{} (SHA-256 once unpacked: {})", file.name, file.sha256));
    DataError::Download {
        name: store.source().name,
        files: list.collect::<Vec<_>>().join(", "),
        folder: store.folder().into(),
        reason,
    }
}
