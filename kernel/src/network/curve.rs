//! Smooth convex functions, and rationals that bound them.
//!
//! u(t) ≥ s·t − u*(s) for every slope s (for weights s that sum to 1, where u has several operands), u* the conjugate:
//!
//! | u(t) | u*(s) |
//! |---|---|
//! | ln Σ e^tₖ | Σ sₖ ln sₖ, 0 ln 0 = 0 |
//! | α(e^t − 1) for t < 0, else t, 0 < α ≤ 1 | s ln(s/α) − s + α for s ≤ α, 0 for α ≤ s ≤ 1 |
//! | t² | s²/4 |
//! | max(t, 0)² | s²/4 for s ≥ 0 |
//! | the same for t ≤ e, else e(2t − e), e > 0 | the same for s ≤ 2e |
//!
//! ln(1 + e^t) is the first of t and 0. With a threshold θ it is t itself beyond θ, which lies below ln(1 + e^t), by at most
//! ln(1 + e^−θ).

use crate::number::exact::{Exact, Float};
use crate::number::exponential::{BITS, exp_minus, ln, quotient};
use crate::rejection::Rejection;
use dashu_int::{IBig, UBig};

/// The function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// ln Σ e^tₖ.
    LogSumExp,
    /// ln(1 + e^t), with its threshold.
    Softplus(Option<Float>),
    /// t from 0 on, α(e^t − 1) below.
    Elu(Float),
    /// t², or max(t, 0)² where it only rises; beyond an edge > 0 the tangent there.
    Square { rising: bool, edge: Option<Float> },
}

impl Curve {
    /// The values at operands, entry by entry, rounded up; a square is exact.
    pub fn values(self, operands: &[&Exact]) -> Result<Exact, Rejection> {
        if let Curve::Square { rising, edge } = self {
            let of = operands[0].map(|t| if rising && *t < IBig::ZERO { IBig::ZERO } else { t.clone() });
            return squares(&of, edge);
        }
        let operands = operands.iter().map(|t| t.rounded(BITS, true)).collect::<Result<Vec<_>, _>>()?;
        let value = |entry: usize| match self {
            Curve::Elu(alpha) => elu(&alpha, &operands[0].values[entry]),
            Curve::Softplus(_) => log_sum_exp(&[&operands[0].values[entry], &IBig::ZERO]),
            _ => log_sum_exp(&operands.iter().map(|t| &t.values[entry]).collect::<Vec<_>>()),
        };
        Ok(operands[0].with((0..operands[0].len()).map(value).collect()))
    }

    /// By how much less than ln(1 + e^t) it can be, up, in units of 2^−BITS.
    fn excess(self) -> Result<IBig, Rejection> {
        let Curve::Softplus(Some(threshold)) = self else { return Ok(IBig::ZERO) };
        let edge = Exact::dyadics(&[threshold.negated()]).rounded(BITS, true)?;
        Ok(log_sum_exp(&[&edge.values[0], &IBig::ZERO]))
    }

    /// u* of the slopes that are the operands' weights over `whole`, entry by entry, rounded up.
    pub fn conjugates(self, weights: &[Vec<u64>], whole: u64) -> Result<Exact, Rejection> {
        let excess = self.excess()?;
        let of_weights = |entry: usize| match self {
            Curve::Elu(alpha) => elu_conjugate(&alpha, weights[1][entry], whole),
            _ => {
                weights.iter().map(|w| product_with_ln(w[entry], (w[entry].into(), whole.into()), whole)).sum::<IBig>()
            }
        };
        let values = (0..weights[0].len()).map(|entry| of_weights(entry) + &excess).collect();
        Exact::integers(values).scaled(-(BITS as i64), &UBig::ONE)
    }
}

/// t², beyond an edge the tangent there; exact.
fn squares(of: &Exact, edge: Option<Float>) -> Result<Exact, Rejection> {
    let mut squares = of.times(of)?;
    let Some(edge) = edge else { return Ok(squares) };
    let edge = Exact::dyadics(&vec![edge; of.len()]);
    let further = of.clone().minus(edge.clone())?;
    let mut tangents = of.clone().plus(further.clone())?.times(&edge)?;
    squares.align(&mut tangents)?;
    let value = |(i, beyond): (usize, &IBig)| {
        if *beyond > IBig::ZERO { tangents.values[i].clone() } else { squares.values[i].clone() }
    };
    Ok(squares.with(further.values.iter().enumerate().map(value).collect()))
}

/// ln Σ e^tₖ, up.
fn log_sum_exp(operands: &[&IBig]) -> IBig {
    let largest = *operands.iter().max().expect("an operand");
    let sum: IBig = operands.iter().map(|t| exp_minus(&(largest - *t)).1).sum();
    largest + ln(&UBig::try_from(sum).expect("positive upper ends"), &(UBig::ONE << BITS)).1
}

/// t from 0 on, α(e^t − 1) below, up.
fn elu(alpha: &Float, t: &IBig) -> IBig {
    if *t >= IBig::ZERO {
        return t.clone();
    }
    let (n, d) = ratio(alpha);
    quotient(&((exp_minus(&-t).1 - (IBig::ONE << BITS)) * IBig::from(n)), &d, true)
}

/// s ln(s/α) − s + α, up.
fn elu_conjugate(alpha: &Float, weight: u64, whole: u64) -> IBig {
    let (n, d) = ratio(alpha);
    let (over, under) = (&d * UBig::from(weight), &n * UBig::from(whole));
    if over >= under {
        return IBig::ZERO;
    }
    let rest = quotient(&(IBig::from(&under - &over) << BITS), &(d * UBig::from(whole)), true);
    rest + product_with_ln(weight, (over, under), whole)
}

/// weight/whole · ln(n/d), up; 0 for a weight of 0.
fn product_with_ln(weight: u64, (n, d): (UBig, UBig), whole: u64) -> IBig {
    if weight == 0 { IBig::ZERO } else { quotient(&(ln(&n, &d).1 * IBig::from(weight)), &whole.into(), true) }
}

/// Numerator and denominator of a float > 0.
fn ratio(float: &Float) -> (UBig, UBig) {
    let mantissa = UBig::from(float.mantissa.unsigned_abs());
    let shift = float.exponent.unsigned_abs() as usize;
    if float.exponent < 0 { (mantissa, UBig::ONE << shift) } else { (mantissa << shift, UBig::ONE) }
}
