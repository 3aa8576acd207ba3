//! Whole rows of a table that would pass: witnesses as their owner could meet them.
//!
//! A witness may lie between words, and its numbers have more digits than a table's. A row here is written, read back as
//! `certify` reads it, and kept only where the network then has f ≤ 0 with rigorous rounding.

use crate::data::inputs::raw::RawTable;
use crate::query::Query;
use serde::Serialize;

/// A row that would pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adversarial {
    /// The input that it is beside: its number in the file, from 0.
    pub row: usize,
    /// The norm that measures the distance.
    pub norm: String,
    /// Distance from the input, rounded up.
    pub distance: f64,
    /// What moves.
    pub change: String,
    /// All cells, in the order of the table's columns.
    pub cells: Vec<String>,
}

/// Names of the columns before those of the table; a name that the table has gets a mark.
pub fn header(names: &[String]) -> Vec<String> {
    let own = ["row", "norm", "distance", "change"].map(|name| {
        let mut name = name.to_string();
        while names.contains(&name) {
            name.push('_');
        }
        name
    });
    own.iter().chain(names).cloned().collect()
}

/// How far beyond a witness rows are looked for, in shares of the way to it: a row's float32 may fall short of it.
const BEYOND: [f64; 12] = [1.0, 1.0 + 1e-7, 1.0 + 1e-6, 1.0 + 1e-5, 1.0001, 1.001, 1.01, 1.05, 1.1, 1.25, 1.5, 2.0];

/// So many inputs of the other class are looked at.
const OTHERS: usize = 4;

/// The nearest row that passes beside sample `number`, of those that are looked at: on the way to the point `witness`, the
/// same without moving words, and between the sample and `others`, which have f ≤ 0, nearest first. What need not move in
/// them stays.
pub(super) fn near(
    table: &RawTable,
    (query, number): (Query, usize),
    witness: &[f64],
    others: &[&[f64]],
) -> Option<Adversarial> {
    let own = table.at(number, query.x, query.x)?;
    let passes = |cells: &[String]| query.check(&table.coordinates(cells)?).map(|found| found.distance);
    let least = |point: &[f64]| {
        let mut cells = table.at(number, query.x, point)?;
        let mut distance = passes(&cells)?;
        let mut goes_on = true;
        while std::mem::take(&mut goes_on) {
            for at in table.columns() {
                let moved = std::mem::replace(&mut cells[at], own[at].clone());
                if moved == own[at] {
                    continue;
                }
                match passes(&cells) {
                    Some(less) => (distance, goes_on) = (less, true),
                    None => cells[at] = moved,
                }
            }
        }
        Some((distance, cells))
    };
    let on_the_way = |share: f64| -> Vec<f64> {
        query.x.iter().zip(witness).map(|(x, to)| if x == to { *x } else { x + share * (to - x) }).collect()
    };
    let beyond = |share: &f64| least(&query.clipped(on_the_way(*share)));
    let same_words = |share: &f64| least(&query.clipped(table.with_words_of(query.x, on_the_way(*share))));
    let found = BEYOND.iter().find_map(beyond).into_iter().chain(BEYOND.iter().find_map(same_words));
    let found = found.chain(others.iter().take(OTHERS).filter_map(|other| least(other)));
    let (distance, cells) = found.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let change = table.preparation.change(query.x, &table.coordinates(&cells)?);
    Some(Adversarial { row: number, norm: query.norm().to_string(), distance, change, cells })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_twice_there() {
        let names = ["a", "row", "row_"].map(String::from);
        assert_eq!(header(&names), ["row__", "norm", "distance", "change", "a", "row", "row_"]);
    }
}
