//! The whole program on many inputs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use testing::networks::{Map, generator, icnn};
use underplane::model::onnx;

use super::D;
use rand::RngExt;

/// Certifies so many inputs for three norms, and prints what it took.
pub fn certify(count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    onnx::write(&icnn(&mut generator(1), D, &[200, 64], Map::Centred, 0.0), &path("model.onnx")).expect("a model");
    write_inputs(&path("inputs.npy"), count).expect("inputs");
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_underplane"));
    command.current_dir(folder.path()).args(["certify", "model.onnx", "inputs.npy", "--out", "rows.csv"]);
    let mut child = command.spawn().expect("the program starts");
    let mut peak = 0;
    let status = loop {
        peak = memory(child.id()).unwrap_or(0).max(peak);
        match child.try_wait().expect("the program runs") {
            Some(status) => break status,
            None => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let rows = std::fs::read(path("rows.csv")).expect("rows");
    let lines = rows.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(lines, 3 * count + 1, "a row per input and norm ({status})");
    println!("{count} inputs, three norms, {} threads: {seconds:.1} s", rayon::current_num_threads());
    println!("{:.1} µs per input; peak memory {peak} kB; {} bytes written", seconds * 1e6 / count as f64, rows.len());
}

/// Random inputs, row by row.
fn write_inputs(path: &Path, count: usize) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {D}), }}");
    let header = format!("{header:<117}\n");
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(header.len() as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    let mut rng = generator(2);
    for _ in 0..count * D {
        file.write_all(&rng.random_range(0.0_f32..1.0).to_le_bytes())?;
    }
    file.flush()
}

/// The most memory that a process has had, in kB, where the system tells.
fn memory(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}
