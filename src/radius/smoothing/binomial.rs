//! One-sided Clopper–Pearson lower bounds, rigorously rounded down.
//!
//! p̲ is the largest p with P[Bin(n, p) ≥ k] ≤ α. A float guess is verified with an upper bound of that tail and lowered
//! until it holds. The tail is C(n,k) p^k q^{n−k} · (1 + ρ_k + ρ_k ρ_{k+1} + …), ρ_i = (n−i)/(i+1) · p/q: products,
//! quotients and sums of positive numbers only, so that its relative error is at most γ of the number of roundings on
//! the longest path (no cancellation, and exponents are kept apart so that nothing under- or overflows). Where C(n,k)
//! has too many factors, C(n,k) p^k q^{n−k} < √(n/(2πk(n−k))) · (pn/k)^k · (qn/(n−k))^{n−k} stands for it (Stirling's
//! formula with Robbins' bounds, 1955).
//!
//! Every search ends after a fixed number of steps, whatever α is; where it has found nothing, the bound is 0.

use super::scaled::{Scaled, choose};
use crate::rounding::gamma;

/// Upper bounds of P[Bin(n, p) ≥ k], and its quotient by P[Bin(n, p) = k].
#[derive(Clone, Copy)]
struct Tail {
    probability: Scaled,
    series: f64,
}

impl Tail {
    /// Nothing but that probabilities are at most 1.
    const WHOLE: Tail = Tail { probability: Scaled::ONE, series: 1.0 };

    fn upper(&self) -> f64 {
        self.probability.upper().min(1.0)
    }
}

/// What is computed once for all p.
#[derive(Clone, Copy)]
struct Counts {
    k: u64,
    n: u64,
    /// C(n, k), where it has few factors.
    choose: Option<Scaled>,
}

/// Most factors of C(n, k) that are multiplied one by one. Robbins' factor, which is left out for more, is
/// 1 − 1/(6·2²⁰) or nearer to 1.
const FACTORS: u64 = 1 << 20;

impl Counts {
    /// For 0 < k ≤ n.
    fn new(k: u64, n: u64) -> Counts {
        Counts { k, n, choose: (k.min(n - k) <= FACTORS).then(|| choose(n, k)) }
    }

    /// P[Bin(n, p) = k] or a little more, but for roundings, and how many of them.
    fn central(&self, p: f64, q: f64) -> (Scaled, u64) {
        let (k, rest) = (self.k, self.n - self.k);
        if let Some(choose) = self.choose {
            // q carries one rounding into each of its factors.
            let roundings = 2 * k.min(rest) + k + 2 * rest;
            return (choose.times(Scaled::of(p).power(k)).times(Scaled::of(q).power(rest)), roundings);
        }
        let (n, share, other) = (self.n as f64, k as f64, rest as f64);
        // 1/(2π) = 0.159154943091895335768…, rounded up.
        let root = Scaled::of((n / share / other * 0.159_154_943_091_895_36).sqrt());
        let (above, below) = (Scaled::of(p * n / share).power(k), Scaled::of(q * n / other).power(rest));
        (root.times(above).times(below), 3 * k + 4 * rest + 6)
    }

    /// The tail for 0 < p < 1; the whole where k ≤ np, which no bound is about.
    fn tail(&self, p: f64) -> Tail {
        let (k, n, q) = (self.k, self.n, 1.0 - p);
        if !(p >= f64::MIN_POSITIVE && q > 0.0) || k as f64 <= n as f64 * p {
            return Tail::WHOLE;
        }
        let odds = p / q;
        let (mut term, mut series) = (1.0_f64, 1.0_f64);
        let mut terms = 1;
        for i in k..n {
            // k > np makes every factor less than 1, and falling: what is left is at most this term, n − i times.
            let left = (n - i) as f64 * term;
            if left <= series * 2.0_f64.powi(-60) {
                series += left;
                break;
            }
            term *= (n - i) as f64 / (i + 1) as f64 * odds;
            series += term;
            terms += 1;
        }
        let (central, roundings) = self.central(p, q);
        // A term of the series has five roundings per factor, and one per sum.
        let raise = 1.0 + gamma((roundings + 6 * terms + 20) as usize);
        Tail { probability: central.times(Scaled::of(series)).times(Scaled::of(raise)), series }
    }
}

