//! What the training rows of a table say about its columns.

use super::{Kind, RawColumn};
use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::inputs::decimals::Decimals;
use crate::data::inputs::missing::is_missing;
use crate::data::table::Table;
use std::collections::BTreeSet;

/// A column is no category with more words than this.
const WORDS: usize = 1000;

/// What a user says of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its position.
    pub column: usize,
    /// What it is.
    pub kind: RoleKind,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleKind {
    /// Numbers, or their logarithms.
    Number {
        /// Whether x becomes sign(x) ln(1 + |x|).
        log: bool,
    },
    /// Words in this order.
    Ordinal(Vec<String>),
    /// Words.
    Category,
}

/// The columns as `rows` have them; where cells are missing and `impute`, something stands for them.
///
/// # Errors
/// When a column of categories has too many of them.
pub fn fit(table: &Table, roles: &[Role], rows: &[usize], impute: bool) -> Result<Vec<RawColumn>, DataError> {
    roles.iter().map(|role| column(table, role, rows, impute)).collect()
}

fn column(table: &Table, role: &Role, rows: &[usize], impute: bool) -> Result<RawColumn, DataError> {
    let cells = || rows.iter().map(|&row| table.cell(row, role.column));
    let absent = impute && cells().any(is_missing);
    let name = table.columns()[role.column].clone();
    let kind = match &role.kind {
        RoleKind::Number { log } => {
            let missing = absent.then(|| median(table, cells()));
            Kind::Number { log: *log, missing }
        }
        RoleKind::Ordinal(words) => Kind::Ordinal { words: words.clone() },
        RoleKind::Category => {
            let words: BTreeSet<&str> = cells().filter(|cell| !is_missing(cell)).collect();
            if words.len() > WORDS {
                let expected = format!("at most {WORDS} words in the category `{name}`");
                let found = format!("{}; `ignore = [{name:?}]` leaves a column of ids out", words.len());
                return Err(DataError::content(table.path(), Place::Whole, expected, found));
            }
            Kind::Category { words: words.into_iter().map(String::from).collect(), missing: absent }
        }
    };
    Ok(RawColumn { name, kind })
}

/// The middle of the numbers that are there (of two, the lower one), 0 where there are none; cells that are no numbers
/// are refused where they are encoded.
fn median<'a>(table: &Table, cells: impl Iterator<Item = &'a str>) -> f32 {
    let mut decimals = Decimals::new(table.delimiter() == Delimiter::Comma);
    let numbers = cells.filter(|cell| !is_missing(cell));
    let mut numbers: Vec<f32> =
        numbers.filter_map(|cell| decimals.number(table.path(), Place::Whole, cell).ok()).collect();
    numbers.sort_by(f32::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / 2).map_or(0.0, |value| value + 0.0)
}
