//! `underplane check`: replays certificates with the kernel's code only.

use super::Finish;
use anyhow::{Result, anyhow};
use std::path::PathBuf;
use underplane::kernel::{Class, front};

#[derive(clap::Args)]
pub struct Args {
    /// The network, an ONNX file
    model: PathBuf,
    /// The inputs, a .npy file (float32, or uint8 read as k/255; first axis = sample)
    inputs: PathBuf,
    /// The certificates, one per line (proofs-data/FORMAT.md)
    certificates: PathBuf,
    /// Which output is the sensitive class: positive, negative (one output), 0 or 1 (two outputs)
    #[arg(long, default_value = "positive", value_parser = |text: &str| text.parse::<Class>())]
    sensitive: Class,
}

pub fn run(args: &Args) -> Result<Finish> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let summary = front::run(&args.model, &args.inputs, &args.certificates, args.sensitive, &mut out)
        .map_err(|message| anyhow!(message))?;
    drop(out);
    eprintln!("{} valid, {} invalid", summary.valid, summary.invalid);
    Ok(if summary.invalid > 0 { Finish::Refuted } else { Finish::Answered })
}
