//! `OPERATORS.md`, from the tables of both readers.

use super::Made;
use underplane::model::onnx;
use underplane_kernel as kernel;

const HEAD: &str = "\
# Operators

What the two readers of a model file accept, generated from their tables (`src/model/onnx/operators.rs` and
`kernel/src/onnx/forms.rs`) by `cargo run --release --example corpora`; a test compares. The program certifies what the
first table has; a certificate needs the second one. Everything else is refused, with the node's name.

A file is an ONNX ModelProto of the format versions 3 to 14 (`ir_version`), with the standard operators of version 7
to 28, and the marked ones of scikit-learn's domain, ai.onnx.ml; other domains may be named, in a version that runtimes
know, but no node may use them. The meaning of the operators below is the same in all of these versions; an attribute
that came later is marked, and so is one that became an input. Of several outputs, `--output` names one, unless all others are labels (int64).

- **Protobuf.** Fields are those of ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto, ValueInfoProto and
  what they contain, each of its own wire type and width, with keys of at most 32 bits and integers in their shortest
  form; a singular field stands once. Skipped, since they mean nothing: `doc_string`, `metadata_props`, `denotation`,
  a graph's name, and a model's producer, domain and version. Refused: functions, overloads, training, devices, sparse
  constants, quantisation, segments, graphs in attributes, and every unknown field.
- **Constants** are float32, float64, float16, bfloat16, int32, int64 or bool, in raw bytes,
  in the list of their type, or in another file of the model's folder, and in one place alone. Of `external_data` the keys
  `location`, `offset`, `length` and `checksum` are known, and the last one is not tested (no runtime does); a location
  has no `..`, no backslash and no `/` in front, a length is that of the shape, and files that are links out of the
  folder are read with `--follow-links` only. (onnxruntime does not load shapes and axes from other files.)
  An initialiser that is an input too, as the format demanded before its version 4, is taken as the constant that it
  holds.
- **Values** are float32 or float64, as the input is, [N, …], and no row of a batch influences another; N is a symbol or fixed. Integers are
  computed with in their own width, and refused where they leave it.
- **Declarations** of types and sizes (inputs, outputs, `value_info`) must be true, but for the size of an output that a
  LinearClassifier or ArrayFeatureExtractor gives: what converters declare there is not what runtimes compute.
- **Exponentials** are no values: Exp is read where a Log is behind it, of e^u, 1 + e^u or Σ e^u, and in an Elu by Where.
- **Joined axes.** A Reshape of values to [−1, …] may join the batch with the first axis of the samples, until another
  one brings it back.
- **Nodes** stand in evaluation order, and no two share a name or an output. All are read, but for those of operators
  (or domains) that are in no table here, and what is computed from them, where the output does not depend on them.
- **Computed constants.** An operator of constants alone is computed where its result is just a number of its type, by
  both readers. Where it would be rounded, the program rounds it to the nearest one, for the operators below and those
  named here: COMPUTED. What is certified then is
  the network of another file, in which these numbers stand in place of what computed them; it is written beside the
  certificates (`model-folded.onnx`), and the kernel reads that one.

u and v are values that depend on the input, c and d float constants, i and j integer constants.
";

const COLUMNS: &str = "| operator | inputs | attributes | types | what is read |\n|---|---|---|---|---|\n";

pub fn table() -> Made {
    let text = format!(
        "{}\n## The program\n\n{COLUMNS}{}\n## The kernel\n\n{COLUMNS}{}",
        HEAD.replace("COMPUTED", &onnx::computed()),
        rows(onnx::operators()),
        rows(kernel::operators())
    );
    ("OPERATORS.md".into(), text.into_bytes())
}

fn rows(table: Vec<[String; 5]>) -> String {
    table.into_iter().map(|row| format!("| {} |\n", row.join(" | "))).collect()
}
