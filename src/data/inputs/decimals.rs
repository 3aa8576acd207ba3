//! Numbers of a table: decimals, with points or with commas.

use crate::data::error::{DataError, Place};
use std::path::Path;

/// Reads the numbers of one table, and knows at its end whether its commas were decimal ones.
#[derive(Debug)]
pub(crate) struct Decimals {
    /// Whether commas separate fields.
    commas_separate: bool,
    /// Number of cells with a comma that has not three digits behind it: a decimal comma.
    commas: usize,
    /// The first cell whose comma may stand between thousands.
    thousands: Option<(Place, String)>,
    /// The first cell with a decimal point.
    point: Option<(Place, String)>,
}

/// Is this a number whose decimals stand behind a comma (or a whole one with commas between thousands)?
pub(crate) fn is_decimal_comma(cell: &str) -> bool {
    with_point(cell).is_some()
}

/// A number with a decimal comma, with a point in its place.
fn with_point(cell: &str) -> Option<String> {
    let (whole, rest) = cell.trim().split_once(',')?;
    let digits = rest.split(['e', 'E']).next().unwrap_or_default();
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let whole_fits = plain(unsigned) && !unsigned.is_empty();
    let text = format!("{whole}.{rest}");
    (whole_fits && !digits.is_empty() && plain(digits) && text.parse::<f64>().is_ok()).then_some(text)
}

impl Decimals {
    /// Of a table whose fields are separated by commas, or by something else.
    pub fn new(commas_separate: bool) -> Decimals {
        Decimals { commas_separate, commas: 0, thousands: None, point: None }
    }

    /// The finite float32 nearest to a decimal.
    ///
    /// # Errors
    /// When the cell is no such number.
    pub fn number(&mut self, path: &Path, place: Place, cell: &str) -> Result<f32, DataError> {
        let text = cell.trim();
        // Parsed as f32 at once: the way through f64 would round twice.
        let value = match text.parse::<f32>() {
            Ok(value) => {
                if self.point.is_none() && !self.commas_separate && text.contains('.') {
                    self.point = Some((place.clone(), text.into()));
                }
                Some(value)
            }
            Err(_) => self.behind_comma(&place, text),
        };
        let expected = match value {
            Some(value) if value.is_finite() => return Ok(value),
            Some(_) => "a finite number within the range of float32",
            None if self.commas_separate && cell.contains([';', '\t', '|']) => {
                "a number (fields are separated by commas)"
            }
            None => "a number",
        };
        Err(DataError::content(path, place, expected, format!("`{cell}`")))
    }

    /// A number with a decimal comma, where commas do not separate fields.
    fn behind_comma(&mut self, place: &Place, cell: &str) -> Option<f32> {
        let text = with_point(cell).filter(|_| !self.commas_separate)?;
        let (whole, rest) = text.trim_start_matches(['+', '-']).split_once('.')?;
        if rest.len() == 3 && whole.len() <= 3 && !whole.starts_with('0') && !rest.contains(['e', 'E']) {
            self.thousands.get_or_insert_with(|| (place.clone(), cell.into()));
        } else {
            self.commas += 1;
        }
        text.parse().ok()
    }

    /// What is worth saying.
    ///
    /// # Errors
    /// When it is unclear what commas or points mean.
    pub fn finish(&self, path: &Path) -> Result<Option<String>, DataError> {
        match (&self.thousands, &self.point, self.commas) {
            (Some((place, cell)), _, 0) => Err(DataError::content(
                path,
                place.clone(),
                "numbers that can be read in one way only",
                format!("`{cell}`: decimals or thousands? no number of the table tells; write decimals with points"),
            )),
            (_, Some((place, cell)), 1..) => Err(DataError::content(
                path,
                place.clone(),
                "a decimal comma, as in other numbers of this table",
                format!("`{cell}`"),
            )),
            (_, _, 0) => Ok(None),
            _ => Ok(Some(format!("{}: decimal commas are read as points", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(commas_separate: bool, cells: &[&str]) -> Result<(Vec<f32>, Option<String>), String> {
        let (mut decimals, path) = (Decimals::new(commas_separate), Path::new("t.csv"));
        let numbers = cells.iter().map(|cell| decimals.number(path, Place::Line(1), cell)).collect::<Result<_, _>>();
        let numbers = numbers.map_err(|error| error.to_string())?;
        Ok((numbers, decimals.finish(path).map_err(|error| error.to_string())?))
    }

    #[test]
    fn decimal_commas_are_read_where_fields_have_other_separators() {
        let commas = Some("t.csv: decimal commas are read as points".to_string());
        assert_eq!(read(false, &["1,5", "-0,25", "3", "2,5e1"]), Ok((vec![1.5, -0.25, 3.0, 25.0], commas)));
        assert_eq!(read(false, &["1.5", "3"]), Ok((vec![1.5, 3.0], None)));
        // One that could be thousands is not where another one tells.
        assert_eq!(read(false, &["1,250", "2,5"]).map(|(numbers, _)| numbers), Ok(vec![1.25, 2.5]));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (cells, part) in [
            (vec!["1,250", "3"], "decimals or thousands"),
            (vec!["-1,250"], "decimals or thousands"),
            (vec!["1,5", "1.250"], "a decimal comma"),
            (vec!["1.250,5"], "a number"),
            (vec!["1,250,000"], "a number"),
            (vec![",5"], "a number"),
            (vec!["1,"], "a number"),
        ] {
            assert!(read(false, &cells).unwrap_err().contains(part), "{cells:?}");
        }
        assert!(read(true, &["1,5"]).is_err());
    }
}
