//! The meaning of BatchNormalization: x ↦ a·x + b with a = RN₃₂(scale/√(var+ε)), b = RN₃₂(bias − mean·scale/√(var+ε)),
//! RN₃₂ the nearest binary32, ties to even, each decided exactly.

use crate::number::binary32::{GRID, round};
use crate::number::exact::{Exact, Float};
use crate::rejection::Rejection;
use dashu_int::ops::SquareRoot;
use dashu_int::{IBig, Sign};

/// The parameters of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// Gain before the division by the deviation.
    pub scale: Float,
    /// Added last.
    pub bias: Float,
    /// Running mean.
    pub mean: Float,
    /// Running variance.
    pub variance: Float,
    /// Added to the variance.
    pub epsilon: Float,
}

impl Channel {
    /// (a, b); `Err` says what is wrong.
    pub fn coefficients(self) -> Result<(Float, Float), String> {
        let exact = |x: Float| Exact::dyadics(&[x]);
        let too_large = |r: Rejection| r.to_string();
        let v = exact(self.variance).plus(exact(self.epsilon)).map_err(too_large)?;
        if v.values[0] <= IBig::ZERO {
            return Err("variance + epsilon is not positive".into());
        }
        let product = exact(self.mean).times(&exact(self.scale)).map_err(too_large)?.negated();
        let gain = nearest(Float::ZERO, &exact(self.scale), &v);
        let offset = nearest(self.bias, &product, &v);
        Ok((gain.ok_or("the gain is not a finite float")?, offset.ok_or("the offset is not a finite float")?))
    }
}

/// RN₃₂(d + p/√v); `None` on overflow.
fn nearest(d: Float, p: &Exact, v: &Exact) -> Option<Float> {
    // s = ⌊2^GRID·p/√v⌋ with its exactness; d is a multiple of 2^-149, so ⌊2^GRID·(d + p/√v)⌋ = 2^GRID·d + s.
    let (floor, exact) = scaled_quotient(p, v);
    let d = IBig::from(d.mantissa) * power(d.exponent + GRID)?;
    round(d + floor, exact)
}

/// ⌊2^GRID·p/√v⌋, and whether nothing was cut off.
fn scaled_quotient(p: &Exact, v: &Exact) -> (IBig, bool) {
    let (sign, magnitude) = p.values[0].clone().into_parts();
    // 2^(2·GRID)·p²/v = n·2^shift/m.
    let shift = 2 * GRID + 2 * p.exponent - v.exponent;
    let mut n = &magnitude * &magnitude;
    let mut m = v.values[0].clone().into_parts().1;
    match shift >= 0 {
        true => n <<= shift as usize,
        false => m <<= (-shift) as usize,
    }
    // ⌊√⌊q⌋⌋ = ⌊√q⌋.
    let root = (&n / &m).sqrt();
    let exact = &root * &root * &m == n;
    match sign {
        Sign::Positive => (IBig::from(root), exact),
        Sign::Negative => (-IBig::from(root) - IBig::from(u8::from(!exact)), exact),
    }
}

fn power(exponent: i64) -> Option<IBig> {
    usize::try_from(exponent).ok().map(|shift| IBig::ONE << shift)
}
