//! The protobuf messages of an ONNX file that the kernel understands, field by field, and the test that a file has no
//! others. Readers of protobuf differ where a writer is not canonical (a field given twice, a key or a number that is
//! too wide, a field of another type), so all of that is refused before anything is read.

use crate::onnx::protobuf::{Wire, fields};
use crate::rejection::{Code, Rejection};

/// One field of a message.
struct Field(u64, &'static str, Times, Kind);

/// How often a field may stand in its message.
#[derive(Clone, Copy, PartialEq)]
enum Times {
    Once,
    Any,
}

/// What a field holds.
enum Kind {
    Integer,
    /// An integer of 32 bits, sign-extended.
    Integer32,
    Float,
    Integers,
    Integers32,
    Floats,
    Doubles,
    Text,
    Bytes,
    Message(&'static Message),
}

use self::Kind::{Bytes, Doubles, Float, Floats, Integer, Integer32, Integers, Integers32, Text};
use self::Times::{Any, Once};

struct Message {
    name: &'static str,
    fields: &'static [Field],
}

/// The whole file. `doc_string`, `metadata_props`, `denotation`, names of graphs, and the producer, domain and version of
/// a model have no meaning; they are listed here and read nowhere else. Missing on purpose: training, functions, devices,
/// sparse constants, quantisation, graphs in attributes, sequences and maps of anything but a ZipMap.
static MODEL: Message = Message {
    name: "ModelProto",
    fields: &[
        Field(1, "ir_version", Once, Integer),
        Field(2, "producer_name", Once, Text),
        Field(3, "producer_version", Once, Text),
        Field(4, "domain", Once, Text),
        Field(5, "model_version", Once, Integer),
        Field(6, "doc_string", Once, Text),
        Field(7, "graph", Once, Kind::Message(&GRAPH)),
        Field(8, "opset_import", Any, Kind::Message(&OPSET)),
        Field(14, "metadata_props", Any, Kind::Message(&ENTRY)),
    ],
};

static OPSET: Message = Message {
    name: "OperatorSetIdProto",
    fields: &[Field(1, "domain", Once, Text), Field(2, "version", Once, Integer)],
};

static ENTRY: Message =
    Message { name: "StringStringEntryProto", fields: &[Field(1, "key", Once, Text), Field(2, "value", Once, Text)] };

static GRAPH: Message = Message {
    name: "GraphProto",
    fields: &[
        Field(1, "node", Any, Kind::Message(&NODE)),
        Field(2, "name", Once, Text),
        Field(5, "initializer", Any, Kind::Message(&TENSOR)),
        Field(10, "doc_string", Once, Text),
        Field(11, "input", Any, Kind::Message(&VALUE)),
        Field(12, "output", Any, Kind::Message(&VALUE)),
        Field(13, "value_info", Any, Kind::Message(&VALUE)),
        Field(16, "metadata_props", Any, Kind::Message(&ENTRY)),
    ],
};

static NODE: Message = Message {
    name: "NodeProto",
    fields: &[
        Field(1, "input", Any, Text),
        Field(2, "output", Any, Text),
        Field(3, "name", Once, Text),
        Field(4, "op_type", Once, Text),
        Field(5, "attribute", Any, Kind::Message(&ATTRIBUTE)),
        Field(6, "doc_string", Once, Text),
        Field(7, "domain", Once, Text),
        Field(8, "overload", Once, Text),
        Field(9, "metadata_props", Any, Kind::Message(&ENTRY)),
    ],
};

static ATTRIBUTE: Message = Message {
    name: "AttributeProto",
    fields: &[
        Field(1, "name", Once, Text),
        Field(2, "f", Once, Float),
        Field(3, "i", Once, Integer),
        Field(4, "s", Once, Bytes),
        Field(5, "t", Once, Kind::Message(&TENSOR)),
        Field(7, "floats", Any, Floats),
        Field(8, "ints", Any, Integers),
        Field(9, "strings", Any, Bytes),
        Field(13, "doc_string", Once, Text),
        Field(20, "type", Once, Integer32),
        Field(21, "ref_attr_name", Once, Text),
    ],
};

static TENSOR: Message = Message {
    name: "TensorProto",
    fields: &[
        Field(1, "dims", Any, Integers),
        Field(2, "data_type", Once, Integer32),
        Field(4, "float_data", Any, Floats),
        Field(5, "int32_data", Any, Integers32),
        Field(6, "string_data", Any, Bytes),
        Field(7, "int64_data", Any, Integers),
        Field(8, "name", Once, Text),
        Field(9, "raw_data", Once, Bytes),
        Field(10, "double_data", Any, Doubles),
        Field(12, "doc_string", Once, Text),
        Field(13, "external_data", Any, Kind::Message(&ENTRY)),
        Field(14, "data_location", Once, Integer32),
        Field(16, "metadata_props", Any, Kind::Message(&ENTRY)),
    ],
};

static VALUE: Message = Message {
    name: "ValueInfoProto",
    fields: &[
        Field(1, "name", Once, Text),
        Field(2, "type", Once, Kind::Message(&TYPE)),
        Field(3, "doc_string", Once, Text),
        Field(4, "metadata_props", Any, Kind::Message(&ENTRY)),
    ],
};

static TYPE: Message = Message {
    name: "TypeProto",
    fields: &[
        Field(1, "tensor_type", Once, Kind::Message(&TENSOR_TYPE)),
        Field(4, "sequence_type", Once, Kind::Message(&SEQUENCE)),
        Field(6, "denotation", Once, Text),
    ],
};

/// What a ZipMap gives: a map for every sample.
static SEQUENCE: Message =
    Message { name: "TypeProto.Sequence", fields: &[Field(1, "elem_type", Once, Kind::Message(&ELEMENT))] };

static ELEMENT: Message = Message {
    name: "TypeProto",
    fields: &[Field(5, "map_type", Once, Kind::Message(&MAP)), Field(6, "denotation", Once, Text)],
};

static MAP: Message = Message {
    name: "TypeProto.Map",
    fields: &[Field(1, "key_type", Once, Integer32), Field(2, "value_type", Once, Kind::Message(&PLAIN))],
};

static PLAIN: Message = Message {
    name: "TypeProto",
    fields: &[Field(1, "tensor_type", Once, Kind::Message(&TENSOR_TYPE)), Field(6, "denotation", Once, Text)],
};

static TENSOR_TYPE: Message = Message {
    name: "TypeProto.Tensor",
    fields: &[Field(1, "elem_type", Once, Integer32), Field(2, "shape", Once, Kind::Message(&SHAPE))],
};

static SHAPE: Message =
    Message { name: "TensorShapeProto", fields: &[Field(1, "dim", Any, Kind::Message(&DIMENSION))] };

static DIMENSION: Message = Message {
    name: "TensorShapeProto.Dimension",
    fields: &[
        Field(1, "dim_value", Once, Integer),
        Field(2, "dim_param", Once, Text),
        Field(3, "denotation", Once, Text),
    ],
};

/// Tests that the bytes are a ModelProto of the fields above, each of its own type and width, and the singular ones given
/// once.
pub fn check(bytes: &[u8]) -> Result<(), Rejection> {
    check_message(bytes, &MODEL)
}

fn check_message(bytes: &[u8], message: &Message) -> Result<(), Rejection> {
    let mut seen = 0_u64;
    for field in fields(bytes) {
        let (number, wire) = field?;
        let Some(Field(_, name, times, kind)) = message.fields.iter().find(|field| field.0 == number) else {
            let expected = "a field that the kernel understands";
            return Err(Rejection::new(Code::Unsupported, message.name, expected, format!("field {number}")));
        };
        let place = || format!("{}.{name}", message.name);
        // The numbers above are below 64.
        if *times == Once && seen >> number & 1 == 1 {
            return Err(Rejection::new(Code::MalformedModel, place(), "a singular field once", "twice"));
        }
        seen |= 1 << number;
        check_kind(wire, kind, &place)?;
    }
    Ok(())
}

fn check_kind(wire: Wire, kind: &Kind, place: &dyn Fn() -> String) -> Result<(), Rejection> {
    match kind {
        Kind::Integer => wire.integer().map(drop),
        Kind::Float => wire.word().map(drop),
        Kind::Integers => wire.integers(&mut Vec::new()),
        Kind::Floats => wire.words(&mut Vec::new()),
        Kind::Doubles => wire.double_words(&mut Vec::new()),
        Kind::Text => wire.text().map(drop),
        Kind::Bytes => wire.bytes().map(drop),
        Kind::Message(message) => check_message(wire.bytes()?, message),
        Kind::Integer32 => narrow(&[wire.integer()?], place),
        Kind::Integers32 => {
            let mut all = Vec::new();
            wire.integers(&mut all)?;
            narrow(&all, place)
        }
    }
}

fn narrow(values: &[i64], place: &dyn Fn() -> String) -> Result<(), Rejection> {
    match values.iter().find(|value| i32::try_from(**value).is_err()) {
        None => Ok(()),
        Some(wide) => Err(Rejection::new(Code::MalformedModel, place(), "integers of 32 bits", wide.to_string())),
    }
}
