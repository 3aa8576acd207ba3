//! ONNX in and out: the only format of models.
//!
//! [`read`] turns a file into a [`Graph`](crate::model::Graph) of exact real functions, [`write`] turns a graph into a
//! file (opset 17, IR version 8) that computes the same function. Opsets 7 to 28 of the standard domain are read; an
//! operator, attribute, data type or shape that is not in the table below is an error that names the node.
//!
//! # Files
//!
//! One input, floats of 32 or 64 bits `[N, …]` with all sizes but N fixed; N is a name or a number, and only ever the batch size.
//! Any outputs: one is read, which the user names, or beside which labels alone stand; of a ZipMap's maps, the scores in
//! them. Initialisers may be shared, unused, listed among the inputs (as before IR version 4), in raw bytes, in typed fields,
//! or in other files of the model's folder (`beside`). float16, bfloat16 and float64 constants are read exactly.
//! Nodes stand in evaluation order. One that the output does not depend on is read all the same, unless its operator is
//! unknown, or it reads what such a node gives, a text or a label: that is left out. A constant is never NaN or empty, nor
//! infinite but as a bound of Clip, and what a model's values take in memory is bounded by its size.
//!
//! # Values
//!
//! While a file is read, a name stands for a *value* (a node of the graph; its batch axis stands in front, or where a
//! Transpose or Unsqueeze puts it until another operator brings it back (`turned`), or is gone where the file fixes a batch
//! of one), a float constant (exact in 64 bits), an integer constant (of numbers, or the batch size N as a symbol), a
//! comparison, which Not and Where alone read (`choices`), or a sequence. Affine nodes that are the same function of the
//! same nodes are one in the end. Arithmetic on constants happens at once where the result is
//! exactly a number of their own type. Where it is none, an operator of `rounded` computes it in 64 bits, and what is
//! certified is the network of another file, in which the nearest numbers stand in its place (`fold`); whoever reads the
//! model is told; so it is with constants of 64 bits beside values, since weights are 32-bit floats. Probabilities are read
//! before the output alone, where their logits take their place (`ends`).
//!
//! # Operators
//!
//! `proofs-data/OPERATORS.md` shows them with inputs, attributes, types and opsets, generated from the table in `operators`.
//! Constants broadcast to values as in numpy, but never along the batch axis; values of equal rank broadcast to each other.
//! Whatever else a node, attribute, constant or declaration has is refused (`canonical`, `kinds`, `declared`).
//!
//! relu(y) + relu(−y) and max(y, −y) become one absolute value of y, and max(s·y, t·y) one leaky activation, where the
//! two arguments are exactly that as affine functions of a common source (`kinks`).
//!
//! BatchNormalization differs from the operator's definition too, since its gain is irrational in general:
//! a = RN₃₂(scale/√(var+ε)), b = RN₃₂(bias − mean·scale/√(var+ε)), decided exactly (`batch_norm`). Everything else keeps the
//! real function of the stored constants. Running the same file in floats rounds, here and in any runtime.

mod activations;
mod advice;
mod attributes;
mod batch_norm;
mod beside;
mod blocks;
mod call;
mod cancelled;
mod canonical;
mod choices;
mod declared;
mod dispatch;
mod einsum;
mod elementwise;
mod elus;
mod ends;
pub(crate) mod exact;
mod exponentials;
mod faced;
mod fold;
mod foreign;
mod guards;
mod hubers;
mod importer;
mod integers;
mod join;
mod joined;
mod kinds;
mod kinks;
mod layers;
mod layout;
mod ml;
#[cfg(test)]
mod mutations;
mod names;
mod operator;
mod operators;
mod outline;
mod pad;
mod pick;
mod proto;
mod reader;
mod reductions;
mod rounded;
mod rules;
mod single;
mod smooth;
mod stored;
mod tensor;
mod turned;
mod versions;
mod windows;
mod writer;

/// The operators that are read: name, inputs, attributes, types, what is read.
pub fn operators() -> Vec<[String; 5]> {
    operators::table()
}