/// A p with P[Bin(n, p) ≥ k] ≤ α, proven, and within a few roundings of the largest: the probability of success of n
/// trials with k successes is above it with confidence 1 − α. 0 when k = 0.
///
/// # Panics
/// When k > n, or α is not between 0 and 1.
pub(crate) fn clopper_pearson_lower(k: u64, n: u64, alpha: f64) -> f64 {
    assert!(k <= n, "{k} successes in {n} trials");
    assert!(alpha > 0.0 && alpha < 1.0, "a risk of {alpha}");
    if k == 0 {
        return 0.0;
    }
    let counts = Counts::new(k, n);
    // Above the frequency there is no bound.
    let top = k as f64 / n as f64 * (1.0 - 1e-9);
    let mut p = guess(&counts, alpha).min(top);
    let mut margin = 1e-16;
    // The first step may go up; from then on p only falls, by more and more.
    for attempt in 0..200 {
        let tail = counts.tail(p);
        if tail.upper() <= alpha && attempt > 0 {
            return p;
        }
        let newton = excess(&counts, tail, alpha);
        let change = if attempt == 0 { newton } else { newton.max(0.0) + margin };
        p *= 1.0 - if change.is_finite() { change.clamp(-0.5, 0.5) } else { 0.5 };
        p = p.min(top);
        margin *= 4.0;
    }
    0.0
}

/// Newton's step for log p: (log tail − log α) over d log tail / d log p = k / series.
fn excess(counts: &Counts, tail: Tail, alpha: f64) -> f64 {
    (tail.probability.ln() - alpha.ln()) * tail.series / counts.k as f64
}

/// Most of Newton's steps of a guess: twice as many as the largest counts need.
const STEPS: usize = 64;

/// About the largest p with a tail ≤ α. The logarithm of the tail is concave in log p, so that Newton's steps rise from
/// C(n,k) p^k = α, which is too small, to the solution without passing it.
fn guess(counts: &Counts, alpha: f64) -> f64 {
    let (k, n) = (counts.k as f64, counts.n as f64);
    // Where C(n, k) is unknown, 2^n is enough.
    let choose = counts.choose.map_or(n * std::f64::consts::LN_2, Scaled::ln);
    let mut p = ((alpha.ln() - choose) / k).exp();
    for _ in 0..STEPS {
        let step = excess(counts, counts.tail(p), alpha);
        let next = p * (-step).exp();
        if step.is_nan() || next <= p * (1.0 + 1e-15) {
            break;
        }
        p = next;
    }
    p
}

#[cfg(test)]
#[allow(clippy::excessive_precision)] // reference values keep all the digits that are known
mod tests {
    use super::*;
    use dashu_int::UBig;
    use std::cmp::Ordering;

    /// x = m / 2^e, exactly, for 0 < x < 1.
    fn parts(x: f64) -> (UBig, usize) {
        let bits = x.to_bits();
        assert!(x > 0.0 && x < 1.0 && x.is_normal());
        (UBig::from((bits & ((1 << 52) - 1)) | 1 << 52), 1075 - (bits >> 52) as usize)
    }

    /// P[Bin(n, p) ≥ k] against x, by adding up in integers.
    fn compare_tail(k: u64, n: u64, p: f64, x: f64) -> Ordering {
        let ((m, e), (bound, shift)) = (parts(p), parts(x));
        let rest = (UBig::ONE << e) - &m;
        // Exact: below 2^64 for n ≤ 30.
        let choose = |i: u64| UBig::from((0..i).fold(1, |a, j| a * (n - j) / (j + 1)));
        let term = |i: u64| choose(i) * m.pow(i as usize) * rest.pow((n - i) as usize);
        let tail = (k..=n).map(term).fold(UBig::ZERO, |a, b| a + b);
        (tail << shift).cmp(&(bound << (e * n as usize)))
    }

