//! What a run leaves after an epoch, so that it can go on after an interruption: one line of JSON, then numbers.

use super::config::Config;
use super::epoch::Epoch;
use super::error::TrainError;
use super::network::Running;
use super::run::Run;
use crate::data::store::sha256;
use crate::data::{Dataset, Task};
use crate::files::write_atomically;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where a run leaves its state, so that it can go on after an interruption.
#[derive(Clone, Copy, Debug)]
pub struct Resumable<'a> {
    /// The file; it goes when the run ends. The second network of an ensemble has `.1` behind it, and so on.
    pub path: &'a Path,
    /// Whether a state that is there is taken up; else it is overwritten.
    pub resume: bool,
    /// Epochs that end sooner after the last state leave none.
    pub every: Duration,
}

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    pub epoch: usize,
    /// Smaller is better.
    pub score: [f64; 2],
    pub parameters: Vec<f32>,
    pub running: Vec<Vec<Running>>,
}

/// What has become of a run so far, beside its network and its optimiser.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub history: Vec<Epoch>,
    pub best: Option<Best>,
    /// The epochs after which the run was taken up again.
    pub resumed: Vec<usize>,
    /// Wall-clock seconds of the parts before this one.
    pub times: Vec<f64>,
}

impl State {
    /// Have so many epochs gone by without a better one?
    pub fn waited(&self, patience: Option<usize>) -> bool {
        let waited = self.history.len() - self.best.as_ref().map_or(self.history.len(), |best| best.epoch);
        patience.is_some_and(|patience| waited >= patience)
    }
}

/// The first line; how long the numbers behind it are, they say themselves.
#[derive(Serialize, Deserialize)]
struct Header {
    /// What made it.
    program: String,
    config: Config,
    /// SHA-256 of the training and of the validation samples.
    data: String,
    history: Vec<Epoch>,
    best: usize,
    score: [f64; 2],
    resumed: Vec<usize>,
    times: Vec<f64>,
    steps: i32,
    /// Words that the random numbers have used up.
    random: String,
    /// Lengths of the parts.
    parts: Vec<usize>,
}

/// The file of a run's states.
pub struct Checkpoints<'a> {
    config: &'a Config,
    task: &'a Task,
    wanted: Option<Resumable<'a>>,
    started: Instant,
    written: Instant,
    /// Seconds that the networks of the ensemble before this one took.
    before: f64,
}

