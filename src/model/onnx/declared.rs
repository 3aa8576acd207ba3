//! What a file says of a value's type and sizes: needed of the input, and true of everything else.

use std::collections::HashMap;

use super::call::{Exponential, Value};
use super::importer::Importer;
use super::kinds::Kind;
use super::names::{name_of, printable};
use super::proto::{self, DimensionProto, ValueInfoProto};
use crate::model::ModelError;

/// The largest batch.
pub(super) const MOST_SAMPLES: i64 = 1 << 24;

/// What a file says of its input.
pub(super) struct Input {
    pub kind: Kind,
    /// Of a sample.
    pub shape: Vec<usize>,
    /// The batch size, where the file fixes it.
    pub fixed_batch: Option<i64>,
    /// Whether there is a batch axis: a vector of a fixed size is one sample.
    pub has_batch: bool,
}

/// The type of the input, and the shape of a sample.
///
/// # Errors
/// When the input is not float32 or float64 of the shape [N, …] with fixed sizes behind N.
pub(super) fn input_shape(input: &ValueInfoProto) -> Result<Input, ModelError> {
    let name = printable(name_of(input));
    let fail = |what: String| ModelError::Model(format!("input `{name}`: {what}"));
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| fail("expected a tensor".into()))?;
    let kind = match tensor.elem_type.unwrap_or(0) {
        proto::FLOAT => Kind::Float32,
        proto::DOUBLE => Kind::Float64,
        proto::FLOAT16 => {
            return Err(fail("expected float32 or float64, found float16: convert the model before its export".into()));
        }
        other => {
            return Err(fail(format!("expected float32 or float64 (data types 1 and 11), found data type {other}")));
        }
    };
    let dims = &tensor.shape.as_ref().ok_or_else(|| fail("has no shape".into()))?.dim;
    let [batch, rest @ ..] = &dims[..] else {
        return Err(fail("expected the shape [N, …], found []".into()));
    };
    let has_batch = !rest.is_empty();
    if !has_batch && batch.dim_value.is_none() {
        return Err(fail(
            "expected the shape [N, …] with a batch axis in front, or one axis of a fixed size, found one without"
                .into(),
        ));
    }
    if dims.iter().any(is_ambiguous) {
        return Err(fail("an axis has both a size and a name".into()));
    }
    let fixed_batch = batch.dim_value.filter(|_| has_batch);
    let rest = if has_batch { rest } else { &dims[..] };
    if fixed_batch.is_some_and(|size| size < 1) {
        return Err(fail(format!("the batch axis has size {}", fixed_batch.unwrap_or(0))));
    }
    if fixed_batch.is_some_and(|size| size > MOST_SAMPLES) {
        return Err(fail(format!("the batch axis has more than {MOST_SAMPLES} samples")));
    }
    let mut shape = vec![];
    for (axis, dim) in rest.iter().enumerate() {
        match dim.dim_value {
            Some(size) if size >= 1 => {
                shape.push(usize::try_from(size).map_err(|_| fail(format!("axis {} has size {size}", axis + 1)))?);
            }
            Some(size) => return Err(fail(format!("axis {} has size {size}", axis + 1))),
            None => return Err(fail(format!("axis {} has no fixed size (only the first may)", axis + 1))),
        }
    }
    Ok(Input { kind, shape, fixed_batch, has_batch })
}

fn is_ambiguous(dim: &DimensionProto) -> bool {
    dim.dim_value.is_some() && dim.dim_param.is_some()
}

/// The sizes that names of axes have had so far; `None` is the batch's.
pub(super) type Axes<'m> = HashMap<&'m str, Option<usize>>;

fn untrue(info: &ValueInfoProto, what: String) -> ModelError {
    ModelError::Model(format!("what the file says of `{}` is not so: {what}", printable(name_of(info))))
}

/// Tests what the file says of a value's type alone.
///
/// # Errors
/// When it is another one.
pub(super) fn check_kind(info: &ValueInfoProto, kind: Kind) -> Result<(), ModelError> {
    let Some(kind_of) = &info.r#type else { return Ok(()) };
    let declared = kind_of.tensor_type.as_ref().map_or(0, |tensor| tensor.elem_type.unwrap_or(0));
    match Kind::of(declared) == Some(kind) {
        true => Ok(()),
        false => Err(untrue(info, format!("expected the type {kind:?}, found data type {declared}"))),
    }
}

/// Tests what the file says of a value's type and sizes against what they are: runtimes plan with it.
///
/// # Errors
/// When type, number of axes or a size differ, or one name stands for axes of two sizes.
pub(super) fn check<'m>(
    info: &'m ValueInfoProto,
    (value, kind): &(Value, Kind),
    importer: &Importer,
    axes: &mut Axes<'m>,
) -> Result<(), ModelError> {
    check_kind(info, *kind)?;
    let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let Some(shape) = tensor.and_then(|tensor| tensor.shape.as_ref()) else { return Ok(()) };
    let alone = |shape: &[usize]| shape.iter().copied().map(Some).collect();
    let around = |shape: &[usize]| if importer.has_batch { with_batch(shape, 0) } else { alone(shape) };
    let sizes: Vec<Option<usize>> = match value {
        Value::Node(id) => around(&importer.graph.node(*id).shape),
        Value::Moved(id, batch) => with_batch(&importer.graph.node(*id).shape, *batch),
        Value::Sample(id) => alone(&importer.graph.node(*id).shape),
        Value::Infinite(_) => vec![],
        Value::Sequence(_) => return Err(untrue(info, "expected a sequence, found a tensor".into())),
        Value::Float(tensor) => alone(&tensor.shape),
        Value::Int(ints) => alone(&ints.shape),
        Value::Exponential(Exponential { of, .. }) => around(&importer.graph.node(*of).shape),
        Value::Larger(comparison) => around(&comparison.shape),
        Value::Fixed(_, shape) => around(shape),
        Value::Each(_) => vec![None],
        // How many rows there are depends on the batch, so that no size stands for it.
        Value::Joined(_) => return Ok(()),
        Value::Masked(comparison, _) => around(&comparison.shape),
    };
    if shape.dim.len() != sizes.len() {
        return Err(untrue(info, format!("expected {} axes, found {}", sizes.len(), shape.dim.len())));
    }
    for (axis, (dim, size)) in shape.dim.iter().zip(sizes).enumerate() {
        let name = dim.dim_param.as_deref().unwrap_or("");
        let fits = match dim.dim_value {
            _ if is_ambiguous(dim) => false,
            None => name.is_empty() || *axes.entry(name).or_insert(size) == size,
            Some(declared) => match size {
                Some(size) => usize::try_from(declared) == Ok(size),
                None => importer.fixed_batch == Some(declared),
            },
        };
        if !fits {
            let expected = size.map_or("the batch".into(), |size| size.to_string());
            let found = dim.dim_value.map_or(format!("`{name}`"), |size| size.to_string());
            return Err(untrue(info, format!("expected {expected} on axis {axis}, found {found}")));
        }
    }
    Ok(())
}

/// Sizes with the batch's, `None`, behind so many.
fn with_batch(shape: &[usize], at: usize) -> Vec<Option<usize>> {
    let mut sizes: Vec<Option<usize>> = shape.iter().copied().map(Some).collect();
    sizes.insert(at, None);
    sizes
}
