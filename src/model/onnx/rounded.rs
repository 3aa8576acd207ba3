//! Constants that operators compute from others, where the result is no exact number: in 64 bits, then the nearest one of
//! the result's type, as near as a runtime comes. What is certified is the network that holds just these numbers, and
//! whoever reads a model with some is told so ([`Imported`](super::Imported)).

use super::attributes::{Attribute, CAST, REDUCTION, SUM, float};
use super::call::{Call, Value};
use super::elementwise::{constant_at, same_for_all};
use super::importer::Importer;
use super::integers::target;
use super::kinds::Kind;
use super::layout::axis_of;
use super::tensor::{Dim, Ints, Tensor, Walk, broadcast, row_major};
use crate::model::ModelError;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// A constant that was rounded.
#[derive(Clone, Debug)]
pub(super) struct Rounded {
    /// The value's name.
    pub name: String,
    /// The operator that computed it.
    pub operator: String,
    pub tensor: Tensor,
    pub kind: Kind,
}

/// Operators that are computed, beside those that are read exactly where they can be: inputs and attributes.
const OPERATORS: &[(&str, RangeInclusive<usize>, &[Attribute])] = &[
    ("Exp", 1..=1, &[]),
    ("Log", 1..=1, &[]),
    ("Sqrt", 1..=1, &[]),
    ("Reciprocal", 1..=1, &[]),
    ("Softplus", 1..=1, &[]),
    ("Sigmoid", 1..=1, &[]),
    ("Tanh", 1..=1, &[]),
    ("Elu", 1..=1, &[float("alpha")]),
    ("LeakyRelu", 1..=1, &[float("alpha")]),
    ("Cast", 1..=1, CAST),
    ("Add", 2..=2, &[]),
    ("Sub", 2..=2, &[]),
    ("Mul", 2..=2, &[]),
    ("Div", 2..=2, &[]),
    ("Pow", 2..=2, &[]),
    ("Min", 2..=2, &[]),
    ("MatMul", 2..=2, &[]),
    ("Greater", 2..=2, &[]),
    ("GreaterOrEqual", 2..=2, &[]),
    ("Less", 2..=2, &[]),
    ("LessOrEqual", 2..=2, &[]),
    ("Where", 3..=3, &[]),
    ("ReduceSum", 1..=2, SUM),
    ("ReduceMean", 1..=2, REDUCTION),
    ("ReduceMax", 1..=2, REDUCTION),
    ("ReduceMin", 1..=2, REDUCTION),
    ("ReduceL1", 1..=2, REDUCTION),
    ("ReduceL2", 1..=2, REDUCTION),
    ("ReduceSumSquare", 1..=2, REDUCTION),
];

/// Their names, for people.
pub(super) fn names() -> String {
    OPERATORS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}

/// What the operator makes of constants alone, rounded; nothing where one of its inputs depends on the model's, or the
/// operator is none of these.
///
/// # Errors
/// When shapes or attributes do not fit, or the result is not finite.
pub(super) fn compute(importer: &mut Importer, call: &Call) -> Result<Option<(Value, Kind)>, ModelError> {
    let here = |name: &str| name == call.operator() && !call.of_ml();
    let Some((name, inputs, attributes)) = OPERATORS.iter().find(|(name, ..)| here(name)) else {
        return Ok(None);
    };
    let constants = (0..call.count())
        .map(|index| call.optional(index))
        .all(|v| matches!(v, None | Some(Value::Float(_) | Value::Int(_))));
    if !constants || call.count() == 0 {
        return Ok(None);
    }
    let call = &*call.checked(inputs.clone(), 1, attributes, importer.opset)?;
    let found = match *name {
        "Where" => choose(importer, call)?,
        "Cast" => return cast(importer, call),
        "MatMul" => product(importer, call)?,
        _ if name.starts_with("Reduce") => reduce(importer, call)?,
        _ if inputs.end() == &2 => return pairs(importer, call),
        _ => {
            let f = unary(call)?;
            call.float(0, "operand")?.map(f)
        }
    };
    let index = usize::from(*name == "Where");
    noted(importer, call, found, call.kind(index)).map(Some)
}

/// The node with a constant of one sample for what is a constant spread over the batch, where the result is no exact number.
pub(super) fn of_one_sample<'c, 'm>(importer: &Importer, call: &'c Call<'m>) -> Cow<'c, Call<'m>> {
    let rounds = ["Log", "Softplus", "Elu", "Sqrt", "Sigmoid", "Tanh"].contains(&call.operator());
    match call.optional(0) {
        Some(&Value::Node(id)) if rounds && constant_at(&importer.graph, id).is_some() && importer.has_batch => {
            let mut call = call.clone();
            call.replace(0, Value::Float(same_for_all(&importer.graph, id)));
            Cow::Owned(call)
        }
        _ => Cow::Borrowed(call),
    }
}

