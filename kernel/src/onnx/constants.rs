//! Arithmetic of constants alone, where its result is just a number of its type: what runtimes compute then, whatever
//! order they take, and what is true of the real numbers.

use crate::number::exact::{Exact, Float, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{places, size, strides};
use crate::onnx::tensor::{Floats, Kind};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// What an operator makes of float constants; nothing where one of its inputs is none, or the operator is another.
pub fn fold(call: &Call, values: &Values, kind: Kind, alpha: Float) -> Result<Option<Value>, Rejection> {
    let mut operands = Vec::with_capacity(call.arity());
    for k in 0..call.arity() {
        let Some(Value::Floats(dims, floats)) = call.optional(k, values)? else { return Ok(None) };
        operands.push((dims, floats));
    }
    let Some((first, rest)) = operands.split_first() else { return Ok(None) };
    let (mut dims, floats) = (first.0.clone(), first.1);
    let below = match call.operator {
        "Relu" => Some(Float::ZERO),
        "Abs" => Some(Float::ONE.negated()),
        "LeakyRelu" => Some(alpha),
        _ => None,
    };
    if let Some(below) = below {
        let kinked = |t: Float| if t.mantissa < 0 { product(t, below) } else { Some(t) };
        let numbers = floats.iter().map(|t| held(call, kind, kinked(t))).collect::<Result<_, _>>()?;
        return Ok(Some(Value::Floats(dims, Floats::Numbers(numbers))));
    }
    let operation = match call.operator {
        "Add" | "Sum" => sum,
        "Sub" => |a, b: Float| sum(a, b.negated()),
        "Mul" => product,
        "Div" => quotient,
        "Max" => |a: Float, b: Float| Some(if b.exceeds(a) { b } else { a }),
        "Min" => |a: Float, b: Float| Some(if a.exceeds(b) { b } else { a }),
        _ => return Ok(None),
    };
    let mut numbers: Vec<Float> = floats.iter().collect();
    for (other, floats) in rest {
        let (shape, [a, b]) = spread(call, [&dims, other])?;
        let entry = |(i, j): (usize, usize)| held(call, kind, operation(numbers[i], floats.at(j)));
        numbers = pairs(a, b)?.map(entry).collect::<Result<_, _>>()?;
        dims = shape;
    }
    Ok(Some(Value::Floats(dims, Floats::Numbers(numbers))))
}

/// The common shape of two constants as numpy broadcasts them, and from where each takes its entries.
pub fn spread(call: &Call, dims: [&[usize]; 2]) -> Result<(Vec<usize>, [Vec<usize>; 2]), Rejection> {
    let rank = dims[0].len().max(dims[1].len());
    let [a, b] = dims.map(|dims| [vec![1; rank - dims.len()], dims.to_vec()].concat());
    let common = |k: usize| match (a[k], b[k]) {
        (x, y) if x == y || y == 1 => Some(x),
        (1, y) => Some(y),
        _ => None,
    };
    let shape = (0..rank).map(common).collect::<Option<Vec<_>>>().ok_or_else(|| {
        call.refuse(Code::ShapeMismatch, &format!("constants that spread over {:?}", dims[0]), format!("{:?}", dims[1]))
    })?;
    let from = |own: &[usize]| {
        let steps: Vec<usize> = pairs(strides(own), own)?.map(|(step, &d)| if d == 1 { 0 } else { step }).collect();
        places(call, &shape, &steps)
    };
    let from = [from(&a)?, from(&b)?];
    debug_assert!(from.iter().all(|from| from.len() == size(&shape)));
    Ok((shape, from))
}

/// A result, if it is a number of its type.
pub fn held(call: &Call, kind: Kind, number: Option<Float>) -> Result<Float, Rejection> {
    number.filter(|&number| kind.holds(number)).ok_or_else(|| {
        let expected = format!("constants whose result is just a {kind:?}");
        call.refuse(Code::Unsupported, &expected, "one that would be rounded")
    })
}

/// a + b, if that is a float of the usual size.
pub fn sum(a: Float, b: Float) -> Option<Float> {
    let both = Exact::dyadics(&[a, b]);
    float(&both.values[0] + &both.values[1], both.exponent)
}

/// a · b, if that is one.
pub fn product(a: Float, b: Float) -> Option<Float> {
    float(IBig::from(a.mantissa) * b.mantissa, a.exponent + b.exponent)
}

/// a / b, if that is one.
pub fn quotient(a: Float, b: Float) -> Option<Float> {
    let divides = b.mantissa != 0 && a.mantissa % b.mantissa == 0;
    divides.then(|| Float::new(a.mantissa / b.mantissa, a.exponent - b.exponent))
}

/// mantissa · 2^exponent, if that is a float of the usual size.
pub fn float(mantissa: IBig, exponent: i64) -> Option<Float> {
    let zeros = mantissa.trailing_zeros().unwrap_or(0);
    let odd = i64::try_from(mantissa >> zeros).ok()?;
    (odd.unsigned_abs() < 1 << 53).then(|| Float::new(odd, exponent + zeros as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mantissa: i64, exponent: i64) -> Float {
        Float::new(mantissa, exponent)
    }

    #[test]
    fn results_are_exact_or_none() {
        assert_eq!(sum(of(3, 0), of(5, -3)), Some(of(29, -3)));
        assert_eq!(sum(of(3, 0), of(-3, 0)), Some(Float::ZERO));
        assert_eq!(sum(of(1, 0), of(1, -60)), None);
        assert_eq!(product(of(3, 4), of(-5, -9)), Some(of(-15, -5)));
        assert_eq!(product(of((1 << 50) + 1, 0), of(17, 0)), None);
        assert_eq!(quotient(of(15, 2), of(-3, 5)), Some(of(-5, -3)));
        assert_eq!(quotient(Float::ZERO, of(3, 0)), Some(Float::ZERO));
        assert_eq!(quotient(of(1, 0), of(3, 0)), None);
        assert_eq!(quotient(of(1, 0), Float::ZERO), None);
    }

    #[test]
    fn types_hold_their_own_numbers_alone() {
        let largest = (1 << 24) - 1;
        for number in [Float::ZERO, of(1, -149), of(largest, 104), of(-largest, 104), of(largest, -149)] {
            assert!(Kind::Float32.holds(number) && Kind::Float64.holds(number), "{number:?}");
        }
        for number in [of(1 << 24 | 1, 0), of(1, 128), of(1, -150), of(3, -150), of(largest, -150)] {
            assert!(!Kind::Float32.holds(number) && Kind::Float64.holds(number), "{number:?}");
        }
        assert!(!Kind::Float64.holds(of(1, 1024)) && !Kind::Float64.holds(of(1, -1075)));
        assert!(!Kind::Int64.holds(Float::ONE));
        for number in [Float::ZERO, of(1, -24), of(2047, 5), of(-2047, -24), Float::ONE] {
            assert!(Kind::Float16.holds(number), "{number:?}");
        }
        for number in [of(2049, 0), of(1, -25), of(1, 16), of(2047, 6), of(3, -25)] {
            assert!(!Kind::Float16.holds(number), "{number:?}");
        }
        for number in [Float::ZERO, of(1, -133), of(255, 120), of(-255, -133)] {
            assert!(Kind::Bfloat16.holds(number), "{number:?}");
        }
        for number in [of(257, 0), of(1, -134), of(1, 128), of(255, 121)] {
            assert!(!Kind::Bfloat16.holds(number), "{number:?}");
        }
    }
}
