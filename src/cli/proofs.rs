//! `--proofs`: a folder that certificates are written into as they come, and what became of them.

use super::state::ANEW;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use underplane::audit::report::RUN;
use underplane::files::{Growing, partial_name};
use underplane::proof::Groups;
use underplane::workbench::{BOX, Checkers, FOLDED, INPUTS, WEIGHTS};

/// The certificates' name in their folder.
const CERTIFICATES: &str = "certificates.jsonl";

/// All names that a folder of proofs may have.
pub const FILES: [&str; 6] = [CERTIFICATES, FOLDED, INPUTS, WEIGHTS, BOX, RUN];

/// Takes certificates.
pub struct Certificates {
    folder: PathBuf,
    growing: Growing,
    count: usize,
}

impl Certificates {
    /// Into `folder`; with `resume`, which is a number of certificates and the number of an input, behind so many about
    /// inputs before that one.
    pub fn open(folder: &Path, resume: Option<(usize, u64)>) -> Result<Certificates> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let path = folder.join(CERTIFICATES);
        let partial = partial_name(&path);
        if resume.is_some_and(|(expected, _)| expected > 0) && !partial.exists() && path.exists() {
            // They were all there, and their rows had no name yet.
            std::fs::rename(&path, &partial).with_context(|| path.display().to_string())?;
        }
        let mut growing = Growing::open(&path, resume.is_some())?;
        let (mut count, mut bytes) = (0, 0);
        if let Some((expected, next)) = resume {
            let (mut file, mut line) = (BufReader::new(growing.read()?), Vec::new());
            while file.read_until(b'\n', &mut line)? > 0 && about(&line).is_some_and(|input| input < next) {
                count += 1;
                bytes += line.len() as u64;
                line.clear();
            }
            if count != expected {
                bail!(
                    "{}: expected {expected} certificates, as the rows have, found {count}; {ANEW}",
                    partial.display()
                );
            }
            growing.keep(bytes)?;
        }
        Ok(Certificates { folder: folder.into(), growing, count })
    }

    /// Writes certificates, a line each.
    pub fn write<'a>(&mut self, certificates: impl Iterator<Item = &'a String>) -> Result<()> {
        let mut lines = String::new();
        for line in certificates {
            lines += line;
            lines.push('\n');
            self.count += 1;
        }
        Ok(self.growing.write(lines.as_bytes())?)
    }

    /// They are all there: writes what their checkers need, and says what became of them.
    pub fn finish(&self, checkers: &Checkers, refused: &Groups) -> Result<()> {
        let Certificates { folder, growing, count } = self;
        growing.finish()?;
        let command = checkers.write(folder, &folder.join(CERTIFICATES))?;
        say!("{count} certificates, {} refused by the kernel", refused.count());
        refused.sorted().iter().for_each(|(reason, count)| say!("  {count}: {reason}"));
        if *count > 0 {
            say!("check them: {command}");
        }
        Ok(())
    }
}

/// The number of the input that a certificate is about, if it is a whole one.
fn about(line: &[u8]) -> Option<u64> {
    let whole = line.ends_with(b"\n").then(|| serde_json::from_slice::<serde_json::Value>(line).ok()).flatten();
    whole?.get("input")?.as_str()?.parse().ok()
}