impl<'a> Checkpoints<'a> {
    /// From now on.
    pub fn new(config: &'a Config, task: &'a Task, wanted: Option<Resumable<'a>>) -> Checkpoints<'a> {
        Checkpoints { config, task, wanted, started: Instant::now(), written: Instant::now(), before: 0.0 }
    }

    /// Seconds of the whole run, with these parts before this one.
    pub fn seconds(&self, times: &[f64]) -> f64 {
        times.iter().sum::<f64>() + self.started.elapsed().as_secs_f64()
    }

    /// Leaves the state where the last one is old enough.
    pub fn keep(&mut self, run: &Run, state: &State, member: usize) -> Result<(), TrainError> {
        match self.wanted {
            Some(wanted) if self.written.elapsed() >= wanted.every => self.leave(run, state, member),
            _ => Ok(()),
        }
    }

    /// Where the state of a network of the ensemble lies.
    fn path(&self, member: usize) -> Option<PathBuf> {
        let path = self.wanted?.path;
        let mut path = path.as_os_str().to_owned();
        if member > 0 {
            path.push(format!(".{member}"));
        }
        Some(path.into())
    }

    /// Leaves the state.
    pub fn leave(&mut self, run: &Run, state: &State, member: usize) -> Result<(), TrainError> {
        let (Some(path), Some(best)) = (self.path(member), &state.best) else { return Ok(()) };
        let moments = &run.optimiser.moments;
        let parts = [
            floats(&run.network.parameters),
            floats(&moments.first),
            floats(&moments.second),
            floats(&moments.average),
            floats(&best.parameters),
            doubles(&run.network.running),
            doubles(&best.running),
            run.order.iter().flat_map(|&i| (i as u32).to_le_bytes()).collect(),
        ];
        let header = Header {
            program: program(),
            config: self.config.clone(),
            data: self.data(),
            history: state.history.clone(),
            best: best.epoch,
            score: best.score,
            resumed: state.resumed.clone(),
            times: [&state.times[..], &[self.started.elapsed().as_secs_f64() - self.before]].concat(),
            steps: moments.steps,
            random: run.rng.get_word_pos().to_string(),
            parts: parts.iter().map(Vec::len).collect(),
        };
        let line = serde_json::to_string(&header).expect("plain data");
        let written = write_atomically(&path, |file| {
            writeln!(file, "{line}")?;
            parts.iter().try_for_each(|part| file.write_all(part))
        });
        written.map_err(|error| TrainError::File { path: error.path, source: error.source })?;
        self.written = Instant::now();
        Ok(())
    }

    /// A network of the ensemble begins; takes up the state that is there, if it is to be.
    pub fn found(&mut self, run: &mut Run, member: usize) -> Result<Option<State>, TrainError> {
        self.before = self.started.elapsed().as_secs_f64();
        let wanted = self.wanted.filter(|wanted| wanted.resume).and_then(|_| self.path(member));
        let Some(path) = wanted.filter(|path| path.exists()) else { return Ok(None) };
        let refuse = |expected: &str, found: &str| TrainError::Checkpoint {
            path: path.clone(),
            expected: expected.into(),
            found: found.into(),
        };
        let bytes = std::fs::read(&path).map_err(|source| TrainError::File { path: path.clone(), source })?;
        let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
        let header: Header = serde_json::from_slice(&bytes[..end])
            .map_err(|error| refuse("a checkpoint's first line", &error.to_string()))?;
        if header.program != program() {
            return Err(refuse(&program(), &header.program));
        }
        // Where the record states certified accuracy does not change the run.
        let config = Config { radii: self.config.radii.clone(), ..header.config };
        if config != *self.config {
            return Err(refuse("the same config, seed and epochs", "another one"));
        }
        if header.data != self.data() {
            return Err(refuse("the same training and validation samples", "others"));
        }
        let mut rest = bytes.get(end + 1..).unwrap_or(&[]);
        let mut parts = Vec::new();
        for &length in &header.parts {
            let (part, after) = rest.split_at_checked(length).ok_or_else(|| refuse("a whole file", "its beginning"))?;
            parts.push(part);
            rest = after;
        }
        let random = header.random.parse().map_err(|_| refuse("a place in the random numbers", &header.random))?;
        let [parameters, first, second, average, best, running, best_running, order] = parts[..] else {
            return Err(refuse("eight parts", &parts.len().to_string()));
        };
        let count = run.network.parameters.len();
        let whole = parameters.len() == 4 * count && best.len() == 4 * count && order.len() == 4 * run.order.len();
        if !whole {
            return Err(refuse("the numbers of this network", "another number of them"));
        }
        run.network.parameters = of_floats(parameters);
        let moments = &mut run.optimiser.moments;
        (moments.first, moments.second, moments.average) = (of_floats(first), of_floats(second), of_floats(average));
        moments.steps = header.steps;
        take_doubles(&mut run.network.running, running);
        let mut kept = run.network.running.clone();
        take_doubles(&mut kept, best_running);
        run.order = order.as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes) as usize).collect();
        run.rng.set_word_pos(random);
        let best = Best { epoch: header.best, score: header.score, parameters: of_floats(best), running: kept };
        let mut resumed = header.resumed;
        // A network that was finished is not gone on with.
        if header.history.len() < self.config.epochs {
            resumed.push(header.history.len());
        }
        Ok(Some(State { history: header.history, best: Some(best), resumed, times: header.times }))
    }

    /// The run has ended.
    pub fn remove(&self) {
        for path in (0..self.config.ensemble).filter_map(|member| self.path(member)) {
            // What is left behind does no harm: it is that of a run that has ended.
            let _ = std::fs::remove_file(path);
        }
    }

    fn data(&self) -> String {
        let of = |data: &Dataset| {
            let labels = data.sensitive.iter().map(|&s| u8::from(s));
            sha256(&floats(&data.inputs).into_iter().chain(labels).collect::<Vec<u8>>())
        };
        of(&self.task.train) + &of(&self.task.validation)
    }
}

fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn of_floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn doubles(running: &[Vec<Running>]) -> Vec<u8> {
    running.iter().flatten().flat_map(|running| [running.mean, running.variance]).flat_map(f64::to_le_bytes).collect()
}

fn take_doubles(running: &mut [Vec<Running>], bytes: &[u8]) {
    let mut values = bytes.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes));
    for channel in running.iter_mut().flatten() {
        if let (Some(mean), Some(variance)) = (values.next(), values.next()) {
            *channel = Running { mean, variance };
        }
    }
}
