//! The folder with tables, points and plots.

use super::COUNT;
use super::plots::{Axis, draw};
use super::rising::Point;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use underplane::norm::Norm;
use underplane::radius::lp::LpSolver;
use underplane::report::run_info::{Machine, today};
use underplane::report::table::Sheet;

/// Curves of one norm, one per input.
type Curves = (Norm, Vec<Vec<Point>>);

const CURVES: &str = "Without a box; the numbers are in `points.csv`. A curve begins where the first witness is known; \
                      gaps below 1e-9 are drawn as 1e-9.";

/// Average number of busy threads in the last minute: timings on a busy machine are worth less.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").into()
}

/// What a reader must know to compare the numbers.
pub fn circumstances(load: &str) -> String {
    let machine = Machine::here();
    let solvers: Vec<String> = LpSolver::AVAILABLE.iter().map(LpSolver::to_string).collect();
    let solvers = solvers.join(", ");
    let features = if cfg!(feature = "highs") { " --features highs" } else { "" };
    let (cpu, system, build, version) = (machine.cpu, machine.system, machine.build, env!("CARGO_PKG_VERSION"));
    format!(
        "- program: underplane {version}, {build} build\n\
         - command: `cargo bench{features} --bench exact -- reports`\n\
         - machine: {cpu}, {system}; one thread, load average {load} at the start\n\
         - model: mnist-3-8, dense 784-200-64-1 with passthroughs; the first {COUNT} inputs with f > 0\n\
         - both sides proven, checked against `lp` to 1e-6 before anything was timed; medians over the inputs\n\
         - whole, growing: the fastest of {solvers} behind `lp` to a gap of 1e-6, with the whole network as one program \
         and with programs that grow, its default; ratio: that time over the one of `exact` at 1e-6\n"
    )
}

pub fn write(folder: &Path, load: &str, table: &Sheet, kinks: &str, curves: &[Curves]) -> Result<(), Box<dyn Error>> {
    let date = today();
    let folder = folder.join(format!("{date}-exact"));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("points.csv"), points(curves)?)?;
    let mut text = format!("# Exact radii, {date}\n\n{}\n{}\n", circumstances(load), table.markdown());
    writeln!(text, "{kinks}.\n\n## How the gap closes\n")?;
    writeln!(text, "{CURVES}\n")?;
    for (norm, curves) in curves {
        for (name, axis) in [("passes", Axis::Passes), ("time", Axis::Milliseconds)] {
            let file = format!("gap-{name}-{norm}.svg");
            draw(&folder.join(&file), &format!("{norm}: gap against {name}"), axis, curves)?;
            writeln!(text, "![{norm}: gap against {name}]({file})\n")?;
        }
    }
    std::fs::write(folder.join("report.md"), text.trim_end().to_string() + "\n")?;
    Ok(())
}

fn points(curves: &[Curves]) -> Result<String, std::fmt::Error> {
    let mut text = String::from("norm,input,passes,seconds,gap\n");
    for (norm, curves) in curves {
        for (input, curve) in curves.iter().enumerate() {
            for Point { passes, seconds, gap } in curve {
                writeln!(text, "{norm},{input},{passes},{seconds:.6},{gap:.3e}")?;
            }
        }
    }
    Ok(text)
}
