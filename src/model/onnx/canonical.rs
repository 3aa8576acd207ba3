//! Whether the bytes of a file are a canonical ModelProto of the fields that are read: every field known and of its own
//! wire type, singular ones given once, integers in their shortest form and no wider than their type. Decoders of protobuf
//! differ in what they make of anything else (they merge, skip, wrap around, or take the last), so it is refused before
//! decoding.

use std::fmt;

use Holds::{Bytes, Doubles, Float, Floats, Int32, Int32s, Int64, Int64s, Text};

/// What a field holds; the plural is a repeated field of numbers, packed or not.
#[derive(Clone, Copy)]
enum Holds {
    Int32,
    Int64,
    Float,
    Text,
    Bytes,
    Int32s,
    Int64s,
    Floats,
    Doubles,
    One(Proto),
    /// Any number of messages.
    Many(Proto),
    /// Any number of texts.
    Texts,
    /// Any number of texts of constants and attributes, which need not be UTF-8.
    Blocks,
}

#[derive(Clone, Copy, Debug)]
enum Proto {
    Model,
    OperatorSetId,
    Entry,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    /// What a ZipMap gives: of maps, whose values are plain.
    Sequence,
    Element,
    Map,
    Plain,
    TensorType,
    Shape,
    Dimension,
}

impl Proto {
    /// The name of a field and what it holds, if the field is known. Fields without meaning are listed with the others:
    /// doc strings, metadata, denotations, names of graphs, a model's producer, domain and version. Not known on purpose:
    /// functions, training, devices, segments, sparse constants, quantisation, subgraphs, sequences and maps of
    /// anything but a ZipMap.
    fn field(self, number: u32) -> Option<(&'static str, Holds)> {
        use Holds::{Many, One, Texts};
        Some(match (self, number) {
            (Proto::Model, 1) => ("ir_version", Int64),
            (Proto::Model, 2) => ("producer_name", Text),
            (Proto::Model, 3) => ("producer_version", Text),
            (Proto::Model, 4) => ("domain", Text),
            (Proto::Model, 5) => ("model_version", Int64),
            (Proto::Model, 6) => ("doc_string", Text),
            (Proto::Model, 7) => ("graph", One(Proto::Graph)),
            (Proto::Model, 8) => ("opset_import", Many(Proto::OperatorSetId)),
            (Proto::Model, 14) => ("metadata_props", Many(Proto::Entry)),
            (Proto::OperatorSetId, 1) => ("domain", Text),
            (Proto::OperatorSetId, 2) => ("version", Int64),
            (Proto::Entry, 1) => ("key", Text),
            (Proto::Entry, 2) => ("value", Text),
            (Proto::Graph, 1) => ("node", Many(Proto::Node)),
            (Proto::Graph, 2) => ("name", Text),
            (Proto::Graph, 5) => ("initializer", Many(Proto::Tensor)),
            (Proto::Graph, 10) => ("doc_string", Text),
            (Proto::Graph, 11) => ("input", Many(Proto::ValueInfo)),
            (Proto::Graph, 12) => ("output", Many(Proto::ValueInfo)),
            (Proto::Graph, 13) => ("value_info", Many(Proto::ValueInfo)),
            (Proto::Graph, 16) => ("metadata_props", Many(Proto::Entry)),
            (Proto::Node, 1) => ("input", Texts),
            (Proto::Node, 2) => ("output", Texts),
            (Proto::Node, 3) => ("name", Text),
            (Proto::Node, 4) => ("op_type", Text),
            (Proto::Node, 5) => ("attribute", Many(Proto::Attribute)),
            (Proto::Node, 6) => ("doc_string", Text),
            (Proto::Node, 7) => ("domain", Text),
            (Proto::Node, 8) => ("overload", Text),
            (Proto::Node, 9) => ("metadata_props", Many(Proto::Entry)),
            (Proto::Attribute, 1) => ("name", Text),
            (Proto::Attribute, 2) => ("f", Float),
            (Proto::Attribute, 3) => ("i", Int64),
            (Proto::Attribute, 4) => ("s", Bytes),
            (Proto::Attribute, 5) => ("t", One(Proto::Tensor)),
            (Proto::Attribute, 7) => ("floats", Floats),
            (Proto::Attribute, 8) => ("ints", Int64s),
            (Proto::Attribute, 9) => ("strings", Holds::Blocks),
            (Proto::Attribute, 13) => ("doc_string", Text),
            (Proto::Attribute, 20) => ("type", Int32),
            (Proto::Attribute, 21) => ("ref_attr_name", Text),
            (Proto::Tensor, 1) => ("dims", Int64s),
            (Proto::Tensor, 2) => ("data_type", Int32),
            (Proto::Tensor, 4) => ("float_data", Floats),
            (Proto::Tensor, 5) => ("int32_data", Int32s),
            (Proto::Tensor, 6) => ("string_data", Holds::Blocks),
            (Proto::Tensor, 7) => ("int64_data", Int64s),
            (Proto::Tensor, 8) => ("name", Text),
            (Proto::Tensor, 9) => ("raw_data", Bytes),
            (Proto::Tensor, 10) => ("double_data", Doubles),
            (Proto::Tensor, 12) => ("doc_string", Text),
            (Proto::Tensor, 13) => ("external_data", Many(Proto::Entry)),
            (Proto::Tensor, 14) => ("data_location", Int32),
            (Proto::Tensor, 16) => ("metadata_props", Many(Proto::Entry)),
            (Proto::ValueInfo, 1) => ("name", Text),
            (Proto::ValueInfo, 2) => ("type", One(Proto::Type)),
            (Proto::ValueInfo, 3) => ("doc_string", Text),
            (Proto::ValueInfo, 4) => ("metadata_props", Many(Proto::Entry)),
            (Proto::Type, 1) => ("tensor_type", One(Proto::TensorType)),
            (Proto::Type, 4) => ("sequence_type", One(Proto::Sequence)),
            (Proto::Type, 6) => ("denotation", Text),
            (Proto::Sequence, 1) => ("elem_type", One(Proto::Element)),
            (Proto::Element, 5) => ("map_type", One(Proto::Map)),
            (Proto::Element, 6) => ("denotation", Text),
            (Proto::Map, 1) => ("key_type", Int32),
            (Proto::Map, 2) => ("value_type", One(Proto::Plain)),
            (Proto::Plain, 1) => ("tensor_type", One(Proto::TensorType)),
            (Proto::Plain, 6) => ("denotation", Text),
            (Proto::TensorType, 1) => ("elem_type", Int32),
            (Proto::TensorType, 2) => ("shape", One(Proto::Shape)),
            (Proto::Shape, 1) => ("dim", Many(Proto::Dimension)),
            (Proto::Dimension, 1) => ("dim_value", Int64),
            (Proto::Dimension, 2) => ("dim_param", Text),
            (Proto::Dimension, 3) => ("denotation", Text),
            _ => return None,
        })
    }
}

