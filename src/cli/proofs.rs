//! `--proofs`: writes the certificates of a run, and says what became of them.

use anyhow::{Context, Result};
use std::path::Path;
use underplane::audit::report::RUN;
use underplane::files::write_atomically;
use underplane::proof::grouped;
use underplane::workbench::{Checkers, INPUTS, Proofs, WEIGHTS};

/// The certificates' name in their folder.
const CERTIFICATES: &str = "certificates.jsonl";

/// All names that a folder of proofs may have.
pub const FILES: [&str; 4] = [CERTIFICATES, INPUTS, WEIGHTS, RUN];

/// Writes the certificates into `folder`, with what their checkers need.
pub fn write(folder: &Path, checkers: &Checkers, proofs: &Proofs) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let certificates = folder.join(CERTIFICATES);
    write_atomically(&certificates, |out| proofs.lines.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    let command = checkers.write(folder, &certificates)?;
    eprintln!("{} certificates, {} refused by the kernel", proofs.lines.len(), proofs.refused.len());
    let reasons = grouped(proofs.refused.iter().map(String::as_str));
    reasons.iter().for_each(|(reason, count)| eprintln!("  {count}: {reason}"));
    if !proofs.lines.is_empty() {
        eprintln!("check them: {command}");
    }
    Ok(())
}
