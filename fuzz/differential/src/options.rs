//! The command line.

use std::path::PathBuf;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Valid graphs.
    Graphs,
    /// Graphs with mutations.
    Mutations,
    /// One after the other.
    Both,
}

/// What the runner does.
#[derive(Clone, Debug)]
pub struct Options {
    /// The first seed.
    pub seed: u64,
    /// How long.
    pub seconds: u64,
    /// How many files at most.
    pub count: Option<u64>,
    /// Graphs or mutations.
    pub kind: Kind,
    /// Where files with a difference are kept.
    pub keep: Option<PathBuf>,
    /// Threads.
    pub jobs: usize,
    /// The Python that has onnxruntime.
    pub python: PathBuf,
    /// Where the values of the test suite are stored.
    pub store: Option<PathBuf>,
    /// A folder of files to mutate instead of graphs.
    pub from: Option<PathBuf>,
    /// Where a smaller file with the same difference as the replayed one goes.
    pub minimise: Option<PathBuf>,
    /// One file to read again.
    pub replay: Option<PathBuf>,
}

const USAGE: &str = "options: --seed S --seconds T --count N --kind graphs|mutations|both --keep FOLDER --jobs J \
                     --python PROGRAM --from FOLDER --replay FILE --minimise FILE --store FILE";

impl Options {
    /// Reads the arguments.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            seed: 1,
            seconds: 60,
            count: None,
            kind: Kind::Both,
            keep: None,
            jobs: 1,
            python: "python3".into(),
            store: None,
            from: None,
            minimise: None,
            replay: None,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value; {USAGE}"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name}: expected a number, found `{value}`"));
            match &name[..] {
                "--seed" => options.seed = number()?,
                "--seconds" => options.seconds = number()?,
                "--count" => options.count = Some(number()?),
                "--jobs" => options.jobs = number()?.max(1) as usize,
                "--keep" => options.keep = Some(value.into()),
                "--python" => options.python = value.into(),
                "--store" => options.store = Some(value.into()),
                "--from" => options.from = Some(value.into()),
                "--minimise" => options.minimise = Some(value.into()),
                "--replay" => options.replay = Some(value.into()),
                "--kind" => {
                    options.kind = match &value[..] {
                        "graphs" => Kind::Graphs,
                        "mutations" => Kind::Mutations,
                        "both" => Kind::Both,
                        _ => return Err(format!("--kind: expected graphs, mutations or both, found `{value}`")),
                    }
                }
                _ => return Err(format!("unknown option `{name}`; {USAGE}")),
            }
        }
        Ok(options)
    }
}
