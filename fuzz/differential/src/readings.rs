//! What the kernel and the reader make of a file.

use crate::bound::bounds;
use crate::cases::schema::largest_float;
use crate::cases::{Case, ROWS};
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use underplane::model::{Model, Sensitive, onnx, select};
use underplane_kernel::{Class, Inputs, Reading, Rejection};

/// f at every row, or why there is none.
pub struct Ours {
    /// The kernel: exact, here rounded to 64 bits.
    pub kernel: Result<Logits, String>,
    /// The reader: the ends of an interval.
    pub reader: Result<Vec<(f64, f64)>, String>,
    /// Number of coordinates that the reader sees.
    size: Option<usize>,
    /// How many logits the reader sees, and how far 32-bit floats may be off at every row.
    pub bounds: Option<(usize, Vec<f64>)>,
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
    /// Number of outputs: f is the one, or the first minus the second.
    pub outputs: usize,
    /// Number of coordinates of an input.
    pub size: usize,
    /// f at every row.
    pub values: Vec<f64>,
}

/// Reads a case; `path` holds its bytes, with `weights.bin` beside it.
pub fn ours(case: &Case, path: &Path) -> Ours {
    let (reader, size, bounds) = match caught(|| reader(case, path)) {
        Ok((values, size, bounds)) => (Ok(values), Some(size), Some(bounds)),
        Err(reason) => (Err(reason), None, None),
    };
    let text = |r: Rejection| format!("{:?}: expected {}, found {}", r.code, r.expected, r.found);
    let huge = largest_float(&case.bytes) > HUGE;
    Ours { kernel: caught(|| kernel(case).map_err(text)), reader, size, bounds, huge }
}

/// What stands in place of a reason where a reading ends in a panic.
pub const PANIC: &str = "panic";

fn caught<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(PANIC.into()))
}

fn kernel(case: &Case) -> Result<Logits, Rejection> {
    let reading = |class| Reading::read(&case.bytes, class);
    let (outputs, reading) = match reading(Class::Positive) {
        Ok(reading) => (1, reading),
        Err(first) => (2, reading(Class::Index(0)).map_err(|_| first)?),
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

fn reader(case: &Case, path: &Path) -> Result<(Intervals, usize, Bounds), String> {
    let text = |error: underplane::model::ModelError| error.to_string();
    let graph = onnx::read(path).map_err(text)?;
    let outputs = graph.node(graph.output()).size();
    let size = graph.input_size();
    let rows: Vec<f64> = rows(case, size).into_iter().map(f64::from).collect();
    let bounds = bounds(&graph, &rows);
    let sensitive = if outputs == 2 { Sensitive::Index(0) } else { Sensitive::Positive };
    let model = Model::new(select(graph, sensitive).map_err(text)?).map_err(text)?;
    let values = model.enclose(&rows).into_iter().map(|e| (e.lower(), e.upper())).collect();
    Ok((values, size, (outputs, bounds)))
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
