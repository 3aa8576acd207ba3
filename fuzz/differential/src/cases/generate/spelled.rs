//! Units that exporters write with several operators, and rows that join the batch for a while.

use super::super::write::int_attribute;
use super::{Builder, Live};

impl Builder<'_> {
    /// One of them; nothing where it does not fit.
    pub fn spelled(&mut self, of: &Live) -> Option<Live> {
        match self.random.below(5) {
            0 => Some(self.huber(of)),
            1 => Some(self.elu(of)),
            2 | 3 => self.logarithm(of),
            _ => self.joined_rows(of),
        }
    }

    fn of(&mut self, operator: &str, of: &[&str], like: &Live) -> Live {
        self.push(operator, of, vec![], like.shape.clone())
    }

    /// A number as a constant.
    fn number(&mut self, value: f64) -> String {
        let dims = self.random.pick(&[&[][..], &[1]]).to_vec();
        self.float_constant(&dims, vec![value])
    }

    /// Where(a > b, c, d), as one of the comparisons writes it; seldom the wrong way round.
    fn where_above(&mut self, [a, b]: [&str; 2], [c, d]: [&str; 2], like: &Live) -> Live {
        let known = if self.opset < 12 { 2 } else { 4 };
        let operator = self.random.pick(&["Greater", "Less", "GreaterOrEqual", "LessOrEqual"][..known]);
        let mask = self.of(operator, &[a, b], like);
        let turned = operator.starts_with("Less") != self.random.one_in(8);
        let [c, d] = if turned { [d, c] } else { [c, d] };
        self.of("Where", &[&mask.name, c, d], like)
    }

    /// w·t² up to an edge and its tangent there beyond it, of a value or its magnitude.
    fn huber(&mut self, of: &Live) -> Live {
        let operator = self.random.pick(&["Identity", "Abs", "Relu"]);
        let t = self.of(operator, &[&of.name], of);
        let edge = self.random.pick(&[0.5, 1.0, 2.0]);
        let weight = self.random.pick(&[0.5, 1.0]);
        let beside = if self.random.one_in(8) { 0.25 } else { 0.0 };
        let numbers = [weight, 2.0 * weight * edge, weight * edge * edge + beside, edge];
        let [weight, steep, below, edge] = numbers.map(|number| self.number(number));
        let square = self.of("Mul", &[&t.name, &t.name], of);
        let square = self.of("Mul", &[&square.name, &weight], of);
        let line = self.of("Mul", &[&t.name, &steep], of);
        let line = self.of("Sub", &[&line.name, &below], of);
        self.where_above([&t.name, &edge], [&line.name, &square.name], of)
    }

    /// t where t > 0, else α(e^t − 1), or the same of min(t, 0).
    fn elu(&mut self, of: &Live) -> Live {
        let (zero, one) = (self.number(0.0), self.number(1.0));
        let alpha = self.random.pick(&[1.0, 0.5, 2.0]);
        let alpha = self.number(alpha);
        let t = if self.random.one_in(2) { self.clipped(of, None, Some(0.0)) } else { of.clone() };
        let power = self.of("Exp", &[&t.name], of);
        let moved = self.of("Sub", &[&power.name, &one], of);
        let bent = self.of("Mul", &[&moved.name, &alpha], of);
        self.where_above([&of.name, &zero], [&of.name, &bent.name], of)
    }

    /// Logarithms of exponentials, of arguments for which 32-bit floats have room.
    fn logarithm(&mut self, of: &Live) -> Option<Live> {
        let t = self.clipped(of, Some(-4.0), Some(4.0));
        let last = of.shape.len().checked_sub(1);
        match (self.random.below(4), last) {
            (0, _) => {
                let one = self.number(1.0);
                let power = self.of("Exp", &[&t.name], of);
                let more = self.of("Add", &[&power.name, &one], of);
                Some(self.of("Log", &[&more.name], of))
            }
            (1, _) => {
                let operators = ["Neg", "Sigmoid", "Log", "Neg"];
                Some(operators.iter().fold(t, |t, operator| self.of(operator, &[&t.name], of)))
            }
            // Of one exponential the logarithm is its argument, of which a runtime rounds what the bound does not see.
            (choice, Some(last)) if of.shape[last] > 1 => {
                let axis = [self.signed_axis(last + self.lead, last + 1 + self.lead)];
                let wide = Live { name: String::new(), shape: [&of.shape[..last], &[1]].concat() };
                let keep = int_attribute("keepdims", 1);
                let most = self.along("ReduceMax", &t.name, &axis, vec![keep.clone()]);
                let less = self.of("Sub", &[&t.name, &most], of);
                let power = self.of("Exp", &[if choice == 2 { &less.name } else { &t.name }], of);
                let sum = match self.random.one_in(3) {
                    true => self.along("ReduceLogSum", &power.name, &axis, vec![keep]),
                    false => {
                        let sum = self.along("ReduceSum", &power.name, &axis, vec![keep]);
                        self.of("Log", &[&sum], &wide).name
                    }
                };
                Some(if choice == 2 { self.of("Add", &[&sum, &most], &wide) } else { Live { name: sum, ..wide } })
            }
            _ => None,
        }
    }

    /// Rows of some entries each, over the whole batch, and back.
    fn joined_rows(&mut self, of: &Live) -> Option<Live> {
        let size = of.size();
        let widths: Vec<usize> = (1..size).filter(|width| size.is_multiple_of(*width)).collect();
        if widths.is_empty() || self.lead == 0 {
            return None;
        }
        let width = self.random.pick(&widths);
        let rows = self.integers(&[-1, width as i64]);
        let joined = self.push("Reshape", &[&of.name, &rows], vec![], vec![width]);
        let through = match self.random.below(4) {
            0 => self.of("Relu", &[&joined.name], &joined),
            1 => self.with_constant(&joined),
            _ => self.mat_mul(&joined).filter(|made| made.shape.len() == 1)?,
        };
        let count = size / width;
        let shape = if self.random.one_in(2) { vec![count * through.size()] } else { vec![count, through.size()] };
        let whole: Vec<i64> = [-1].into_iter().chain(shape.iter().map(|&size| size as i64)).collect();
        let whole = self.integers(&whole);
        Some(self.push("Reshape", &[&through.name, &whole], vec![], shape))
    }
}