/// The node with the float64 constants beside its values as the nearest float32, as which weights are kept; that is noted.
pub(super) fn narrowed<'c, 'm>(
    importer: &mut Importer,
    call: Cow<'c, Call<'m>>,
) -> Result<Cow<'c, Call<'m>>, ModelError> {
    let mut call = call;
    if !(0..call.count()).any(|index| matches!(call.optional(index), Some(Value::Node(_) | Value::Moved(..)))) {
        return Ok(call);
    }
    for index in 0..call.count() {
        let Some(Value::Float(wide)) = call.optional(index).filter(|_| call.kind(index) == Some(Kind::Float64)) else {
            continue;
        };
        if wide.as_single().is_none() {
            let tensor = rounded(&call, wide.clone(), Kind::Float32)?;
            let (narrow, name) = call.with(index, tensor.clone());
            importer.note(Rounded { name: name.into(), operator: "float64".into(), tensor, kind: Kind::Float64 });
            call = Cow::Owned(narrow);
        }
    }
    Ok(call)
}

/// The result in its type, noted as rounded.
fn noted(importer: &mut Importer, call: &Call, found: Tensor, kind: Option<Kind>) -> Result<(Value, Kind), ModelError> {
    let kind = kind.filter(|kind| !kind.is_integer() && *kind != Kind::Bool);
    let kind = kind.ok_or_else(|| call.refuse("constants of this type are not rounded"))?;
    importer.spend_shape(call, &found.shape)?;
    let tensor = rounded(call, found, kind)?;
    let (name, operator) = (call.output().unwrap_or("").to_string(), call.operator().to_string());
    importer.note(Rounded { name, operator, tensor: tensor.clone(), kind });
    Ok((Value::Float(tensor), kind))
}

fn rounded(call: &Call, found: Tensor, kind: Kind) -> Result<Tensor, ModelError> {
    let tensor = found.map(|v| kind.nearest(v));
    let wrong = tensor.iter().find(|v| !v.is_finite());
    match wrong {
        Some(wrong) => Err(ModelError::not_finite(&call.name, "a computed constant".into(), wrong)),
        None => Ok(tensor),
    }
}

fn unary(call: &Call) -> Result<Box<dyn Fn(f64) -> f64>, ModelError> {
    let alpha = |default: f64| Ok::<_, ModelError>(call.float_attribute("alpha")?.map_or(default, f64::from));
    Ok(match call.operator() {
        "Exp" => Box::new(f64::exp),
        "Log" => Box::new(f64::ln),
        "Sqrt" => Box::new(f64::sqrt),
        "Reciprocal" => Box::new(|x| 1.0 / x),
        "Softplus" => Box::new(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        "Sigmoid" => Box::new(|x| if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }),
        "Tanh" => Box::new(f64::tanh),
        "Elu" => {
            let alpha = alpha(1.0)?;
            Box::new(move |x| if x < 0.0 { alpha * x.exp_m1() } else { x })
        }
        _ => {
            let alpha = alpha(f64::from(0.01_f32))?;
            Box::new(move |x| if x < 0.0 { alpha * x } else { x })
        }
    })
}

fn cast(importer: &mut Importer, call: &Call) -> Result<Option<(Value, Kind)>, ModelError> {
    let to = target(call);
    // From 64 bits runtimes round twice.
    let is_short = |kind| matches!(kind, Kind::Float16 | Kind::Bfloat16) && call.kind(0) == Some(Kind::Float32);
    match call.input(0)? {
        Value::Float(tensor) if to.is_some_and(|kind| kind == Kind::Float32 || is_short(kind)) => {
            noted(importer, call, tensor.clone(), to).map(Some)
        }
        _ => Ok(None),
    }
}

/// Of two constants that broadcast.
fn pairs(importer: &mut Importer, call: &Call) -> Result<Option<(Value, Kind)>, ModelError> {
    let (Value::Float(a), Value::Float(b)) = (call.input(0)?, call.input(1)?) else { return Ok(None) };
    if call.kind(0) != call.kind(1) {
        return Err(call.refuse("constants of two types are not computed with"));
    }
    let shape = common(call, &[&a.shape, &b.shape])?;
    importer.spend_shape(call, &shape)?;
    let both = Walk::broadcast(&a.shape, &shape).zip(Walk::broadcast(&b.shape, &shape));
    let both = both.map(|(i, j)| (a.get(i), b.get(j)));
    let truths = |f: fn(&f64, &f64) -> bool| {
        let values = both.clone().map(|(a, b)| Dim::Known(f(&a, &b).into())).collect();
        Ok(Some((Value::Int(Ints { shape: shape.clone(), values }), Kind::Bool)))
    };
    let f: fn(f64, f64) -> f64 = match call.operator() {
        "Greater" => return truths(f64::gt),
        "GreaterOrEqual" => return truths(f64::ge),
        "Less" => return truths(f64::lt),
        "LessOrEqual" => return truths(f64::le),
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Min" => f64::min,
        _ => f64::powf,
    };
    let values = both.clone().map(|(a, b)| f(a, b)).collect();
    noted(importer, call, Tensor::new(shape.clone(), values), call.kind(0)).map(Some)
}