/// What is not canonical: where, and what.
struct Fault(String);

/// What to do about the graphs in attributes that control flow has.
const GRAPHS: &str = "a node has a graph of its own (If, Loop, Scan, SequenceMap), which is not supported: export a model \
                      without control flow; exporters write it for torch.hstack, vstack, column_stack and tile too, in whose \
                      place torch.cat and repeat do";

impl Fault {
    fn at(proto: Proto, name: &str, what: impl fmt::Display) -> Self {
        Fault(format!("{proto:?}: `{name}` {what}"))
    }
}

/// Tests the bytes of a model.
///
/// # Errors
/// The message and field, and what is wrong with it.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    message(bytes, Proto::Model).map_err(|fault| fault.0)
}

fn message(mut bytes: &[u8], proto: Proto) -> Result<(), Fault> {
    let broken = || Fault(format!("{proto:?}: no well-formed protobuf message"));
    let mut given: u64 = 0;
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(broken)?;
        let number = u32::try_from(key >> 3).ok().filter(|_| u32::try_from(key).is_ok()).ok_or_else(broken)?;
        let Some((name, holds)) = proto.field(number) else {
            if matches!((proto, number), (Proto::Attribute, 6 | 11)) {
                return Err(Fault(GRAPHS.into()));
            }
            return Err(Fault(format!("{proto:?}: field {number} is not supported")));
        };
        let wire = take(&mut bytes, key & 7).ok_or_else(broken)?;
        // Known numbers are below 64.
        let again = given >> number & 1 == 1;
        given |= 1 << number;
        if again && holds.is_singular() {
            return Err(Fault::at(proto, name, "is given twice"));
        }
        holds.check(wire).ok_or_else(|| Fault::at(proto, name, "does not hold what its type says"))?;
        if let (Holds::One(inner) | Holds::Many(inner), Wire::Block(block)) = (holds, wire) {
            message(block, inner)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Four,
    Eight,
    Block(&'a [u8]),
}

impl Holds {
    fn is_singular(self) -> bool {
        matches!(self, Int32 | Int64 | Float | Text | Bytes | Holds::One(_))
    }

    /// Whether the wire carries that.
    fn check(self, wire: Wire) -> Option<()> {
        let fits = match (self, wire) {
            (Int64 | Int64s, Wire::Varint(_)) | (Float | Floats, Wire::Four) | (Doubles, Wire::Eight) => true,
            (Int32 | Int32s, Wire::Varint(value)) => narrow(value),
            (Int64s, Wire::Block(block)) => varints(block, |_| true),
            (Int32s, Wire::Block(block)) => varints(block, narrow),
            (Floats, Wire::Block(block)) => block.len().is_multiple_of(4),
            (Doubles, Wire::Block(block)) => block.len().is_multiple_of(8),
            (Text | Holds::Texts, Wire::Block(block)) => std::str::from_utf8(block).is_ok(),
            (Bytes | Holds::Blocks | Holds::One(_) | Holds::Many(_), Wire::Block(_)) => true,
            _ => false,
        };
        fits.then_some(())
    }
}

/// Whether a sign-extended integer has 32 bits.
fn narrow(value: u64) -> bool {
    i32::try_from(value.cast_signed()).is_ok()
}

fn varints(mut block: &[u8], fits: impl Fn(u64) -> bool) -> bool {
    while !block.is_empty() {
        match varint(&mut block) {
            Some(value) if fits(value) => {}
            _ => return false,
        }
    }
    true
}

fn take<'a>(bytes: &mut &'a [u8], kind: u64) -> Option<Wire<'a>> {
    match kind {
        0 => varint(bytes).map(Wire::Varint),
        1 => bytes.split_off(..8).map(|_| Wire::Eight),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            bytes.split_off(..length).map(Wire::Block)
        }
        5 => bytes.split_off(..4).map(|_| Wire::Four),
        _ => None,
    }
}

