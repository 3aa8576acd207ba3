//! Integer constants: shapes, axes and indices, stored or computed.

use super::super::wire;
use super::super::write::{self, BOOL, Data, Dim, FLOAT, INT32, INT64};
use super::Builder;

impl Builder<'_> {
    /// A list of int64, stored or computed.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let plain = |values: Vec<i64>, raw| Data {
            kind: INT64,
            dims: vec![values.len()],
            values: values.into_iter().map(|v| v as f64).collect(),
            raw,
        };
        let raw = self.random.one_in(2);
        let exact = values.iter().all(|v| v.unsigned_abs() < 1 << 30);
        if !exact {
            return self.constant_ints(values);
        }
        match self.random.below(if self.plain { 60 } else { 20 }) {
            0 => {
                let data = Data { kind: INT32, ..plain(values.to_vec(), raw) };
                let inner = self.stored(data);
                self.emit("Cast", &[&inner], vec![write::int_attribute("to", INT64)])
            }
            1 if values.len() > 1 => {
                let cut = 1 + self.random.below(values.len() - 1);
                let a = self.stored(plain(values[..cut].to_vec(), raw));
                let b = self.stored(plain(values[cut..].to_vec(), raw));
                self.emit("Concat", &[&a, &b], vec![write::int_attribute("axis", 0)])
            }
            2 => {
                let operator = self.random.pick(&["Add", "Sub", "Mul", "Div"]);
                let other = self.random.between(1, 3);
                let moved = |v: i64| match operator {
                    "Add" => v - other,
                    "Sub" => v + other,
                    "Div" => v * other,
                    _ => v,
                };
                let other = if operator == "Mul" { 1 } else { other };
                let dims = if self.random.one_in(2) { vec![] } else { vec![1] };
                let a = self.stored(plain(values.iter().map(|&v| moved(v)).collect(), raw));
                let b = self.stored(Data { kind: INT64, dims, values: vec![other as f64], raw });
                self.emit(operator, &[&a, &b], vec![])
            }
            3 => {
                let before = self.random.below(2);
                let mut longer = vec![7; before];
                longer.extend(values);
                longer.push(9);
                let from = self.stored(plain(longer, raw));
                self.front_of(&from, before as i64, -1)
            }
            4 => {
                let indices: Vec<i64> = (0..values.len()).rev().map(|i| i as i64).collect();
                let from = self.stored(plain(values.iter().rev().copied().collect(), raw));
                let at = self.constant_ints(&indices);
                self.emit("Gather", &[&from, &at], vec![])
            }
            5 if values.iter().all(|&v| (1..9).contains(&v)) => {
                let dims: Vec<usize> = values.iter().map(|&v| v as usize).collect();
                let count = dims.iter().product::<usize>();
                if count > 64 {
                    return self.constant_ints(values);
                }
                let of = self.stored(Data { kind: FLOAT, dims, values: vec![1.0; count], raw });
                self.emit("Shape", &[&of], vec![])
            }
            6 if values.len() == 1 => {
                let inner = self.stored(Data { dims: vec![], ..plain(values.to_vec(), raw) });
                self.along("Unsqueeze", &inner, &[0], vec![])
            }
            7 if self.opset >= 10 && values.iter().all(|&v| (0..9).contains(&v)) => {
                let by = self.random.between(9, 12);
                let wide = values.iter().map(|&v| v + by * self.random.between(0, 3)).collect();
                let (a, b) = (self.stored(plain(wide, raw)), self.stored(plain(vec![by], raw)));
                self.emit("Mod", &[&a, &b], vec![])
            }
            8 if !values.is_empty() => {
                let other: Vec<i64> = values.iter().map(|&v| v + self.random.between(0, 1)).collect();
                let a = self.stored(plain(values.to_vec(), raw));
                let b = self.stored(plain(other, raw));
                // Where they are equal, either is right.
                let is_equal = self.emit("Equal", &[&a, &b], vec![]);
                self.emit("Where", &[&is_equal, &b, &a], vec![])
            }
            _ => self.stored(plain(values.to_vec(), raw)),
        }
    }

    /// A list of one int32.
    pub fn narrow(&mut self, value: i64) -> String {
        self.mark("slice by int32");
        self.stored(Data { kind: INT32, dims: vec![1], values: vec![value as f64], raw: true })
    }

    /// A list of int64 of any size, stored.
    pub fn constant_ints(&mut self, values: &[i64]) -> String {
        let name = self.name("i");
        let mut fields = vec![wire::integer(1, values.len() as i64), wire::integer(2, INT64)];
        fields.push(wire::packed(7, values));
        fields.push(wire::text(8, &name));
        self.initializers.push(fields);
        if self.ir < 4 {
            let dims = [Dim::Size(values.len() as i64)];
            self.inputs.push(write::value_info(&name, INT64, Some(&dims)));
        }
        name
    }

    /// A truth value.
    pub fn truth(&mut self, value: bool) -> String {
        let data =
            Data { kind: BOOL, dims: vec![], values: vec![f64::from(u8::from(value))], raw: self.random.one_in(2) };
        self.stored(data)
    }

    /// An index among `size`, counted from the front or the end.
    pub fn signed(&mut self, index: usize, size: usize) -> i64 {
        // Older versions of the operators count from the front, as a rule.
        let counts = self.opset >= 11 || self.random.one_in(16);
        if counts && self.random.one_in(3) { index as i64 - size as i64 } else { index as i64 }
    }

    /// An axis among `rank`.
    pub fn signed_axis(&mut self, axis: usize, rank: usize) -> i64 {
        self.signed(axis, rank)
    }
}
