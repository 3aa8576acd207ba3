//! A model's file without its large constants: they are read straight into words, so that nobody holds the file and the
//! weights at once. What is left is a ModelProto in which their raw data is empty.

use std::io::{self, Read};

/// Raw data of so many bytes is left out, where it is whole words.
const LARGE: u64 = 1 << 16;

/// The keys of the fields on the way to raw data, each of its own wire type.
const GRAPH: u64 = 7 << 3 | 2;
const INITIALIZER: u64 = 5 << 3 | 2;
const RAW_DATA: u64 = 9 << 3 | 2;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The file without `words`.
    pub bytes: Vec<u8>,
    /// For an initialiser by its place among all: the little-endian words of its raw data.
    pub words: Vec<(usize, Vec<u32>)>,
}

#[derive(Clone, Copy, Debug)]
enum Message {
    Model,
    Graph,
    Tensor,
}

impl Outline {
    /// Reads to the end.
    ///
    /// # Errors
    /// Of the kind `InvalidData` where that is no message; else what the system says.
    pub fn read(mut source: impl Read) -> io::Result<Outline> {
        let mut scan = Scan { words: Vec::new(), initializers: 0 };
        let bytes = scan.message(&mut source, Message::Model)?;
        Ok(Outline { bytes, words: scan.words })
    }
}

struct Scan {
    words: Vec<(usize, Vec<u32>)>,
    initializers: usize,
}

impl Scan {
    fn message(&mut self, source: &mut dyn Read, message: Message) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while let Some(key) = varint(source, &mut out)? {
            let width = match key & 7 {
                0 => {
                    varint(source, &mut out)?.ok_or_else(broken)?;
                    continue;
                }
                1 => 8,
                2 => {
                    let block = self.block(source, message, key)?;
                    put_varint(&mut out, block.len() as u64);
                    out.extend(block);
                    continue;
                }
                5 => 4,
                _ => return Err(broken()),
            };
            out.extend(exactly(source, width)?);
        }
        Ok(out)
    }

    /// What is kept of a block.
    fn block(&mut self, source: &mut dyn Read, message: Message, key: u64) -> io::Result<Vec<u8>> {
        let length = varint(source, &mut Vec::new())?.ok_or_else(broken)?;
        let inner = match (message, key) {
            (Message::Model, GRAPH) => Message::Graph,
            (Message::Graph, INITIALIZER) => {
                self.initializers += 1;
                Message::Tensor
            }
            (Message::Tensor, RAW_DATA) if length >= LARGE && length.is_multiple_of(4) => {
                self.words.push((self.initializers - 1, words(source, length)?));
                return Ok(Vec::new());
            }
            _ => return exactly(source, length),
        };
        let mut own = source.take(length);
        let kept = self.message(&mut own, inner)?;
        if own.limit() == 0 { Ok(kept) } else { Err(broken()) }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no well-formed protobuf message")
}

/// Memory is taken for what is there, not for what a length says.
fn exactly(source: &mut dyn Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(broken()) }
}

fn words(source: &mut dyn Read, length: u64) -> io::Result<Vec<u32>> {
    let (mut words, mut left) = (Vec::new(), length);
    while left > 0 {
        let bytes = exactly(source, left.min(LARGE))?;
        words.extend(bytes.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)));
        left -= bytes.len() as u64;
    }
    words.shrink_to_fit();
    Ok(words)
}