/// The operators that are computed in floats where all their inputs are constants.
pub fn computed() -> String {
    rounded::names()
}

pub use beside::Beside;
pub use fold::{FOLDED, Folded};
pub use foreign::folder;
pub use reader::decode;
pub use writer::{encode, write, write_with};

use super::{Graph, ModelError};
use outline::Outline;
use rounded::Rounded;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

/// Reads an ONNX file.
///
/// # Errors
/// When the file cannot be read, is not an ONNX model, or uses something that is not supported; the file's name is in
/// front.
pub fn read(path: &Path) -> Result<Graph, ModelError> {
    let file = File::open(path).map_err(|source| ModelError::File { path: path.into(), source })?;
    let beside = Beside::of(path, false);
    let imported = import(BufReader::with_capacity(1 << 16, file), path, &beside, None)?;
    if !imported.is_rounded() {
        return Ok(imported.graph);
    }
    let bytes = std::fs::read(path).map_err(|source| ModelError::File { path: path.into(), source })?;
    match imported.folded(&bytes, path, &beside)? {
        Some(folded) => decode(&folded.bytes).map_err(|error| error.in_file(path)),
        None => Ok(imported.graph),
    }
}

/// A file that has been read.
#[derive(Debug)]
pub struct Imported {
    /// What it computes.
    pub graph: Graph,
    /// What its user should hear about how it was read.
    pub notes: Vec<String>,
    /// Whether f is the logarithm of a probability's odds: of one output, or of two under a softmax.
    pub is_odds: bool,
    /// What else the file says, by its keys.
    pub metadata: BTreeMap<String, String>,
    rounded: Vec<Rounded>,
}

impl Imported {
    /// The file that is certified instead of the one of these `bytes`, where that computes constants which are no exact
    /// numbers: they are rounded in it.
    ///
    /// # Errors
    /// When the bytes are those of another file.
    pub fn folded(&self, bytes: &[u8], path: &Path, beside: &Beside) -> Result<Option<Folded>, ModelError> {
        if self.rounded.is_empty() {
            return Ok(None);
        }
        fold::fold(bytes, beside, &self.rounded).map(Some).map_err(|error| error.in_file(path))
    }

    /// Whether there is such a file.
    pub fn is_rounded(&self) -> bool {
        !self.rounded.is_empty()
    }
}

/// The same as [`read`] for what is read from `path`, with other files that are `beside` it, and the output of this name
/// where the file has several. Beyond the weights it takes little memory.
///
/// # Errors
/// As for [`read`].
pub fn import(
    mut source: impl Read,
    path: &Path,
    beside: &Beside,
    output: Option<&str>,
) -> Result<Imported, ModelError> {
    let mut head = Vec::new();
    source
        .by_ref()
        .take(foreign::HEAD)
        .read_to_end(&mut head)
        .map_err(|source| ModelError::File { path: path.into(), source })?;
    if let Some(format) = foreign::format(&head) {
        return Err(ModelError::Decode(format!("it is {format}")).in_file(path));
    }
    let imported = match Outline::read((&head[..]).chain(source)) {
        Ok(outline) => reader::graph_of(outline, beside, output),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(ModelError::Decode(error.to_string())),
        Err(source) => Err(ModelError::File { path: path.into(), source }),
    };
    imported.map_err(|error| error.in_file(path))
}

impl Folded {
    /// The network of the file in the place of `path`, and what its user should hear.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: &Path, output: Option<&str>) -> Result<(Graph, Vec<String>), ModelError> {
        let Imported { graph, notes, rounded, .. } = import(&self.bytes[..], path, &Beside::nothing(), output)?;
        if !rounded.is_empty() {
            let what = "what it computes from its rounded constants would be rounded once more".into();
            return Err(ModelError::Model(what).in_file(path));
        }
        let (count, list) = (self.constants.len(), self.constants.join(", "));
        let note = format!(
            "it computes {count} of its constants from others, or holds them as float64: {list}; certified is the network of \
             {FOLDED}, which holds them as the nearest floats"
        );
        Ok((graph, std::iter::once(note).chain(notes).collect()))
    }
}
