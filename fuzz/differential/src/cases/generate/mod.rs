//! Random graphs over every operator and form that is read, with small dyadic numbers, so that 32-bit floats are
//! mostly exact and any difference counts.

mod blocks;
mod choices;
mod constants;
mod elementwise;
mod ends;
mod heads;
mod integers;
mod layers;
mod layout;
mod ml;
mod smooth;
mod spelled;
mod versions;
mod windows;

use super::random::Random;
use super::schema::Kind;
use super::wire::{Message, integer, text};
use super::write::{DOUBLE, Dim, FLOAT, message, node, opset, value_info};

/// The oldest operators that are read.
const OLDEST_OPSET: i64 = 9;
/// The newest operators that the runtime of the stored values knows.
const NEWEST_OPSET: i64 = 24;

/// Operators of the domain ai.onnx.ml.
const ML: &[&str] = &[
    "ArrayFeatureExtractor",
    "LinearClassifier",
    "LinearRegressor",
    "Normalizer",
    "SVMClassifier",
    "SVMRegressor",
    "Scaler",
    "ZipMap",
];

/// A value that depends on the input.
#[derive(Clone, Debug)]
pub struct Live {
    /// In the file.
    pub name: String,
    /// Shape of one sample.
    pub shape: Vec<usize>,
}

impl Live {
    fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A graph under construction.
pub struct Builder<'r> {
    random: &'r mut Random,
    opset: i64,
    ir: i64,
    /// Only forms that the kernel reads, too.
    plain: bool,
    /// Weights that are no dyadic numbers.
    rough: bool,
    batch: Option<i64>,
    /// Axes in front of a sample: 1, or 0 where there is no batch axis.
    lead: usize,
    /// The type of values.
    float: i64,
    nodes: Vec<Message>,
    initializers: Vec<Message>,
    inputs: Vec<Message>,
    input_shape: Vec<usize>,
    /// Beside the scores.
    outputs: Vec<Message>,
    /// What the scores are where they are a list of maps.
    maps: Option<Message>,
    /// Whether the logits are probabilities already.
    is_ended: bool,
    names: usize,
    marks: Vec<String>,
}

/// A file, its number of input coordinates, and what is in it.
pub fn generate(random: &mut Random) -> (Message, usize, Vec<String>) {
    let opset = random.between(OLDEST_OPSET, NEWEST_OPSET);
    let opset = if random.one_in(2) { opset } else { OLDEST_OPSET + opset % 9 };
    let lead = usize::from(!random.one_in(12));
    let batch = match random.below(8) {
        _ if lead == 0 => None,
        0 => Some(2),
        1 => Some(3),
        2 | 3 => Some(1),
        _ => None,
    };
    let ir = random.between(3, 10);
    let plain = random.one_in(2);
    let rough = random.one_in(8);
    let float = if random.one_in(6) { DOUBLE } else { FLOAT };
    let mut builder = Builder {
        random,
        opset,
        ir,
        plain,
        rough,
        batch,
        lead,
        float,
        nodes: Vec::new(),
        initializers: Vec::new(),
        inputs: Vec::new(),
        input_shape: Vec::new(),
        outputs: Vec::new(),
        maps: None,
        is_ended: false,
        names: 0,
        marks: Vec::new(),
    };
    builder.mark(if plain { "plain" } else { "any form" });
    builder.mark(if rough { "rough weights" } else { "dyadic weights" });
    builder.mark(format!("opset {opset}"));
    builder.mark(format!("ir {ir}"));
    let input = builder.input();
    let batch = match (lead, builder.batch) {
        (0, _) => "absent".into(),
        (_, batch) => batch.map_or("symbolic".into(), |n| n.to_string()),
    };
    builder.mark(format!("batch {batch}"));
    builder.mark(if float == FLOAT { "float32" } else { "float64" });
    let size = input.size();
    let output = builder.body(input);
    let file = builder.file(&output);
    (file, size, builder.marks)
}