    /// An upper bound of P[Bin(n, p) ≥ k], at most 1.
    fn tail_upper(k: u64, n: u64, p: f64) -> f64 {
        if k == 0 { 1.0 } else { Counts::new(k, n).tail(p).upper() }
    }

    #[test]
    fn bounds_hold_exactly_for_every_small_count_and_are_tight() {
        for n in [1_u64, 2, 3, 5, 8, 13, 21, 30] {
            for k in 0..=n {
                for alpha in [0.3, 0.05, 0.001, 1e-9] {
                    let p = clopper_pearson_lower(k, n, alpha);
                    assert!((0.0..1.0).contains(&p));
                    if k == 0 {
                        assert_eq!(p, 0.0);
                        continue;
                    }
                    assert!(compare_tail(k, n, p, alpha).is_le(), "k={k} n={n} α={alpha}: {p}");
                    let more = p * (1.0 + 1e-12);
                    assert!(compare_tail(k, n, more, alpha).is_gt(), "k={k} n={n} α={alpha}: {p} is too low");
                }
            }
        }
    }

    #[test]
    fn tails_are_upper_bounds_and_near() {
        for (k, n) in [(1, 1), (1, 7), (4, 7), (7, 7), (12, 30), (29, 30)] {
            for p in [1e-9, 0.01, 0.3, 0.37, 0.9] {
                let bound = tail_upper(k, n, p);
                if bound == 1.0 {
                    assert!(k as f64 <= n as f64 * p);
                    continue;
                }
                assert!(compare_tail(k, n, p, bound).is_le(), "k={k} n={n} p={p}: {bound}");
                let less = bound * (1.0 - 1e-12);
                assert!(compare_tail(k, n, p, less).is_gt(), "k={k} n={n} p={p}: {bound} is too high");
            }
        }
        assert_eq!((tail_upper(0, 5, 0.1), tail_upper(3, 5, 0.0), tail_upper(3, 5, 1.0)), (1.0, 1.0, 1.0));
    }

    #[test]
    fn known_values() {
        // mpmath, 40 digits: the root of I_p(k, n − k + 1) = α.
        for (k, n, alpha, expected) in KNOWN {
            let p = clopper_pearson_lower(k, n, alpha);
            assert!(p <= expected, "k={k} n={n} α={alpha}: {p} above {expected}");
            assert!(
                p >= expected * (1.0 - 1e-12 - 4e-16 * n as f64),
                "k={k} n={n} α={alpha}: {p} far below {expected}"
            );
        }
    }

    #[allow(clippy::excessive_precision)]
    const KNOWN: [(u64, u64, f64, f64); 14] = [
        (95, 100, 0.001, 0.844632694189531714461421),
        (100, 100, 0.001, 0.9332543007969910437263692),
        (51, 100, 0.05, 0.4234106513021929007474927),
        (1, 100, 0.001, 0.00001000495328595637671285815),
        (9000, 10000, 0.001, 0.8904097336749064382775976),
        (9999, 10000, 0.001, 0.99907703866933948769319),
        (50400, 100000, 0.001, 0.4991089308833758094272898),
        (60000, 100000, 0.001, 0.5952010472945845459640273),
        (99000, 100000, 0.001, 0.9889893403774747592064952),
        (99999, 100000, 0.001, 0.9999076696662654459772988),
        (100000, 100000, 0.001, 0.9999309248330093929716784),
        (1, 100000, 1e-06, 1.00000049999533328333e-11),
        (1000000, 1000000, 0.001, 0.9999930922685795044238944),
        (999000, 1000000, 1e-09, 0.9987975542111938727778441),
    ];

