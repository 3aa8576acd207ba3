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

#[cfg(test)]
mod tests {
    use super::*;
    use dashu_int::UBig;
    use dashu_int::ops::SquareRoot;
    use proptest::prelude::*;

    /// The slow twin: √v to 1200 binary places by an integer root, then the nearest float by walking over all bits.
    ///
    /// Gives `None` where that many places do not decide, which only happens for ties and exact results.
    fn by_digits(d: f64, p: f64, v: &Dyadic) -> Option<f32> {
        const PLACES: usize = 1200;
        // v·4^PLACES is an integer; its root is ⌊√v·2^PLACES⌋.
        let root = IBig::from(UBig::try_from(v.at(-2 * PLACES as isize)).unwrap().sqrt());
        // p/√v = p·√v/v lies between those with root and root + 1.
        let side = |root: IBig| {
            let quotient = |m: f64| {
                // The sign of (d − m)·v + p·root/2^PLACES, the sign of d + p/√v − m.
                let first = Dyadic::of(d).plus(&Dyadic::of(-m)).times(v);
                let second = Dyadic::of(p).times(&Dyadic { mantissa: root.clone(), exponent: -(PLACES as isize) });
                first.plus(&second).sign()
            };
            // Bisection over the positive and negative floats by their bits.
            let (mut low, mut high) = (-INFINITE, INFINITE);
            while low < high {
                let middle = ((i64::from(low) + i64::from(high)).div_euclid(2)) as i32;
                match quotient(midpoint(middle)) {
                    Ordering::Less | Ordering::Equal => high = middle,
                    Ordering::Greater => low = middle + 1,
                }
            }
            value(low)
        };
        let (below, above) = (side(root.clone()), side(root + IBig::ONE));
        (below == above && below.abs() < 2f64.powi(128)).then_some(below as f32)
    }

    fn channel(scale: f32, bias: f32, mean: f32, var: f32, epsilon: f32) -> Channel {
        let [scale, bias, mean, var, epsilon] = [scale, bias, mean, var, epsilon].map(f64::from);
        Channel { scale, bias, mean, var, epsilon }
    }

    /// Checks a channel whose result is not a tie against the slow twin.
    fn check(c: Channel) -> (f32, f32) {
        let (a, b) = c.coefficients().unwrap();
        let v = Dyadic::of(c.var).plus(&Dyadic::of(c.epsilon));
        if let Some(twin) = by_digits(0.0, c.scale, &v) {
            assert_eq!(a, twin, "gain of {c:?}");
        }
        // mean·scale of two 32-bit floats is exact in 64 bits.
        if let Some(twin) = by_digits(c.bias, -c.mean * c.scale, &v) {
            assert_eq!(b, twin, "offset of {c:?}");
        }
        (a, b)
    }

    fn any_finite() -> impl Strategy<Value = f32> {
        prop_oneof![-4.0f32..4.0, any::<u32>().prop_map(f32::from_bits)]
            .prop_filter("finite", |x| x.is_finite() && x.abs() < 1e30)
    }

    proptest! {
        #[test]
        fn coefficients_are_the_nearest_floats(
            scale in any_finite(), bias in any_finite(), mean in any_finite(),
            var in any_finite().prop_map(f32::abs), epsilon in prop_oneof![Just(1e-5f32), 1e-30f32..1.0],
        ) {
            let c = channel(scale, bias, mean, var, epsilon);
            if c.coefficients().is_ok() {
                check(c);
            }
        }

        #[test]
        fn the_guess_does_not_matter(d in any_finite(), p in any_finite(), v in 1e-30f32..1e30, guess in any::<f64>()) {
            let q = Affine { d: Dyadic::of(d.into()), p: Dyadic::of(p.into()), v: Dyadic::of(v.into()) };
            let good = f64::from(d) + f64::from(p) / f64::from(v).sqrt();
            prop_assert_eq!(q.nearest(guess), q.nearest(good));
        }

        #[test]
        fn keys_number_the_floats(x in any::<f32>()) {
            prop_assume!(x.is_finite());
            prop_assert_eq!(value(key(x)), f64::from(x));
            prop_assert_eq!(value(key(x) + 1) > f64::from(x), true);
        }
    }

