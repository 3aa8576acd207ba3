//! Exponential and logarithm, enclosed: two integers between which the true value lies, in units of 2^−[`BITS`].
//!
//! Both are sums of positive terms, each rounded down for the lower end and up for the upper one, until a term is a unit at
//! most; from there on terms fall by a factor of 4 at least, so that all that are left out are less than the last one.

use dashu_int::ops::{BitTest, DivRem};
use dashu_int::{IBig, UBig};

/// Binary places.
pub const BITS: usize = 128;

/// The two ends.
pub type Ends = (IBig, IBig);

/// n/d, d > 0, rounded to an integer, up or down.
pub fn quotient(n: &IBig, d: &UBig, up: bool) -> IBig {
    let (quotient, rest) = n.div_rem(&IBig::from(d.clone()));
    match (up, rest.cmp(&IBig::ZERO)) {
        (true, std::cmp::Ordering::Greater) => quotient + 1,
        (false, std::cmp::Ordering::Less) => quotient - 1,
        _ => quotient,
    }
}

fn one() -> IBig {
    IBig::ONE << BITS
}

/// n·2^−BITS/d, rounded outward, of two ends ≥ 0 and d > 0.
fn over((low, high): &Ends, d: &IBig) -> Ends {
    let d = UBig::try_from(d.clone()).expect("a positive divisor");
    (quotient(low, &d, false), quotient(high, &d, true))
}

/// The product of ends ≥ 0.
fn product(a: &Ends, b: &Ends) -> Ends {
    ((&a.0 * &b.0) >> BITS, ((&a.1 * &b.1) >> BITS) + 1)
}

/// e^(−x·2^−BITS) for x ≥ 0.
pub fn exp_minus(x: &IBig) -> Ends {
    // e^−89 < 2^−BITS.
    if *x >= IBig::from(89) << BITS {
        return (IBig::ZERO, IBig::ONE);
    }
    // e^x = (e^y)^(2^halvings) with y ≤ 1/2.
    let halvings = (x.bit_len() + 1).saturating_sub(BITS);
    let y = over(&(x.clone(), x.clone()), &(IBig::ONE << halvings));
    let (mut sum, mut term) = ((one(), one()), (one(), one()));
    let mut k = 0;
    while term.1 > IBig::ONE {
        k += 1;
        term = over(&product(&term, &y), &IBig::from(k));
        sum = (sum.0 + &term.0, sum.1 + &term.1);
    }
    sum.1 += &term.1;
    for _ in 0..halvings {
        sum = product(&sum, &sum);
    }
    let square = IBig::ONE << (2 * BITS);
    (over(&(square.clone(), square.clone()), &sum.1).0, over(&(square.clone(), square), &sum.0).1)
}

/// 2·artanh(n/d) for 0 ≤ n/d ≤ 1/3.
fn twice_artanh(n: &IBig, d: &IBig) -> Ends {
    let z = over(&(n << BITS, n << BITS), d);
    let square = product(&z, &z);
    let (mut sum, mut power) = (z.clone(), z);
    let mut k = 1;
    let mut term = sum.clone();
    while term.1 > IBig::ONE {
        k += 2;
        power = product(&power, &square);
        term = over(&power, &IBig::from(k));
        sum = (sum.0 + &term.0, sum.1 + &term.1);
    }
    (sum.0 * 2, (sum.1 + &term.1) * 2)
}

/// ln(n/d) for n, d > 0.
pub fn ln(n: &UBig, d: &UBig) -> Ends {
    // n/d = 2^power·m/e with 1 ≤ m/e < 2.
    let mut power = n.bit_len() as i64 - d.bit_len() as i64;
    let scaled = |power: i64| {
        let (down, up) = if power < 0 { (-power as usize, 0) } else { (0, power as usize) };
        (IBig::from(n << down), IBig::from(d << up))
    };
    let (mut m, mut e) = scaled(power);
    if m < e {
        power -= 1;
        (m, e) = scaled(power);
    }
    let (rest, two) = (twice_artanh(&(&m - &e), &(&m + &e)), twice_artanh(&IBig::ONE, &IBig::from(3)));
    let times = IBig::from(power);
    let (low, high) = if power < 0 { (two.1, two.0) } else { two };
    (low * &times + rest.0, high * times + rest.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Binary places of the naive twin.
    const FINE: usize = 512;

    /// e^(x·2^−BITS) in units of 2^−FINE, for x from −100 to 100: Taylor's sum, whose terms stay below 2^145. An error of
    /// a unit in a term grows as the terms do, so that all of it is far below 2^−FINE·2^200.
    fn naive(x: &IBig) -> IBig {
        let (mut sum, mut term) = (IBig::ZERO, IBig::ONE << FINE);
        let mut k = 0;
        while !term.is_zero() {
            sum += &term;
            k += 1;
            term = term * x / (IBig::from(k) << BITS);
        }
        sum
    }

    fn slack() -> IBig {
        IBig::ONE << 200
    }

    fn tight((low, high): &Ends, what: &str) {
        assert!(low <= high && high - low <= IBig::from(1_u64 << 20), "{what}: {low} {high}");
    }

    #[test]
    fn an_exponential_lies_between_its_ends() {
        for k in 0..420_u32 {
            let x = IBig::from(k * k) << (BITS - 11);
            let ends = exp_minus(&x);
            let (low, high) = (&ends.0 << (FINE - BITS), &ends.1 << (FINE - BITS));
            let exact = naive(&-x);
            let what = format!("exp -{}/2048", k * k);
            assert!(low <= &exact + slack() && exact - slack() <= high, "{what}");
            tight(&ends, &what);
        }
    }

    #[test]
    fn a_logarithm_lies_between_its_ends() {
        for n in 1..200_u32 {
            for d in [1_u32, 3, 7, 100, 65_535] {
                let ends = ln(&n.into(), &d.into());
                let [low, high] = [&ends.0, &ends.1].map(|end| naive(end) * d);
                let exact = IBig::from(n) << FINE;
                assert!(low <= &exact + slack() && exact - slack() <= high, "ln {n}/{d}");
                tight(&ends, &format!("ln {n}/{d}"));
            }
        }
    }

    #[test]
    fn the_logarithm_of_an_exponential_is_its_argument() {
        for k in 1..300_u32 {
            let x = IBig::from(k * 7919) << (BITS - 16);
            let (low, high) = exp_minus(&x);
            let scale = UBig::ONE << BITS;
            let of = |v: &IBig| ln(&UBig::try_from(v.clone()).expect("positive"), &scale);
            assert!(of(&low).0 <= -&x && -&x <= of(&high).1, "{k}");
        }
    }

    #[test]
    fn known_constants() {
        // 2^128·ln 2 and 2^128/e, floored.
        let ln2 = IBig::from_str_radix("235865763225513294137944142764154484399", 10).expect("digits");
        let inverse_e = IBig::from_str_radix("125182886983370532117250726298150828301", 10).expect("digits");
        let (low, high) = ln(&UBig::from(2_u8), &UBig::ONE);
        assert!(low <= ln2 && ln2 <= high, "{low} {high}");
        let (low, high) = exp_minus(&one());
        assert!(low <= inverse_e && inverse_e <= high, "{low} {high}");
        assert_eq!(ln(&UBig::from(7_u8), &UBig::from(7_u8)), (IBig::ZERO, IBig::ZERO));
        let (low, high) = exp_minus(&IBig::ZERO);
        assert!(low <= one() && one() <= high);
    }
}
