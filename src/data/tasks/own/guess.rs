//! A config for a table that nobody has described yet: what its columns look like.

use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::inputs::decimals::Decimals;
use crate::data::inputs::label::{listed, nearest, tally};
use crate::data::inputs::missing::is_missing;
use crate::data::table::{Labelled, Table};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Names that label columns have.
const LABELS: [&str; 6] = ["label", "class", "target", "y", "outcome", "is_fraud"];
/// A column of more words than this is taken for ids.
const WORDS: usize = 50;
/// Numbers that span more than so many orders of magnitude and are never negative are taken by their logarithm.
const ORDERS: f32 = 1e3;

/// A column is mostly of numbers where fewer than one cell in so many is of words.
const MOSTLY: usize = 5;

/// What a column looks like.
struct Look<'a> {
    name: &'a str,
    /// Different words, but for missing ones.
    words: BTreeSet<&'a str>,
    /// The numbers, where all are.
    numbers: Option<Vec<f32>>,
    /// The least and the largest number, as they are written.
    ends: [&'a str; 2],
    /// Cells that are no numbers, and one of them.
    others: (usize, &'a str),
    missing: usize,
    /// Cells that are not missing.
    rows: usize,
}

/// The class that is certified.
struct Sensitive {
    label: String,
    /// Nobody has named it.
    is_guessed: bool,
}

/// A commented `[data]` section, and what stands before it, for a table.
///
/// # Errors
/// When the table cannot be read, or has no such label column.
pub fn guess(path: &Path, label: Option<&str>, sensitive: Option<&str>) -> Result<String, DataError> {
    let known = match label {
        Some(name) => name.to_string(),
        None => label_of(path)?,
    };
    let Labelled { table, label, .. } = Table::labelled(path, (None, None), &known)?;
    let labels: Vec<&str> = (0..table.len()).map(|row| table.cell(row, label)).collect();
    let counts = tally(labels.iter().filter(|label| !is_missing(label)));
    let rarest = counts.iter().min_by_key(|(_, count)| **count).map(|(label, _)| label.to_string());
    if let Some(wanted) = sensitive.filter(|wanted| !counts.contains_key(wanted)) {
        let names: Vec<String> = counts.keys().map(|label| label.to_string()).collect();
        let like = nearest(wanted, names.iter()).map(|label| format!("; did you mean `{label}`?")).unwrap_or_default();
        let expected = format!("rows labelled `{wanted}` in column `{known}`");
        return Err(DataError::content(path, Place::Whole, expected, format!("{}{like}", listed(&counts))));
    }
    let sensitive = Sensitive {
        label: sensitive.map(String::from).or(rarest).unwrap_or_default(),
        is_guessed: sensitive.is_none(),
    };
    let looks: Vec<Look> = (0..table.columns().len()).filter(|&at| at != label).map(|at| look(&table, at)).collect();
    let told: Vec<String> = counts.iter().map(|(label, count)| format!("{label} ({count})")).collect();
    Ok(text(path, &known, (&sensitive, &told.join(", ")), &looks))
}

fn label_of(path: &Path) -> Result<String, DataError> {
    let names = Table::names(path)?;
    let found = LABELS.iter().find_map(|known| names.iter().find(|name| name.to_lowercase() == *known));
    found.cloned().ok_or_else(|| {
        let like = nearest("label", names.iter()).map(|name| format!("; `{name}`?")).unwrap_or_default();
        let expected = format!("a column named {}, or --label-column", LABELS.join(", "));
        DataError::content(path, Place::Line(1), expected, format!("{}{like}", names.join(", ")))
    })
}

fn look<'a>(table: &'a Table, at: usize) -> Look<'a> {
    let cells: Vec<&str> = (0..table.len()).map(|row| table.cell(row, at)).collect();
    let mut decimals = Decimals::new(table.delimiter() == Delimiter::Comma);
    let there: Vec<&str> = cells.iter().copied().filter(|cell| !is_missing(cell)).collect();
    let number = |cell: &&str| decimals.number(table.path(), Place::Whole, cell).ok();
    let read: Vec<Option<f32>> = there.iter().map(number).collect();
    let of_words = |(cell, number): (&&'a str, &Option<f32>)| number.is_none().then_some(*cell);
    let others: Vec<&str> = there.iter().zip(&read).filter_map(of_words).collect();
    let others = (others.len(), others.first().copied().unwrap_or_default());
    let written = |cell: &&&str| cell.trim().replace(',', ".").parse::<f64>().unwrap_or(f64::NAN);
    let least = there.iter().min_by(|a, b| written(a).total_cmp(&written(b)));
    let largest = there.iter().max_by(|a, b| written(a).total_cmp(&written(b)));
    let ends = [least, largest].map(|end| end.map_or("", |cell| cell.trim()));
    let numbers = read.into_iter().collect();
    let missing = cells.len() - there.len();
    Look {
        name: &table.columns()[at],
        words: there.iter().copied().collect(),
        numbers,
        ends,
        others,
        missing,
        rows: there.len(),
    }
}