    #[test]
    fn rational_roots_give_exact_results() {
        assert_eq!(channel(3.0, 1.0, 2.0, 3.75, 0.25).coefficients(), Ok((1.5, -2.0)));
        assert_eq!(channel(-1.0, 0.5, 0.0, 0.0, 1.0).coefficients(), Ok((-1.0, 0.5)));
        assert_eq!(channel(0.0, 0.25, 7.0, 1.0, 0.5).coefficients(), Ok((0.0, 0.25)));
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        let step = f32::EPSILON;
        // v = 4: the gain is scale/2, a tie only below the normal range.
        let tiny = f32::from_bits(1);
        assert_eq!(channel(tiny, 0.0, 0.0, 3.0, 1.0).coefficients().unwrap().0, 0.0);
        assert_eq!(channel(f32::from_bits(3), 0.0, 0.0, 3.0, 1.0).coefficients().unwrap().0, f32::from_bits(2));
        assert_eq!(channel(-f32::from_bits(5), 0.0, 0.0, 3.0, 1.0).coefficients().unwrap().0, -f32::from_bits(2));
        // Offsets 1 + ε/2, half way between 1 and 1 + ε, and 1 + 3ε/2.
        let offset = |bias: f32| channel(-step, bias, 1.0, 3.0, 1.0).coefficients().unwrap().1;
        assert_eq!(offset(1.0), 1.0);
        assert_eq!(offset(1.0 + step), 1.0 + 2.0 * step);
        assert_eq!(offset(-1.0 - step), -1.0);
    }

    #[test]
    fn near_ties_are_decided() {
        // √v is a little above 2, so the offset lies beside a tie, on the side of the odd neighbour.
        let (step, tiny) = (f32::EPSILON, f32::from_bits(1));
        let below = check(channel(-step, 1.0 + step, 1.0, 4.0, tiny)).1;
        assert_eq!(below, 1.0 + step, "1 + ε + ε/√v is less than 1 + 3ε/2");
        let above = check(channel(step, 1.0 + step, 1.0, 4.0, tiny)).1;
        assert_eq!(above, 1.0 + step, "1 + ε − ε/√v is more than 1 + ε/2");
    }

    #[test]
    fn cancellation_keeps_every_bit() {
        // 1 − 1/√(1+ε) = ε/2 − 3ε²/8 + …, far below what rounding in f64 leaves.
        let (_, b) = check(channel(1.0, 1.0, 1.0, 1.0, 2f32.powi(-100)));
        assert_eq!(b, 2f32.powi(-101));
        let (_, b) = check(channel(1.0, 1.0, 1.0, 1.0, f32::from_bits(3)));
        assert_eq!(b, f32::from_bits(1), "a little less than 1.5 units, the tie with 2");
    }

    #[test]
    fn variances_that_are_not_positive_are_refused() {
        for (var, epsilon) in [(0.0, 0.0), (-1.0, 1e-5), (-1e-5, 1e-5)] {
            let error = channel(1.0, 0.0, 0.0, var, epsilon).coefficients().unwrap_err();
            assert!(error.contains("not positive"), "{error}");
        }
    }

    #[test]
    fn tiny_variances_and_overflows() {
        check(channel(1e-3, 0.5, 0.25, f32::from_bits(1), 0.0));
        check(channel(f32::MAX, f32::MAX, 1.0, 1.0, 1e-5));
        let error = channel(f32::MAX, 0.0, 0.0, 0.25, 0.0).coefficients().unwrap_err();
        assert!(error.contains("gain"), "{error}");
        let error = channel(f32::MAX, f32::MAX, -1.0, 1.0, 0.0).coefficients().unwrap_err();
        assert!(error.contains("offset"), "{error}");
    }
}
