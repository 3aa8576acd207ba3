//! Smooth units in rational arithmetic, by the plainest series there are, to far more digits than any float has.

use num_rational::BigRational;
use num_traits::{One, Signed, Zero, pow};
use underplane::model::Curve;

/// Binary places that are kept.
const PLACES: usize = 180;

fn whole(k: i32) -> BigRational {
    BigRational::from_integer(k.into())
}

fn cut(x: BigRational) -> BigRational {
    let unit = pow(whole(2), PLACES);
    (x * &unit).round() / unit
}

/// e^x by its power series, of x halved until it is small.
pub fn exp(x: &BigRational) -> BigRational {
    let one = BigRational::one();
    if x.is_negative() {
        return if *x < whole(-150) { BigRational::zero() } else { cut(exp(&-x).recip()) };
    }
    if *x > one {
        let root = exp(&(x / whole(2)));
        return cut(&root * &root);
    }
    let (mut sum, mut term, mut k) = (one.clone(), one, 0);
    while !term.is_zero() {
        k += 1;
        term = cut(term * x / whole(k));
        sum += &term;
    }
    sum
}

/// ln x by Newton's iteration from 0, of x divided by e until it is near 1.
pub fn ln(x: &BigRational) -> BigRational {
    let e = exp(&BigRational::one());
    let (mut rest, mut times) = (x.clone(), 0);
    while rest > e {
        (rest, times) = (cut(&rest / &e), times + 1);
    }
    while rest < e.recip() {
        (rest, times) = (cut(&rest * &e), times - 1);
    }
    let mut y = BigRational::zero();
    for _ in 0..9 {
        y = cut(&y + &rest * exp(&-&y) - BigRational::one());
    }
    y + whole(times)
}

/// An edge, if it is finite and below t.
fn below(edge: f64, t: &BigRational) -> Option<BigRational> {
    BigRational::from_float(edge).filter(|edge| edge < t)
}

/// The value of a smooth unit; of one with a threshold, that without.
pub fn value(curve: Curve, inputs: &[&BigRational]) -> BigRational {
    let zero = BigRational::zero();
    let log_sum_exp = |inputs: &[&BigRational]| {
        let largest = *inputs.iter().max().unwrap();
        largest + ln(&inputs.iter().map(|t| exp(&(*t - largest))).sum())
    };
    match curve {
        Curve::LogSumExp => log_sum_exp(inputs),
        Curve::Softplus { .. } => log_sum_exp(&[inputs[0], &zero]),
        Curve::Elu(_) if !inputs[0].is_negative() => inputs[0].clone(),
        Curve::Elu(alpha) => BigRational::from_float(alpha).unwrap() * (exp(inputs[0]) - BigRational::one()),
        Curve::Square { rising: true, .. } if inputs[0].is_negative() => zero,
        Curve::Square { edge, .. } => match below(edge, inputs[0]) {
            Some(edge) => (inputs[0] * whole(2) - &edge) * edge,
            None => inputs[0] * inputs[0],
        },
    }
}

/// The derivative towards every input.
pub fn slopes(curve: Curve, inputs: &[&BigRational]) -> Vec<BigRational> {
    let zero = BigRational::zero();
    let shares = |inputs: &[&BigRational]| {
        let largest = *inputs.iter().max().unwrap();
        let powers: Vec<BigRational> = inputs.iter().map(|t| exp(&(*t - largest))).collect();
        let sum: BigRational = powers.iter().sum();
        powers.into_iter().map(|power| power / &sum).collect::<Vec<_>>()
    };
    match curve {
        Curve::LogSumExp => shares(inputs),
        Curve::Softplus { .. } => shares(&[inputs[0], &zero])[..1].to_vec(),
        Curve::Elu(_) if !inputs[0].is_negative() => vec![BigRational::one()],
        Curve::Elu(alpha) => vec![BigRational::from_float(alpha).unwrap() * exp(inputs[0])],
        Curve::Square { rising: true, .. } if inputs[0].is_negative() => vec![zero],
        Curve::Square { edge, .. } => vec![below(edge, inputs[0]).unwrap_or_else(|| inputs[0].clone()) * whole(2)],
    }
}