    /// Bounds of the tail's first term from below, and of the whole tail from above, hold `p` between them.
    fn assert_is_lower_bound(k: u64, n: u64, alpha: f64, p: f64) {
        if p == 0.0 {
            // (α/C(n,k))^{1/k} is a lower bound, if a float can be as small.
            assert!(k == 0 || alpha.ln() / (k as f64) < -680.0, "k={k} n={n} α={alpha:e}: none");
            return;
        }
        let share = k as f64 / n as f64;
        assert!(p > 0.0 && p < share, "k={k} n={n} α={alpha:e}: {p}");
        // ln P[Bin = k] ≥ −n·KL(k/n ‖ p) − ½ ln(8 k (1 − k/n)) for 0 < k < n (Ash, Information Theory, 4.7.1).
        let rest = 1.0 - share;
        let part = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * (a / b).ln() };
        let divergence = n as f64 * (part(share, p) + part(rest, 1.0 - p));
        let root = if k == n { 0.0 } else { 0.5 * (8.0 * k as f64 * rest).ln() };
        let most = alpha.ln() + 1e-9 * (1.0 + divergence) + 1e-15 * n as f64;
        assert!(-divergence - root <= most, "k={k} n={n} α={alpha:e}: {p} is no lower bound");
        // Hoeffding's bound is a lower bound too, and never better by more than roundings.
        let hoeffding = share - (-alpha.ln() / (2.0 * n as f64)).sqrt();
        assert!(alpha > 0.3 || p >= hoeffding * (1.0 - 1e-6), "k={k} n={n} α={alpha:e}: {p} below {hoeffding}");
    }

    #[test]
    fn every_count_at_every_risk_has_a_bound_at_once() {
        let risks = [0.999, 0.5, 0.05, 0.001, 1e-9, 1e-50, 1e-99, 1e-100, 1e-200, 1e-300, 1e-308, 1e-320, 5e-324];
        for n in [1_u64, 2, 7, 100, 1000, 99_999, 1 << 22, 1_000_000_000, u64::from(u32::MAX)] {
            let mut counts = vec![0, 1, 2, n / 3, n / 2, n / 2 + 1, n - n / 100, n - 1, n];
            counts.retain(|&k| k <= n);
            for k in counts {
                let mut before = 1.0;
                for alpha in risks {
                    let p = clopper_pearson_lower(k, n, alpha);
                    assert!(p <= before, "k={k} n={n} α={alpha:e}: {p} above {before} at a larger risk");
                    assert_is_lower_bound(k, n, alpha, p);
                    before = p;
                }
            }
        }
    }

    #[test]
    fn bounds_hold_exactly_at_the_smallest_risks() {
        for n in [1_u64, 5, 30] {
            for k in 1..=n {
                for alpha in [1e-99, 1e-100, 1e-200, 1e-300] {
                    let p = clopper_pearson_lower(k, n, alpha);
                    assert!(compare_tail(k, n, p, alpha).is_le(), "k={k} n={n} α={alpha}: {p}");
                    assert!(compare_tail(k, n, p * (1.0 + 1e-12), alpha).is_gt(), "k={k} n={n} α={alpha}: {p} is low");
                }
            }
        }
    }

    #[test]
    fn stirling_and_products_agree() {
        for (k, n) in [(1_u64 << 21, 1_u64 << 22), (3_000_000, 5_000_000)] {
            let few = Counts::new(k, n);
            assert!(few.choose.is_none());
            let product = Counts { choose: Some(choose(n, k)), ..few };
            for p in [0.3, 0.49, 0.4999] {
                let (stirling, product) = (few.tail(p).probability.ln(), product.tail(p).probability.ln());
                assert!((stirling - product).abs() < 1e-6, "k={k} n={n} p={p}: {stirling} and {product}");
            }
        }
    }

    #[test]
    fn more_successes_and_more_risk_never_lower_the_bound() {
        for n in [10_u64, 1000] {
            let mut before = 0.0;
            for k in (0..=n).step_by(n as usize / 10) {
                let p = clopper_pearson_lower(k, n, 0.01);
                assert!(p >= before && p <= clopper_pearson_lower(k, n, 0.02), "k={k} n={n}");
                before = p;
            }
        }
    }
}
