//! Powers with a rational exponent, bounded by integers.

use crate::rejection::{Code, Rejection};
use dashu_int::ops::{BitTest, UnsignedAbs};
use dashu_int::{IBig, UBig};

/// Bits that are kept of the larger side.
const KEPT: usize = 128;

/// Tests that Σ |termᵢ|^(n/d) < whole^(n/d) (≤ where `equal` suffices) for n ≥ d.
/// The terms' powers are rounded up, the whole's down.
pub fn compare(terms: &[IBig], whole: &IBig, (n, d): (usize, usize), equal: bool) -> Result<(), Rejection> {
    let refuse = |found: &str| {
        let (place, expected) = ("the dual norm times the radius", "less than the value at the input");
        Err(Rejection::new(Code::NotProven, place, expected, found))
    };
    if *whole < IBig::ZERO {
        return refuse("more");
    }
    let whole = whole.unsigned_abs();
    let cut = whole.bit_len().saturating_sub(KEPT);
    let down = |v: &UBig| v >> cut;
    let up = |v: &UBig| if (v >> cut) << cut == *v { v >> cut } else { (v >> cut) + UBig::ONE };
    // With few bits everything is raised, so that roots keep precision, by a power of two whose root is exact.
    let raise = KEPT.saturating_sub(whole.bit_len()).next_multiple_of(d);
    let limit = root((down(&whole) << raise).pow(n), d, false);
    let mut total = UBig::ZERO;
    for term in terms.iter().map(|t| t.unsigned_abs()).filter(|t| !t.is_zero()) {
        if term > whole {
            return refuse("more");
        }
        total += root((up(&term) << raise).pow(n), d, true);
    }
    if total < limit || (equal && total <= limit) { Ok(()) } else { refuse("not less") }
}

/// ⌊v^(1/d)⌋ or ⌈v^(1/d)⌉.
fn root(v: UBig, d: usize, up: bool) -> UBig {
    let low = v.nth_root(d);
    if up && low.pow(d) < v { low + UBig::ONE } else { low }
}
