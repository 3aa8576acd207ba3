//! Compares what the kernel, the reader and onnxruntime make of the same files. `fuzz/README.md` says how to run it.

mod options;
mod runtime;
mod tally;

use options::{Kind, Options};
use runtime::Runtime;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tally::Tally;
use underplane_differential::cases::{self, Case};
use underplane_differential::compare::{Difference, Run, compare};
use underplane_differential::readings::{Ours, ours};
use underplane_differential::stored;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if let Some(file) = &options.replay {
        return replay(&options, file);
    }
    if let Some(file) = &options.store {
        return store(&options, file);
    }
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for job in 0..options.jobs {
            let (options, next, tally) = (&options, &next, &tally);
            scope.spawn(move || work(options, job, next, tally, start));
        }
    });
    let tally = tally.into_inner().expect("no thread panicked");
    tally.print(start.elapsed());
    ExitCode::from(u8::from(tally.differences > 0))
}

/// The models in a folder, in the order of their names.
fn bases(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "onnx"));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a model")).collect()
}

/// The seed of file `index`.
fn seed(options: &Options, index: u64) -> u64 {
    options.seed.wrapping_mul(1 << 32).wrapping_add(index)
}

fn work(options: &Options, job: usize, next: &AtomicU64, tally: &Mutex<Tally>, start: Instant) {
    let folder = tempfile::tempdir().expect("a folder for the files");
    std::fs::write(folder.path().join("weights.bin"), cases::weights()).expect("a file in it");
    let path = folder.path().join(format!("model-{job}.onnx"));
    let mut runtime = Runtime::new(&options.python);
    let bases = options.from.as_deref().map(bases).unwrap_or_default();
    while start.elapsed() < Duration::from_secs(options.seconds) {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if options.count.is_some_and(|count| index >= count) {
            return;
        }
        let mutated = match options.kind {
            Kind::Graphs => false,
            Kind::Mutations => true,
            Kind::Both => index % 2 == 1,
        };
        let seed = seed(options, index);
        let case = match (mutated, bases.is_empty()) {
            (true, false) => cases::mutated(cases::given(bases[index as usize % bases.len()].clone()), seed),
            (true, true) => cases::mutant(seed),
            (false, _) => cases::graph(seed),
        };
        let (ours, runs, found) = examine(&case, &path, &mut runtime);
        let mut tally = tally.lock().expect("no thread panicked");
        tally.count(&case, &ours, &runs);
        for difference in &found {
            report(options, &mut tally, (seed, mutated), &case, difference);
        }
    }
}

fn examine(case: &Case, path: &Path, runtime: &mut Runtime) -> (Ours, Vec<Run>, Vec<Difference>) {
    std::fs::write(path, &case.bytes).expect("a file in the folder");
    let ours = ours(case, path);
    let runs = ours.size().map(|size| runtime.runs(case, path, size)).unwrap_or_default();
    let found = compare(&ours, &runs);
    (ours, runs, found)
}

fn report(options: &Options, tally: &mut Tally, (seed, mutated): (u64, bool), case: &Case, difference: &Difference) {
    let kind = if mutated { "mutation" } else { "graph" };
    let marks = if mutated { case.marks.join("; ") } else { String::new() };
    tally.differences += 1;
    let seen = tally.seen.entry((difference.kind.into(), tally::plain(&difference.what), marks.clone())).or_default();
    *seen += 1;
    if *seen > 3 {
        return;
    }
    println!("DIFFERENCE {kind} {seed} | {} | {} | {marks}", difference.kind, difference.what);
    if let Some(folder) = &options.keep {
        let kept = folder.join(format!("{kind}-{seed}.onnx"));
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&kept, &case.bytes)).expect("the folder to keep");
    }
}

/// What the runtime computes for the files of the test suite.
fn store(options: &Options, file: &Path) -> ExitCode {
    let folder = tempfile::tempdir().expect("a folder for the files");
    std::fs::write(folder.path().join("weights.bin"), cases::weights()).expect("a file in it");
    let path = folder.path().join("model.onnx");
    let mut runtime = Runtime::new(&options.python);
    let mut lines = vec![stored::HEAD.to_string()];
    for (mutated, seed) in stored::seeds() {
        let case = if mutated { cases::mutant(seed) } else { cases::graph(seed) };
        std::fs::write(&path, &case.bytes).expect("a file in the folder");
        let size = ours(&case, &path).size().unwrap_or(case.size);
        lines.push(stored::line(mutated, seed, &case, &runtime.runs(&case, &path, size)));
    }
    std::fs::write(file, lines.join("\n") + "\n").expect("the file to store in");
    ExitCode::SUCCESS
}

/// One file again, with rows of its own.
fn replay(options: &Options, file: &Path) -> ExitCode {
    let case = cases::given(std::fs::read(file).expect("the file to replay"));
    let folder = tempfile::tempdir().expect("a folder for the files");
    std::fs::write(folder.path().join("weights.bin"), cases::weights()).expect("a file in it");
    let path = folder.path().join("model.onnx");
    let mut runtime = Runtime::new(&options.python);
    let (ours, runs, found) = examine(&case, &path, &mut runtime);
    match &ours.kernel {
        Ok(kernel) => println!("kernel  {:?}", kernel.values),
        Err(reason) => println!("kernel  refused: {reason}"),
    }
    match &ours.reader {
        Ok(reader) => println!("reader  {reader:?}, bounds {:?}", ours.bounds),
        Err(reason) => println!("reader  refused: {reason}"),
    }
    runs.iter().for_each(|run| println!("runtime {run:?}"));
    found.iter().for_each(|difference| println!("DIFFERENCE {} | {}", difference.kind, difference.what));
    if let (Some(to), Some(first)) = (&options.minimise, found.first()) {
        let smallest = minimised(case.bytes, first, &path, &mut runtime);
        std::fs::write(to, smallest).expect("the file to minimise to");
    }
    ExitCode::from(u8::from(!found.is_empty()))
}

/// Leaves out fields as long as the difference stays the same but for its numbers.
fn minimised(mut bytes: Vec<u8>, like: &Difference, path: &Path, runtime: &mut Runtime) -> Vec<u8> {
    let same = |d: &Difference| d.kind == like.kind && tally::plain(&d.what) == tally::plain(&like.what);
    loop {
        let smaller = cases::smaller(&bytes).into_iter().find(|smaller| {
            let (_, _, found) = examine(&cases::given(smaller.clone()), path, runtime);
            found.iter().any(same)
        });
        match smaller {
            Some(smaller) => bytes = smaller,
            None => return bytes,
        }
    }
}
