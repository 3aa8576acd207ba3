//! The two coefficients that a BatchNormalization stands for, each rounded once.
//!
//! In inference the operator is x ↦ scale·(x − mean)/√(var+ε) + bias. Its gain is irrational in general, so the
//! network that is certified is *defined* with a = RN₃₂(scale/√(var+ε)) and b = RN₃₂(bias − mean·scale/√(var+ε)),
//! where RN₃₂ is the nearest 32-bit float, ties to even. All inputs are dyadic rationals, so whether q = d + p/√v lies
//! above a midpoint m of two floats is decided exactly: by the signs of d − m and p, or by comparing p² with (d − m)²·v.

use std::cmp::Ordering;

use dashu_int::IBig;

/// The parameters of one channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    /// Gain before the division by the deviation.
    pub scale: f64,
    /// Added last.
    pub bias: f64,
    /// Running mean.
    pub mean: f64,
    /// Running variance.
    pub var: f64,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Channel {
    /// The coefficients (a, b) of x ↦ a·x + b.
    ///
    /// # Errors
    /// When var + ε is not positive, or a coefficient is too large for a float.
    pub(crate) fn coefficients(self) -> Result<(f32, f32), String> {
        let v = Dyadic::of(self.var).plus(&Dyadic::of(self.epsilon));
        if v.sign() != Ordering::Greater {
            return Err(format!("variance {} + epsilon {} is not positive", self.var, self.epsilon));
        }
        let root = (self.var + self.epsilon).sqrt();
        let gain = Affine { d: Dyadic::of(0.0), p: Dyadic::of(self.scale), v: v.clone() };
        let p = Dyadic::of(self.mean).times(&Dyadic::of(-self.scale));
        let offset = Affine { d: Dyadic::of(self.bias), p, v };
        let a = gain.nearest(self.scale / root);
        let b = offset.nearest(self.bias - self.mean * self.scale / root);
        match (a, b) {
            (Some(a), Some(b)) => Ok((a, b)),
            (None, _) => {
                Err(format!("the gain {}/√({} + {}) is not a finite float", self.scale, self.var, self.epsilon))
            }
            (_, None) => Err("the offset bias − mean·scale/√(var + epsilon) is not a finite float".into()),
        }
    }
}

/// q = d + p/√v with v > 0.
struct Affine {
    d: Dyadic,
    p: Dyadic,
    v: Dyadic,
}

/// The key of +∞; finite floats have keys of smaller magnitude, and neighbours differ by one.
const INFINITE: i32 = 0x7f80_0000;

impl Affine {
    /// The nearest float, if finite. `guess` only makes it faster.
    fn nearest(&self, guess: f64) -> Option<f32> {
        let (mut low, mut high) = (-INFINITE, INFINITE);
        let guess = key(guess as f32);
        let mut probes = [guess.checked_sub(1), Some(guess)].into_iter().flatten();
        while low < high {
            let probe = probes.next().filter(|probe| (low..high).contains(probe));
            let probe = probe.unwrap_or(low + ((i64::from(high) - i64::from(low)) / 2) as i32);
            match self.compare(midpoint(probe)) {
                Ordering::Less => high = probe,
                Ordering::Greater => low = probe + 1,
                // Ties to even: the key has the parity of the significand.
                Ordering::Equal => (low, high) = if probe % 2 == 0 { (probe, probe) } else { (probe + 1, probe + 1) },
            }
        }
        (low.abs() < INFINITE).then(|| value(low) as f32)
    }

    /// q against m.
    fn compare(&self, m: f64) -> Ordering {
        let d = self.d.plus(&Dyadic::of(-m));
        match (d.sign(), self.p.sign()) {
            (side, Ordering::Equal) | (Ordering::Equal, side) => side,
            (side, other) if side == other => side,
            // Of opposite signs: the larger one of |p|/√v and |d| decides.
            (d_side, p_side) => match self.p.times(&self.p).compare(&d.times(&d).times(&self.v)) {
                Ordering::Greater => p_side,
                Ordering::Equal => Ordering::Equal,
                Ordering::Less => d_side,
            },
        }
    }
}

/// The floats in order, numbered: 0 for zero, negative for negative ones.
fn key(x: f32) -> i32 {
    let magnitude = (x.to_bits() & 0x7fff_ffff).min(INFINITE as u32) as i32;
    if x < 0.0 { -magnitude } else { magnitude }
}

/// The float with this key; for the infinities the number that would come next, ±2¹²⁸.
fn value(key: i32) -> f64 {
    let magnitude = match key.unsigned_abs() {
        0x7f80_0000 => 2f64.powi(128),
        bits => f64::from(f32::from_bits(bits)),
    };
    if key < 0 { -magnitude } else { magnitude }
}

/// Half way to the next float: at most 26 significant bits, so exact.
fn midpoint(key: i32) -> f64 {
    (value(key) + value(key + 1)) / 2.0
}

/// mantissa · 2^exponent.
#[derive(Clone, Debug)]
struct Dyadic {
    mantissa: IBig,
    exponent: isize,
}

impl Dyadic {
    /// A finite f64, exactly.
    fn of(x: f64) -> Self {
        let bits = x.to_bits();
        let (field, fraction) = ((bits >> 52 & 0x7ff) as isize, bits & ((1 << 52) - 1));
        let (magnitude, exponent) = if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
        let mantissa = IBig::from(magnitude);
        Dyadic { mantissa: if x < 0.0 { -mantissa } else { mantissa }, exponent }
    }

    fn plus(&self, other: &Dyadic) -> Dyadic {
        let exponent = self.exponent.min(other.exponent);
        Dyadic { mantissa: self.at(exponent) + other.at(exponent), exponent }
    }

    fn times(&self, other: &Dyadic) -> Dyadic {
        Dyadic { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }
    }

    fn compare(&self, other: &Dyadic) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        self.at(exponent).cmp(&other.at(exponent))
    }

    fn sign(&self) -> Ordering {
        self.mantissa.cmp(&IBig::ZERO)
    }

    /// The mantissa for a smaller exponent.
    fn at(&self, exponent: isize) -> IBig {
        &self.mantissa << (self.exponent - exponent) as usize
    }
}
