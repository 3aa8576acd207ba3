//! What a model ends with before probabilities: one logit, several, or the least of some.

use super::{Builder, Live};

impl Builder<'_> {
    /// One logit or more, in one of the shapes that they have.
    pub fn head(&mut self, last: Live) -> Live {
        if self.lead == 0 {
            return self.head_of_one_sample(&last);
        }
        let flat = match last.shape.len() {
            1 => last,
            _ => self.flat(&last),
        };
        if self.random.one_in(5) {
            return self.least(&flat);
        }
        let logits = self.random.pick(&[1, 1, 1, 1, 2, 2, 3, 4]);
        self.mark(format!("{logits} logits"));
        let output = self.logits(&flat, logits);
        if self.maps.is_some() || self.is_ended {
            return output;
        }
        match self.random.below(8) {
            0 if output.shape.len() == 1 && logits < 3 => self.unsqueeze(&output),
            1 => self.same(&output),
            2 => self.kink(&output),
            3 if output.shape == [1] => self.squeeze(&output).expect("an axis of size 1"),
            _ => output,
        }
    }

    /// [N, logits], or [N] of one.
    fn logits(&mut self, flat: &Live, logits: usize) -> Live {
        let cols = flat.size();
        match self.random.below(6) {
            0 if logits == 1 => self.with_vector(flat, cols),
            1 | 2 => {
                let weight = self.floats(&[cols, logits]);
                let product = self.push("MatMul", &[&flat.name, &weight], vec![], vec![logits]);
                self.with_constant(&product)
            }
            3 if self.float == super::FLOAT && self.random.one_in(2) => self.regression(flat, logits),
            _ => self.gemm_to(flat, cols, logits, &[]),
        }
    }

    fn with_vector(&mut self, flat: &Live, cols: usize) -> Live {
        let weight = self.floats(&[cols]);
        self.push("MatMul", &[&flat.name, &weight], vec![], vec![])
    }

    fn head_of_one_sample(&mut self, last: &Live) -> Live {
        let Some((&cols, lead)) = last.shape.split_last() else { return last.clone() };
        let logits = if lead.is_empty() { 1 + self.random.below(3) } else { 1 };
        if lead.iter().product::<usize>() != 1 {
            // Left as it is: as many logits as there are entries.
            return last.clone();
        }
        let weight = self.floats(&[cols, logits]);
        let product = self.push("MatMul", &[&last.name, &weight], vec![], [lead, &[logits]].concat());
        if self.random.one_in(2) { self.with_constant(&product) } else { product }
    }

    /// The least of several logits.
    fn least(&mut self, flat: &Live) -> Live {
        let minus = |b: &mut Self, of: &Live| b.push("Neg", &[&of.name], vec![], of.shape.clone());
        let count = 2 + self.random.below(2);
        if self.random.one_in(2) {
            let all = self.gemm_to(flat, flat.size(), count, &[]);
            let keep = self.random.one_in(2);
            let shape = if keep { vec![1] } else { vec![] };
            if self.random.one_in(2) {
                self.mark("least: ReduceMin");
                let attributes = self.kept(keep);
                let name = self.along("ReduceMin", &all.name, &[1], attributes);
                return Live { name, shape };
            }
            self.mark("least: −ReduceMax(−u)");
            let below = minus(self, &all);
            let attributes = self.kept(keep);
            let name = self.along("ReduceMax", &below.name, &[1], attributes);
            return minus(self, &Live { name, shape });
        }
        let negated = self.random.one_in(2);
        let mut parts = Vec::new();
        for _ in 0..count {
            let part = self.gemm_to(flat, flat.size(), 1, &[]);
            parts.push(if negated { minus(self, &part) } else { part });
        }
        let names: Vec<&str> = parts.iter().map(|part| &part.name[..]).collect();
        if negated {
            self.mark("least: −Max(−u)");
            let most = self.push("Max", &names, vec![], vec![1]);
            return minus(self, &most);
        }
        self.mark("least: Min");
        let least = self.push("Min", &names, vec![], vec![1]);
        if self.random.one_in(3) { self.with_constant(&least) } else { least }
    }
}
