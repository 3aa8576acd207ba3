//! Operators that repeat, rearrange or pick entries in further ways; products that are written otherwise; and values whose
//! batch axis is elsewhere for a while.

use super::super::write::{int_attribute, ints_attribute, text_attribute};
use super::{Builder, Live};

impl Builder<'_> {
    /// One of them; nothing where it does not fit.
    pub fn rearranged(&mut self, of: &Live) -> Option<Live> {
        match self.random.below(8) {
            0 => self.tile(of),
            1 => self.depth_to_space(of),
            2 => self.space_to_depth(of),
            3 if self.opset >= 12 => self.einsum(of),
            4 if self.opset >= 11 => self.sequence(of),
            5 if self.opset >= 11 => self.gather_nd(of),
            6 if self.opset >= 15 => Some(self.cast_like(of)),
            7 => self.product(of),
            _ => self.turned(of),
        }
    }

    fn tile(&mut self, of: &Live) -> Option<Live> {
        let times: Vec<usize> = of.shape.iter().map(|_| 1 + self.random.below(3) / 2).collect();
        let repeats: Vec<i64> = std::iter::once(1).chain(times.iter().map(|&t| t as i64)).collect();
        let repeats = self.integers(&repeats);
        let shape: Vec<usize> = of.shape.iter().zip(&times).map(|(d, t)| d * t).collect();
        (of.size() < 64).then(|| self.push("Tile", &[&of.name, &repeats], vec![], shape))
    }

    fn depth_to_space(&mut self, of: &Live) -> Option<Live> {
        let &[channels, height, width] = &of.shape[..] else { return None };
        let block = if channels.is_multiple_of(4) && !self.random.one_in(3) { 2 } else { 1 };
        let mut attributes = vec![int_attribute("blocksize", block as i64)];
        if self.opset >= 11 && self.random.one_in(2) {
            attributes.push(text_attribute("mode", self.random.pick(&["DCR", "CRD"])));
        }
        let shape = vec![channels / (block * block), height * block, width * block];
        Some(self.push("DepthToSpace", &[&of.name], attributes, shape))
    }

    fn space_to_depth(&mut self, of: &Live) -> Option<Live> {
        let &[channels, height, width] = &of.shape[..] else { return None };
        let blocks: Vec<usize> = (1..4).filter(|&b| height.is_multiple_of(b) && width.is_multiple_of(b)).collect();
        let block = self.random.pick(&blocks);
        let shape = vec![channels * block * block, height / block, width / block];
        Some(self.push("SpaceToDepth", &[&of.name], vec![int_attribute("blocksize", block as i64)], shape))
    }

    /// A product of [N, K] with a matrix or a vector.
    fn einsum(&mut self, of: &Live) -> Option<Live> {
        let &[cols] = &of.shape[..] else { return None };
        let rows = 1 + self.random.below(3);
        let (equation, dims, shape) = self.random.pick(&[
            ("bi,oi->bo", vec![rows, cols], vec![rows]),
            ("bi, io -> bo", vec![cols, rows], vec![rows]),
            ("...k,kj->...j", vec![cols, rows], vec![rows]),
            ("ni,i->n", vec![cols], vec![]),
        ]);
        let weight = self.floats(&dims);
        let equation = text_attribute("equation", equation);
        Some(self.push("Einsum", &[&of.name, &weight], vec![equation], shape))
    }

    /// One part of a sequence.
    fn sequence(&mut self, of: &Live) -> Option<Live> {
        let wide: Vec<usize> = (0..of.shape.len()).filter(|&k| of.shape[k] > 1).collect();
        let axis = self.random.pick(if wide.is_empty() { return None } else { &wide });
        let first = 1 + self.random.below(of.shape[axis] - 1);
        let sizes = [first, of.shape[axis] - first];
        let (mut shape, part) = (of.shape.clone(), self.random.below(2));
        let along = self.signed_axis(axis + 1, of.shape.len() + 1);
        let list = self.integers(&sizes.map(|size| size as i64));
        let parts = self.emit("SplitToSequence", &[&of.name, &list], vec![int_attribute("axis", along)]);
        shape[axis] = sizes[part];
        let at = self.signed(part, 2);
        let at = self.scalar(at);
        Some(self.push("SequenceAt", &[&parts, &at], vec![], shape))
    }

    /// Entries of the first axis of a sample behind a batch that is moved out of the way.
    fn gather_nd(&mut self, of: &Live) -> Option<Live> {
        let &[cols] = &of.shape[..] else { return None };
        let count = 1 + self.random.below(3);
        let indices: Vec<i64> = (0..count).map(|_| self.random.below(cols) as i64).collect();
        let swap = || vec![ints_attribute("perm", &[1, 0])];
        let moved = self.emit("Transpose", &[&of.name], swap());
        let flat = self.integers(&indices);
        let places = self.along("Unsqueeze", &flat, &[1], vec![]);
        let picked = self.emit("GatherND", &[&moved, &places], vec![]);
        Some(self.push("Transpose", &[&picked], swap(), vec![count]))
    }

    fn cast_like(&mut self, of: &Live) -> Live {
        let like = self.floats(&[1]);
        self.push("CastLike", &[&of.name, &like], vec![], of.shape.clone())
    }

    /// A product over axes of size 1.
    fn product(&mut self, of: &Live) -> Option<Live> {
        let ones: Vec<usize> = (0..of.shape.len()).filter(|&k| of.shape[k] == 1).collect();
        let axis = self.random.pick(if ones.is_empty() { return None } else { &ones });
        let keep = self.random.one_in(2);
        let mut shape = of.shape.clone();
        if !keep {
            shape.remove(axis);
        }
        let attributes = self.kept(keep);
        let name = self.along("ReduceProd", &of.name, &[axis as i64 + 1], attributes);
        Some(Live { name, shape })
    }

    /// [N, K] turned over, an operator of [K, N], and back.
    fn turned(&mut self, of: &Live) -> Option<Live> {
        let &[cols] = &of.shape[..] else { return None };
        self.mark("batch behind");
        let swap = |b: &mut Self| match b.random.one_in(2) {
            true => vec![],
            false => vec![ints_attribute("perm", &[1, 0])],
        };
        let attributes = swap(self);
        let moved = self.emit("Transpose", &[&of.name], attributes);
        let (made, shape) = match self.random.below(5) {
            0 | 1 => {
                let rows = 1 + self.random.below(3);
                let weight = self.floats(&[rows, cols]);
                (self.emit("MatMul", &[&weight, &moved], vec![]), vec![rows])
            }
            2 => (self.emit("Relu", &[&moved], vec![]), vec![cols]),
            3 => {
                let operator = self.random.pick(&["ReduceSum", "ReduceMean", "ReduceMax"]);
                let keep = self.random.one_in(2);
                let attributes = vec![int_attribute("keepdims", keep.into())];
                let made = self.along(operator, &moved, &[0], attributes);
                if !keep {
                    return Some(Live { name: made, shape: vec![] });
                }
                (made, vec![1])
            }
            _ => (self.emit("Concat", &[&moved, &moved], vec![int_attribute("axis", 0)]), vec![2 * cols]),
        };
        let attributes = swap(self);
        Some(self.push("Transpose", &[&made], attributes, shape))
    }
}
