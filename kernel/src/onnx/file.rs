//! ONNX files, read by the kernel's own code: the file's structure. What each operator means is in `operators`.

use crate::budget;
use crate::logit::Logit;
use crate::network::graph::Graph;
use crate::onnx::call::{Call, Value, Values, malformed};
use crate::onnx::declared::{Declared, Shape};
use crate::onnx::elsewhere::Files;
use crate::onnx::ends::finish;
use crate::onnx::form::{NEWEST, OLDEST};
use crate::onnx::forms::knows;
use crate::onnx::ml::gives_label;
use crate::onnx::nodes::size;
use crate::onnx::operators::apply;
use crate::onnx::protobuf::fields;
use crate::onnx::schema;
use crate::onnx::tensor::{Kind, Tensor, texts};
use crate::onnx::turned::passes;
use crate::rejection::{Code, Rejection};
use std::collections::{HashMap, HashSet};

/// The versions of the file format that are read.
const FORMATS: std::ops::RangeInclusive<i64> = 3..=14;

/// Reads a model file into the graph of f; `files` gives numbers that stand in others.
pub fn read(bytes: &[u8], files: Files, logit: &Logit) -> Result<Graph, Rejection> {
    budget::within("model file", "bytes", bytes.len() as u64, budget::MODEL_BYTES)?;
    schema::check(bytes)?;
    let (mut graph, mut format, mut opsets) = (None, 0, HashMap::new());
    for field in fields(bytes) {
        match field? {
            (1, wire) => format = wire.integer()?,
            (7, wire) => graph = Some(wire.bytes()?),
            (8, wire) => {
                let (domain, version) = opset(wire.bytes()?)?;
                if opsets.insert(domain, version).is_some_and(|other| other != version) {
                    return Err(malformed("file", "one version of the operators of a domain", "two"));
                }
                // Runtimes refuse versions that they do not know, even of operators that no node uses.
                let newest = match domain {
                    "ai.onnx.ml" => 5,
                    "com.microsoft" | "ai.onnx.training" => 1,
                    _ => i64::from(i32::MAX),
                };
                if !(1..=newest).contains(&version) {
                    let expected = format!("operators of `{}` of a known version", domain.escape_debug());
                    return Err(Rejection::new(Code::Unsupported, "file", expected, version.to_string()));
                }
            }
            _ => {}
        }
    }
    let opset = opsets.get("").copied().ok_or_else(|| malformed("file", "a version of the operators", "none"))?;
    let within = |what: &str, range: std::ops::RangeInclusive<i64>, found: i64| match range.contains(&found) {
        true => Ok(()),
        false => {
            let expected = format!("{what} of version {} to {}", range.start(), range.end());
            Err(Rejection::new(Code::Unsupported, "file", expected, found.to_string()))
        }
    };
    within("operators", OLDEST..=NEWEST, opset)?;
    let graph = graph.ok_or_else(|| malformed("file", "a graph", "none"))?;
    within("a format", FORMATS, format)?;
    File::read(graph, files, format)?.graph(files, opset, logit)
}

/// The domain of operators, and their version.
fn opset(bytes: &[u8]) -> Result<(&str, i64), Rejection> {
    let (mut domain, mut version) = ("", 0);
    for field in fields(bytes) {
        match field? {
            (1, wire) => domain = wire.text()?,
            (2, wire) => version = wire.integer()?,
            _ => {}
        }
    }
    Ok((if domain == "ai.onnx" { "" } else { domain }, version))
}

