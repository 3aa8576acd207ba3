//! Arithmetic, activations and maxima.

use super::super::write::{float_attribute, int_attribute};
use super::{Builder, Live};

impl Builder<'_> {
    /// Add, Sub, Mul or Div with a constant on either side.
    pub fn with_constant(&mut self, of: &Live) -> Live {
        let operator = self.random.pick(&["Add", "Sub", "Mul", "Div"]);
        let (dims, shape) = self.spreading(&of.shape);
        let constant = match operator {
            "Div" => {
                let divisor = |b: &mut Self| b.random.pick(&[1.0, -2.0, 0.5, 4.0, 3.0, -0.75]);
                let values = (0..dims.iter().product()).map(|_| divisor(self)).collect();
                self.float_constant(&dims, values)
            }
            _ => self.floats(&dims),
        };
        let form = if shape == of.shape { "constant spreads" } else { "value spreads" };
        self.mark(form);
        if operator != "Div" && self.random.one_in(2) {
            return self.push(operator, &[&constant, &of.name], vec![], shape);
        }
        self.push(operator, &[&of.name, &constant], vec![], shape)
    }

    /// Dimensions of a constant that goes with a value of `shape`, and the shape of the result.
    fn spreading(&mut self, shape: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let rank = shape.len();
        match self.random.below(9) {
            0 => (vec![], shape.to_vec()),
            1 if rank > 0 => (vec![1], shape.to_vec()),
            2 if self.lead == 1 => ([&[1], shape].concat(), shape.to_vec()),
            3 if self.lead == 1 => (vec![1; rank + 1], shape.to_vec()),
            4 if rank > 0 => (shape[rank - 1..].to_vec(), shape.to_vec()),
            5 => (shape.iter().map(|&d| if self.random.one_in(2) { 1 } else { d }).collect(), shape.to_vec()),
            6 if shape.contains(&1) && !self.plain && self.random.one_in(2) => {
                let wide: Vec<usize> = shape.iter().map(|&d| if d == 1 { 2 } else { d }).collect();
                (wide.clone(), wide)
            }
            _ => (shape.to_vec(), shape.to_vec()),
        }
    }

    /// Add or Sub of two values of one shape, or of shapes that spread.
    pub fn two(&mut self, of: &Live, live: &[Live]) -> Option<Live> {
        let spreads = |other: &&Live| {
            other.shape.len() == of.shape.len() && other.shape.iter().zip(&of.shape).all(|(&a, &b)| a == b || a == 1)
        };
        let fitting: Vec<&Live> = live.iter().filter(spreads).collect();
        if fitting.is_empty() {
            return None;
        }
        let other = self.random.pick(&fitting);
        let operator = self.random.pick(&["Add", "Sub"]);
        let inputs = if self.random.one_in(2) { [&of.name, &other.name] } else { [&other.name, &of.name] };
        Some(self.push(operator, &inputs.map(String::as_str), vec![], of.shape.clone()))
    }

    /// Relu, LeakyRelu, Abs or Neg.
    pub fn kink(&mut self, of: &Live) -> Live {
        let operator = self.random.pick(&["Relu", "Relu", "LeakyRelu", "Abs", "Neg"]);
        let attributes = match operator {
            "LeakyRelu" if !self.random.one_in(3) => {
                vec![float_attribute("alpha", self.random.pick(&[0.25, 0.0, 1.0, -1.0, -0.5, 2.0, 0.1]))]
            }
            _ => vec![],
        };
        self.push(operator, &[&of.name], attributes, of.shape.clone())
    }

    /// Max of one to four values and constants.
    pub fn maximum(&mut self, of: &Live, live: &[Live]) -> Live {
        let mut inputs = vec![of.name.clone()];
        let fitting: Vec<&Live> = live.iter().filter(|other| other.shape == of.shape).collect();
        for _ in 0..self.random.below(4) {
            if fitting.is_empty() || self.random.one_in(2) {
                let dims = self.spreading(&of.shape).0;
                let fits = dims.len() <= of.shape.len() + 1
                    && dims.iter().rev().zip(of.shape.iter().rev()).all(|(&d, &s)| d == s || d == 1);
                inputs.push(self.floats(if fits { &dims } else { &[] }));
            } else {
                inputs.push(self.random.pick(&fitting).name.clone());
            }
        }
        self.random.shuffle(&mut inputs);
        self.mark(format!("max of {}", inputs.len()));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.push("Max", &inputs, vec![], of.shape.clone())
    }

    /// Max with a constant that spreads the value.
    pub fn widest(&mut self, of: &Live) -> Live {
        let shape: Vec<usize> = of.shape.iter().map(|&d| if d == 1 { 1 + self.random.below(3) } else { d }).collect();
        let constant = self.floats(&shape);
        self.push("Max", &[&constant, &of.name], vec![], shape)
    }

    /// An absolute value in disguise.
    pub fn pair(&mut self, of: &Live) -> Live {
        let minus = self.push("Neg", &[&of.name], vec![], of.shape.clone());
        if self.random.one_in(2) {
            return self.push("Max", &[&of.name, &minus.name], vec![], of.shape.clone());
        }
        let a = self.push("Relu", &[&of.name], vec![], of.shape.clone());
        let b = self.push("Relu", &[&minus.name], vec![], of.shape.clone());
        self.push("Add", &[&a.name, &b.name], vec![], of.shape.clone())
    }

    /// Identity, Dropout or Cast.
    pub fn same(&mut self, of: &Live) -> Live {
        match self.random.below(8) {
            0..=2 => self.push("Identity", &[&of.name], vec![], of.shape.clone()),
            3 => self.push("Cast", &[&of.name], vec![int_attribute("to", self.float)], of.shape.clone()),
            4 if self.random.one_in(3) => {
                let there = int_attribute("to", self.other_float());
                let other = self.push("Cast", &[&of.name], vec![there], of.shape.clone());
                self.push("Cast", &[&other.name], vec![int_attribute("to", self.float)], of.shape.clone())
            }
            _ if self.plain => self.push("Identity", &[&of.name], vec![], of.shape.clone()),
            _ if self.opset < 12 => self.old_dropout(of),
            _ => self.dropout(of),
        }
    }

    fn dropout(&mut self, of: &Live) -> Live {
        let ratio = self.float_constant(&[], vec![0.5]);
        let mode = self.truth(false);
        let attributes = if self.random.one_in(3) { vec![int_attribute("seed", 3)] } else { vec![] };
        let inputs = match self.random.below(4) {
            0 => vec![&of.name[..]],
            1 => vec![&of.name[..], &ratio],
            2 => vec![&of.name[..], "", &mode],
            _ => vec![&of.name[..], &ratio, &mode],
        };
        self.push("Dropout", &inputs, attributes, of.shape.clone())
    }
}
