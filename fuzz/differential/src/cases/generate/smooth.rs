//! Smooth convex units, and what is nearly one.

use super::super::write::float_attribute;
use super::{Builder, Live};

impl Builder<'_> {
    /// One of them.
    pub fn smooth(&mut self, of: &Live) -> Live {
        let shape = of.shape.clone();
        match self.random.below(6) {
            0 => self.push("Softplus", &[&of.name], vec![], shape),
            1 | 2 => {
                let operator = self.random.pick(&["Elu", "Celu"][..if self.opset < 12 { 1 } else { 2 }]);
                let alpha = self.random.pick(&[1.0, 0.5, 0.25, 2.0, 0.0, -0.5]);
                let alpha = if self.random.one_in(3) { vec![] } else { vec![float_attribute("alpha", alpha)] };
                self.push(operator, &[&of.name], alpha, shape)
            }
            3 => {
                let power = if self.random.one_in(8) { 3 } else { 2 };
                let power = match self.random.below(3) {
                    0 if self.opset >= 12 => self.integers(&[power]),
                    1 => self.float_constant(&[], vec![power as f64]),
                    _ => self.float_constant(&[1], vec![power as f64]),
                };
                self.push("Pow", &[&of.name, &power], vec![], shape)
            }
            4 => self.push("Mul", &[&of.name, &of.name], vec![], shape),
            _ => self.threshold(of),
        }
    }

    /// A softplus with a sharpness, and the argument itself beyond a threshold.
    fn threshold(&mut self, of: &Live) -> Live {
        let shape = || of.shape.clone();
        let sharpness = self.float_constant(&[], vec![2.0]);
        let sharp = self.random.one_in(2);
        let argument = if sharp { self.push("Mul", &[&of.name, &sharpness], vec![], shape()) } else { of.clone() };
        let mut soft = self.push("Softplus", &[&argument.name], vec![], shape());
        if sharp {
            soft = self.push("Div", &[&soft.name, &sharpness], vec![], shape());
        }
        // Nearer ones jump by more than a runtime rounds.
        let edge = self.random.pick(&[20.0, 24.0]);
        let edge = self.float_constant(&[], vec![edge]);
        let less = self.random.one_in(2);
        let operator = match less {
            true if self.opset < 12 => "Less",
            true => "LessOrEqual",
            false => "Greater",
        };
        let mask = self.push(operator, &[&argument.name, &edge], vec![], shape());
        let wrong = self.random.one_in(8);
        let order = if less != wrong { [&soft.name, &of.name] } else { [&of.name, &soft.name] };
        self.push("Where", &[&mask.name, order[0], order[1]], vec![], shape())
    }
}