/// The parts of a GraphProto.
#[derive(Default)]
struct File<'a> {
    calls: Vec<Call<'a>>,
    constants: HashMap<String, (Value, Kind)>,
    /// Names of constants that are texts.
    texts: Vec<&'a str>,
    inputs: Vec<Declared<'a>>,
    outputs: Vec<Declared<'a>>,
    /// What the file says of values that it computes.
    others: Vec<Declared<'a>>,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8], files: Files, format: i64) -> Result<File<'a>, Rejection> {
        let mut file = File::default();
        for field in fields(bytes) {
            match field? {
                (1, wire) => {
                    budget::within("model", "nodes", file.calls.len() as u64 + 1, budget::NODES)?;
                    file.calls.push(Call::read(wire.bytes()?)?);
                }
                (5, wire) => {
                    if let Some(name) = texts(wire.bytes()?)? {
                        file.texts.push(name);
                        continue;
                    }
                    let tensor = Tensor::read(wire.bytes()?, files)?;
                    let name = tensor.name.clone();
                    if name.is_empty() {
                        return Err(malformed("graph", "constants with names", "none"));
                    }
                    if file.constants.insert(name.clone(), tensor.into()).is_some() {
                        return Err(malformed(&name, "one constant of a name", "two"));
                    }
                }
                (11, wire) => file.inputs.push(Declared::read(wire.bytes()?)?),
                (12, wire) => file.outputs.push(Declared::read(wire.bytes()?)?),
                (13, wire) => file.others.push(Declared::read(wire.bytes()?)?),
                _ => {}
            }
        }
        // An initialiser that is an input too, as it had to be before version 4 of the format, is a constant.
        let inputs: HashSet<&str> = file.inputs.iter().map(|input| input.name).collect();
        if let Some(name) = file.constants.keys().find(|name| format < 4 && !inputs.contains(name.as_str())) {
            return Err(malformed(name, "constants that are inputs, as format 3 has it", "another"));
        }
        let constants = &file.constants;
        let (shadowed, inputs): (Vec<_>, Vec<_>) =
            std::mem::take(&mut file.inputs).into_iter().partition(|d| constants.contains_key(d.name));
        if let Some(input) = shadowed.iter().find(|input| input.kind.is_none()) {
            return Err(malformed(input.name, "inputs with their type", "none"));
        }
        let replaceable = shadowed.iter().filter(|_| format >= 4).map(|declared: &Declared| declared.name).collect();
        (file.inputs, file.others) = (inputs, [file.others, shadowed].concat());
        file.check_names()?;
        file.check_stored(&replaceable)?;
        Ok(file)
    }

    /// What a Dropout, Squeeze or Unsqueeze has behind its first input is stored in the file, and what a Slice or Pad has there
    /// cannot be replaced by who runs the model, as an initialiser that is an input can from version 4 of the format on:
    /// runtimes trip over all where they simplify a graph or infer its shapes. So they do over a Clip's bound that a Relu
    /// gives, which they take for its operand.
    fn check_stored(&self, replaceable: &HashSet<&'a str>) -> Result<(), Rejection> {
        let constants = self.calls.iter().filter(|call| call.operator == "Constant").map(|call| call.name);
        let stored: HashSet<&str> = self.constants.keys().map(String::as_str).chain(constants).collect();
        // What is computed from them can be replaced, too.
        let (mut replaceable, mut bent) = (replaceable.clone(), HashSet::new());
        for call in &self.calls {
            // Of the other operand of a CastLike only the type counts.
            let counted = if call.operator == "CastLike" { 1 } else { usize::MAX };
            if call.operator == "Relu" || call.inputs().take(counted).any(|name| bent.contains(name)) {
                bent.extend(call.names());
            }
            if call.inputs().any(|name| replaceable.contains(name)) {
                replaceable.extend(call.names());
            }
            let wrong = |name: &&str| match call.operator {
                "Dropout" | "Squeeze" | "Unsqueeze" => !name.is_empty() && !stored.contains(name),
                "Slice" | "Pad" => replaceable.contains(name),
                "Clip" => bent.contains(name),
                _ => false,
            };
            if let Some(name) = call.inputs().skip(1).find(wrong) {
                let expected = "operands that the file alone fixes";
                return Err(call.refuse(Code::Unsupported, expected, format!("`{}`", name.escape_debug())));
            }
        }
        Ok(())
    }

    /// Every value has one source, and every node a name of its own, if any.
    fn check_names(&self) -> Result<(), Rejection> {
        let (mut values, mut labels) = (HashSet::new(), HashSet::new());
        let sources = self.inputs.iter().map(|input| input.name).chain(self.constants.keys().map(String::as_str));
        for name in sources.chain(self.texts.iter().copied()).chain(self.calls.iter().flat_map(Call::names)) {
            if !values.insert(name) {
                return Err(malformed(name, "one value of a name", "two"));
            }
        }
        for label in self.calls.iter().map(|call| call.label).filter(|label| !label.is_empty()) {
            if !labels.insert(label) {
                return Err(malformed(label, "one node of a name", "two"));
            }
        }
        Ok(())
    }

    /// The output that the user names, or the only one, beside which a classifier's label may stand.
    fn output(&self, logit: &Logit) -> Result<&Declared<'a>, Rejection> {
        let named = |output: &&Declared| match logit.output.as_deref() {
            None => self.outputs.len() == 1 || !output.is_label(),
            Some(name) => output.name == name,
        };
        match self.outputs.iter().filter(named).collect::<Vec<_>>()[..] {
            [output] => Ok(output),
            _ => {
                let expected = logit
                    .output
                    .as_ref()
                    .map_or("one output".into(), |name| format!("an output `{}`", name.escape_debug()));
                let names: Vec<String> =
                    self.outputs.iter().map(|output| output.name.escape_debug().to_string()).collect();
                Err(malformed("graph", &expected, &names.join(", ")))
            }
        }
    }

    fn graph(self, files: Files, opset: i64, logit: &Logit) -> Result<Graph, Rejection> {
        let [input] = &self.inputs[..] else {
            return Err(malformed("graph", "one input", &self.inputs.len().to_string()));
        };
        let Some(kind) = input.kind.filter(|kind| kind.is_float()) else {
            return Err(Rejection::new(
                Code::Unsupported,
                input.name,
                "float32 or float64",
                format!("{:?}", input.kind),
            ));
        };
        let (batch, shape) = input.sample()?;
        let mut graph = Graph::new(input.name, shape.clone(), size(&shape))?;
        let output = self.scores(self.output(logit)?);
        let skipped = self.skipped(output);
        let mut values = Values {
            named: self.constants,
            batch: batch.flatten(),
            has_batch: batch.is_some(),
            output,
            files,
            turned: HashSet::new(),
        };
        values.named.insert(input.name.into(), (Value::Node(0, shape), kind));
        let last: HashMap<&str, usize> =
            self.calls.iter().enumerate().flat_map(|(i, call)| call.inputs().map(move |name| (name, i))).collect();
        for (i, call) in self.calls.iter().enumerate().filter(|(i, _)| !skipped[*i]) {
            let results = apply(&mut graph, call, &values, opset)?;
            let of_turned = || call.inputs().any(|of| values.turned.contains(of));
            if call.operator == "Transpose" || (passes(call.operator) && of_turned()) {
                values.turned.extend(call.names());
            }
            for (k, result) in results.into_iter().enumerate() {
                let name = call.outputs().get(k).filter(|name| !name.is_empty());
                if let (Some(name), Some(result)) = (name, result) {
                    values.named.insert((*name).into(), result);
                }
            }
            call.inputs().filter(|name| last[name] == i).for_each(|name| values.forget(name));
        }
        let Some(&(Value::Node(id, _), kind)) = values.named.get(output).filter(|(_, kind)| kind.is_float()) else {
            return Err(malformed(output, "a float output that depends on the input", "none"));
        };
        let mut axes = HashMap::new();
        // Of one sample, an output without axes besides the batch has none, if all of size 1 are dropped.
        let is_squeezed = |call: &Call| {
            let without_axes = call.arity() == 1 && call.integers("axes").is_none();
            call.operator == "Squeeze" && without_axes && call.name == output
        };
        // What converters declare of the scores of some classifiers is not what runtimes compute.
        let is_scored = |call: &Call| {
            let scores = matches!(call.operator, "ArrayFeatureExtractor" | "LinearClassifier");
            call.of_ml && scores && call.names().any(|name| name == output)
        };
        let is_open = self.calls.iter().any(|call| is_squeezed(call) || is_scored(call));
        for declared in [input].into_iter().chain(&self.others).chain(&self.outputs) {
            if is_open && declared.name == output && declared.kind == Some(kind) {
                continue;
            }
            // How many rows there are where the batch is joined depends on it, so that no size stands for that.
            let found = values.named.get(declared.name).filter(|(value, _)| !matches!(value, Value::Joined(..)));
            if let Some((value, kind)) = found {
                declared.check(*kind, &Shape::of(value, batch), &mut axes)?;
            }
        }
        finish(graph, id, logit)
    }

    /// The scores that an output holds: those from which a ZipMap makes it.
    fn scores(&self, output: &Declared<'a>) -> &'a str {
        let zips = |call: &&Call| call.of_ml && call.operator == "ZipMap" && call.outputs() == [output.name];
        let mut inputs = self.calls.iter().find(zips).into_iter().flat_map(Call::inputs);
        match (inputs.next(), inputs.next()) {
            (Some(scores), None) => scores,
            _ => output.name,
        }
    }

    /// Which calls say nothing: of operators that are not read, or with operands that such calls give, where the output
    /// does not depend on them. Nor is read what depends on texts, or on the label that a classifier gives.
    fn skipped(&self, output: &str) -> Vec<bool> {
        let calls = &self.calls;
        let mut needed = HashSet::from([output]);
        let mut is_live = vec![false; calls.len()];
        for (i, call) in calls.iter().enumerate().rev() {
            is_live[i] = call.names().any(|name| needed.contains(name));
            if is_live[i] {
                needed.extend(call.inputs());
            }
        }
        let labels = calls.iter().filter(|call| gives_label(call.operator)).map(|call| call.name);
        let mut unread: HashSet<&str> = self.texts.iter().copied().chain(labels).collect();
        let mut all = Vec::with_capacity(calls.len());
        for (i, call) in calls.iter().enumerate() {
            let is_known = call.is_standard && knows(call.operator);
            let skips = !is_live[i] && (!is_known || call.inputs().any(|name| unread.contains(name)));
            if skips {
                unread.extend(call.names());
            }
            all.push(skips);
        }
        all
    }
}
