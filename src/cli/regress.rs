//! `underplane regress`: verified radii against today's code.

use super::methods::threads;
use super::{Finish, progress};
use anyhow::Result;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use underplane::regress::{Change, Compared, bless, compare, definition, shown, unnamed};
use underplane::report::table::Sheet;

#[derive(clap::Args)]
pub struct Args {
    /// The folder with verified.toml; default: proofs-data/verified here, else that of the source
    folder: Option<PathBuf>,
    /// Store what today's code proves, and say what changed
    #[arg(long)]
    bless: bool,
    /// Read data files of the models that are links out of their folders, as if every entry said so
    #[arg(long)]
    follow_links: bool,
    /// Worker threads; default: all cores
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<usize>,
}

const FOLDER: &str = "proofs-data/verified";

pub fn run(args: &Args) -> Result<Finish> {
    super::certify::use_threads(args.threads)?;
    let folder = args.folder.clone().unwrap_or_else(|| match Path::new(FOLDER).is_dir() {
        true => FOLDER.into(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER),
    });
    let mut definition = definition(&folder)?;
    definition.entry.iter_mut().for_each(|entry| entry.follow_links |= args.follow_links);
    let bar = progress::bar(definition.entry.len() as u64, "re-deriving");
    let (mut total, mut failures) = (0, 0);
    let mut sheet =
        Sheet::new(&["entry", "input", "norm", "method", "verdict", "old", "new", "relative change", "detail"], 5);
    for entry in &definition.entry {
        bar.set_message(entry.name.clone());
        let outcome = compare(&folder, entry, &mut |note| bar.suspend(|| say!("{note}")))?;
        let compared = &outcome.compared;
        total += compared.len();
        failures += compared.iter().filter(|c| c.change.fails()).count();
        sheet.rows.extend(compared.iter().filter(|c| c.change != Change::Same).map(|c| row(&entry.name, c)));
        if args.bless {
            bless(&folder, entry, &outcome)?;
        }
        bar.inc(1);
    }
    let unnamed = unnamed(&folder, &definition)?;
    total += unnamed.len();
    failures += unnamed.len();
    sheet.rows.extend(unnamed.iter().map(|(name, c)| row(name, c)));
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    let changed = sheet.rows.len();
    if changed > 0 {
        write!(out, "{}", sheet.without_empty_columns().terminal())?;
    }
    if args.bless {
        writeln!(out, "{total} verified radii stored in {}, {changed} changed", folder.display())?;
        return Ok(Finish::Answered);
    }
    writeln!(
        out,
        "{total} verified radii: {} as stored, {changed} changed, {failures} of them failures",
        total - changed
    )?;
    Ok(if failures > 0 { Finish::Refuted } else { Finish::Answered })
}

fn row(entry: &str, c: &Compared) -> Vec<String> {
    let [input, norm, method] = &c.key;
    vec![
        entry.into(),
        input.clone(),
        norm.clone(),
        method.clone(),
        c.change.to_string(),
        shown(c.old.as_ref()),
        shown(c.new.as_ref().map(|proven| &proven.row)),
        c.relative().map(|r| format!("{r:+.1e}")).unwrap_or_default(),
        c.detail.clone(),
    ]
}
