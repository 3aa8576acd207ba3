//! Gemm, MatMul and BatchNormalization.

use super::super::wire::Message;
use super::super::write::{float_attribute, int_attribute};
use super::{Builder, Live};

impl Builder<'_> {
    /// Gemm of a value [N, K].
    pub fn gemm(&mut self, of: &Live, live: &[Live]) -> Option<Live> {
        let &[cols] = &of.shape[..] else { return None };
        let rows = 1 + self.random.below(4);
        Some(self.gemm_to(of, cols, rows, live))
    }

    /// Gemm to [N, rows].
    pub fn gemm_to(&mut self, of: &Live, cols: usize, rows: usize, live: &[Live]) -> Live {
        let mut attributes = Vec::new();
        let transposed = self.flag("transB", &mut attributes);
        self.factor("alpha", &mut attributes);
        self.factor("beta", &mut attributes);
        if self.random.one_in(8) {
            attributes.push(int_attribute("transA", 0));
        }
        let weight = self.floats(&if transposed { [rows, cols] } else { [cols, rows] });
        let node = live.iter().find(|other| other.shape == [rows]).cloned();
        let bias = match (self.random.below(9), node) {
            // Before version 11 of the operators there is always one.
            (0, _) if self.opset >= 11 => None,
            (1, _) => Some(self.floats(&[])),
            (2, _) => Some(self.floats(&[1])),
            (3, _) => Some(self.floats(&[1, rows])),
            (4, _) if self.opset >= 11 => Some(String::new()),
            (5, Some(other)) => Some(other.name),
            (6, _) => Some(self.floats(&[1, 1])),
            _ => Some(self.floats(&[rows])),
        };
        self.random.shuffle(&mut attributes);
        match bias {
            None => self.push("Gemm", &[&of.name, &weight], attributes, vec![rows]),
            Some(bias) => self.push("Gemm", &[&of.name, &weight, &bias], attributes, vec![rows]),
        }
    }

    fn flag(&mut self, name: &str, attributes: &mut Vec<Message>) -> bool {
        let value = self.random.one_in(2);
        if value || self.random.one_in(3) {
            attributes.push(int_attribute(name, i64::from(value)));
        }
        value
    }

    fn factor(&mut self, name: &str, attributes: &mut Vec<Message>) {
        if self.random.one_in(3) {
            let value = self.random.pick(&[1.0, 0.5, -1.0, 2.0, 0.0]);
            attributes.push(float_attribute(name, value));
        }
    }

    /// MatMul with a matrix or a vector.
    pub fn mat_mul(&mut self, of: &Live) -> Option<Live> {
        let (&cols, lead) = of.shape.split_last()?;
        let mut shape = lead.to_vec();
        if self.random.one_in(4) {
            let weight = self.floats(&[cols]);
            return Some(self.push("MatMul", &[&of.name, &weight], vec![], shape));
        }
        let rows = 1 + self.random.below(4);
        let weight = self.floats(&[cols, rows]);
        shape.push(rows);
        Some(self.push("MatMul", &[&of.name, &weight], vec![], shape))
    }

    /// BatchNormalization over the first axis of a sample.
    pub fn batch_norm(&mut self, of: &Live) -> Option<Live> {
        let &channels = of.shape.first()?;
        let scale = self.floats(&[channels]);
        let bias = self.floats(&[channels]);
        let mean = self.floats(&[channels]);
        let variances = (0..channels).map(|_| self.random.between(1, 16) as f64 / 4.0).collect();
        let variance = self.float_constant(&[channels], variances);
        let mut attributes = Vec::new();
        if self.random.one_in(2) {
            let value = self.random.pick(&[1e-5, 0.25, 1e-3]);
            attributes.push(float_attribute("epsilon", value));
        }
        if self.random.one_in(3) {
            attributes.push(float_attribute("momentum", 0.5));
        }
        if self.opset >= 14 && self.random.one_in(3) {
            attributes.push(int_attribute("training_mode", 0));
        }
        let inputs = [&of.name[..], &scale, &bias, &mean, &variance];
        Some(self.push("BatchNormalization", &inputs, attributes, of.shape.clone()))
    }
}
