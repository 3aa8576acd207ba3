//! Weights of a norm: ‖w ⊙ δ‖_p, one binary32 > 0 per coordinate; an infinite one keeps its coordinate where it is.
//!
//! Where a bound of |δᵢ| is needed, scaleᵢ ≥ 1/wᵢ stands for 1/wᵢ, which need not be dyadic: that only enlarges the
//! attacker's ball. Everywhere else wᵢ itself is used.

use crate::budget;
use crate::inputs::read::Inputs;
use crate::inputs::sample_shape::same_entries;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::{Code, Rejection};
use crate::statement::Norm;
use dashu_int::IBig;

/// Bits of a binary32's mantissa, and about as many as a scale keeps.
const MANTISSA_BITS: u32 = 24;
const SCALE_BITS: u32 = 64;

/// +∞ as a binary32.
const INFINITY: u32 = 0x7f80_0000;

/// One weight per coordinate.
#[derive(Clone, Debug)]
pub struct Weights {
    /// The finite ones; 1 stands for an infinite one.
    finite: Exact,
    /// Whose weight is infinite.
    fixed: Vec<bool>,
    /// scaleᵢ; 0 where the weight is infinite.
    scales: Exact,
    /// The shape of the array.
    shape: Vec<usize>,
}

impl Weights {
    /// Reads a .npy file of `<f4`.
    pub fn read(bytes: &[u8]) -> Result<Weights, Rejection> {
        let inputs = Inputs::read(bytes)?;
        let Some(words) = inputs.words() else {
            return Err(Rejection::new(Code::MalformedWeights, "weights", "entries of float32", "others"));
        };
        budget::within("weights", "entries", words.len() as u64, budget::ENTRIES)?;
        let shape = inputs.shape().to_vec();
        let (mut floats, mut fixed) = (Vec::with_capacity(words.len()), Vec::with_capacity(words.len()));
        for (i, word) in words.enumerate() {
            let float = if word == INFINITY { Some(Float::ONE) } else { Float::binary32(word) };
            let Some(float) = float.filter(|float| float.mantissa > 0) else {
                let found = format!("a number that is not (bits {word:#010x})");
                return Err(Rejection::new(
                    Code::MalformedWeights,
                    format!("weight {i}"),
                    "a number > 0, or inf",
                    found,
                ));
            };
            floats.push(float);
            fixed.push(word == INFINITY);
        }
        Ok(Weights { finite: Exact::dyadics(&floats), scales: scales(&floats, &fixed)?, fixed, shape })
    }

    /// The same entries in one row: they are the coordinates' weights as they stand.
    pub fn flattened(mut self) -> Weights {
        self.shape = vec![self.len()];
        self
    }

    /// Refuses weights that do not have the shape of the model's input, or a flat one.
    pub fn check_shape(&self, model: &[usize]) -> Result<(), Rejection> {
        if same_entries(&self.shape, model) {
            return Ok(());
        }
        let size: usize = model.iter().product();
        let mut found = format!("{:?}", self.shape);
        if self.len() == size {
            found += "; --flatten takes the entries in the order in which they stand";
        }
        let expected = format!("weights of shape {model:?}, or {size} in one row");
        Err(Rejection::new(Code::MalformedWeights, "weights", expected, found))
    }

    /// Number of coordinates.
    pub fn len(&self) -> usize {
        self.fixed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty()
    }

    /// Whether coordinate `i` cannot change.
    pub(crate) fn is_fixed(&self, i: usize) -> bool {
        self.fixed[i]
    }

    /// scaleᵢ ≥ 1/wᵢ; 0 where the coordinate cannot change.
    pub(crate) fn scales(&self) -> &Exact {
        &self.scales
    }

    /// wᵢ·δᵢ; refuses steps of coordinates that cannot change.
    pub(crate) fn weigh(&self, steps: &Exact) -> Result<Exact, Rejection> {
        for (i, (step, fixed)) in pairs(&steps.values, &self.fixed)?.enumerate() {
            if *fixed && !step.is_zero() {
                let (place, expected) = (format!("witness coordinate {i}"), "the input's, which cannot change");
                return Err(Rejection::new(Code::WitnessFixed, place, expected, "another"));
            }
        }
        steps.times(&self.finite)
    }

    /// λ·wᵢ for l1, λ·wᵢ² for l2, from λ's one entry. Where the coordinate cannot change, its step is 0 and λ does.
    pub(crate) fn price(&self, multiplier: &Exact, norm: Norm) -> Result<Exact, Rejection> {
        let once = self.finite.times(multiplier)?;
        if let Norm::L1 = norm { Ok(once) } else { once.times(&self.finite) }
    }
}

/// 1/(m·2ᵉ) ≤ ⌈2ᵏ/m⌉·2^(−e−k).
fn scales(weights: &[Float], fixed: &[bool]) -> Result<Exact, Rejection> {
    let bits = SCALE_BITS + MANTISSA_BITS;
    let exponent = |weight: &Float| -weight.exponent - i64::from(bits);
    let least = weights.iter().map(exponent).min().unwrap_or(0);
    let scale = |(weight, fixed): (&Float, &bool)| match fixed {
        true => IBig::ZERO,
        false => {
            let quotient = (1_u128 << bits).div_ceil(u128::from(weight.mantissa.unsigned_abs()));
            IBig::from(quotient) << (exponent(weight) - least) as usize
        }
    };
    let mut scales = Exact::integers(pairs(weights, fixed)?.map(scale).collect());
    scales.exponent = least;
    scales.trimmed()
}
