//! Arguments that say which inputs a subcommand works on, and how to read them.

use super::methods::at_least_one;
use super::state::{or_none, yes};
use super::voice;
use std::path::{Path, PathBuf};
use underplane::data::export::Split;
use underplane::data::tasks::Header;
use underplane::data::{Delimiter, Reading};
use underplane::workbench::InputFiles;
use underplane_kernel::Uint8;

/// What the user should hear about a file.
pub fn tell(line: &str) {
    match line.starts_with("warning: ") {
        true => voice::insist(format_args!("{line}")),
        false => say!("{line}"),
    }
}

/// What the user says about numbers.
#[derive(Clone, Copy, clap::Args)]
pub struct ReadingArgs {
    /// What a byte k among inputs of uint8 means: unit (k/255, the default unless the largest is 1) or raw (k itself)
    #[arg(long, value_name = "unit|raw", requires = "inputs")]
    uint8: Option<Uint8>,
    /// Take samples (and weights) of another shape than the model's input as its entries in the order in which they
    /// stand
    #[arg(long, requires = "inputs")]
    flatten: bool,
    /// Round entries of arrays that are no float32 to the nearest one, and say how many there are
    #[arg(long, requires = "inputs")]
    round: bool,
}

impl ReadingArgs {
    fn reading(self) -> Reading {
        Reading { uint8: self.uint8, flatten: self.flatten, round: self.round }
    }
}

/// Which inputs, and how to read them.
#[derive(clap::Args)]
pub struct InputArgs {
    /// Inputs: .npy or .npz (FILE.npz:NAME for one of several arrays; float32, or uint8 read as k/255; first axis =
    /// sample), or .csv; - or a pipe gives any of them
    inputs: PathBuf,
    #[command(flatten)]
    table: TableArgs,
    /// Use the first N inputs only
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    limit: Option<usize>,
    #[command(flatten)]
    reading: ReadingArgs,
}

impl InputArgs {
    pub fn files(&self) -> InputFiles {
        files(&self.inputs, &self.table, self.limit, self.reading)
    }
}

/// How they are read: the options and their values.
pub fn shown(files: &InputFiles) -> Vec<(&'static str, String)> {
    let InputFiles { label_column, header, delimiter, split, drop_missing, reading, limit, .. } = files;
    vec![
        ("--limit", or_none(limit)),
        ("--label-column", or_none(label_column)),
        ("--header", format!("{header:?}").to_lowercase()),
        ("--split", or_none(&split.map(|split| split.name()))),
        ("--delimiter", or_none(delimiter)),
        ("--drop-missing", yes(*drop_missing)),
        ("--uint8", or_none(&reading.uint8)),
        ("--flatten", yes(reading.flatten)),
        ("--round", yes(reading.round)),
    ]
}

/// The inputs `inputs`, as these arguments have them.
pub fn files(inputs: &Path, table: &TableArgs, limit: Option<usize>, reading: ReadingArgs) -> InputFiles {
    let TableArgs { labels, label_column, header, delimiter, split, drop_missing } = table.clone();
    let inputs = inputs.to_path_buf();
    InputFiles {
        inputs,
        labels,
        label_column,
        header,
        delimiter,
        split,
        drop_missing,
        reading: reading.reading(),
        limit,
        piped: None,
    }
}

/// Labels, and what a table's first line and its gaps mean.
#[derive(Clone, Debug, clap::Args)]
pub struct TableArgs {
    /// Labels, one per input: .npy, FILE.npz:NAME, or text with one per line
    #[arg(long, value_name = "F", requires = "model")]
    labels: Option<PathBuf>,
    /// The column of a .csv that holds labels, by name; where none has that name, by its position from 1
    #[arg(long, value_name = "NAME", conflicts_with = "labels", requires = "model")]
    label_column: Option<String>,
    /// Whether the first line of a .csv (or of labels as text) is a header; auto: found out, and said where in doubt
    #[arg(long, value_name = "yes|no|auto", default_value = "auto", value_parser = header, requires = "model")]
    header: Header,
    /// What separates the fields of a .csv: `,` `;` `|` or tab [default: found out, and said where it is no comma]
    #[arg(long, value_name = "C", requires = "model")]
    delimiter: Option<Delimiter>,
    /// Use the rows of this part of the table that the model was trained on
    #[arg(long, value_name = "train|validation|test", requires = "model")]
    split: Option<Split>,
    /// Leave out rows without a label, and rows of a .csv with a missing feature, and say how many; without it they are
    /// refused
    #[arg(long, requires = "model")]
    drop_missing: bool,
}

fn header(text: &str) -> Result<Header, String> {
    match text {
        "yes" => Ok(Header::Yes),
        "no" => Ok(Header::No),
        "auto" => Ok(Header::Auto),
        _ => Err("expected yes, no or auto".into()),
    }
}