fn common(call: &Call, shapes: &[&[usize]]) -> Result<Vec<usize>, ModelError> {
    let all = shapes.iter().try_fold(vec![], |all, shape| broadcast(&all, shape));
    all.ok_or_else(|| call.misfit("shapes that broadcast", format!("{shapes:?}")))
}

fn choose(importer: &mut Importer, call: &Call) -> Result<Tensor, ModelError> {
    let condition = call.ints(0, "condition (input 0)")?;
    let (a, b) = (call.float(1, "first choice")?, call.float(2, "second choice")?);
    if call.kind(0) != Some(Kind::Bool) || call.kind(1) != call.kind(2) {
        return Err(call.misfit("a condition, and two constants of one type", "others"));
    }
    let shape = common(call, &[&condition.shape, &a.shape, &b.shape])?;
    importer.spend_shape(call, &shape)?;
    let walk = |own: &[usize]| Walk::broadcast(own, &shape);
    let entry = |((at, i), j): ((usize, usize), usize)| match condition.values[at] {
        Dim::Known(0) => b.get(j),
        _ => a.get(i),
    };
    let values = walk(&condition.shape).zip(walk(&a.shape)).zip(walk(&b.shape)).map(entry).collect();
    Ok(Tensor::new(shape.clone(), values))
}

/// Of two matrices.
fn product(importer: &mut Importer, call: &Call) -> Result<Tensor, ModelError> {
    let (a, b) = (call.float(0, "left matrix")?, call.float(1, "right matrix")?);
    let (&[rows, inner], &[also, cols]) = (&a.shape[..], &b.shape[..]) else {
        return Err(call.misfit("two matrices", format!("{:?} and {:?}", a.shape, b.shape)));
    };
    if inner != also {
        return Err(call.misfit(format!("{inner} rows"), also.to_string()));
    }
    let shape = vec![rows, cols];
    importer.spend_shape(call, &shape)?;
    let entry = |i: usize| (0..inner).map(|k| a.get(i / cols * inner + k) * b.get(k * cols + i % cols)).sum();
    Ok(Tensor::new(shape, (0..rows * cols).map(entry).collect()))
}

fn reduce(importer: &mut Importer, call: &Call) -> Result<Tensor, ModelError> {
    let of = call.float(0, "operand")?;
    let given = call.optional_ints(1, "axes (input 1)")?.filter(|axes| !axes.is_empty());
    if given.is_none() && call.flag("noop_with_empty_axes")? {
        return Err(call.refuse("a reduction along no axis is not supported"));
    }
    let rank = of.shape.len();
    let mut gone = vec![given.is_none(); rank];
    for axis in given.into_iter().flatten() {
        gone[axis_of(call, axis, rank, false)?] = true;
    }
    let keeps = call.int_attribute("keepdims").unwrap_or(1) == 1;
    let kept: Vec<usize> = (0..rank).map(|axis| if gone[axis] { 1 } else { of.shape[axis] }).collect();
    importer.spend_shape(call, &of.shape)?;
    let mut strides = row_major(&kept);
    (0..rank).filter(|&axis| gone[axis]).for_each(|axis| strides[axis] = 0);
    let operator = call.operator();
    let start = match operator {
        "ReduceMax" => f64::NEG_INFINITY,
        "ReduceMin" => f64::INFINITY,
        _ => 0.0,
    };
    let mut sums = vec![start; kept.iter().product()];
    let term: fn(f64) -> f64 = match call.operator() {
        "ReduceL1" => f64::abs,
        "ReduceL2" | "ReduceSumSquare" => |x| x * x,
        _ => |x| x,
    };
    for (to, from) in Walk::new(&of.shape, &strides, 0).zip(0..of.len()) {
        let value = term(of.get(from));
        sums[to] = match operator {
            "ReduceMax" => sums[to].max(value),
            "ReduceMin" => sums[to].min(value),
            _ => sums[to] + value,
        };
    }
    let count = (of.len() / sums.len()) as f64;
    match call.operator() {
        "ReduceMean" => sums.iter_mut().for_each(|sum| *sum /= count),
        "ReduceL2" => sums.iter_mut().for_each(|sum| *sum = sum.sqrt()),
        _ => {}
    }
    let shape = if keeps { kept } else { (0..rank).filter(|&axis| !gone[axis]).map(|axis| of.shape[axis]).collect() };
    Ok(Tensor::new(shape, sums))
}
