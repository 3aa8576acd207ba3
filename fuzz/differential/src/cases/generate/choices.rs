//! Activations with bounds, slopes per entry and comparisons; sums, reductions and parts.

use super::super::write::{int_attribute, ints_attribute, node};
use super::{Builder, Live};

impl Builder<'_> {
    /// One of them; nothing where it does not fit.
    pub fn choice(&mut self, of: &Live, live: &[Live]) -> Option<Live> {
        match self.random.below(6) {
            0 => Some(self.clip(of)),
            1 => Some(self.parametric(of)),
            2 => Some(self.total(of, live)),
            3 => self.reduction(of),
            4 => self.split(of),
            _ => Some(self.larger(of)),
        }
    }

    fn clip(&mut self, of: &Live) -> Live {
        let low = if self.random.one_in(4) { f64::from(f32::MIN) } else { self.random.pick(&[0.0, -1.0, 0.5, -0.25]) };
        let high = if self.random.one_in(2) { f64::from(f32::MAX) } else { self.random.pick(&[0.5, 1.0, 6.0]) };
        let (has_low, has_high) = (self.random.one_in(2), self.random.one_in(2));
        self.clipped(of, has_low.then_some(low), has_high.then_some(high))
    }

    /// PRelu with slopes that are alike, or at most 1, as a rule.
    fn parametric(&mut self, of: &Live) -> Live {
        let dims: Vec<usize> = match self.random.below(4) {
            0 => vec![],
            1 => of.shape.iter().map(|&d| if self.random.one_in(2) { 1 } else { d }).collect(),
            _ => of.shape.clone(),
        };
        let most = if self.random.one_in(8) { 2.0 } else { 1.0 };
        let slope = |b: &mut Self| b.random.pick(&[0.25, -0.5, 0.0, 1.0, 2.0, -1.0_f64]).min(most);
        let slopes = (0..dims.iter().product()).map(|_| slope(self)).collect();
        let slopes = self.float_constant(&dims, slopes);
        self.push("PRelu", &[&of.name, &slopes], vec![], of.shape.clone())
    }

    /// Sum of one to four values and constants.
    fn total(&mut self, of: &Live, live: &[Live]) -> Live {
        let mut inputs = vec![of.name.clone()];
        let fitting: Vec<&Live> = live.iter().filter(|other| other.shape == of.shape).collect();
        for _ in 0..self.random.below(4) {
            let constant = self.random.one_in(2) || fitting.is_empty();
            inputs.push(if constant { self.floats(&of.shape) } else { self.random.pick(&fitting).name.clone() });
        }
        self.random.shuffle(&mut inputs);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.push("Sum", &inputs, vec![], of.shape.clone())
    }

    /// A sum, mean, least or largest one over some axes of the samples.
    fn reduction(&mut self, of: &Live) -> Option<Live> {
        let rank = of.shape.len();
        let mut axes: Vec<usize> = (0..rank).filter(|_| self.random.one_in(2)).collect();
        if axes.is_empty() {
            axes.extend((rank > 0).then(|| self.random.below(rank)));
        }
        if axes.is_empty() {
            return None;
        }
        self.random.shuffle(&mut axes);
        let known =
            ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceLogSumExp", "ReduceL1", "ReduceSumSquare"];
        let operator = self.random.pick(&known);
        let keep = self.random.one_in(2);
        let left = |k: usize| if !axes.contains(&k) { Some(of.shape[k]) } else { keep.then_some(1) };
        let shape = (0..rank).filter_map(left).collect();
        let from_end = self.random.one_in(3) && self.opset >= 11;
        let named: Vec<i64> =
            axes.iter().map(|&k| if from_end { k as i64 - rank as i64 } else { (k + self.lead) as i64 }).collect();
        let mut attributes = self.kept(keep);
        let input = self.opset >= if operator == "ReduceSum" { 13 } else { 18 };
        if input && self.random.one_in(4) {
            attributes.push(int_attribute("noop_with_empty_axes", self.random.between(0, 1)));
        }
        let name = self.along(operator, &of.name, &named, attributes);
        Some(Live { name, shape })
    }

    /// Parts of an axis, of which one goes on.
    fn split(&mut self, of: &Live) -> Option<Live> {
        let wide: Vec<usize> = (0..of.shape.len()).filter(|&k| of.shape[k] > 1).collect();
        if wide.is_empty() {
            return None;
        }
        let axis = self.random.pick(&wide);
        let whole = of.shape[axis];
        let first = 1 + self.random.below(whole - 1);
        let equal = self.random.one_in(2);
        let (count, sizes) = if equal { (whole, vec![1; whole]) } else { (2, vec![first, whole - first]) };
        let names: Vec<String> = (0..count).map(|_| self.name("p")).collect();
        let along = self.signed_axis(axis + self.lead, of.shape.len() + self.lead);
        let mut attributes = vec![int_attribute("axis", along)];
        let mut inputs = vec![of.name.clone()];
        if !equal || self.random.one_in(2) {
            let list: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
            match self.opset < 13 {
                true => attributes.push(ints_attribute("split", &list)),
                false => inputs.push(self.integers(&list)),
            }
        } else if self.opset >= 18 {
            attributes.push(int_attribute("num_outputs", count as i64));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let outputs: Vec<&str> = names.iter().map(String::as_str).collect();
        self.nodes.push(node("Split", &inputs, &outputs, "", attributes));
        self.mark("op Split");
        let part = self.random.below(count);
        let mut shape = of.shape.clone();
        shape[axis] = sizes[part];
        Some(Live { name: names[part].clone(), shape })
    }

    /// A unit that is written with a comparison, or one that is none.
    fn larger(&mut self, of: &Live) -> Live {
        let zero = self.float_constant(&[], vec![0.0]);
        let slope = self.random.pick(&[0.25, -1.0, 0.5, 0.0]);
        let slope = self.float_constant(&[], vec![slope]);
        let scaled = self.push("Mul", &[&of.name, &slope], vec![], of.shape.clone());
        let known = if self.opset < 12 { 2 } else { 4 };
        let operator = self.random.pick(&["Greater", "Less", "GreaterOrEqual", "LessOrEqual"][..known]);
        let mut mask = self.push(operator, &[&of.name, &zero], vec![], of.shape.clone());
        let mut greater = operator.starts_with("Greater");
        if self.random.one_in(3) {
            mask = self.push("Not", &[&mask.name], vec![], of.shape.clone());
            greater = !greater;
        }
        let other = if self.random.one_in(8) { self.floats(&of.shape) } else { scaled.name };
        let wrong = self.random.one_in(8);
        let order = if greater != wrong { [&of.name, &other] } else { [&other, &of.name] };
        self.push("Where", &[&mask.name, order[0], order[1]], vec![], of.shape.clone())
    }
}
