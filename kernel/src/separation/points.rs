//! Points in integers: coordinate i is an integer times 2^cᵢ, and weights are on the scale that fits them.

use crate::budget;
use crate::inputs::read::Inputs;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::{Code, Rejection};
use crate::sha256::sha256;
use dashu_int::IBig;

/// Bits of a coordinate's integer.
const COORDINATE_BITS: i64 = 96;
/// Bits below which every partial sum of products stays.
const SUM_BITS: u32 = 126;

/// The points of a file: float32, or bytes that mean themselves.
#[derive(Clone, Debug)]
pub struct Points {
    inputs: Inputs,
    digest: String,
}

impl Points {
    /// Reads a .npy file; all axes but the first are coordinates, in the order in which they stand.
    pub fn read(bytes: &[u8]) -> Result<Points, Rejection> {
        let inputs = Inputs::read_plain(bytes)?;
        if inputs.count() == 0 {
            return Err(Rejection::new(Code::MalformedInputs, "npy data", "at least one point", "none"));
        }
        Ok(Points { inputs, digest: sha256(bytes) })
    }

    /// Number of points.
    pub fn count(&self) -> usize {
        self.inputs.count()
    }

    /// Number of coordinates.
    pub fn size(&self) -> usize {
        self.inputs.size()
    }

    /// SHA-256 of the file.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The integers of one point.
    pub(super) fn row(&self, index: usize, scale: &Scale) -> Result<Vec<i128>, Rejection> {
        let floats = self.inputs.floats(index as u64)?;
        Ok(pairs(&floats, &scale.exponents)?.map(|(&x, &exponent)| integer(x, exponent)).collect())
    }

    /// The integers of all points.
    pub(super) fn rows<'a>(&'a self, scale: &'a Scale) -> impl Iterator<Item = Result<Vec<i128>, Rejection>> + 'a {
        (0..self.count()).map(|index| self.row(index, scale))
    }
}

/// `x` as a multiple of 2^exponent, which no number of its coordinate falls below.
fn integer(x: Float, exponent: i64) -> i128 {
    if x.mantissa == 0 { 0 } else { i128::from(x.mantissa) << (x.exponent - exponent) }
}

/// For every coordinate of all points: the power of two of which they are multiples, and the largest multiple.
#[derive(Clone, Debug)]
pub struct Scale {
    exponents: Vec<i64>,
    largest: Vec<u128>,
}

impl Scale {
    /// The scale of some files.
    pub(super) fn of(files: &[&Points]) -> Result<Scale, Rejection> {
        let size = files[0].size();
        let (mut least, mut most) = (vec![i64::MAX; size], vec![i64::MIN; size]);
        for file in files {
            for index in 0..file.count() {
                for (i, x) in file.inputs.floats(index as u64)?.iter().enumerate().filter(|(_, x)| x.mantissa != 0) {
                    least[i] = least[i].min(x.exponent);
                    most[i] = most[i].max(x.exponent + 64 - i64::from(x.mantissa.unsigned_abs().leading_zeros()));
                }
            }
        }
        let exponents: Vec<i64> = least.iter().map(|&least| if least == i64::MAX { 0 } else { least }).collect();
        for (i, (&most, &exponent)) in pairs(&most, &exponents)?.enumerate() {
            if most.saturating_sub(exponent) > COORDINATE_BITS {
                let (place, found) = (format!("coordinate {i} of all points"), format!("{}", most - exponent));
                let expected = format!("numbers that are multiples of one, of at most {COORDINATE_BITS} bits");
                return Err(Rejection::new(Code::TooLarge, place, expected, found));
            }
        }
        let mut scale = Scale { exponents, largest: vec![0; size] };
        let mut largest = vec![0_u128; size];
        for file in files {
            for row in file.rows(&scale) {
                for (largest, x) in pairs(&mut largest, row?)? {
                    *largest = x.unsigned_abs().max(*largest);
                }
            }
        }
        scale.largest = largest;
        Ok(scale)
    }
}

/// A hyperplane in integers: the sum of wᵢ·mᵢ is compared with a threshold.
pub(super) struct Weights {
    weights: Vec<i128>,
    threshold: i128,
}

impl Weights {
    /// Brings coefficients, scales and threshold to one power of two; refuses what sums of 128 bits might not hold.
    pub(super) fn new(scale: &Scale, coefficients: &[Exact], threshold: &Exact) -> Result<Weights, Rejection> {
        let size = scale.exponents.len();
        if coefficients.len() != size {
            let (expected, found) = (format!("{size}, one per coordinate"), coefficients.len().to_string());
            return Err(Rejection::new(Code::Length, "coefficients", expected, found));
        }
        let scaled = |(a, &exponent): (&Exact, &i64)| a.clone().scaled(exponent, &dashu_int::UBig::ONE);
        let mut all = pairs(coefficients, &scale.exponents)?.map(scaled).collect::<Result<Vec<_>, _>>()?;
        all.push(threshold.clone());
        Exact::unify(&mut all.iter_mut().collect::<Vec<_>>())?;
        let threshold = all.pop().expect("just pushed").values.remove(0);
        let weights: Vec<IBig> = all.into_iter().map(|mut a| a.values.remove(0)).collect();
        let magnitude = |value: &IBig| value.clone().into_parts().1;
        let products = pairs(&weights, &scale.largest)?.map(|(w, &largest)| magnitude(w) * largest);
        let bound = products.fold(magnitude(&threshold), |sum, product| sum + product);
        let bits = dashu_int::ops::BitTest::bit_len(&bound) as u64;
        budget::within("hyperplane", "bits in a sum of products", bits, u64::from(SUM_BITS))?;
        // A weight whose coordinate is 0 in all points has no part in the bound, nor in any sum.
        let narrow =
            |(w, &largest): (IBig, &u128)| if largest == 0 { 0 } else { i128::try_from(w).expect("within the bound") };
        let weights = pairs(weights, &scale.largest)?.map(narrow).collect();
        Ok(Weights { weights, threshold: i128::try_from(threshold).expect("within the bound") })
    }

    /// Whether the point lies above the hyperplane, strictly.
    pub(super) fn is_above(&self, point: &[i128]) -> Result<bool, Rejection> {
        Ok(pairs(&self.weights, point)?.map(|(w, x)| w * x).sum::<i128>() > self.threshold)
    }
}
