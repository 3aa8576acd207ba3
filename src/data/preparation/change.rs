//! A point beside an input, in the words of the table.

use super::{Kind, Preparation, RawColumn};

/// So many changes are told of one point.
const TOLD: usize = 6;

impl Preparation {
    /// What moves from `x` to `point`, in the columns' units and the largest in model units first: "`amount` 420 → 388
    /// and `hour` 3 → 5 would pass".
    pub fn change(&self, x: &[f64], point: &[f64]) -> String {
        let moved = |at: &usize| x[*at] != point[*at];
        let mut order: Vec<usize> = (0..x.len()).filter(moved).collect();
        let size = |at: &usize| (point[*at] - x[*at]).abs() * f64::from(self.scales[*at]);
        order.sort_by(|a, b| size(b).total_cmp(&size(a)));
        let coordinates: Vec<(&RawColumn, usize, String)> = self.columns.iter().flat_map(of_column).collect();
        let told = |&at: &usize| {
            let (column, k, name) = &coordinates[at];
            format!("`{name}` {} → {}", short(column.raw(*k, x[at]), 6), column.reached(*k, x[at], point[at]))
        };
        let told: Vec<String> = order.iter().take(TOLD).map(told).collect();
        let rest = order.len().saturating_sub(TOLD);
        let whole = |at: &usize| point[*at].fract() == 0.0 || is_number(coordinates[*at].0, coordinates[*at].1);
        let note = if order.iter().all(whole) { "" } else { " (between words, as no row is)" };
        match told.split_last() {
            None => "it would pass as it is".into(),
            Some(_) if rest > 0 => format!("{} and {rest} smaller changes would pass{note}", told.join(", ")),
            Some((last, [])) => format!("{last} would pass{note}"),
            Some((last, others)) => format!("{} and {last} would pass{note}", others.join(", ")),
        }
    }
}

/// A column's coordinates: which of them, and what a person calls it.
fn of_column(column: &RawColumn) -> Vec<(&RawColumn, usize, String)> {
    let name = |(k, coordinate): (usize, String)| match column.kind {
        Kind::Number { .. } if k == 0 => (column, k, column.name.clone()),
        _ => (column, k, coordinate),
    };
    column.coordinates().into_iter().enumerate().map(name).collect()
}

fn is_number(column: &RawColumn, k: usize) -> bool {
    matches!(column.kind, Kind::Number { .. }) && k == 0
}

impl RawColumn {
    /// The value of its coordinate `k` in the table's unit.
    pub(crate) fn raw(&self, k: usize, value: f64) -> f64 {
        match self.kind {
            Kind::Number { log: true, .. } if k == 0 => value.abs().exp_m1().copysign(value),
            _ => value,
        }
    }

    /// The other way.
    fn coordinate(&self, k: usize, raw: f64) -> f64 {
        match self.kind {
            Kind::Number { log: true, .. } if k == 0 => raw.abs().ln_1p().copysign(raw),
            _ => raw,
        }
    }

    /// What a coordinate of `from` must become for `to`, in the table's unit: the fewest digits that stand for the same
    /// float32, or for a change that is no smaller.
    fn reached(&self, k: usize, from: f64, to: f64) -> String {
        let far = |text: &String| {
            let there = self.coordinate(k, text.parse().unwrap_or(f64::NAN));
            there as f32 == to as f32 || (to - from) * (there - to) >= 0.0
        };
        let value = self.raw(k, to);
        (6..17).map(|digits| short(value, digits)).find(far).unwrap_or_else(|| value.to_string())
    }
}

/// A number of so many digits.
fn short(value: f64, digits: usize) -> String {
    let rounded: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::preparation::LabelColumn;

    #[test]
    fn changes_are_told_in_the_columns_units() {
        let number = |name: &str, log| RawColumn { name: name.into(), kind: Kind::Number { log, missing: None } };
        let words = vec!["DE".into(), "FR".into()];
        let country = RawColumn { name: "country".into(), kind: Kind::Category { words, missing: false } };
        let label = LabelColumn { column: "label".into(), sensitive: "fraud".into() };
        let columns = vec![number("amount", true), number("hour", false), country];
        let mut made = Preparation::new(label, columns, Vec::new(), "standard deviations");
        made.scales = vec![1.0, 0.1, 1.0, 1.0];
        let x = [421_f64.ln(), 3.0, 1.0, 0.0];
        let change = |point: [f64; 4]| made.change(&x, &point);
        assert_eq!(change([389_f64.ln(), 5.0, 1.0, 0.0]), "`hour` 3 → 5 and `amount` 420 → 388 would pass");
        assert_eq!(change([x[0], 3.25, 1.0, 0.0]), "`hour` 3 → 3.25 would pass");
        // Fewer digits would be nearer to 3 than what passes.
        assert_eq!(change([x[0], -1.121_394_9, 1.0, 0.0]), "`hour` 3 → -1.121395 would pass");
        assert_eq!(change([x[0], 7.121_396, 1.0, 0.0]), "`hour` 3 → 7.1214 would pass");
        assert_eq!(change([x[0], 3.0, 0.0, 1.0]), "`country=DE` 1 → 0 and `country=FR` 0 → 1 would pass");
        assert!(change([x[0], 3.0, 0.5, 0.0]).ends_with("would pass (between words, as no row is)"));
        assert_eq!(change(x), "it would pass as it is");
    }
}
