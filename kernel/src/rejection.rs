//! Why something is refused: one stable code, the place, what was expected and what was found.

use std::fmt;

/// A refusal. The code never changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub code: Code,
    /// Where: a file's part, a key, a node and entry.
    pub place: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Rejection {
    pub(crate) fn new(
        code: Code,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Rejection {
        Rejection { code, place: place.into(), expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: expected {}, found {}", self.code, self.place, self.expected, self.found)
    }
}

impl std::error::Error for Rejection {}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// The stable codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All codes, in the order of this file.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// As it is printed and stored.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// The model file is no well-formed ONNX protobuf, or its graph is not one (cycle, missing name, wrong attribute).
    MalformedModel = "malformed-model",
    /// The model uses something that the kernel does not read.
    Unsupported = "unsupported",
    /// Numbers of the model in another file that cannot be had: outside of the model's folder, not there, or too few.
    ExternalData = "external-data",
    /// The sizes of a node's operands do not fit each other.
    ShapeMismatch = "shape-mismatch",
    /// A NaN or infinite weight, input or witness coordinate.
    NotFinite = "not-finite",
    /// A negative weight multiplies a nonlinear node that is no function of a single coordinate.
    NotConvex = "not-convex",
    /// A budget of FORMAT.md is exceeded.
    TooLarge = "too-large",
    /// The inputs file is no well-formed .npy file of float32, or of uint8 whose meaning is clear.
    MalformedInputs = "malformed-inputs",
    /// The inputs do not have the shape, or the number of coordinates, of the model's input.
    InputSize = "input-size",
    /// The line is no JSON object of the format (syntax, unknown or repeated key, wrong type).
    MalformedCertificate = "malformed-certificate",
    /// Another version of the format.
    Version = "version",
    /// A number is not written as the format says, or negative where it must not be.
    Number = "number",
    /// A number is no dyadic rational.
    NotDyadic = "not-dyadic",
    /// Neither a radius nor an upper bound is claimed, or evidence without a claim, or a claim without evidence.
    Incomplete = "incomplete",
    /// The inputs file has no input with this index.
    NoSuchInput = "no-such-input",
    /// The certificate speaks of another class than the checker's user.
    ClassMismatch = "class-mismatch",
    /// The certificate speaks of another output or threshold than the checker's user.
    LogitMismatch = "logit-mismatch",
    /// The evidence is not about as many heads as the model has.
    Heads = "heads",
    /// The weights file is no vector of numbers > 0, one per coordinate, in the shape of the model's input.
    MalformedWeights = "malformed-weights",
    /// The certificate speaks of a weighted norm and the checker's user of none, or the other way round.
    WeightsMismatch = "weights-mismatch",
    /// The certificate reads bytes in another way than the checker's user.
    Uint8Mismatch = "uint8-mismatch",
    /// No norm of the format.
    Norm = "norm",
    /// The kernel does not replay this kind of evidence for this norm.
    NormUnsupported = "norm-unsupported",
    /// The box file is no array of pairs of numbers, one per coordinate, in the shape of the model's input.
    MalformedBox = "malformed-box",
    /// The certificate speaks of the box of another file than the checker's user, or of one where they name none, or the
    /// other way round.
    BoxMismatch = "box-mismatch",
    /// The box is empty.
    EmptyBox = "empty-box",
    /// The input does not lie in the box.
    OutsideBox = "outside-box",
    /// Slopes are given for something that is no nonlinear node of the graph.
    UnknownNode = "unknown-node",
    /// Slopes are given twice for one node.
    RepeatedNode = "repeated-node",
    /// The number of bits is none of the format's.
    Bits = "bits",
    /// Not canonical base64, or unused bits that are set.
    Encoding = "encoding",
    /// Too many or too few codes or coordinates.
    Length = "length",
    /// The weights of a maximum do not sum to 1.
    WeightSum = "weight-sum",
    /// A nonlinear node has no slopes, and is no function of a single coordinate.
    SlopesMissing = "slopes-missing",
    /// The nodes of a tree are too many or too few for one tree, or none.
    Tree = "tree",
    /// A split is of a coordinate that the input does not have.
    NoSuchCoordinate = "no-such-coordinate",
    /// A unit's coefficient is negative, so that a line below it is no lower bound.
    NegativeCoefficient = "negative-coefficient",
    /// The norm needs a multiplier here.
    MultiplierMissing = "multiplier-missing",
    /// The minorant's minimum over the ball is not positive: the evidence does not prove the radius.
    NotProven = "not-proven",
    /// The witness has f > 0.
    WitnessPositive = "witness-positive",
    /// The witness is further away than the statement says.
    WitnessTooFar = "witness-too-far",
    /// The witness changes a coordinate that the attacker cannot change.
    WitnessFixed = "witness-fixed",
    /// The witness is outside the box.
    WitnessOutsideBox = "witness-outside-box",
    /// A point of the other class lies above the hyperplane.
    WrongSide = "wrong-side",
    /// The mean of the other points is not the sensitive point.
    NotInside = "not-inside",
    /// The certificate is about other files of points.
    DataMismatch = "data-mismatch",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
