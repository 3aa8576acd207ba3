//! `underplane completions` and `underplane man`: what shells and readers are told about the command line, from the same
//! definition that parses it.

use super::{Cli, Finish};
use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::io::Write as _;
use std::path::PathBuf;
use underplane::files::write_atomically;

#[derive(clap::Args)]
pub struct Args {
    /// Whose: bash, zsh, fish, elvish or powershell
    shell: Shell,
}

#[derive(clap::Args)]
pub struct ManArgs {
    /// Write a page for the program and one for every subcommand into this folder, instead of the first to stdout
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints a shell's script.
pub fn run(args: &Args) -> Result<Finish> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Finish::Answered)
}

/// Writes the pages.
pub fn man(args: &ManArgs) -> Result<Finish> {
    let pages = pages()?;
    let Some(folder) = &args.out else {
        std::io::stdout().lock().write_all(&pages[0].1)?;
        return Ok(Finish::Answered);
    };
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, page) in &pages {
        write_atomically(&folder.join(format!("{name}.1")), |out| out.write_all(page))?;
    }
    say!("{} pages; `man -l {}` shows the first", pages.len(), folder.join(format!("{}.1", pages[0].0)).display());
    Ok(Finish::Answered)
}

/// Every page and its name, the program's first.
fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add(&program, program.get_name().to_string(), &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, name: String, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(&name).render(&mut page)?;
    pages.push((name.clone(), page));
    command.get_subcommands().try_for_each(|below| add(below, format!("{name}-{}", below.get_name()), pages))
}
