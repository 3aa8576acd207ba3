//! Exact weights of a face: a point as a mean of other points, in rational arithmetic.

use dashu_int::ops::Gcd;
use dashu_int::{IBig, UBig};

/// Integers w ≥ 0 with Σ wⱼ vⱼ = (Σ wⱼ) x, where there are some, for vertices that are affinely independent.
pub fn weights(x: &[f32], vertices: &[&[f32]]) -> Option<Vec<IBig>> {
    let n = vertices.len();
    let mut rows: Vec<Vec<IBig>> =
        (0..x.len()).map(|i| integers(&vertices.iter().map(|v| v[i]).chain([x[i]]).collect::<Vec<f32>>())).collect();
    rows.push(vec![IBig::ONE; n + 1]);
    eliminate(&mut rows, n)?;
    // Row k says dₖ wₖ = rₖ; on one denominator:
    let common = rows.iter().take(n).zip(0..).fold(IBig::ONE, |common, (row, k)| lcm(&common, &row[k]));
    let weight = |k: usize| &rows[k][n] * (&common / &rows[k][k]);
    let mut weights: Vec<IBig> = (0..n).map(weight).collect();
    if common < IBig::ZERO {
        weights.iter_mut().for_each(|weight| *weight = -std::mem::take(weight));
    }
    // The greatest common divisor of zeros is not defined.
    let sizes = weights.iter().filter(|weight| !weight.is_zero()).map(|weight| weight.clone().into_parts().1);
    let common = sizes.fold(UBig::ZERO, |common, size| common.gcd(size));
    if common > UBig::ONE {
        weights.iter_mut().for_each(|weight| *weight /= &common);
    }
    weights.iter().all(|weight| *weight >= IBig::ZERO).then_some(weights)
}

/// Floats as integers on one scale, a power of two.
fn integers(values: &[f32]) -> Vec<IBig> {
    let parts: Vec<(i64, i32)> = values.iter().map(|&value| parts(value)).collect();
    let least = parts.iter().filter(|(mantissa, _)| *mantissa != 0).map(|(_, exponent)| *exponent).min().unwrap_or(0);
    let integer = |(mantissa, exponent)| {
        if mantissa == 0 { IBig::ZERO } else { IBig::from(mantissa) << (exponent - least) as usize }
    };
    parts.into_iter().map(integer).collect()
}

/// mantissa · 2^exponent.
fn parts(value: f32) -> (i64, i32) {
    let bits = value.to_bits();
    let (biased, fraction) = ((bits >> 23 & 0xff) as i32, i64::from(bits & 0x7f_ffff));
    let (mantissa, exponent) = if biased == 0 { (fraction, -149) } else { (fraction | 1 << 23, biased - 150) };
    (if value < 0.0 { -mantissa } else { mantissa }, exponent)
}

/// Brings the first `n` columns to a diagonal by exact elimination (Bareiss); `None` where columns depend on each other or
/// a row contradicts the others.
fn eliminate(rows: &mut [Vec<IBig>], n: usize) -> Option<()> {
    let mut previous = IBig::ONE;
    for k in 0..n {
        let pivot = (k..rows.len()).find(|&i| rows[i][k] != IBig::ZERO)?;
        rows.swap(k, pivot);
        let row = rows[k].clone();
        for (i, other) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = other[k].clone();
            let first = if i < k { i } else { k };
            for j in first..=n {
                // Exact: every entry is a minor of the matrix.
                other[j] = (&other[j] * &row[k] - &row[j] * &factor) / &previous;
            }
        }
        previous = row[k].clone();
    }
    rows[n..].iter().all(|row| row[n] == IBig::ZERO).then_some(())
}

fn lcm(a: &IBig, b: &IBig) -> IBig {
    let common = IBig::from(a.gcd(b));
    a * (b / common)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(x: &[f32], vertices: &[&[f32]]) -> Option<Vec<i64>> {
        let weights = weights(x, vertices)?;
        Some(weights.into_iter().map(|w| i64::try_from(w).unwrap()).collect())
    }

    #[test]
    fn means_are_found_exactly_and_nothing_else_is_taken_for_one() {
        let triangle: [&[f32]; 3] = [&[0.0, 0.0], &[3.0, 0.0], &[0.0, 3.0]];
        let shares = |weights: Vec<i64>| {
            let sum: i64 = weights.iter().sum();
            weights.into_iter().map(|w| w as f64 / sum as f64).collect::<Vec<f64>>()
        };
        assert_eq!(shares(found(&[1.0, 1.0], &triangle).unwrap()), [1.0 / 3.0; 3]);
        assert_eq!(shares(found(&[0.0, 1.5], &triangle).unwrap()), [0.5, 0.0, 0.5]);
        assert_eq!(found(&[2.0, 1.5], &triangle), None, "a weight below 0");
        assert_eq!(found(&[1.0, 0.0], &triangle[..2]).map(shares), Some(vec![2.0 / 3.0, 1.0 / 3.0]));
        assert_eq!(found(&[1.0, 1e-30], &triangle[..2]), None, "beside the segment");
        assert_eq!(found(&[1.0, 0.0], &[&[0.0, 0.0], &[2.0, 0.0], &[4.0, 0.0]]), None, "vertices on one line");
        assert_eq!(found(&[3.0, 0.0], &[&[3.0, 0.0]]), Some(vec![1]));
        assert_eq!(found(&[0.0, 3.0], &triangle), Some(vec![0, 0, 1]), "zeros have no common divisor");
        let fine: [&[f32]; 2] = [&[0.1, 0.2], &[0.3, 0.4]];
        assert_eq!(found(&[0.1, 0.2], &fine).map(shares), Some(vec![1.0, 0.0]));
    }
}
