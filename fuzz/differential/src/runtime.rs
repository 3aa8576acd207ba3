//! onnxruntime in a Python process of its own, started again when it dies or hangs.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use underplane_differential::cases::{Case, ROWS, maps, needed};
use underplane_differential::compare::Run;
use underplane_differential::readings::rows;

const PROGRAM: &str = include_str!("runtime.py");
const PATIENCE: Duration = Duration::from_secs(20);

/// A runtime that answers.
pub struct Runtime {
    python: PathBuf,
    process: Option<Process>,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Runtime {
    /// The runtime of this Python.
    pub fn new(python: &Path) -> Runtime {
        Runtime { python: python.into(), process: None }
    }

    /// What it computes for a case whose bytes are at `path`, with inputs of `size` coordinates. Of a file that it refuses,
    /// what it computes for the part that is read.
    pub fn runs(&mut self, case: &Case, path: &Path, size: usize) -> Vec<Run> {
        let runs = self.runs_of(&case.bytes, case, path, size);
        match needed::alone(&case.bytes).filter(|_| runs.iter().any(|run| run.outputs.is_err())) {
            None => runs,
            Some(part) => {
                std::fs::write(path, &part).expect("a file in the folder");
                let runs = self.runs_of(&part, case, path, size);
                std::fs::write(path, &case.bytes).expect("a file in the folder");
                runs
            }
        }
    }

    fn runs_of(&mut self, bytes: &[u8], case: &Case, path: &Path, size: usize) -> Vec<Run> {
        let rows = rows(case, size);
        let line = |row: &[f32]| row.iter().map(f32::to_string).collect::<Vec<_>>().join(" ");
        let rows: Vec<String> = rows.chunks(size).map(line).collect();
        debug_assert_eq!(rows.len(), ROWS);
        let request = format!("{}\n{size}\n{}", path.display(), rows.join("\n"));
        let process = self.process.get_or_insert_with(|| Process::start(&self.python));
        match process.ask(&request) {
            Some(answer) => {
                let places = maps::places(bytes);
                answer.lines().map(read).map(|run| in_order(run, places.as_deref())).collect()
            }
            None => {
                let _ = process.child.kill();
                let status = process.child.wait().map(|status| status.to_string()).unwrap_or_default();
                self.process = None;
                let outputs = Err(format!("load: the runtime died or hung ({status})"));
                vec![Run { level: 0, first: 0, batch: 0, outputs }]
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Process {
    fn start(python: &Path) -> Process {
        let mut child = Command::new(python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        let requests = child.stdin.take().expect("a pipe");
        let mut output = child.stdout.take().expect("a pipe");
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let mut length = [0; 4];
            while output.read_exact(&mut length).is_ok() {
                let mut answer = vec![0; u32::from_le_bytes(length) as usize];
                let whole = output.read_exact(&mut answer).is_ok();
                if !whole || sender.send(String::from_utf8_lossy(&answer).into_owned()).is_err() {
                    return;
                }
            }
        });
        Process { child, requests, answers }
    }

    fn ask(&mut self, request: &str) -> Option<String> {
        self.requests.write_all(&(request.len() as u32).to_le_bytes()).ok()?;
        self.requests.write_all(request.as_bytes()).ok()?;
        self.requests.flush().ok()?;
        self.answers.recv_timeout(PATIENCE).ok()
    }
}

/// The scores of maps, which are sorted by their keys, as they stood before.
fn in_order(mut run: Run, places: Option<&[usize]>) -> Run {
    let Some(places) = places else { return run };
    for outputs in run.outputs.iter_mut().flatten().filter(|outputs| outputs.len() == places.len()) {
        *outputs = places.iter().map(|&place| outputs[place]).collect();
    }
    run
}

/// One line of an answer.
pub fn read(line: &str) -> Run {
    let mut parts = line.splitn(5, ' ');
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok()).expect("a number");
    let (level, first, batch) = (number() as u8, number(), number());
    let kind = parts.next().unwrap_or_default();
    let rest = parts.next().unwrap_or_default();
    let outputs = match kind {
        "values" => {
            let values: Vec<f64> = rest.split_whitespace().map(|v| v.parse().expect("a number")).collect();
            Ok(values.chunks((values.len() / batch).max(1)).map(<[f64]>::to_vec).collect())
        }
        _ => Err(rest.into()),
    };
    Run { level, first, batch, outputs }
}
