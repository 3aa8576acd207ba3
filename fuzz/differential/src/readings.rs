//! What the kernel and the reader make of a file.

use crate::bound::bounds;
use crate::cases::schema::largest_float;
use crate::cases::{Case, ROWS};
use crate::link::{Link, may_end};
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use underplane::model::{Graph, Model, ModelError, Sensitive, logit, onnx};
use underplane_kernel::{Class, Inputs, Logit, Reading, Rejection};

/// f at every row, or why there is none.
pub struct Ours {
    /// The kernel: exact, here rounded to 64 bits.
    pub kernel: Result<Logits, String>,
    /// The reader: the ends of an interval.
    pub reader: Result<Vec<(f64, f64)>, String>,
    /// Number of coordinates that the reader sees.
    size: Option<usize>,
    /// How many logits the reader sees, 2 where there are more, and how far 32-bit floats may be off at every row.
    pub bounds: Option<(usize, Vec<f64>)>,
    /// What the model's outputs are; nothing where the kernel alone knows.
    pub link: Option<Link>,
    /// The sensitive class, of several outputs.
    pub class: usize,
    /// What is taken off the logit.
    pub threshold: f64,
    /// Whether what is read is another file, whose constants are rounded.
    pub folded: bool,
    /// The size of its largest number.
    pub largest: f64,
    /// Whether the file holds numbers beside which others vanish in 32-bit floats.
    pub huge: bool,
}

/// Larger numbers are huge.
const HUGE: f32 = 65_536.0;

impl Ours {
    /// Number of coordinates of an input, where one of them accepts.
    pub fn size(&self) -> Option<usize> {
        self.kernel.as_ref().map(|kernel| kernel.size).ok().or(self.size)
    }
}

/// The values of a reading.
pub struct Logits {
    /// Number of outputs, 2 where there are more: f is the one, or the sensitive one minus the largest other one.
    pub outputs: usize,
    /// Number of coordinates of an input.
    pub size: usize,
    /// f at every row.
    pub values: Vec<f64>,
}

/// Reads a case; `path` holds its bytes, with `weights.bin` beside it.
pub fn ours(case: &Case, path: &Path) -> Ours {
    let text = |r: Rejection| format!("{:?}: expected {}, found {}", r.code, r.expected, r.found);
    let otherwise = (!may_end(&case.bytes)).then_some(Link::Logits);
    let network = caught(|| network(case, path).map_err(|error| error.to_string()));
    // The program proves what it says of such a file in the place of the one that it reads.
    let folded = network.as_ref().ok().and_then(|network| network.folded.clone());
    let kernel = caught(|| kernel(case, folded.as_deref().unwrap_or(&case.bytes)).map_err(text));
    let (reader, size, bounds, link) = match network.and_then(|network| caught(|| reader(case, network))) {
        Ok((values, size, bounds, link)) => (Ok(values), Some(size), Some(bounds), Some(link)),
        Err(reason) => (Err(reason), None, None, otherwise),
    };
    let folded = folded.is_some();
    let (class, threshold) = (case.class, case.threshold.into());
    let largest = largest_float(&case.bytes);
    let huge = largest > HUGE;
    let largest = largest.into();
    Ours { kernel, reader, size, bounds, link, class, threshold, folded, largest, huge }
}

/// What stands in place of a reason where a reading ends in a panic.
pub const PANIC: &str = "panic";

fn caught<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(PANIC.into()))
}

fn kernel(case: &Case, bytes: &[u8]) -> Result<Logits, Rejection> {
    let threshold = (case.threshold != 0.0).then(|| case.threshold.to_string().parse().expect("a number"));
    let reading = |class| Reading::read(bytes, Logit { threshold, ..Logit::from(class) });
    let (outputs, reading) = match reading(Class::Positive) {
        Ok(reading) => (1, reading),
        Err(first) => (2, reading(Class::Index(case.class as u32)).map_err(|_| first)?),
    };
    let size = reading.input_size();
    let inputs = Inputs::read(&npy(&rows(case, size), size))?;
    let values = (0..ROWS as u64).map(|row| reading.logit(&inputs, row).map(rounded)).collect::<Result<_, _>>()?;
    Ok(Logits { outputs, size, values })
}

/// The rows of a case, or others where its file comes from elsewhere or a mutation has changed how many coordinates
/// there are.
pub fn rows(case: &Case, size: usize) -> Vec<f32> {
    let other = |i: usize| (i * 37 % 65) as f32 / 8.0 - 4.0;
    if size == case.size { case.rows.clone() } else { (0..ROWS * size).map(other).collect() }
}

type Bounds = (usize, Vec<f64>);
type Intervals = Vec<(f64, f64)>;

fn reader(case: &Case, Network { graph, notes, .. }: Network) -> Result<(Intervals, usize, Bounds, Link), String> {
    let text = |error: ModelError| error.to_string();
    let outputs = graph.node(graph.output()).size();
    let size = graph.input_size();
    let rows: Vec<f64> = rows(case, size).into_iter().map(f64::from).collect();
    let bounds = bounds(&graph, &rows);
    let sensitive = if outputs > 1 { Sensitive::Index(case.class) } else { Sensitive::Positive };
    let threshold = Some(case.threshold).filter(|&threshold| threshold != 0.0);
    let logit = logit::Logit { threshold, ..sensitive.into() };
    let model = Model::of_heads(logit.heads(graph).map_err(text)?).map_err(text)?;
    let values = model.enclose(&rows).into_iter().map(|e| (e.lower(), e.upper())).collect();
    Ok((values, size, (outputs.min(2), bounds), Link::of(&notes)))
}

/// What is read from a file, what is said about it, and the file in its place where constants are rounded.
struct Network {
    graph: Graph,
    notes: Vec<String>,
    folded: Option<Vec<u8>>,
}

fn network(case: &Case, path: &Path) -> Result<Network, ModelError> {
    let beside = onnx::Beside::of(path, false);
    let imported = onnx::import(&case.bytes[..], path, &beside, None)?;
    let Some(folded) = imported.folded(&case.bytes, path, &beside)? else {
        return Ok(Network { graph: imported.graph, notes: imported.notes, folded: None });
    };
    let (graph, notes) = folded.read(path, None)?;
    Ok(Network { graph, notes, folded: Some(folded.bytes) })
}

/// A .npy file [3 × size].
fn npy(rows: &[f32], size: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {size}), }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    rows.iter().for_each(|v| file.extend(v.to_le_bytes()));
    file
}

/// numerator · 2^exponent / denominator, to 64 bits.
fn rounded((numerator, exponent, denominator): (IBig, i64, UBig)) -> f64 {
    let (sign, magnitude) = numerator.into_parts();
    let (above, shift_above) = leading(magnitude);
    let (below, shift_below) = leading(denominator);
    let value = scaled(above / below, exponent + shift_above - shift_below);
    if sign == Sign::Negative { -value } else { value }
}

/// The first 53 bits, and how many there are behind them.
fn leading(value: UBig) -> (f64, i64) {
    let shift = value.bit_len().saturating_sub(53);
    let kept = u64::try_from(value >> shift).expect("53 bits");
    (kept as f64, shift as i64)
}

fn scaled(value: f64, exponent: i64) -> f64 {
    let half = (exponent / 2).clamp(-1100, 1100) as i32;
    let rest = (exponent - i64::from(half)).clamp(-1100, 1100) as i32;
    value * 2_f64.powi(half) * 2_f64.powi(rest)
}
