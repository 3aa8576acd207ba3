//! A point beside an input, in the words of the table.

use super::{Kind, Preparation, RawColumn};

/// So many changes are told of one point.
const TOLD: usize = 6;

impl Preparation {
    /// What moves from `x` to `point`, in the columns' units and the largest in model units first: "`amount` 420 → 388
    /// and `country` DE → FR would pass".
    pub fn change(&self, x: &[f64], point: &[f64]) -> String {
        let (mut moves, mut first) = (Vec::new(), 0);
        for column in &self.columns {
            let all = first..first + column.coordinates().len();
            first = all.end;
            let size = |at: usize| (point[at] - x[at]).abs() * f64::from(self.scales[at]);
            let (from, to) = (&x[all.clone()], &point[all.clone()]);
            if let (Some(a), Some(b)) = (column.word(from), column.word(to)) {
                let told = format!("`{}` {a} → {b}", column.name);
                moves.extend((from != to).then(|| Move { size: all.map(size).fold(0.0, f64::max), told, whole: true }));
                continue;
            }
            for (k, name) in column.names().into_iter().enumerate().filter(|(k, _)| from[*k] != to[*k]) {
                let told =
                    format!("`{name}` {} → {}", short(column.raw(k, from[k]), 6), column.reached(k, from[k], to[k]));
                let whole = to[k].fract() == 0.0 || is_number(column, k);
                moves.push(Move { size: size(all.start + k), told, whole });
            }
        }
        moves.sort_by(|a, b| b.size.total_cmp(&a.size));
        let note = if moves.iter().all(|moved| moved.whole) { "" } else { " (between words, as no row is)" };
        let told: Vec<&str> = moves.iter().take(TOLD).map(|moved| moved.told.as_str()).collect();
        let rest = moves.len().saturating_sub(TOLD);
        match told.split_last() {
            None => "it would pass as it is".into(),
            Some(_) if rest > 0 => format!("{} and {rest} smaller changes would pass{note}", told.join(", ")),
            Some((last, [])) => format!("{last} would pass{note}"),
            Some((last, others)) => format!("{} and {last} would pass{note}", others.join(", ")),
        }
    }
}

/// A change of a word, or of one coordinate.
struct Move {
    /// In model units.
    size: f64,
    told: String,
    /// Whether it ends where a row can be.
    whole: bool,
}

fn is_number(column: &RawColumn, k: usize) -> bool {
    matches!(column.kind, Kind::Number { .. }) && k == 0
}

impl RawColumn {
    /// What a person calls its coordinates.
    fn names(&self) -> Vec<String> {
        let mut names = self.coordinates();
        if matches!(self.kind, Kind::Number { .. }) {
            names[0] = self.name.clone();
        }
        names
    }

    /// The word that stands at its coordinates, if one does.
    fn word(&self, values: &[f64]) -> Option<&str> {
        match &self.kind {
            Kind::Number { .. } => None,
            Kind::Ordinal { words } => (0..words.len()).find(|&k| values[0] == k as f64).map(|k| words[k].as_str()),
            Kind::Category { words, .. } => {
                let alone = values.iter().filter(|&&value| value != 0.0).count() == 1;
                let at = values.iter().position(|&value| value == 1.0).filter(|_| alone)?;
                Some(words.get(at).map_or("a missing value", String::as_str))
            }
        }
    }

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
        assert_eq!(change([x[0], 3.0, 0.0, 1.0]), "`country` DE → FR would pass");
        assert_eq!(change([x[0], 4.0, 0.0, 1.0]), "`country` DE → FR and `hour` 3 → 4 would pass");
        assert!(change([x[0], 3.0, 0.5, 0.0]).ends_with("would pass (between words, as no row is)"));
        assert_eq!(change(x), "it would pass as it is");
    }
}
