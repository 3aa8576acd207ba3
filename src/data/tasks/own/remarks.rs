//! What the user should hear about a table before a model is trained on it.

use super::OwnTable;
use crate::data::inputs::label::{listed, unlike};
use crate::data::inputs::missing::is_missing;
use crate::data::preparation::Role;
use crate::data::preparation::fit::RoleKind;
use crate::data::table::Table;
use std::collections::{BTreeMap, HashMap};

/// Of fewer rows nobody can tell what is a leak.
const FEW: usize = 30;

/// The labels with their counts, and which of them may be slips for the sensitive one.
pub(super) fn told(own: &OwnTable, counts: &BTreeMap<&&str, usize>) -> Vec<String> {
    let (labels, sensitive) = (listed(counts), &own.sensitive);
    let mut notes =
        vec![format!("labels: {labels}; `{sensitive}` is the sensitive class, every other label the other class")];
    let slips = counts.iter().filter(|(label, _)| ***label != own.sensitive && unlike(label, &own.sensitive) < 1.0);
    notes.extend(slips.map(|(label, count)| {
        format!(
            "warning: `{label}` ({count} rows) counts as the other class, though it is spelt like `{}`",
            own.sensitive
        )
    }));
    notes
}

/// Columns that hold the same twice, one value only, or that tell the label alone.
pub(super) fn remarks(table: &Table, roles: &[Role], rows: &[usize], sensitive: &[bool]) -> Vec<String> {
    let name = |role: &Role| format!("`{}`", table.columns()[role.column]);
    let mut notes = Vec::new();
    let mut seen: HashMap<Vec<&str>, &Role> = HashMap::new();
    for role in roles {
        let cells: Vec<&str> = rows.iter().map(|&row| table.cell(row, role.column)).collect();
        let is_constant = cells.iter().all(|cell| cells[0] == *cell);
        if is_constant {
            notes.push(format!("warning: column {} holds one value only, `{}`", name(role), cells[0]));
        } else if rows.len() >= FEW && tells(role, &cells, sensitive) {
            notes.push(format!(
                "warning: column {} alone tells the label of every row: a leak? (`ignore` leaves it out)",
                name(role)
            ));
        }
        match seen.get(&cells) {
            Some(first) if !is_constant => {
                notes.push(format!("warning: columns {} and {} hold the same", name(first), name(role)));
            }
            _ => drop(seen.insert(cells, role)),
        }
    }
    notes
}

/// Whether one value, or a threshold between numbers, separates the classes in these rows; ids, of which every row has
/// its own, are no words that tell something.
fn tells(role: &Role, cells: &[&str], sensitive: &[bool]) -> bool {
    match role.kind {
        RoleKind::Number { .. } => separated(cells, sensitive),
        RoleKind::Ordinal(_) | RoleKind::Category => {
            let mut classes: HashMap<&str, bool> = HashMap::new();
            let pure = cells.iter().zip(sensitive).all(|(cell, &class)| *classes.entry(cell).or_insert(class) == class);
            pure && 2 * classes.len() < cells.len()
        }
    }
}

fn separated(cells: &[&str], sensitive: &[bool]) -> bool {
    let number = |cell: &&str| cell.replace(',', ".").parse::<f64>().ok().filter(|_| !is_missing(cell));
    let pairs = cells.iter().zip(sensitive).filter_map(|(cell, &class)| Some((number(cell)?, class)));
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for (value, class) in pairs {
        low[usize::from(class)] = low[usize::from(class)].min(value);
        high[usize::from(class)] = high[usize::from(class)].max(value);
    }
    high[0] < low[1] || high[1] < low[0]
}
