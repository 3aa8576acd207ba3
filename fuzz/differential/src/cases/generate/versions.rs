//! Operands that were attributes in older versions of the operators.

use super::super::wire::Message;
use super::super::write::{float_attribute, int_attribute, ints_attribute};
use super::{Builder, Live};

impl Builder<'_> {
    /// Squeeze, Unsqueeze or a reduction of any value, along named axes.
    pub fn along(&mut self, operator: &str, of: &str, axes: &[i64], mut attributes: Vec<Message>) -> String {
        let since = if operator.starts_with("Reduce") && operator != "ReduceSum" { 18 } else { 13 };
        if self.opset < since {
            attributes.push(ints_attribute("axes", axes));
            return self.emit(operator, &[of], attributes);
        }
        // Runtimes take computed ones of these two wrongly where they infer shapes.
        let axes = if operator.ends_with("queeze") { self.constant_ints(axes) } else { self.integers(axes) };
        self.emit(operator, &[of, &axes], attributes)
    }

    /// Clip between bounds, either of which may be left out.
    pub fn clipped(&mut self, of: &Live, low: Option<f64>, high: Option<f64>) -> Live {
        let shape = of.shape.clone();
        if self.opset < 11 {
            let bound = |name: &str, bound: Option<f64>| bound.map(|bound| float_attribute(name, bound as f32));
            let attributes = bound("min", low).into_iter().chain(bound("max", high)).collect();
            return self.push("Clip", &[&of.name], attributes, shape);
        }
        let mut bound = |bound: Option<f64>| bound.map_or(String::new(), |bound| self.float_constant(&[], vec![bound]));
        let inputs = match (low, high) {
            (None, None) => vec![of.name.clone()],
            (low, None) => vec![of.name.clone(), bound(low)],
            (low, high) => vec![of.name.clone(), bound(low), bound(high)],
        };
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.push("Clip", &inputs, vec![], shape)
    }

    /// Slice of the whole, without axes and steps.
    pub fn front_of(&mut self, from: &str, start: i64, end: i64) -> String {
        if self.opset < 10 {
            return self.sliced_by_attributes(from, start, end, None);
        }
        let (start, end) = (self.constant_ints(&[start]), self.constant_ints(&[end]));
        self.emit("Slice", &[from, &start, &end], vec![])
    }

    /// As version 9 has it.
    pub fn sliced_by_attributes(&mut self, from: &str, start: i64, end: i64, axis: Option<i64>) -> String {
        let mut attributes = vec![ints_attribute("starts", &[start]), ints_attribute("ends", &[end])];
        attributes.extend(axis.map(|axis| ints_attribute("axes", &[axis])));
        self.random.shuffle(&mut attributes);
        self.emit("Slice", &[from], attributes)
    }

    /// Dropout as it is written before version 12 of the operators.
    pub fn old_dropout(&mut self, of: &Live) -> Live {
        let ratio = if self.random.one_in(2) { vec![float_attribute("ratio", 0.25)] } else { vec![] };
        self.push("Dropout", &[&of.name], ratio, of.shape.clone())
    }

    /// keepdims, left out where it is what it is without.
    pub fn kept(&mut self, keep: bool) -> Vec<Message> {
        if keep && self.random.one_in(2) { vec![] } else { vec![int_attribute("keepdims", keep.into())] }
    }
}
