//! `exact` against its fastest rivals.

use super::bundled::{Bundled, gap, sides};
use super::median;
use super::rivals::{Fastest, fastest};
use underplane::query::Perturbation;
use underplane::radius::Method;
use underplane::radius::exact::{EXACT_GAP, Exact, Limits};
use underplane::radius::lp::Lp;
use underplane::report::table::Sheet;

/// Times per input of which the middle one counts.
const REPEATS: usize = 5;

/// One line of the table; seconds are medians over the inputs.
pub struct Row {
    perturbation: Perturbation<'static>,
    coarse: f64,
    fine: f64,
    whole: Fastest,
    growing: Fastest,
}

pub fn exact(gap: f64) -> Exact {
    Exact { limits: Limits { gap, ..Exact::default().limits } }
}

pub fn compare(bundled: &Bundled, perturbation: Perturbation<'static>) -> Row {
    verify(bundled, perturbation);
    let coarse = seconds(bundled, &exact(1e-3), perturbation);
    let fine = seconds(bundled, &exact(EXACT_GAP), perturbation);
    let [whole, growing] = [true, false].map(|whole| fastest(bundled, perturbation, whole));
    Row { perturbation, coarse, fine, whole, growing }
}

/// Both sides are proven and meet, where `lp` has them meet.
fn verify(bundled: &Bundled, perturbation: Perturbation) {
    for (i, x) in bundled.samples().enumerate() {
        let what = format!("input {i}, {perturbation:?}");
        let coarse = bundled.certify(&exact(1e-3), x, perturbation);
        assert!((0.0..=1e-3).contains(&gap(&coarse)), "{what}: {}", coarse.detail);
        let fine = bundled.certify(&exact(EXACT_GAP), x, perturbation);
        assert!((0.0..=EXACT_GAP).contains(&gap(&fine)), "{what}: {}", fine.detail);
        let (lower, other) = (sides(&fine).0, sides(&bundled.certify(&Lp::default(), x, perturbation)).0);
        assert!((lower / other - 1.0).abs() <= EXACT_GAP, "{what}: {lower}, lp says {other}");
    }
}

fn seconds(bundled: &Bundled, method: &dyn Method, perturbation: Perturbation) -> f64 {
    let one = |x| median((0..REPEATS).map(|_| bundled.timed(method, x, perturbation).1).collect());
    median(bundled.samples().map(one).collect())
}

pub fn sheet(rows: &[Row]) -> Sheet {
    let own = ["norm", "box", "gap ≤ 1e-3 [ms]", "gap ≤ 1e-6 [ms]"];
    let rivals = ["whole [ms]", "solver", "ratio", "growing [ms]", "solver", "ratio"];
    let mut sheet = Sheet::new(&[&own[..], &rivals].concat(), 2);
    for Row { perturbation, coarse, fine, whole, growing } in rows {
        let mut cells = vec![
            perturbation.norm.to_string(),
            perturbation.range.map_or("none".into(), |ranges| format!("[{}]", ranges.at(0))),
            format!("{:.2}", coarse * 1e3),
            format!("{:.2}", fine * 1e3),
        ];
        for Fastest { solver, seconds } in [whole, growing] {
            cells.extend([format!("{:.1}", seconds * 1e3), solver.to_string(), format!("{:.1}", seconds / fine)]);
        }
        sheet.rows.push(cells);
    }
    sheet
}
