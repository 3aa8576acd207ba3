//! Protocol buffers written field by field: any order, any key, any length of a variable-length integer.

/// A message.
pub type Message = Vec<Field>;

/// The message types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ModelProto.
    Model,
    /// OperatorSetIdProto.
    Opset,
    /// GraphProto.
    Graph,
    /// NodeProto.
    Node,
    /// AttributeProto.
    Attribute,
    /// TensorProto.
    Tensor,
    /// ValueInfoProto.
    ValueInfo,
    /// TypeProto.
    Type,
    /// TypeProto.Tensor.
    TensorType,
    /// TensorShapeProto.
    Shape,
    /// TensorShapeProto.Dimension.
    Dimension,
    /// StringStringEntryProto.
    Entry,
    /// FunctionProto.
    Function,
    /// TrainingInfoProto, SparseTensorProto and others that are not read further.
    Other,
}

/// One field as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Field number; with bits above the 29th if a mutation put them there.
    pub number: u64,
    /// Bytes that the key takes beyond the shortest form.
    pub padding: usize,
    /// The value.
    pub value: Value,
}

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Wire type 0, with the bytes beyond the shortest form.
    Integer(u64, usize),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 5.
    Fixed32(u32),
    /// Wire type 2.
    Bytes(Vec<u8>),
    /// Wire type 2, read further.
    Message(Kind, Message),
    /// Wire types 3 and 4 around fields.
    Group(Message),
    /// Bytes that stand in place of key and value.
    Raw(Vec<u8>),
}

/// A field of shortest form.
pub fn field(number: u64, value: Value) -> Field {
    Field { number, padding: 0, value }
}

/// An integer field.
pub fn integer(number: u64, value: i64) -> Field {
    field(number, Value::Integer(value as u64, 0))
}

/// A text field.
pub fn text(number: u64, value: &str) -> Field {
    field(number, Value::Bytes(value.as_bytes().to_vec()))
}

/// Packed integers.
pub fn packed(number: u64, values: &[i64]) -> Field {
    let mut bytes = Vec::new();
    values.iter().for_each(|&v| varint(&mut bytes, v as u64, 0));
    field(number, Value::Bytes(bytes))
}

/// The file.
pub fn write(message: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.iter().for_each(|field| put(&mut bytes, field));
    bytes
}

fn put(bytes: &mut Vec<u8>, field: &Field) {
    let key = |bytes: &mut Vec<u8>, wire: u64| varint(bytes, field.number << 3 | wire, field.padding);
    match &field.value {
        Value::Integer(value, padding) => {
            key(bytes, 0);
            varint(bytes, *value, *padding);
        }
        Value::Fixed64(value) => {
            key(bytes, 1);
            bytes.extend(value.to_le_bytes());
        }
        Value::Fixed32(value) => {
            key(bytes, 5);
            bytes.extend(value.to_le_bytes());
        }
        Value::Bytes(inside) => {
            key(bytes, 2);
            delimited(bytes, inside);
        }
        Value::Message(_, inside) => {
            key(bytes, 2);
            delimited(bytes, &write(inside));
        }
        Value::Group(inside) => {
            key(bytes, 3);
            bytes.extend(write(inside));
            key(bytes, 4);
        }
        Value::Raw(inside) => bytes.extend(inside),
    }
}

fn delimited(bytes: &mut Vec<u8>, inside: &[u8]) {
    varint(bytes, inside.len() as u64, 0);
    bytes.extend(inside);
}

/// A variable-length integer with `padding` bytes more than it needs.
pub fn varint(bytes: &mut Vec<u8>, mut value: u64, padding: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    for _ in 0..padding {
        *bytes.last_mut().expect("a byte") |= 0x80;
        bytes.push(0);
    }
}