/// An integer of at most 64 bits, in its shortest form.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let digits = bytes.split_off(..length)?;
    let (last, wide) = (digits[length - 1], length == 10);
    if (length > 1 && last == 0) || (wide && last > 1) {
        return None;
    }
    Some(digits.iter().rev().fold(0, |value, digit| value << 7 | u64::from(digit & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::check;

    fn refused(bytes: &[u8], words: &str) {
        let fault = check(bytes).unwrap_err();
        assert!(fault.contains(words), "{fault}");
    }

    #[test]
    fn canonical_bytes_pass() {
        check(&[]).unwrap();
        check(&[0x08, 8, 0x42, 2, 0x10, 17, 0x42, 0]).unwrap();
    }

    #[test]
    fn what_decoders_read_differently_is_refused() {
        refused(&[0x08, 8, 0x08, 8], "`ir_version` is given twice");
        refused(&[0x3a, 0, 0x3a, 0], "`graph` is given twice");
        refused(&[0x08, 0x88, 0x00], "no well-formed");
        refused(&[0x88, 0x80, 0x80, 0x80, 0x10, 8], "no well-formed");
        refused(&[0xca, 0x01, 0], "field 25 is not supported");
        refused(&[0x0d, 0, 0, 0, 0], "`ir_version` does not hold");
        // graph { initializer { int32_data: 2^32 } }
        refused(&[0x3a, 8, 0x2a, 6, 0x28, 0x80, 0x80, 0x80, 0x80, 0x10], "`int32_data` does not hold");
        refused(&[0x12, 1, 0xff], "`producer_name` does not hold");
        refused(&[0x12, 2, 0x61], "no well-formed");
    }
}
