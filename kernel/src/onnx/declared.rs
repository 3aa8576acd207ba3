//! What a file declares of a value: its type and sizes. Runtimes plan with it, so what is declared must be true.

use crate::budget;
use crate::onnx::call::{Value, malformed};
use crate::onnx::protobuf::fields;
use crate::onnx::tensor::{Kind, TEXTS};
use crate::rejection::{Code, Rejection};
use std::collections::HashMap;

/// A ValueInfoProto.
#[derive(Clone, Debug)]
pub struct Declared<'a> {
    /// Of the value.
    pub name: &'a str,
    /// Its type; `None` where nothing is said.
    pub kind: Option<Kind>,
    /// What it is instead of numbers.
    pub other: Option<Other>,
    axes: Option<Vec<Axis<'a>>>,
}

/// Values that nothing reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Other {
    /// Texts: a label.
    Texts,
    /// A map for every sample, which a ZipMap gives.
    Maps,
}

/// An axis with a size, a name, or neither.
#[derive(Clone, Copy, Debug, Default)]
struct Axis<'a> {
    size: Option<i64>,
    name: Option<&'a str>,
}

/// The sizes of a value.
pub struct Shape {
    /// `None` for the batch's; none at all where the value is no tensor.
    sizes: Option<Vec<Option<usize>>>,
    /// Of the batch, where the file fixes it.
    batch: Option<i64>,
}

impl Shape {
    /// The sizes of a value, with the batch, if the file has one, which may have a fixed size.
    pub fn of(value: &Value, batch: Option<Option<i64>>) -> Shape {
        let known = |dims: &[usize]| dims.iter().copied().map(Some).collect::<Vec<_>>();
        let with_batch = |dims: &[usize], at: usize| {
            let mut sizes = known(dims);
            if batch.is_some() {
                sizes.insert(at, None);
            }
            Some(sizes)
        };
        let sizes = match value {
            Value::Node(_, shape) | Value::Larger(_, shape) | Value::Fixed(_, shape) | Value::Masked(_, shape, _) => {
                with_batch(shape, 0)
            }
            Value::Exponential(exponential) => with_batch(&exponential.shape, 0),
            Value::Moved(_, shape, at) => with_batch(shape, *at),
            Value::Floats(dims, _) | Value::Integers(dims, _) | Value::Sample(_, dims) => Some(known(dims)),
            Value::Infinite(_) => Some(vec![]),
            Value::Each(_) => Some(vec![None]),
            Value::Sequence(_) | Value::Joined(..) => None,
        };
        Shape { sizes, batch: batch.flatten() }
    }
}

