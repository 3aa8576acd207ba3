//! Float constants in every form: how they are stored, and how the graph computes them.

use super::super::wire::Message;
use super::super::write::{self, BFLOAT16, Data, Dim, FLOAT, FLOAT16, INT64, tensor};
use super::Builder;

impl Builder<'_> {
    /// A multiple of 1/4 of magnitude up to 2, or the 32-bit float next to a multiple of 1/10.
    pub fn weight(&mut self) -> f64 {
        if self.rough {
            return f64::from(self.random.between(-20, 20) as f32 / 10.0);
        }
        self.random.between(-8, 8) as f64 / 4.0
    }

    /// As many.
    pub fn weights(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.weight()).collect()
    }

    /// A float constant of random entries.
    pub fn floats(&mut self, dims: &[usize]) -> String {
        let values = self.weights(dims.iter().product());
        self.float_constant(dims, values)
    }

    /// A float constant, stored or computed.
    pub fn float_constant(&mut self, dims: &[usize], values: Vec<f64>) -> String {
        let data = Data { kind: self.float, dims: dims.to_vec(), values, raw: self.random.one_in(2) };
        match self.random.below(if self.plain { 60 } else { 28 }) {
            2 => self.transposed(data),
            3 => self.reshaped(data),
            4 => self.negated(data),
            _ if self.plain => self.stored(data),
            0 => self.cast_of(self.other_float(), data),
            1 if !self.rough => self.cast_of(FLOAT16, data),
            5 => self.sum(data),
            6 => self.picked(data),
            7 => self.joined(data),
            8 => self.filled(data),
            9 => self.kinked(data),
            10 if !self.rough && self.opset >= 13 => self.cast_of(BFLOAT16, data),
            11 => self.scaled(data),
            12 => self.flattened(data),
            13 => self.unsqueezed(data),
            _ => self.stored(data),
        }
    }

    /// A constant as initialiser or Constant node.
    pub fn stored(&mut self, data: Data) -> String {
        let integral = matches!(data.kind, INT64);
        let choice = self.random.below(8);
        // Version 12 of the operators brought the short forms.
        match (if self.opset < 12 && choice < 2 { 2 } else { choice }, data.kind, data.dims.len()) {
            (0, FLOAT, 0) => {
                let value = data.values[0] as f32;
                self.constant_node("value_float", write::float_attribute("value_float", value))
            }
            (0, FLOAT, 1) => {
                let values: Vec<f32> = data.values.iter().map(|&v| v as f32).collect();
                self.constant_node("value_floats", write::floats_attribute("value_floats", &values))
            }
            (0, _, 0) if integral => {
                self.constant_node("value_int", write::int_attribute("value_int", data.values[0] as i64))
            }
            (0 | 1, _, 1) if integral => {
                let values: Vec<i64> = data.values.iter().map(|&v| v as i64).collect();
                self.constant_node("value_ints", write::ints_attribute("value_ints", &values))
            }
            (0..=2, ..) => self.constant_node("value", write::tensor_attribute("value", tensor("", &data))),
            (choice, ..) => {
                let name = self.name("c");
                let form = if data.raw { "raw" } else { "typed" };
                self.mark(format!("constant {} {form}", data.kind));
                self.initializers.push(tensor(&name, &data));
                if self.ir < 4 || choice == 3 {
                    self.mark("initialiser is an input");
                    let dims: Vec<Dim> = data.dims.iter().map(|&d| Dim::Size(d as i64)).collect();
                    self.inputs.push(write::value_info(&name, data.kind, Some(&dims)));
                }
                name
            }
        }
    }

    fn constant_node(&mut self, form: &str, attribute: Message) -> String {
        self.mark(format!("constant {form}"));
        self.emit("Constant", &[], vec![attribute])
    }

    fn cast_of(&mut self, kind: i64, data: Data) -> String {
        self.mark(format!("constant cast from {kind}"));
        let inner = self.stored(Data { kind, ..data });
        self.emit("Cast", &[&inner], vec![write::int_attribute("to", self.float)])
    }

    fn transposed(&mut self, data: Data) -> String {
        let rank = data.dims.len();
        let mut order: Vec<usize> = (0..rank).collect();
        self.random.shuffle(&mut order);
        if self.random.one_in(2) {
            order = (0..rank).rev().collect();
        }
        // Axis k of the result is axis order[k] of the operand.
        let mut dims = vec![0; rank];
        order.iter().enumerate().for_each(|(k, &axis)| dims[axis] = data.dims[k]);
        let strides = row_major(&dims);
        let mut values = vec![0.0; data.values.len()];
        for (i, at) in places(&data.dims).into_iter().enumerate() {
            let place: usize = at.iter().enumerate().map(|(k, &p)| p * strides[order[k]]).sum();
            values[place] = data.values[i];
        }
        let reversed = order.iter().copied().eq((0..rank).rev());
        let inner = self.stored(Data { dims, values, ..data });
        let perm: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
        let attributes = match reversed && self.random.one_in(2) {
            true => vec![],
            false => vec![write::ints_attribute("perm", &perm)],
        };
        self.emit("Transpose", &[&inner], attributes)
    }

    fn reshaped(&mut self, data: Data) -> String {
        let dims = data.dims.clone();
        let flat = Data { dims: vec![data.values.len()], ..data };
        let inner = self.stored(flat);
        let mut target: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
        if !target.is_empty() && self.random.one_in(2) {
            let open = self.random.below(target.len());
            target[open] = -1;
        }
        let target = self.integers(&target);
        self.emit("Reshape", &[&inner, &target], vec![])
    }

    /// Flatten, where there are two axes; and the axis at any of its places.
    fn flattened(&mut self, data: Data) -> String {
        let &[rows, cols] = &data.dims[..] else { return self.stored(data) };
        let (dims, axis) = match self.random.below(3) {
            0 => (vec![rows, cols], 1),
            1 => (vec![rows, cols, 1], self.random.pick(&[1, -2])),
            _ => (vec![1, rows, cols], self.random.pick(&[2, -1])),
        };
        let inner = self.stored(Data { dims, ..data });
        self.emit("Flatten", &[&inner], vec![write::int_attribute("axis", axis)])
    }

    /// Unsqueeze of a constant with an axis of size 1, or Squeeze of one with an axis more.
    fn unsqueezed(&mut self, data: Data) -> String {
        let rank = data.dims.len();
        let ones: Vec<usize> = (0..rank).filter(|&k| data.dims[k] == 1).collect();
        let mut dims = data.dims.clone();
        if ones.is_empty() || self.random.one_in(2) {
            let at = self.random.below(rank + 1);
            dims.insert(at, 1);
            let inner = self.stored(Data { dims, ..data });
            let axis = self.signed(at, rank + 1);
            return self.along("Squeeze", &inner, &[axis], vec![]);
        }
        let at = self.random.pick(&ones);
        dims.remove(at);
        let inner = self.stored(Data { dims, ..data });
        let axis = self.signed(at, rank);
        self.along("Unsqueeze", &inner, &[axis], vec![])
    }

    fn negated(&mut self, mut data: Data) -> String {
        data.values.iter_mut().for_each(|v| *v = -*v);
        let inner = self.stored(data);
        self.emit("Neg", &[&inner], vec![])
    }

    fn sum(&mut self, mut data: Data) -> String {
        let part = self.weight();
        let operator = self.random.pick(&["Add", "Sub"]);
        data.values.iter_mut().for_each(|v| *v -= if operator == "Add" { part } else { -part });
        let a = self.stored(data);
        let b = self.stored(Data { kind: self.float, dims: vec![], values: vec![part], raw: true });
        self.emit(operator, &[&a, &b], vec![])
    }

    fn scaled(&mut self, mut data: Data) -> String {
        let factor = self.random.pick(&[2.0, 0.5, -4.0]);
        let operator = self.random.pick(&["Mul", "Div"]);
        data.values.iter_mut().for_each(|v| *v *= if operator == "Mul" { 1.0 / factor } else { factor });
        let a = self.stored(data);
        let b = self.stored(Data { kind: self.float, dims: vec![], values: vec![factor], raw: true });
        self.emit(operator, &[&a, &b], vec![])
    }

    /// Relu, Abs or LeakyRelu of a constant that keeps its values.
    fn kinked(&mut self, mut data: Data) -> String {
        let negative = data.values.iter().any(|&v| v < 0.0);
        let max = self.random.one_in(2);
        if max {
            let least = self.stored(Data { kind: self.float, dims: vec![], values: vec![-2.0], raw: true });
            let a = self.stored(data);
            return self.emit("Max", &[&a, &least], vec![]);
        }
        if negative {
            data.values.iter_mut().for_each(|v| *v *= if *v < 0.0 { 2.0 } else { 1.0 });
            let inner = self.stored(data);
            return self.emit("LeakyRelu", &[&inner], vec![write::float_attribute("alpha", 0.5)]);
        }
        let operator = self.random.pick(&["Abs", "Relu"]);
        let inner = self.stored(data);
        self.emit(operator, &[&inner], vec![])
    }

    /// Gather or Slice out of a larger constant along one axis.
    fn picked(&mut self, data: Data) -> String {
        let rank = data.dims.len();
        if rank == 0 {
            return self.stored(data);
        }
        let axis = self.random.below(rank);
        let inner: usize = data.dims[axis + 1..].iter().product();
        let (size, outer) = (data.dims[axis], data.dims[..axis].iter().product::<usize>());
        let larger = size + self.random.below(3);
        let mut values = self.weights(outer * larger * inner);
        let gather = self.random.one_in(2);
        let start = self.random.below(larger - size + 1);
        for o in 0..outer {
            for k in 0..size {
                for i in 0..inner {
                    values[(o * larger + start + k) * inner + i] = data.values[(o * size + k) * inner + i];
                }
            }
        }
        let mut dims = data.dims.clone();
        dims[axis] = larger;
        let from = self.stored(Data { dims, values, ..data });
        let along = self.signed_axis(axis, rank);
        if gather {
            let indices: Vec<i64> = (start..start + size).map(|k| self.signed(k, larger)).collect();
            let indices = self.integers(&indices);
            return self.emit("Gather", &[&from, &indices], vec![write::int_attribute("axis", along)]);
        }
        let end = match start + size == larger && self.random.one_in(2) {
            true => self.random.pick(&[i64::MAX, i64::from(i32::MAX), 1000]),
            false if start + size == larger => larger as i64,
            false => self.signed(start + size, larger),
        };
        let start = self.signed(start, larger);
        self.slice(&from, start, end, along, 1)
    }

    /// Slice with or without axes and steps.
    pub fn slice(&mut self, from: &str, start: i64, end: i64, axis: i64, step: i64) -> String {
        if self.opset < 10 {
            return self.sliced_by_attributes(from, start, end, Some(axis));
        }
        let narrow = [start, end, axis, step].iter().all(|&v| i32::try_from(v).is_ok()) && self.random.one_in(4);
        let mut list = |v: i64| if narrow { self.narrow(v) } else { self.integers(&[v]) };
        let (start, end) = (list(start), list(end));
        let (axes, steps) = (list(axis), list(step));
        let inputs = [from, &start, &end, &axes, &steps];
        match (step, axis) {
            (1, 0) if self.random.one_in(3) => self.emit("Slice", &inputs[..3], vec![]),
            (1, _) if self.random.one_in(2) => self.emit("Slice", &inputs[..4], vec![]),
            (_, 0) if self.random.one_in(3) => self.emit("Slice", &[from, &start, &end, "", &steps], vec![]),
            _ => self.emit("Slice", &inputs, vec![]),
        }
    }

    fn joined(&mut self, data: Data) -> String {
        let rank = data.dims.len();
        let Some(axis) = (0..rank).find(|&axis| data.dims[axis] > 1) else { return self.stored(data) };
        let cut = 1 + self.random.below(data.dims[axis] - 1);
        let mut parts = Vec::new();
        for range in [0..cut, cut..data.dims[axis]] {
            let mut dims = data.dims.clone();
            dims[axis] = range.len();
            let kept = places(&data.dims).into_iter().enumerate().filter(|(_, at)| range.contains(&at[axis]));
            let values = kept.map(|(i, _)| data.values[i]).collect();
            parts.push(self.stored(Data { kind: self.float, dims, values, raw: true }));
        }
        let axis = self.signed_axis(axis, rank);
        self.emit("Concat", &[&parts[0], &parts[1]], vec![write::int_attribute("axis", axis)])
    }

    /// ConstantOfShape or Expand of one number where all entries are equal; otherwise stored.
    fn filled(&mut self, data: Data) -> String {
        if data.dims.is_empty() || data.values.iter().any(|v| *v != data.values[0]) {
            let dims: Vec<i64> = data.dims.iter().map(|&d| d as i64).collect();
            let a = self.stored(data);
            if dims.is_empty() {
                return a;
            }
            let target = self.integers(&dims);
            return self.emit("Expand", &[&a, &target], vec![]);
        }
        let dims: Vec<i64> = data.dims.iter().map(|&d| d as i64).collect();
        let target = self.integers(&dims);
        let value = tensor("", &Data { kind: self.float, dims: vec![1], values: vec![data.values[0]], raw: data.raw });
        self.emit("ConstantOfShape", &[&target], vec![write::tensor_attribute("value", value)])
    }
}

/// Positions of all entries, row-major.
pub fn places(dims: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &d in dims {
        all = all.iter().flat_map(|at| (0..d).map(move |k| [&at[..], &[k]].concat())).collect();
    }
    all
}

/// Entries between neighbours along every axis.
pub fn row_major(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}
