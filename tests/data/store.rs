//! Import, fetch and export: only verified files get into the data directory, and nothing half-written stays.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use underplane::data::export::{Selection, Split, export};
use underplane::data::import::import;
use underplane::data::npy::{NpyValues, read_npy};
use underplane::data::sources::{Source, SourceFile};
use underplane::data::store::{Store, sha256};
use underplane::data::{Column, Dataset, InputOptions, Label, Task, data_dir, read_inputs, read_labels};

const FIRST: &[u8] = b"first file, some bytes of text\n";
const SECOND: &[u8] = b"second file\n";

/// A source of two files; it lives as long as the program, like the real ones.
fn source(archive: Option<&'static str>, url: Option<&str>) -> &'static Source {
    let file = |name: &'static str, content: &[u8]| {
        let urls: Vec<&'static str> = url.iter().map(|url| &*String::leak(format!("{url}/{name}.gz"))).collect();
        SourceFile { name, bytes: content.len() as u64, sha256: sha256(content).leak(), urls: urls.leak() }
    };
    let files = vec![file("first.txt", FIRST), file("second.txt", SECOND)].leak();
    Box::leak(Box::new(Source {
        name: "two",
        title: "Two files",
        page: "https://example.org/two",
        licence: "none",
        archive,
        files,
    }))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// File names and contents.
type Files<'a> = &'a [(&'a str, &'a [u8])];

fn folder(files: Files<'_>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// Names of the files of the source in a data directory.
fn names(data: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(data.join("two")) else { return vec![] };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(store: &Store, name: &str) -> Result<Vec<u8>, String> {
    store.open(name).and_then(|mut content| content.rest(1000)).map_err(|error| error.to_string())
}

#[test]
fn files_are_found_by_name_and_by_checksum() {
    let source = source(None, None);
    let packed = gzip(FIRST);
    let cases: [Files<'_>; 4] = [
        &[("first.txt", FIRST), ("second.txt", SECOND)],
        &[("deep/down/first.txt.gz", &packed), ("second.txt", SECOND), ("other.txt", b"junk")],
        &[("renamed.bin", SECOND), ("another.gz", &packed), ("same length", b"second fila\n")],
        // A namesake from elsewhere comes first.
        &[("a/first.txt", b"another file of that name\n"), ("b/first.txt", FIRST), ("second.txt", SECOND)],
    ];
    for files in cases {
        let (from, data) = (folder(files), tempfile::tempdir().unwrap());
        let outcome = import(source, from.path(), data.path()).unwrap();
        assert_eq!((outcome.imported.len(), outcome.refused.len()), (2, 0));
        let store = Store::new(source, data.path());
        assert!(store.is_complete());
        assert_eq!(read(&store, "first.txt").unwrap(), FIRST);
        assert_eq!(read(&store, "second.txt").unwrap(), SECOND);
        assert_eq!(names(data.path()).len(), 2, "{:?}", names(data.path()));
    }
}

#[test]
fn one_file_at_a_time_and_the_rest_is_missing() {
    let source = source(None, None);
    let (from, data) = (folder(&[("x", SECOND)]), tempfile::tempdir().unwrap());
    import(source, &from.path().join("x"), data.path()).unwrap();
    let store = Store::new(source, data.path());
    assert_eq!(store.missing().iter().map(|file| file.name).collect::<Vec<_>>(), ["first.txt"]);
    let message = read(&store, "first.txt").unwrap_err();
    assert!(message.contains("first.txt of `two` is not in") && message.contains(source.files[0].sha256), "{message}");
    assert!(message.contains("https://example.org/two"), "{message}");
}

#[test]
fn a_new_form_replaces_the_old_one() {
    let source = source(None, None);
    let data = folder(&[("two/first.txt", b"rotten")]);
    let store = Store::new(source, data.path());
    assert!(read(&store, "first.txt").unwrap_err().contains("expected SHA-256"));
    let from = folder(&[("first.txt.gz", &gzip(FIRST))]);
    import(source, from.path(), data.path()).unwrap();
    assert_eq!(names(data.path()), ["first.txt.gz"]);
    assert_eq!(read(&store, "first.txt").unwrap(), FIRST);
}

#[test]
fn wrong_files_are_refused() {
    let source = source(None, None);
    let bomb = gzip(&vec![0; 1 << 22]);
    let truncated = &gzip(FIRST)[..20];
    let cases: [(Files<'_>, &str); 6] = [
        (&[], "neither by name nor by checksum"),
        (&[("unrelated", b"x")], "neither by name nor by checksum"),
        (&[("first.txt", b"first file, some bytes of texT\n")], "expected SHA-256"),
        (&[("first.txt", b"too long: more bytes than the record says that there are")], "more than that"),
        (&[("first.txt.gz", &bomb)], "first.txt.gz"),
        (&[("first.txt.gz", truncated)], "undamaged"),
    ];
    for (files, part) in cases {
        let (from, data) = (folder(files), tempfile::tempdir().unwrap());
        let message = import(source, from.path(), data.path()).unwrap_err().to_string();
        assert!(message.contains(part), "{message}: no `{part}`");
        assert!(names(data.path()).is_empty());
    }
    assert!(import(source, Path::new("no such folder"), Path::new("x")).is_err());
}

/// A tar archive by hand (ustar).
fn tar(files: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut archive = vec![];
    for (name, kind, bytes) in files {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = *kind;
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.extend([0; 1024]);
    archive
}

#[test]
fn archives_are_unpacked() {
    let source = source(None, None);
    let whole =
        tar(&[("d/", b'5', b""), ("d/first.txt", b'0', FIRST), ("d/x", b'0', b"?"), ("d/second.txt", 0, SECOND)]);
    for (name, bytes) in [("a.tar", whole.clone()), ("a.tar.gz", gzip(&whole)), ("a.tgz", gzip(&whole))] {
        let (from, data) = (folder(&[(name, &bytes)]), tempfile::tempdir().unwrap());
        assert_eq!(import(source, &from.path().join(name), data.path()).unwrap().imported.len(), 2);
        assert_eq!(read(&Store::new(source, data.path()), "second.txt").unwrap(), SECOND);
    }
    let mut flipped = whole.clone();
    flipped[3] ^= 1;
    let wrong = tar(&[("first.txt", b'0', &FIRST.to_ascii_uppercase())]);
    let cases: [(&[u8], &str); 5] = [
        (&flipped, "offset 0: expected a tar header whose checksum is right"),
        (&whole[..700], "the end of the file"),
        (&whole[..whole.len() - 1024], "a tar header"),
        (&wrong, "a.tar/first.txt: expected SHA-256"),
        (b"", "a tar header"),
    ];
    for (bytes, part) in cases {
        let (from, data) = (folder(&[("a.tar", bytes)]), tempfile::tempdir().unwrap());
        let message = import(source, &from.path().join("a.tar"), data.path()).unwrap_err().to_string();
        assert!(message.contains(part), "{message}: no `{part}`");
    }
}

#[test]
fn the_data_directory_chosen_comes_first() {
    assert_eq!(data_dir(Some(Path::new("here"))), PathBuf::from("here"));
}

fn task() -> Task {
    let part = |start: u16, count: u16| Dataset {
        shape: vec![1, 1, 2],
        inputs: (0..2 * count).map(|i| f32::from(start + i) / 3.0).collect(),
        sensitive: (0..count).map(|i| i % 3 == 0).collect(),
    };
    Task {
        name: "t".into(),
        unit: "u".into(),
        range: None,
        preparation: None,
        columns: vec![],
        train: part(0, 6),
        validation: part(100, 1),
        test: part(200, 5),
        notes: vec![],
    }
}

#[test]
fn exports_are_inputs() {
    let (task, folder) = (task(), tempfile::tempdir().unwrap());
    let cases = [
        (Split::Train, None, None, vec![0, 1, 2, 3, 4, 5]),
        (Split::Train, Some(true), None, vec![0, 3]),
        (Split::Test, Some(false), Some(2), vec![1, 2]),
        (Split::Test, None, Some(99), vec![0, 1, 2, 3, 4]),
    ];
    for (split, class, limit, expected) in cases {
        let part = if split == Split::Train { &task.train } else { &task.test };
        let expected = part.select(&expected);
        let written = export(&task, &Selection { split, class, limit }, &folder.path().join("new/out")).unwrap();
        let inputs = read_inputs(&written.inputs, &InputOptions::default()).unwrap();
        assert_eq!((inputs.shape, inputs.values), (expected.shape, expected.inputs));
        let labels: Vec<Label> = expected.sensitive.iter().map(|&s| Label::Integer(s.into())).collect();
        assert_eq!(read_labels(&written.labels).unwrap(), labels);
        assert!(matches!(read_npy(&written.labels).unwrap().values, NpyValues::Integer(_)));
    }
    assert!(!folder.path().join("new/out/columns.json").exists());
    let table = Task { columns: vec![Column::new("length", "x")], ..task.clone() };
    let all = Selection { split: Split::Test, class: None, limit: None };
    let columns = export(&table, &all, &folder.path().join("table")).unwrap().columns.unwrap();
    let columns: serde_json::Value = serde_json::from_slice(&std::fs::read(columns).unwrap()).unwrap();
    let expected = serde_json::json!([{"name": "length", "transform": "x", "mean": 0.0, "divisor": 1.0}]);
    assert_eq!(columns, expected);
    let none = Selection { split: Split::Validation, class: Some(false), limit: None };
    assert!(export(&task, &none, &folder.path().join("none")).unwrap_err().to_string().contains("no sample selected"));
    assert!(!folder.path().join("none").exists());
}

/// Downloads by a stand-in for curl: a shell script that sees the same arguments.
#[cfg(unix)]
mod downloads {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use underplane::data::fetch::{Downloader, fetch};

    /// One at a time: a program that is being written in one thread while another one forks cannot be run.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A script that finds the address in `$url` and the file in `$out`.
    fn curl(folder: &TempDir, body: &str) -> Downloader {
        let program = folder.path().join("curl");
        let head = "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = --output ] && out=$2; shift; done\nurl=$1\n";
        fs::write(&program, format!("{head}{body}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Downloader { program, progress: false }
    }

    /// A folder that serves both files, packed, with the scripts' own log beside them.
    fn server() -> TempDir {
        folder(&[("first.txt.gz", &gzip(FIRST)), ("second.txt.gz", &gzip(SECOND))])
    }

    #[test]
    fn what_is_missing_is_fetched_and_verified() {
        let _alone = alone();
        let (server, data) = (server(), tempfile::tempdir().unwrap());
        let source = source(None, Some(server.path().to_str().unwrap()));
        let tool = curl(&server, "echo \"$url\" >> \"$(dirname \"$0\")/log\"; cp \"$url\" \"$out\"");
        assert_eq!(fetch(source, data.path(), &tool).unwrap().len(), 2);
        assert_eq!(names(data.path()), ["first.txt.gz", "second.txt.gz"]);
        // Nothing to do; then one damaged file.
        assert_eq!(fetch(source, data.path(), &tool).unwrap().len(), 0);
        fs::write(data.path().join("two/second.txt.gz"), "rotten").unwrap();
        assert_eq!(fetch(source, data.path(), &tool).unwrap(), [data.path().join("two/second.txt.gz")]);
        assert_eq!(fs::read_to_string(server.path().join("log")).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_failure_keeps_the_part_and_says_what_to_do() {
        let _alone = alone();
        let (server, data) = (server(), tempfile::tempdir().unwrap());
        let source = source(None, Some(server.path().to_str().unwrap()));
        let broken = curl(&server, "head -c 10 \"$url\" > \"$out\"; echo 'line dropped' >&2; exit 18");
        let message = fetch(source, data.path(), &broken).unwrap_err().to_string();
        for part in ["line dropped", "first.txt", source.files[0].sha256, "put by hand into", "data import two"] {
            assert!(message.contains(part), "{message}: no `{part}`");
        }
        assert_eq!(names(data.path()), ["first.txt.gz.0.part"]);
        assert!(!Store::new(source, data.path()).is_complete());
        // The next call continues the part.
        let whole = curl(&server, "tail -c +$(( $(cat \"$out\" 2>/dev/null | wc -c) + 1 )) \"$url\" >> \"$out\"");
        assert_eq!(fetch(source, data.path(), &whole).unwrap().len(), 2);
        assert_eq!(names(data.path()), ["first.txt.gz", "second.txt.gz"]);
    }

    #[test]
    fn a_server_that_cannot_continue_is_asked_again() {
        let _alone = alone();
        let (server, data) = (server(), tempfile::tempdir().unwrap());
        let source = source(None, Some(server.path().to_str().unwrap()));
        fs::create_dir(data.path().join("two")).unwrap();
        fs::write(data.path().join("two/first.txt.gz.0.part"), "old").unwrap();
        let tool = curl(&server, "[ -e \"$out\" ] && exit 33; cp \"$url\" \"$out\"");
        assert_eq!(fetch(source, data.path(), &tool).unwrap().len(), 2);
    }

    #[test]
    fn wrong_content_is_thrown_away() {
        let _alone = alone();
        let (server, data) = (server(), tempfile::tempdir().unwrap());
        let source = source(None, Some(server.path().to_str().unwrap()));
        let tool = curl(&server, "echo '<html>sorry</html>' > \"$out\"");
        let message = fetch(source, data.path(), &tool).unwrap_err().to_string();
        assert!(message.contains("SHA-256"), "{message}");
        assert!(names(data.path()).is_empty());
    }

    #[test]
    fn archives_and_their_failures() {
        let _alone = alone();
        let whole = gzip(&tar(&[("d/first.txt", b'0', FIRST), ("d/second.txt", b'0', SECOND)]));
        let half = gzip(&tar(&[("d/first.txt", b'0', FIRST)]));
        let server = folder(&[("two.tar.gz", &whole), ("half.tar.gz", &half)]);
        let tool = curl(&server, "cp \"$url\" \"$out\"");
        let from = |name: &str| source(Some(server.path().join(name).to_str().unwrap().to_string().leak()), None);
        let data = tempfile::tempdir().unwrap();
        assert_eq!(fetch(from("two.tar.gz"), data.path(), &tool).unwrap().len(), 2);
        assert_eq!(names(data.path()), ["first.txt", "second.txt"]);
        let data = tempfile::tempdir().unwrap();
        let message = fetch(from("half.tar.gz"), data.path(), &tool).unwrap_err().to_string();
        assert!(message.contains("not in the archive") && message.contains("second.txt"), "{message}");
        assert!(fetch(from("none.tar.gz"), data.path(), &tool).is_err());
    }

    #[test]
    fn without_address_or_program() {
        let _alone = alone();
        let data = tempfile::tempdir().unwrap();
        let absent = Downloader { program: "no-such-program".into(), progress: false };
        let message = fetch(source(None, None), data.path(), &absent).unwrap_err().to_string();
        assert!(message.contains("no address on record; see https://example.org/two"), "{message}");
        let message = fetch(source(None, Some("x")), data.path(), &absent).unwrap_err().to_string();
        assert!(message.contains("no-such-program"), "{message}");
    }
}
