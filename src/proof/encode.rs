//! The text of a certificate (`proofs-data/FORMAT.md`), and inputs for the kernel.

use super::codes::Packed;
use crate::norm::Norm;
use crate::query::Ranges;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use underplane_kernel::{Bounds, Class, Logit, StatedBox, Uint8};

/// A certificate's parts.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    pub input: usize,
    pub norm: Norm,
    pub logit: Logit,
    pub range: Option<StatedBox>,
    /// Whether the norm has weights.
    pub weighted: bool,
    /// What bytes among the inputs mean.
    pub uint8: Uint8,
    pub open: bool,
    /// As it is to be written: see [`distance`].
    pub radius: Option<String>,
    /// For every head the tree that proves the radius, in preorder; a leaf alone is written without a tree.
    pub heads: Vec<Vec<Node>>,
    /// The point and `upper`.
    pub witness: Option<(&'a [f64], String)>,
}

/// A node of a tree.
#[derive(Clone, Debug)]
pub enum Node {
    Split { coordinate: usize, at: f64 },
    Leaf { slopes: Vec<Packed>, multiplier: Option<f64> },
}

impl Node {
    fn keys(&self) -> Vec<(&'static str, Value)> {
        match self {
            Node::Split { coordinate, at } => {
                vec![("coordinate", json!(coordinate.to_string())), ("at", json!(decimal(*at)))]
            }
            Node::Leaf { slopes, multiplier } => {
                let slopes = ("slopes", slopes.iter().map(packed).collect());
                let multiplier = multiplier.map(|value| ("multiplier", json!(decimal(value))));
                [slopes].into_iter().chain(multiplier).collect()
            }
        }
    }
}

impl Line<'_> {
    /// One line of a certificate file, without its end.
    pub fn text(&self) -> String {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| drop(object.insert(key.into(), value));
        let Logit { class, output, threshold, .. } = &self.logit;
        let in_file = matches!(self.range, Some(StatedBox::File(_)));
        let second = self.heads.len() > 1 || output.is_some() || threshold.is_some() || in_file;
        put("version", json!(if second { "2" } else { "1" }));
        put("input", json!(self.input.to_string()));
        put("norm", json!(self.norm.to_string()));
        if *class != Class::Positive {
            put("sensitive", json!(class.to_string()));
        }
        if let Some(output) = output {
            put("output", json!(output));
        }
        if let Some(threshold) = threshold {
            put("threshold", json!(threshold.to_string()));
        }
        match &self.range {
            None => {}
            Some(StatedBox::Ends(low, high)) => put("box", json!([low, high])),
            Some(file) => put("box", json!(file.to_string())),
        }
        if self.weighted {
            put("weights", json!("yes"));
        }
        if self.uint8 == Uint8::Raw {
            put("uint8", json!("raw"));
        }
        if self.open {
            put("ball", json!("open"));
        }
        if let Some(radius) = &self.radius {
            put("radius", json!(radius));
        }
        match &self.heads[..] {
            [] => {}
            [only] => tree(only).into_iter().for_each(|(key, value)| put(key, value)),
            heads => put("heads", heads.iter().map(|head| tree(head).into_iter().collect::<Value>()).collect()),
        }
        if let Some((point, upper)) = &self.witness {
            put("upper", json!(upper));
            let bytes: Vec<u8> = point.iter().flat_map(|v| v.to_le_bytes()).collect();
            put("witness", json!({"bits": "64", "point": STANDARD.encode(bytes)}));
        }
        Value::Object(object).to_string()
    }
}

/// The keys of one head's evidence.
fn tree(nodes: &[Node]) -> Vec<(&'static str, Value)> {
    match nodes {
        [] => vec![],
        [node @ Node::Leaf { .. }] => node.keys(),
        nodes => vec![("tree", nodes.iter().map(|node| node.keys().into_iter().collect::<Value>()).collect())],
    }
}

fn packed(packed: &Packed) -> Value {
    let bytes: Vec<u8> = match packed.bits {
        1 => packed.codes.chunks(8).map(|c| c.iter().rev().fold(0, |byte, &code| byte << 1 | code as u8)).collect(),
        bits => packed.codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(bits / 8)).collect(),
    };
    json!({"node": packed.node, "bits": packed.bits.to_string(), "codes": STANDARD.encode(bytes)})
}

/// A box in a certificate's words; ranges of each coordinate are those of the file that is meant. Where none is known, the
/// kernel refuses the words.
pub fn stated_box(ranges: Ranges, file: Option<&Bounds>) -> StatedBox {
    match ranges {
        Ranges::Same(range) => StatedBox::Ends(decimal(range.low), decimal(range.high)),
        Ranges::Each(_) => StatedBox::File(file.map_or("", Bounds::digest).into()),
    }
}

/// A radius in a certificate's words, `unbounded` where it is infinite.
pub fn distance(value: f64) -> String {
    if value == f64::INFINITY { "unbounded".into() } else { decimal(value) }
}

/// The exact value of a finite float, in decimal.
pub fn decimal(value: f64) -> String {
    // Every f64 is a multiple of 2^-1074.
    let digits = format!("{value:.1074}");
    let trimmed = digits.trim_end_matches('0').trim_end_matches('.');
    trimmed.to_string()
}

/// A .npy file of float32 `[count × size]`.
pub fn npy(values: &[f64], size: usize) -> Vec<u8> {
    let shape = format!("({}, {size})", values.len() / size.max(1));
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|&v| (v as f32).to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_and_read_back() {
        for value in [0.0, 1.0, 0.1, 3.0, 1e-300, f64::MIN_POSITIVE, 5e-324, f64::MAX, 0.072_758_650_821, 1e17, 100.0] {
            let text = decimal(value);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
            assert!(text.len() <= 1200);
        }
        assert_eq!(decimal(0.1), "0.1000000000000000055511151231257827021181583404541015625");
        assert_eq!(decimal(100.0), "100");
    }
}
