//! Operators of the domain ai.onnx.ml, as scikit-learn's converters write them.

use super::super::wire::{Message, text};
use super::super::write::{
    INT64, STRING, floats_attribute, int_attribute, ints_attribute, maps_info, node, text_attribute, texts_attribute,
    value_info,
};
use super::{Builder, Live};

impl Builder<'_> {
    /// A step of a pipeline on [N, C].
    pub fn pipeline(&mut self, of: &Live) -> Option<Live> {
        let &[cols] = &of.shape[..] else { return None };
        if self.random.one_in(2) {
            let count = 1 + self.random.below(3);
            let columns: Vec<i64> = (0..count).map(|_| self.random.below(cols) as i64).collect();
            let columns = self.integers(&columns);
            return Some(self.of_ml("ArrayFeatureExtractor", &[&of.name, &columns], vec![], vec![count]));
        }
        let count = if self.random.one_in(3) { 1 } else { cols };
        let attributes = vec![self.numbers("offset", count), self.numbers("scale", count)];
        Some(self.of_ml("Scaler", &[&of.name], attributes, vec![cols]))
    }

    /// [N, logits] by a regressor, or by a classifier with its label.
    pub fn regression(&mut self, of: &Live, logits: usize) -> Live {
        let cols = of.size();
        match (logits, self.random.one_in(2)) {
            (1, true) => {
                let mut attributes = vec![self.numbers("coefficients", cols)];
                if self.random.one_in(2) {
                    attributes.push(self.numbers("intercepts", 1));
                }
                if self.random.one_in(2) {
                    attributes.push(int_attribute("targets", 1));
                }
                self.of_ml("LinearRegressor", &[&of.name], attributes, vec![1])
            }
            (1, false) => {
                let (mut attributes, count) = self.vectors(cols);
                attributes.push(int_attribute("n_supports", count as i64));
                self.of_ml("SVMRegressor", &[&of.name], attributes, vec![1])
            }
            (2, true) => {
                let (mut attributes, count) = self.vectors(cols);
                let first = self.random.below(count + 1) as i64;
                attributes.push(ints_attribute("vectors_per_class", &[first, count as i64 - first]));
                self.classifier("SVMClassifier", of, 2, attributes)
            }
            _ => {
                let mut attributes = vec![self.numbers("coefficients", logits * cols)];
                if !self.random.one_in(16) {
                    attributes.push(self.numbers("intercepts", logits));
                }
                let end = self.random.pick(&["NONE", "LOGISTIC", "SOFTMAX", ""]);
                if !end.is_empty() {
                    self.mark(format!("post_transform {end}"));
                    attributes.push(text_attribute("post_transform", end));
                }
                if self.random.one_in(3) {
                    attributes.push(int_attribute("multi_class", self.random.between(0, 1)));
                }
                self.is_ended |= !matches!(end, "NONE" | "");
                self.classifier("LinearClassifier", of, logits, attributes)
            }
        }
    }

    /// What a support vector machine knows, and how many vectors it has.
    fn vectors(&mut self, cols: usize) -> (Vec<Message>, usize) {
        let count = 1 + self.random.below(3);
        let mut attributes = vec![
            self.numbers("coefficients", count),
            self.numbers("support_vectors", count * cols),
            self.numbers("rho", 1),
        ];
        if self.random.one_in(2) {
            attributes.push(text_attribute("kernel_type", "LINEAR"));
        }
        if !self.random.one_in(16) {
            attributes.push(floats_attribute("kernel_params", &[0.5, 0.0, 3.0]));
        }
        if self.random.one_in(3) {
            attributes.push(text_attribute("post_transform", "NONE"));
        }
        (attributes, count)
    }

    /// A classifier's label and scores; perhaps as a list of maps.
    fn classifier(&mut self, operator: &str, of: &Live, classes: usize, mut attributes: Vec<Message>) -> Live {
        let mut labels: Vec<i64> = (0..classes as i64).map(|k| 3 * k - 1).collect();
        self.random.shuffle(&mut labels);
        let names = ["a", "b", "c", "d"];
        let texts = self.random.one_in(3);
        attributes.push(match texts {
            true => texts_attribute("classlabels_strings", &names[..classes]),
            false => ints_attribute("classlabels_ints", &labels),
        });
        self.random.shuffle(&mut attributes);
        let (label, scores) = (self.name("l"), self.name("v"));
        let mut made = node(operator, &[&of.name], &[&label, &scores], "", attributes);
        made.push(text(7, "ai.onnx.ml"));
        self.nodes.push(made);
        self.mark(format!("op {operator}"));
        if self.random.one_in(2) {
            self.beside(value_info(&label, if texts { STRING } else { INT64 }, None));
        }
        let mut scores = Live { name: scores, shape: vec![classes] };
        if self.is_ended && self.random.one_in(4) {
            let norm = vec![text_attribute("norm", "L1")];
            scores = self.of_ml("Normalizer", &[&scores.name], norm, vec![classes]);
        }
        if self.random.one_in(4) {
            let (key, labels) = match texts {
                true => (STRING, texts_attribute("classlabels_strings", &names[..classes])),
                false => (INT64, ints_attribute("classlabels_int64s", &labels)),
            };
            scores = self.of_ml("ZipMap", &[&scores.name], vec![labels], vec![classes]);
            self.maps = Some(maps_info(&scores.name, key));
        }
        scores
    }

    fn numbers(&mut self, name: &str, count: usize) -> Message {
        let values: Vec<f32> = self.weights(count).into_iter().map(|v| v as f32).collect();
        floats_attribute(name, &values)
    }

    fn of_ml(&mut self, operator: &str, inputs: &[&str], attributes: Vec<Message>, shape: Vec<usize>) -> Live {
        let name = self.name("v");
        let mut made = node(operator, inputs, &[&name], "", attributes);
        made.push(text(7, "ai.onnx.ml"));
        self.nodes.push(made);
        self.mark(format!("op {operator}"));
        Live { name, shape }
    }
}