impl<'a> Declared<'a> {
    /// Reads a ValueInfoProto.
    pub fn read(bytes: &'a [u8]) -> Result<Declared<'a>, Rejection> {
        let mut declared = Declared { name: "", kind: None, other: None, axes: None };
        for field in fields(bytes) {
            match field? {
                (1, wire) => declared.name = wire.text()?,
                (2, wire) => {
                    for field in fields(wire.bytes()?) {
                        match field? {
                            (1, tensor) => declared.read_type(tensor.bytes()?)?,
                            (4, _) => declared.other = Some(Other::Maps),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        match declared.name {
            "" => Err(malformed("graph", "values with names", "none")),
            _ => Ok(declared),
        }
    }

    fn read_type(&mut self, bytes: &'a [u8]) -> Result<(), Rejection> {
        let mut number = 0;
        for field in fields(bytes) {
            match field? {
                (1, wire) => number = wire.integer()?,
                (2, wire) => {
                    let mut axes = Vec::new();
                    for field in fields(wire.bytes()?) {
                        axes.push(self.axis(field?.1.bytes()?)?);
                    }
                    self.axes = Some(axes);
                }
                _ => {}
            }
        }
        if number == TEXTS {
            self.other = Some(Other::Texts);
            return Ok(());
        }
        let unknown = || Rejection::new(Code::Unsupported, self.place(), "float32", format!("type {number}"));
        self.kind = Some(Kind::read(number).ok_or_else(unknown)?);
        Ok(())
    }

    fn axis(&self, bytes: &'a [u8]) -> Result<Axis<'a>, Rejection> {
        let mut axis = Axis::default();
        for field in fields(bytes) {
            match field? {
                (1, wire) => axis.size = Some(wire.integer()?),
                (2, wire) => axis.name = Some(wire.text()?),
                _ => {}
            }
        }
        match axis.size {
            Some(_) if axis.name.is_some() => Err(malformed(self.name, "an axis with a size or a name", "both")),
            Some(size) if size < 0 => Err(malformed(self.name, "sizes of axes from 0", &size.to_string())),
            _ => Ok(axis),
        }
    }

    /// Whether it may be the label that a classifier gives.
    pub fn is_label(&self) -> bool {
        self.kind == Some(Kind::Int64) || self.other == Some(Other::Texts)
    }

    fn place(&self) -> String {
        self.name.escape_debug().to_string()
    }

    /// The batch, if there is one, with its size, where that is fixed, and the shape of one sample, whose sizes must be. One
    /// axis is a sample.
    pub fn sample(&self) -> Result<(Option<Option<i64>>, Vec<usize>), Rejection> {
        let axes = self.axes.as_deref().unwrap_or_default();
        let size = |axis: &Axis| axis.size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0);
        if let [axis] = axes {
            let expected = "a batch and axes behind it, or one axis of a fixed size";
            let refuse = || Rejection::new(Code::ShapeMismatch, self.place(), expected, "one axis without");
            return Ok((None, vec![size(axis).ok_or_else(refuse)?]));
        }
        let size = |axis: &Axis| axis.size.and_then(|size| usize::try_from(size).ok());
        let rest = axes.iter().skip(1).map(size).collect::<Option<Vec<_>>>();
        match (axes.first(), rest) {
            (Some(batch), Some(rest)) if batch.size != Some(0) => {
                let size = batch.size.map_or(1, i64::unsigned_abs);
                budget::within(&self.place(), "samples of a batch", size, budget::ENTRIES)?;
                Ok((Some(batch.size), rest))
            }
            _ => {
                let found = format!("{:?}", axes.iter().map(|axis| axis.size).collect::<Vec<_>>());
                Err(Rejection::new(Code::Unsupported, self.place(), "fixed sizes after the batch", found))
            }
        }
    }

    fn misfit(&self, code: Code, expected: String) -> Rejection {
        Rejection::new(code, self.place(), format!("a declaration as {expected}"), format!("{self:?}"))
    }

    /// Tests what is declared against what the value is. An axis's name stands for one size throughout the file; `named`
    /// holds those met so far (`None` for the batch).
    pub fn check(
        &self,
        kind: Kind,
        shape: &Shape,
        named: &mut HashMap<&'a str, Option<usize>>,
    ) -> Result<(), Rejection> {
        if self.other.is_some() || self.kind.is_some_and(|declared| declared != kind) {
            return Err(self.misfit(Code::MalformedModel, format!("{kind:?}")));
        }
        let Some(sizes) = &shape.sizes else { return Err(self.misfit(Code::MalformedModel, "a sequence".into())) };
        let Some(axes) = &self.axes else { return Ok(()) };
        if axes.len() != sizes.len() {
            return Err(self.misfit(Code::ShapeMismatch, format!("{} axes", sizes.len())));
        }
        for (k, axis) in axes.iter().enumerate() {
            let fits = match (axis.size, sizes[k]) {
                (None, size) => match axis.name.unwrap_or("") {
                    "" => true,
                    name => *named.entry(name).or_insert(size) == size,
                },
                (Some(declared), Some(size)) => usize::try_from(declared) == Ok(size),
                (Some(declared), None) => shape.batch == Some(declared),
            };
            if !fits {
                return Err(self.misfit(Code::ShapeMismatch, format!("{sizes:?}")));
            }
        }
        Ok(())
    }
}
