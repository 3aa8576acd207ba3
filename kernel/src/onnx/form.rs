//! The form of one operator: how many inputs and outputs, which attributes of which type since which version, and which
//! types of entries go together. Whatever a node has besides is refused.

use crate::onnx::attribute::Type;
use crate::onnx::call::{Call, Values};
use crate::onnx::kinds::Kinds;
use crate::onnx::ml::gives_label;
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};
use std::borrow::Cow;

/// The oldest version of the operators that is read.
pub const OLDEST: i64 = 7;
/// The newest one: the forms below were held against every version up to it.
pub const NEWEST: i64 = 28;

/// An attribute that a node may have.
#[derive(Clone, Copy)]
pub struct Allowed {
    name: &'static str,
    kind: Type,
    /// The first version of the operators that has it.
    since: i64,
    /// The input that it became, and the version that made it one.
    input: Option<(usize, i64)>,
}

impl Allowed {
    /// The same, from a version on.
    pub const fn since(self, since: i64) -> Allowed {
        Allowed { since, ..self }
    }

    /// The same, until a version made it an input.
    pub const fn input(self, k: usize, since: i64) -> Allowed {
        Allowed { input: Some((k, since)), ..self }
    }

    fn is_of(&self, opset: i64) -> bool {
        self.since <= opset && self.input.is_none_or(|(_, since)| opset < since)
    }

    /// As the table has it.
    fn text(&self) -> String {
        let since = if self.since > OLDEST { format!(", from opset {}", self.since) } else { String::new() };
        let input = self.input.map(|(k, since)| format!(", input {k} from opset {since}"));
        format!("`{}` ({}{since}{})", self.name, self.kind.text(), input.unwrap_or_default())
    }
}

/// What a node of one operator may look like.
pub struct Form {
    pub operator: &'static str,
    least: usize,
    most: usize,
    attributes: &'static [Allowed],
    kinds: Kinds,
    /// What is read of it, for people.
    note: &'static str,
    /// The first and the last version of the operators that has it so.
    pub versions: (i64, i64),
    /// Whether it is of the domain ai.onnx.ml.
    pub of_ml: bool,
}

impl Form {
    /// The same, of the domain ai.onnx.ml.
    pub const fn of_ml(self) -> Form {
        Form { of_ml: true, ..self }
    }

    /// The same, in some versions alone.
    pub const fn within(self, oldest: i64, newest: i64) -> Form {
        Form { versions: (oldest, newest), ..self }
    }

    /// The node as later versions write it: with attributes as the inputs that they became.
    pub fn newest<'c, 'a>(
        &self,
        call: &'c Call<'a>,
        values: &Values,
        opset: i64,
    ) -> Result<Cow<'c, Call<'a>>, Rejection> {
        let become_inputs = self.attributes.iter().filter(|allowed| allowed.is_of(opset));
        let become_inputs = become_inputs.filter_map(|allowed| Some((allowed.name, allowed.input?.0)));
        let Some((_, first)) = become_inputs.clone().next() else { return Ok(Cow::Borrowed(call)) };
        if call.arity() > first {
            let expected = format!("{first} inputs at most in version {opset}");
            return Err(call.refuse(Code::Unsupported, &expected, call.arity().to_string()));
        }
        let kind = call.kind(values)?.unwrap_or(Kind::Float32);
        let mut newest = call.clone();
        for (name, k) in become_inputs {
            newest.make_input(name, k, kind)?;
        }
        Ok(Cow::Owned(newest))
    }

    /// Tests a node, and says of which type its result is, where the operator does not leave that to the node.
    pub fn check(&self, call: &Call, values: &Values, opset: i64) -> Result<Option<Kind>, Rejection> {
        if call.arity() < self.least || call.arity() > self.most {
            let expected = format!("{} inputs or more, {} at most", self.least, self.most);
            return Err(call.refuse(Code::Unsupported, &expected, call.arity().to_string()));
        }
        for k in 0..self.least {
            call.input(k, values)?;
        }
        let outputs = match self.operator {
            "Split" => ANY,
            name if name == "Dropout" || gives_label(name) => 2,
            _ => 1,
        };
        let found = call.outputs().len();
        if found > outputs {
            return Err(call.refuse(Code::Unsupported, &format!("{outputs} outputs at most"), found.to_string()));
        }
        for (name, kind) in call.attributes() {
            match self.attributes.iter().find(|allowed| allowed.name == name && allowed.is_of(opset)) {
                Some(allowed) if allowed.kind == kind => {}
                Some(allowed) => {
                    let place = format!("`{}` as {}", name.escape_debug(), allowed.kind.text());
                    return Err(call.refuse(Code::MalformedModel, &place, kind.text()));
                }
                None => {
                    let found = format!("`{}` in version {opset}", name.escape_debug());
                    return Err(call.refuse(Code::Unsupported, "attributes that the kernel reads", found));
                }
            }
        }
        let kinds = call.kinds(values)?;
        if opset < 13 && kinds.contains(&Kind::Bfloat16) {
            let found = format!("bfloat16 in version {opset}");
            return Err(call.refuse(Code::Unsupported, "types that the operator has", found));
        }
        self.kinds.of_result(call, &kinds)
    }

    /// The row of the table: operator, inputs, attributes, types, what is read.
    pub fn row(&self) -> [String; 5] {
        let inputs = match (self.least, self.most) {
            (least, ANY) => format!("{least} or more"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let attributes = self.attributes.iter().map(Allowed::text).collect::<Vec<_>>().join(", ");
        let versions = match self.versions {
            _ if self.of_ml => " (ai.onnx.ml)".into(),
            (OLDEST, NEWEST) => String::new(),
            (OLDEST, newest) => format!(" (to opset {newest})"),
            (oldest, _) => format!(" (from opset {oldest})"),
        };
        let name = format!("{}{versions}", self.operator);
        [name, inputs, attributes, self.kinds.text().into(), self.note.into()]
    }
}

/// Attributes of a window that moves, beside others.
pub const WINDOW: [Allowed; 4] = [text("auto_pad"), ints("kernel_shape"), ints("pads"), ints("strides")];

/// Attributes of a reduction, whose axes are an input since this version.
pub const fn reduction(since: i64) -> [Allowed; 3] {
    [ints("axes").input(1, since), int("keepdims"), int("noop_with_empty_axes").since(since)]
}

/// An attribute of this type.
pub const fn of(name: &'static str, kind: Type) -> Allowed {
    Allowed { name, kind, since: OLDEST, input: None }
}

/// An attribute that is a float.
pub const fn float(name: &'static str) -> Allowed {
    of(name, Type::Float)
}

/// An attribute that is an integer.
pub const fn int(name: &'static str) -> Allowed {
    of(name, Type::Integer)
}

/// An attribute of integers.
pub const fn ints(name: &'static str) -> Allowed {
    of(name, Type::Integers)
}

/// An attribute of texts.
pub const fn texts(name: &'static str) -> Allowed {
    of(name, Type::Texts)
}

/// An attribute of floats.
pub const fn floats(name: &'static str) -> Allowed {
    of(name, Type::Floats)
}

/// An attribute that is a text.
pub const fn text(name: &'static str) -> Allowed {
    of(name, Type::Text)
}

pub const fn form(
    operator: &'static str,
    (least, most): (usize, usize),
    attributes: &'static [Allowed],
    kinds: Kinds,
    note: &'static str,
) -> Form {
    Form { operator, least, most, attributes, kinds, note, versions: (OLDEST, NEWEST), of_ml: false }
}

pub const ANY: usize = usize::MAX;
