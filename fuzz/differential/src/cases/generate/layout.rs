//! Operators that move entries about.

use super::super::write::{Data, FLOAT, INT64, int_attribute, ints_attribute, tensor, tensor_attribute};
use super::{Builder, Live};

impl Builder<'_> {
    /// Concat along an axis of the samples.
    pub fn concat(&mut self, of: &Live, live: &[Live]) -> Option<Live> {
        let rank = of.shape.len();
        if rank == 0 {
            return None;
        }
        let axis = self.random.below(rank);
        let fits =
            |other: &&Live| other.shape.len() == rank && (0..rank).all(|k| k == axis || other.shape[k] == of.shape[k]);
        let fitting: Vec<Live> = live.iter().filter(fits).cloned().collect();
        let mut parts = vec![of.clone()];
        for _ in 0..self.random.below(3) {
            if !fitting.is_empty() {
                parts.push(self.random.pick(&fitting));
            }
        }
        self.random.shuffle(&mut parts);
        let mut shape = of.shape.clone();
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        if self.batch == Some(1) && !self.plain && self.random.one_in(3) {
            // With a batch of one, a constant can stand among the values.
            self.mark("concat with a constant");
            let mut dims = of.shape.clone();
            dims[axis] = 1;
            shape[axis] += 1;
            let constant = self.floats(&[&[1], &dims[..]].concat());
            parts.push(Live { name: constant, shape: dims });
        }
        let names: Vec<&str> = parts.iter().map(|part| &part.name[..]).collect();
        let axis = self.signed_axis(axis + self.lead, rank + self.lead);
        Some(self.push("Concat", &names, vec![int_attribute("axis", axis)], shape))
    }

    /// A value [N, K] of any.
    pub fn flat(&mut self, of: &Live) -> Live {
        match self.random.one_in(2) {
            true => self.flatten(of).expect("it fits"),
            false => self.reshape_to(of, vec![of.size()]),
        }
    }

    /// Flatten from the first axis of a sample on, or further behind where only ones are passed.
    pub fn flatten(&mut self, of: &Live) -> Option<Live> {
        let rank = of.shape.len() + 1;
        let mut cut = 1;
        while cut < rank && of.shape[cut - 1] == 1 && !self.plain && self.random.one_in(2) {
            cut += 1;
        }
        // Behind the last axis there is no negative number.
        let axis = if cut == rank { cut as i64 } else { self.signed_axis(cut, rank) };
        let attributes = if axis == 1 && self.random.one_in(2) { vec![] } else { vec![int_attribute("axis", axis)] };
        Some(self.push("Flatten", &[&of.name], attributes, vec![of.size()]))
    }

    /// Another shape of as many entries.
    pub fn reshape(&mut self, of: &Live) -> Live {
        let mut shape = vec![of.size()];
        let divisors: Vec<usize> = (1..=of.size()).filter(|d| of.size().is_multiple_of(*d)).collect();
        let d = self.random.pick(&divisors);
        match self.random.below(4) {
            0 => shape = vec![d, of.size() / d],
            1 => shape = vec![1, d, of.size() / d],
            2 => shape = of.shape.clone(),
            _ => {}
        }
        self.reshape_to(of, shape)
    }

    /// Reshape with the batch as −1, 0, its number or taken from Shape.
    pub fn reshape_to(&mut self, of: &Live, shape: Vec<usize>) -> Live {
        let mut rest: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
        let mut attributes = Vec::new();
        let allow_zero = self.opset >= 14 && self.random.one_in(6);
        if self.opset >= 14 && (allow_zero || self.random.one_in(6)) {
            attributes.push(int_attribute("allowzero", i64::from(allow_zero)));
        }
        if !allow_zero {
            for k in 0..rest.len().min(of.shape.len()) {
                if of.shape[k] == shape[k] && self.random.one_in(5) {
                    rest[k] = 0;
                }
            }
        }
        let choice = self.random.below(5);
        if choice != 0 && !rest.is_empty() && self.random.one_in(3) {
            let open = self.random.below(rest.len());
            rest[open] = -1;
        }
        let target = match (choice, self.batch) {
            (0, _) => self.integers(&[&[-1], &rest[..]].concat()),
            (1, Some(batch)) => self.integers(&[&[batch], &rest[..]].concat()),
            (2 | 3, _) | (_, None) if !allow_zero && self.random.one_in(2) => {
                self.integers(&[&[0], &rest[..]].concat())
            }
            _ => self.computed_target(of, &rest),
        };
        self.push("Reshape", &[&of.name, &target], attributes, shape)
    }

    /// [batch size of a value, rest …], as exporters compute it.
    fn computed_target(&mut self, of: &Live, rest: &[i64]) -> String {
        self.mark("target from Shape");
        let attributes = match self.opset >= 15 && self.random.one_in(3) {
            true => vec![int_attribute("start", 0), int_attribute("end", 1)],
            false => vec![],
        };
        let sliced = !attributes.is_empty();
        let shape = self.emit("Shape", &[&of.name], attributes);
        let batch = match (sliced, self.random.below(3)) {
            (true, _) => shape,
            (false, 0) => {
                let at = self.constant_ints(&[0]);
                self.emit("Gather", &[&shape, &at], vec![int_attribute("axis", 0)])
            }
            (false, 1) => self.slice(&shape, 0, 1, 0, 1),
            (false, _) => {
                let at = self.scalar(0);
                let single = self.emit("Gather", &[&shape, &at], vec![]);
                self.along("Unsqueeze", &single, &[0], vec![])
            }
        };
        let batch = self.still_batch(batch);
        if rest.is_empty() {
            return batch;
        }
        let rest = self.integers(rest);
        self.emit("Concat", &[&batch, &rest], vec![int_attribute("axis", 0)])
    }

    /// The batch size after arithmetic that leaves it as it is.
    fn still_batch(&mut self, batch: String) -> String {
        let (operator, other) = self.random.pick(&[("Add", 0), ("Sub", 0), ("Mul", 1), ("Div", 1)]);
        if !self.random.one_in(6) {
            return batch;
        }
        let other = self.constant_ints(&[other]);
        self.emit(operator, &[&batch, &other], vec![])
    }

    /// The same for every sample: ConstantOfShape or Expand to [N, …], added.
    pub fn per_sample(&mut self, of: &Live) -> Live {
        let rest: Vec<i64> = of.shape.iter().map(|&d| d as i64).collect();
        let target = self.computed_target(of, &rest);
        let constant = if self.random.one_in(2) {
            self.zeros(&target)
        } else {
            let dims: Vec<usize> = of.shape.iter().map(|&d| if self.random.one_in(2) { 1 } else { d }).collect();
            let from = self.floats(&dims);
            self.emit("Expand", &[&from, &target], vec![])
        };
        let operator = self.random.pick(&["Add", "Sub", "Max"]);
        self.push(operator, &[&of.name, &constant], vec![], of.shape.clone())
    }

    /// Zeros of a computed shape.
    fn zeros(&mut self, target: &str) -> String {
        let zero = Data { kind: self.float, dims: vec![1], values: vec![0.0], raw: true };
        let is_said = self.float != FLOAT || self.random.one_in(3);
        let value = is_said.then(|| tensor_attribute("value", tensor("", &zero)));
        self.emit("ConstantOfShape", &[target], value.into_iter().collect())
    }

    /// Squeeze without axes, where only the batch is left.
    pub fn squeeze_all(&mut self, of: &Live) -> Option<Live> {
        if of.shape.is_empty() || of.size() != 1 {
            return None;
        }
        self.mark("squeeze without axes");
        Some(self.push("Squeeze", &[&of.name], vec![], vec![]))
    }

    pub fn scalar(&mut self, value: i64) -> String {
        self.stored(Data { kind: INT64, dims: vec![], values: vec![value as f64], raw: true })
    }

    /// Squeeze of an axis of size 1.
    pub fn squeeze(&mut self, of: &Live) -> Option<Live> {
        let ones: Vec<usize> = (0..of.shape.len()).filter(|&k| of.shape[k] == 1).collect();
        if ones.is_empty() {
            return None;
        }
        let axis = self.random.pick(&ones);
        let mut shape = of.shape.clone();
        shape.remove(axis);
        let axis = self.signed_axis(axis + self.lead, of.shape.len() + self.lead);
        let name = self.along("Squeeze", &of.name, &[axis], vec![]);
        Some(Live { name, shape })
    }

    /// Unsqueeze with one or two axes.
    pub fn unsqueeze(&mut self, of: &Live) -> Live {
        let rank = of.shape.len() + 1;
        if self.random.one_in(4) {
            let shape = [&[1], &of.shape[..], &[1]].concat();
            let last = if self.opset < 11 { (rank + self.lead) as i64 } else { -1 };
            let name = self.along("Unsqueeze", &of.name, &[last, self.lead as i64], vec![]);
            return Live { name, shape };
        }
        let at = self.random.below(rank);
        let mut shape = of.shape.clone();
        shape.insert(at, 1);
        let axis = self.signed_axis(at + self.lead, rank + self.lead);
        let name = self.along("Unsqueeze", &of.name, &[axis], vec![]);
        Live { name, shape }
    }

    /// Some entries along an axis of the samples.
    pub fn gather_or_slice(&mut self, of: &Live) -> Option<Live> {
        let rank = of.shape.len();
        if rank == 0 {
            return None;
        }
        let axis = self.random.below(rank);
        let size = of.shape[axis];
        let along = self.signed_axis(axis + self.lead, rank + self.lead);
        let mut shape = of.shape.clone();
        if self.random.one_in(2) {
            let count = 1 + self.random.below(3);
            let indices: Vec<i64> = (0..count)
                .map(|_| {
                    let index = self.random.below(size);
                    self.signed(index, size)
                })
                .collect();
            if self.random.one_in(4) {
                shape.remove(axis);
                let index = self.scalar(indices[0]);
                return Some(self.push("Gather", &[&of.name, &index], vec![int_attribute("axis", along)], shape));
            }
            shape[axis] = count;
            let indices = self.integers(&indices);
            return Some(self.push("Gather", &[&of.name, &indices], vec![int_attribute("axis", along)], shape));
        }
        let (start, end, step) = self.range(size);
        shape[axis] = taken(size, start, end, step);
        if shape[axis] == 0 {
            return None;
        }
        let name = self.slice(&of.name, start, end, along, step);
        Some(Live { name, shape })
    }

    /// Start, end and step of a slice.
    fn range(&mut self, size: usize) -> (i64, i64, i64) {
        let size = size as i64;
        let step = if self.opset < 10 { 1 } else { self.random.pick(&[1, 1, 1, 2, -1, -1, -2, 3]) };
        let start = self.random.between(-size - 1, size + 1);
        let far = [i64::MAX, i64::from(i32::MAX), i64::MIN, i64::from(i32::MIN), i64::MIN + 1, i64::MAX - 1];
        let end = if self.random.one_in(2) { self.random.pick(&far) } else { self.random.between(-size - 2, size + 2) };
        (start, end, step)
    }

    /// Expand along axes of size 1.
    pub fn expand(&mut self, of: &Live) -> Option<Live> {
        let shape: Vec<usize> = of.shape.iter().map(|&d| if d == 1 { 1 + self.random.below(3) } else { d }).collect();
        let rest: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
        let target = match (self.random.below(3), self.batch) {
            (0, _) => self.computed_target(of, &rest),
            (1, Some(batch)) => self.integers(&[&[batch], &rest[..]].concat()),
            _ => self.integers(&[&[1], &rest[..]].concat()),
        };
        Some(self.push("Expand", &[&of.name, &target], vec![], shape))
    }

    /// Transpose that moves only axes of size 1, as a rule.
    pub fn transpose(&mut self, of: &Live) -> Live {
        let rank = of.shape.len();
        let mut order: Vec<usize> = (0..rank).collect();
        self.random.shuffle(&mut order);
        if !self.random.one_in(8) {
            let mut rest = order.clone();
            rest.retain(|&k| of.shape[k] != 1);
            rest.sort_unstable();
            let mut rest = rest.into_iter();
            for k in &mut order {
                if of.shape[*k] != 1 {
                    *k = rest.next().expect("as many");
                }
            }
        }
        let shape = order.iter().map(|&k| of.shape[k]).collect();
        let perm: Vec<i64> = std::iter::once(0).chain(order.iter().map(|&k| k as i64 + 1)).collect();
        self.push("Transpose", &[&of.name], vec![ints_attribute("perm", &perm)], shape)
    }
}

/// How many entries a slice takes (numpy's rule).
fn taken(size: usize, start: i64, end: i64, step: i64) -> usize {
    let size = size as i64;
    let front = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
    let far_back = step < 0 && (end == i64::MAX || end == i64::from(i32::MAX));
    let (start, end) = match step > 0 {
        true => (front(start).clamp(0, size), front(end).clamp(0, size)),
        false => (front(start).clamp(0, size - 1), if far_back { -1 } else { front(end).clamp(-1, size - 1) }),
    };
    let span = if step > 0 { end - start } else { start - end };
    usize::try_from(span).map_or(0, |span| span.div_ceil(step.unsigned_abs() as usize))
}