/// An integer in its shortest form, which is appended to `out`; nothing at the end of the message.
fn varint(source: &mut dyn Read, out: &mut Vec<u8>) -> io::Result<Option<u64>> {
    let (mut value, mut byte) = (0, [0]);
    for i in 0..10 {
        if source.read(&mut byte)? == 0 {
            return if i == 0 { Ok(None) } else { Err(broken()) };
        }
        let digit = byte[0] & 0x7f;
        out.push(byte[0]);
        value |= u64::from(digit) << (7 * i);
        if byte[0] == digit {
            let shortest = (digit > 0 || i == 0) && (i < 9 || digit == 1);
            return if shortest { Ok(Some(value)) } else { Err(broken()) };
        }
    }
    Err(broken())
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::decode;
    use crate::model::onnx::proto::{FLOAT, GraphProto, ModelProto, TensorProto};
    use prost::Message as _;
    use prost::bytes::Bytes;

    fn tensor(name: &str, raw: Vec<u8>) -> TensorProto {
        let dims = vec![raw.len() as i64 / 4];
        TensorProto {
            name: Some(name.into()),
            data_type: Some(FLOAT),
            dims,
            raw_data: Some(Bytes::from(raw)),
            ..TensorProto::default()
        }
    }

    fn model(initializer: Vec<TensorProto>) -> ModelProto {
        ModelProto {
            ir_version: Some(8),
            graph: Some(GraphProto { initializer, ..GraphProto::default() }),
            ..ModelProto::default()
        }
    }

    fn ramp(size: usize) -> Vec<u8> {
        (0..size).map(|i| ((i * 7919) >> 3) as u8).collect()
    }

    #[test]
    fn only_large_whole_words_are_taken_out() {
        let large = LARGE as usize;
        for (size, taken) in
            [(0, false), (8, false), (large - 4, false), (large, true), (large + 2, false), (3 * large + 4, true)]
        {
            let mut whole = model(vec![tensor("a", ramp(12)), tensor("b", ramp(size)), tensor("c", ramp(4))]);
            let outline = Outline::read(&whole.encode_to_vec()[..]).unwrap();
            let word = |chunk: &[u8]| u32::from_le_bytes(chunk.try_into().unwrap());
            let words: Vec<u32> = ramp(size).chunks_exact(4).map(word).collect();
            assert_eq!(outline.words, if taken { vec![(1, words)] } else { Vec::new() });
            if taken {
                whole.graph.as_mut().unwrap().initializer[1].raw_data = Some(Bytes::new());
            }
            assert_eq!(outline.bytes, whole.encode_to_vec());
        }
    }

    #[test]
    fn what_ends_early_or_late_is_refused() {
        let bytes = model(vec![tensor("a", ramp(12)), tensor("b", ramp(LARGE as usize))]).encode_to_vec();
        let refused =
            |bytes: &[u8]| Outline::read(bytes).is_err_and(|error| error.kind() == io::ErrorKind::InvalidData);
        let ends = (3..60).chain((60..bytes.len()).step_by(997)).chain([bytes.len() - 1]);
        assert!(ends.into_iter().all(|end| refused(&bytes[..end])));
        // The graph's length, one more and one less.
        let length = bytes[3..].iter().position(|byte| byte & 0x80 == 0).unwrap();
        for change in [1_u8, 255] {
            let mut odd = bytes.clone();
            odd[3] = odd[3] & 0x80 | odd[3].wrapping_add(change) & 0x7f;
            assert!(refused(&odd));
        }
        // The same length, written longer.
        let mut long = bytes.clone();
        long[3 + length] |= 0x80;
        long.insert(4 + length, 0);
        assert!(refused(&long));
        assert!(refused(&[0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]));
    }

    #[test]
    fn large_data_is_no_way_round_what_is_refused() {
        let raw = |tensor: &TensorProto| tensor.encode_to_vec();
        let large = tensor("b", ramp(LARGE as usize));
        // Given twice: one tensor's fields behind those of another.
        let twice =
            [raw(&large), raw(&TensorProto { raw_data: large.raw_data.clone(), ..TensorProto::default() })].concat();
        let graph = [vec![0x2a], length(twice.len()), twice].concat();
        let file = [vec![0x08, 8, 0x3a], length(graph.len()), graph].concat();
        assert!(decode(&file).unwrap_err().to_string().contains("`raw_data` is given twice"));
    }

    fn length(value: usize) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, value as u64);
        out
    }
}
