//! How a model's outputs tell f: as logits, or as probabilities of them.

use crate::cases::schema::{self, Kind, Message, Value};

/// What the outputs are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// Logits.
    Logits,
    /// Sigmoids of logits.
    Sigmoid,
    /// A softmax of logits.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
}

/// What outputs say of the logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    /// Its value, and how far that may be off beyond the logits' own error.
    Value(f64, f64),
    /// 1/(1 + e⁻ᵗ) of it.
    Probability(f64),
    /// A number of its sign.
    Sign(f64),
}

impl Link {
    /// By what the reader says of the end that it takes off.
    pub fn of(notes: &[String]) -> Link {
        let off = |name: &str| notes.iter().any(|note| note.starts_with(&format!("the {name} before the output")));
        match [off("Sigmoid"), off("Softmax"), off("LogSoftmax")] {
            [true, _, _] => Link::Sigmoid,
            [_, true, _] => Link::Softmax,
            [_, _, true] => Link::LogSoftmax,
            _ => Link::Logits,
        }
    }

    /// What these outputs, of which one is the sensitive class, say; nothing where there are none, or all have vanished.
    pub fn said(self, outputs: &[f64], class: usize) -> Option<Said> {
        let mut others: Vec<f64> = outputs.to_vec();
        let own = if class < others.len() { others.remove(class) } else { others.pop()? };
        let Some(most) = others.into_iter().reduce(f64::max) else {
            return Some(match self {
                Link::Logits => Said::Value(own, 0.0),
                Link::Sigmoid | Link::Softmax => Said::Probability(own),
                Link::LogSoftmax => Said::Probability(own.exp()),
            });
        };
        match self {
            Link::Logits => Some(Said::Value(own - most, 0.0)),
            Link::LogSoftmax => Some(Said::Value(own - most, 1e-6 * (1.0 + own.abs() + most.abs()))),
            Link::Sigmoid => Some(Said::Sign(own - most)),
            Link::Softmax => (own + most > 0.0).then(|| Said::Probability(own / (own + most))),
        }
    }
}

/// 1/(1 + e⁻ᵗ).
pub fn sigmoid(t: f64) -> f64 {
    1.0 / (1.0 + (-t).exp())
}

/// Whether a file has an operator that may give probabilities.
pub fn may_end(bytes: &[u8]) -> bool {
    let gives = |name: &[u8]| matches!(name, b"Sigmoid" | b"Softmax" | b"LogSoftmax" | b"LinearClassifier");
    schema::parse(bytes).is_some_and(|file| texts(Kind::Model, &file).any(gives))
}

/// The operators of all nodes.
fn texts(kind: Kind, message: &Message) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    Box::new(message.iter().flat_map(move |field| match &field.value {
        Value::Message(kind, inside) => texts(*kind, inside),
        Value::Bytes(bytes) if kind == Kind::Node && field.number == 4 => Box::new(std::iter::once(&bytes[..])),
        _ => Box::new(std::iter::empty()) as Box<dyn Iterator<Item = &[u8]>>,
    }))
}