impl Builder<'_> {
    fn mark(&mut self, mark: impl Into<String>) {
        self.marks.push(mark.into());
    }

    fn name(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    fn input(&mut self) -> Live {
        let shape = match self.random.below(if self.plain { 22 } else { 8 }) {
            _ if self.lead == 0 => vec![1 + self.random.below(5)],
            6 | 14 | 15 => vec![1 + self.random.below(3), 2 + self.random.below(4)],
            7 | 16..=18 => {
                let side = |b: &mut Self| 2 + b.random.below(4);
                vec![1 + self.random.below(4), side(self), side(self)]
            }
            19 => {
                // A vector of fixed size would be one sample.
                self.batch = None;
                vec![]
            }
            0 => vec![1 + self.random.below(3), 1 + self.random.below(3)],
            1 => vec![1 + self.random.below(3), 1 + self.random.below(2), 1 + self.random.below(3)],
            2 => vec![1, 1 + self.random.below(4)],
            _ => vec![1 + self.random.below(5)],
        };
        self.input_shape = shape.clone();
        Live { name: "x".into(), shape }
    }

    fn body(&mut self, input: Live) -> Live {
        let mut live = vec![input];
        for _ in 0..1 + self.random.below(6) {
            let new = if self.lead == 0 { self.step_of_one_sample(&live) } else { self.step(&live) };
            live.extend(new);
        }
        if self.random.one_in(8) {
            self.mark("a dead node");
            let first = live[0].clone();
            self.with_constant(&first);
        }
        if self.random.one_in(8) {
            self.mark("an unused constant");
            self.floats(&[2]);
        }
        let last = live.last().expect("the input").clone();
        let logits = self.head(last);
        if self.maps.is_some() || self.is_ended { logits } else { self.ended(logits) }
    }

    /// One operator of a model without a batch axis, where axes are counted from the first one of a sample.
    fn step_of_one_sample(&mut self, live: &[Live]) -> Option<Live> {
        let any = self.random.below(live.len());
        let of = if self.random.one_in(4) { &live[any] } else { live.last()? }.clone();
        if of.shape.is_empty() {
            return None;
        }
        match self.random.below(15) {
            0..=2 => Some(self.with_constant(&of)),
            3 => self.two(&of, live),
            4 => Some(self.kink(&of)),
            5 => Some(self.maximum(&of, live)),
            6 => Some(self.pair(&of)),
            7 => self.concat(&of, live),
            8 => self.gather_or_slice(&of),
            9 => Some(self.smooth(&of)),
            10 => Some(self.unsqueeze(&of)),
            11 => self.mat_mul(&of),
            12 => self.spelled(&of),
            _ => self.choice(&of, live),
        }
    }

    /// One operator applied to the newest value, or to any; nothing where it does not fit.
    fn step(&mut self, live: &[Live]) -> Option<Live> {
        let any = self.random.below(live.len());
        let of = if self.random.one_in(4) { &live[any] } else { live.last()? }.clone();
        if of.shape.len() > 1 && self.random.one_in(3) {
            return if self.random.one_in(5) { self.channels_last(&of) } else { self.windows(&of) };
        }
        match self.random.below(39) {
            0..=2 => self.gemm(&of, live),
            3 => self.mat_mul(&of),
            4 => self.batch_norm(&of),
            5..=8 => Some(self.with_constant(&of)),
            9 => self.two(&of, live),
            10 | 11 => Some(self.kink(&of)),
            12 => Some(self.maximum(&of, live)),
            13 => Some(self.pair(&of)),
            14 => self.concat(&of, live),
            15 => self.flatten(&of),
            16 | 17 => Some(self.reshape(&of)),
            18 => self.squeeze(&of),
            19 => Some(self.unsqueeze(&of)),
            20 if !self.plain => self.gather_or_slice(&of),
            21 if !self.plain => self.expand(&of),
            22 if !self.plain => Some(self.transpose(&of)),
            23 if !self.plain => Some(self.per_sample(&of)),
            24 if !self.plain => Some(self.widest(&of)),
            25 => self.squeeze_all(&of),
            26..=29 => self.choice(&of, live),
            30 | 31 => Some(self.smooth(&of)),
            32 | 33 => self.rearranged(&of),
            34 if self.float == FLOAT => self.pipeline(&of),
            35..=37 => self.spelled(&of),
            _ => Some(self.same(&of)),
        }
    }

    /// The other one of float32 and float64.
    fn other_float(&self) -> i64 {
        if self.float == FLOAT { DOUBLE } else { FLOAT }
    }

    /// Adds a node, with or without a name and a doc string.
    fn push(&mut self, operator: &str, inputs: &[&str], attributes: Vec<Message>, shape: Vec<usize>) -> Live {
        let name = self.emit(operator, inputs, attributes);
        Live { name, shape }
    }

    fn emit(&mut self, operator: &str, inputs: &[&str], attributes: Vec<Message>) -> String {
        let output = self.name("v");
        let label = if self.random.one_in(2) { format!("n{output}") } else { String::new() };
        let mut message = node(operator, inputs, &[&output], &label, attributes);
        if self.random.one_in(16) {
            message.push(text(6, "what this node does"));
        }
        if self.random.one_in(16) {
            message.push(text(7, if self.random.one_in(2) { "" } else { "ai.onnx" }));
        }
        self.nodes.push(message);
        self.mark(format!("op {operator}"));
        output
    }

    fn file(&mut self, output: &Live) -> Message {
        let mut graph: Message =
            std::mem::take(&mut self.nodes).into_iter().map(|n| message(1, Kind::Node, n)).collect();
        graph.push(text(2, "graph"));
        let constants = std::mem::take(&mut self.initializers);
        graph.extend(constants.into_iter().map(|t| message(5, Kind::Tensor, t)));
        let shape = self.input_shape.clone();
        let dims = self.dims(&shape);
        graph.push(message(11, Kind::ValueInfo, value_info("x", self.float, Some(&dims))));
        let listed = std::mem::take(&mut self.inputs);
        graph.extend(listed.into_iter().map(|info| message(11, Kind::ValueInfo, info)));
        let dims = self.dims(&output.shape);
        let dims = if self.random.one_in(8) { None } else { Some(&dims[..]) };
        let scores = self.maps.take().unwrap_or_else(|| value_info(&output.name, self.float, dims));
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.insert(self.random.below(outputs.len() + 1), scores);
        graph.extend(outputs.into_iter().map(|info| message(12, Kind::ValueInfo, info)));
        let mut model = vec![integer(1, self.ir)];
        if self.random.one_in(2) {
            model.push(text(2, "producer"));
        }
        model.push(message(7, Kind::Graph, graph));
        let domain = if self.random.one_in(8) { "ai.onnx" } else { "" };
        let version = message(8, Kind::Opset, opset(domain, self.opset));
        if self.random.one_in(16) {
            model.push(message(8, Kind::Opset, opset("com.example", 1)));
        }
        model.push(version);
        if self.marks.iter().any(|mark| ML.contains(&mark.trim_start_matches("op "))) || self.random.one_in(16) {
            model.push(message(8, Kind::Opset, opset("ai.onnx.ml", self.random.between(1, 3))));
        }
        model
    }

    fn dims(&mut self, shape: &[usize]) -> Vec<Dim> {
        let batch =
            self.batch.map_or_else(|| self.random.pick(&[Dim::Name("N"), Dim::Name("batch"), Dim::Open]), Dim::Size);
        std::iter::once(batch).take(self.lead).chain(shape.iter().map(|&d| Dim::Size(d as i64))).collect()
    }
}
