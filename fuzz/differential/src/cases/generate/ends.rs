//! What stands behind the logits: probabilities, and labels that nothing reads.

use super::super::wire::Message;
use super::super::write::{INT64, int_attribute, value_info};
use super::{Builder, Live};

impl Builder<'_> {
    /// The logits as they are, or probabilities; perhaps with labels beside them.
    pub fn ended(&mut self, logits: Live) -> Live {
        if self.lead == 0 {
            return logits;
        }
        let output = match (self.random.below(4), &logits.shape[..]) {
            (0, [] | [1] | [1, 1]) => self.probability(&logits),
            (0, [2]) => self.pair_of_probabilities(&logits),
            (0, [_]) => self.softmax(&logits),
            _ => logits,
        };
        let output = match self.random.below(16) {
            0 => self.push("Identity", &[&output.name], vec![], output.shape),
            1 if output.shape == [1] => self.squeeze(&output).expect("an axis of size 1"),
            2 if output.shape.len() == 1 => self.reshape_to(&output, output.shape.clone()),
            _ => output,
        };
        if self.random.one_in(8) {
            self.label(&output);
        }
        output
    }

    /// p, 1 − p, or both beside each other.
    fn probability(&mut self, logit: &Live) -> Live {
        let shape = || logit.shape.clone();
        if logit.shape == [1] && self.random.one_in(16) {
            return self.softmax(logit);
        }
        let yes = self.push("Sigmoid", &[&logit.name], vec![], shape());
        let choice = self.random.below(4);
        if choice == 0 {
            return yes;
        }
        let dims = if self.random.one_in(2) { vec![] } else { vec![1] };
        let off = if self.random.one_in(10) { 0.5 } else { 1.0 };
        let one = self.float_constant(&dims, vec![off]);
        let no = self.push("Sub", &[&one, &yes.name], vec![], shape());
        if choice == 1 || logit.shape != [1] {
            return no;
        }
        self.mark("p beside 1 − p");
        let pair = if self.random.one_in(2) { [&no.name, &yes.name] } else { [&yes.name, &no.name] };
        let axis = self.random.pick(&[1, 1, 1, -1]);
        let both = self.push("Concat", &pair.map(String::as_str), vec![int_attribute("axis", axis)], vec![2]);
        if self.random.one_in(3) { self.one_of_two(&both) } else { both }
    }

    fn softmax(&mut self, logits: &Live) -> Live {
        let operator = self.random.pick(&["Softmax", "Softmax", "LogSoftmax"]);
        let axis = match self.random.below(4) {
            0 => vec![],
            1 => vec![int_attribute("axis", -1)],
            _ => vec![int_attribute("axis", 1)],
        };
        self.push(operator, &[&logits.name], axis, logits.shape.clone())
    }

    /// Softmax of two, perhaps one of them; two sigmoids, perhaps of t and −t.
    fn pair_of_probabilities(&mut self, logits: &Live) -> Live {
        match self.random.below(5) {
            0 => self.push("Sigmoid", &[&logits.name], vec![], vec![2]),
            1 => {
                self.mark("σ(t) beside σ(−t)");
                let at = self.random.below(2) as i64;
                let at = self.constant_ints(&[at]);
                let one = self.push("Gather", &[&logits.name, &at], vec![int_attribute("axis", 1)], vec![1]);
                let minus = self.push("Neg", &[&one.name], vec![], vec![1]);
                let pair = if self.random.one_in(2) { [&one.name, &minus.name] } else { [&minus.name, &one.name] };
                let both = self.push("Concat", &pair.map(String::as_str), vec![int_attribute("axis", 1)], vec![2]);
                self.push("Sigmoid", &[&both.name], vec![], vec![2])
            }
            2 => {
                let both = self.push("Softmax", &[&logits.name], vec![int_attribute("axis", 1)], vec![2]);
                self.one_of_two(&both)
            }
            3 => {
                self.mark("divided by its sum");
                let both = self.push("Softmax", &[&logits.name], vec![int_attribute("axis", 1)], vec![2]);
                let sum = self.along("ReduceSum", &both.name, &[1], vec![int_attribute("keepdims", 1)]);
                self.push("Div", &[&both.name, &sum], vec![], vec![2])
            }
            _ => self.softmax(logits),
        }
    }

    fn one_of_two(&mut self, both: &Live) -> Live {
        self.mark("one of two probabilities");
        let at = self.random.below(2) as i64;
        match self.random.below(3) {
            0 => {
                let at = self.scalar(at);
                self.push("Gather", &[&both.name, &at], vec![int_attribute("axis", 1)], vec![])
            }
            1 => {
                let at = self.constant_ints(&[at]);
                self.push("Gather", &[&both.name, &at], vec![int_attribute("axis", 1)], vec![1])
            }
            _ => {
                let name = self.slice(&both.name, at, at + 1, 1, 1);
                Live { name, shape: vec![1] }
            }
        }
    }

    /// What says which class it is: an output of its own, or one that nothing reads.
    fn label(&mut self, output: &Live) {
        self.mark("label");
        let name = if output.shape.len() == 1 && output.shape[0] > 1 {
            self.emit("ArgMax", &[&output.name], vec![int_attribute("axis", 1), int_attribute("keepdims", 0)])
        } else if self.random.one_in(4) {
            let half = self.float_constant(&[], vec![0.5]);
            let is_yes = self.emit("Greater", &[&output.name, &half], vec![]);
            self.emit("Cast", &[&is_yes], vec![int_attribute("to", INT64)])
        } else {
            return;
        };
        if self.random.one_in(2) {
            let info = value_info(&name, INT64, None);
            self.beside(info);
        }
    }

    /// One more output, before or behind the scores.
    pub fn beside(&mut self, info: Message) {
        self.outputs.push(info);
    }
}
