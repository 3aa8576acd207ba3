//! `underplane operators`: which operators of ONNX files are read.

use super::Finish;
use anyhow::Result;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use underplane::model::onnx;
use underplane_kernel as kernel;

#[derive(clap::Args)]
pub struct Args {
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Finish> {
    let text = if args.json { as_json() } else { as_text() };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Finish::Answered)
}

/// [operator, inputs, attributes, types, what is read].
type Row = [String; 5];

fn as_json() -> String {
    let object = |[operator, inputs, attributes, types, read]: Row| json!({"operator": operator, "inputs": inputs, "attributes": attributes, "types": types, "read": read});
    let list = |rows: Vec<Row>| rows.into_iter().map(object).collect::<Vec<_>>();
    format!("{:#}\n", json!({"program": list(onnx::operators()), "kernel": list(kernel::operators())}))
}

fn as_text() -> String {
    let mut text = String::from(
        "Certified are models of these operators; u, v depend on the input, c, d are constants.\n\
         The kernel proves what it reads itself; where it reads less, its line follows.\n\n",
    );
    let of_kernel = kernel::operators();
    let width = onnx::operators().iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
    for [name, _, _, _, read] in onnx::operators() {
        let _ = writeln!(text, "{name:width$}  {read}");
        let operator = name.split(' ').next().unwrap_or_default();
        let of = |row: &&Row| row[0].split(' ').next() == Some(operator);
        match of_kernel.iter().find(of) {
            None => drop(writeln!(text, "{:width$}  kernel: not read, so that there are no proofs", "")),
            Some(row) if row[4] != read => drop(writeln!(text, "{:width$}  kernel: {}", "", row[4])),
            Some(_) => {}
        }
    }
    text.push_str("\nEverything else is refused, with the node's name. The whole table: proofs-data/OPERATORS.md\n");
    text
}