impl Look<'_> {
    fn is_id(&self, rows: usize) -> bool {
        match &self.numbers {
            Some(numbers) => {
                rows > WORDS && numbers.len() == rows && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0)
            }
            None => self.words.len() > WORDS,
        }
    }

    fn is_wide(&self) -> bool {
        let Some(numbers) = &self.numbers else { return false };
        let positive = numbers.iter().copied().filter(|&x| x > 0.0);
        let (low, high) = positive.fold((f32::INFINITY, 0.0_f32), |(low, high), x| (low.min(x), high.max(x)));
        numbers.iter().all(|&x| x >= 0.0) && high > ORDERS * low
    }

    /// For a comment.
    fn told(&self) -> String {
        let missing = if self.missing > 0 { format!(", {} missing", self.missing) } else { String::new() };
        match &self.numbers {
            Some(_) => format!("{}: numbers from {} to {}{missing}", self.name, self.ends[0], self.ends[1]),
            None => {
                let first: Vec<&str> = self.words.iter().copied().take(5).collect();
                let more = if self.words.len() > 5 { ", …" } else { "" };
                let told = format!("{}: {} words ({}{more}){missing}", self.name, self.words.len(), first.join(", "));
                let (count, one) = self.others;
                // A column of numbers that a few cells spoil.
                let spoilt = count * MOSTLY < self.rows;
                if spoilt {
                    format!("{told}; numbers, but for {count} cells such as `{one}`: mend those")
                } else {
                    told
                }
            }
        }
    }
}

fn text(path: &Path, label: &str, (sensitive, counts): (&Sensitive, &str), looks: &[Look]) -> String {
    let rows = looks.iter().map(|look| look.missing + look.numbers.as_ref().map_or(0, Vec::len)).max().unwrap_or(0);
    let names = |wanted: &dyn Fn(&Look) -> bool| {
        let names: Vec<String> =
            looks.iter().filter(|look| wanted(look)).map(|look| format!("{:?}", look.name)).collect();
        format!("[{}]", names.join(", "))
    };
    let is_id = |look: &Look| look.is_id(rows);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = plain.trim_matches('-');
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("text takes all");
    line(format!("task = {:?}", if name.is_empty() { "table" } else { name }));
    line("\n# Every line that begins with `guessed` deserves a look.".into());
    line("[data]".into());
    line(format!("file = {:?}   # beside this file, or a path from here", path.display().to_string()));
    line(format!("label_column = {label:?}   # {counts}"));
    if sensitive.is_guessed {
        line("# guessed: the rarest label is the class that is certified".into());
    }
    let label = &sensitive.label;
    line(format!("sensitive = {label:?}   # the class that is certified; every other label is the other class"));
    line("# the columns:".into());
    looks.iter().for_each(|look| line(format!("#   {}", look.told())));
    line(format!("# guessed: ids, or words of more kinds than can be learned\nignore = {}", names(&is_id)));
    let is_words = |look: &Look| look.numbers.is_none() && !is_id(look);
    line(format!(
        "# guessed: words without an order (for ordered ones: ordinal = {{ size = [\"S\", \"M\"] }})\ncategories = {}",
        names(&is_words)
    ));
    line(format!(
        "# guessed: numbers over many orders of magnitude, taken by sign(x) ln(1 + |x|)\nlog = {}",
        names(&|look| look.is_wide() && !is_id(look))
    ));
    let missing = looks.iter().any(|look| look.missing > 0 && !is_id(look));
    line(format!(
        "# whether the median stands for a missing number, and a coordinate says that it does\nimpute = {missing}"
    ));
    text
}
