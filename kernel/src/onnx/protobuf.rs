//! The wire format of protocol buffers: a message is a sequence of numbered fields.

use crate::rejection::{Code, Rejection};

/// A field's value.
#[derive(Clone, Copy, Debug)]
pub enum Wire<'a> {
    /// A variable-length integer.
    Integer(u64),
    /// Eight bytes, little-endian.
    Fixed64(u64),
    /// Four bytes, little-endian.
    Fixed32(u32),
    /// Text, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
}

/// The fields of a message, in order; nothing after the first error.
pub fn fields(bytes: &[u8]) -> impl Iterator<Item = Result<(u64, Wire<'_>), Rejection>> {
    let mut reader = Reader { bytes };
    std::iter::from_fn(move || {
        let field = (!reader.bytes.is_empty()).then(|| reader.field())?;
        if field.is_err() {
            reader.bytes = &[];
        }
        Some(field)
    })
}

impl<'a> Wire<'a> {
    /// As bytes.
    pub fn bytes(self) -> Result<&'a [u8], Rejection> {
        match self {
            Wire::Bytes(bytes) => Ok(bytes),
            other => Err(malformed("a length-delimited field", other.kind())),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Wire::Integer(_) => "an integer",
            Wire::Fixed64(_) => "eight bytes",
            Wire::Fixed32(_) => "four bytes",
            Wire::Bytes(_) => "a length-delimited field",
        }
    }

    /// As text.
    pub fn text(self) -> Result<&'a str, Rejection> {
        std::str::from_utf8(self.bytes()?).map_err(|_| malformed("UTF-8 text", "other bytes"))
    }

    /// As a signed integer.
    pub fn integer(self) -> Result<i64, Rejection> {
        match self {
            Wire::Integer(value) => Ok(value as i64),
            other => Err(malformed("an integer field", other.kind())),
        }
    }

    /// As the bits of a 32-bit float.
    pub fn word(self) -> Result<u32, Rejection> {
        match self {
            Wire::Fixed32(word) => Ok(word),
            other => Err(malformed("a 32-bit number", other.kind())),
        }
    }

    /// As integers: one, or packed ones.
    pub fn integers(self, into: &mut Vec<i64>) -> Result<(), Rejection> {
        let Wire::Bytes(bytes) = self else {
            into.push(self.integer()?);
            return Ok(());
        };
        let mut reader = Reader { bytes };
        while !reader.bytes.is_empty() {
            into.push(reader.integer()? as i64);
        }
        Ok(())
    }

    /// As the bits of 32-bit floats: one, or packed ones.
    pub fn words(self, into: &mut Vec<u32>) -> Result<(), Rejection> {
        match self {
            Wire::Fixed32(word) => into.push(word),
            Wire::Bytes(bytes) if bytes.len().is_multiple_of(4) => {
                into.extend(bytes.chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().expect("4 bytes"))));
            }
            other => return Err(malformed("32-bit numbers", other.kind())),
        }
        Ok(())
    }

    /// As the bits of 64-bit floats: one, or packed ones.
    pub fn double_words(self, into: &mut Vec<u64>) -> Result<(), Rejection> {
        match self {
            Wire::Fixed64(word) => into.push(word),
            Wire::Bytes(bytes) if bytes.len().is_multiple_of(8) => {
                into.extend(bytes.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().expect("8 bytes"))));
            }
            other => return Err(malformed("64-bit numbers", other.kind())),
        }
        Ok(())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn field(&mut self) -> Result<(u64, Wire<'a>), Rejection> {
        let key = self.integer()?;
        // Some readers take a wider key modulo 2³².
        if key > u64::from(u32::MAX) {
            return Err(malformed("a field number of at most 29 bits", &format!("{}", key >> 3)));
        }
        let value = match key & 7 {
            0 => Wire::Integer(self.integer()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().expect("8 bytes"))),
            2 => {
                let length = self.integer()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().expect("4 bytes"))),
            other => return Err(malformed("wire type 0, 1, 2 or 5", &format!("{other}"))),
        };
        if key >> 3 == 0 {
            return Err(malformed("field numbers from 1", "0"));
        }
        Ok((key >> 3, value))
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Rejection> {
        let left = self.bytes.len();
        let count = usize::try_from(count).ok().filter(|&count| count <= left);
        let Some(count) = count else {
            return Err(malformed("a field that ends within its message", "a truncated one"));
        };
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        Ok(taken)
    }

    fn integer(&mut self) -> Result<u64, Rejection> {
        let mut value = 0_u64;
        for i in 0..10 {
            let byte = self.take(1)?[0];
            if i == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 && (byte > 0 || i == 0) {
                return Ok(value);
            }
            if byte < 0x80 {
                break;
            }
        }
        Err(malformed("an integer of at most 64 bits in its shortest form", "a longer one"))
    }
}

fn malformed(expected: &str, found: &str) -> Rejection {
    Rejection::new(Code::MalformedModel, "protobuf", expected, found)
}
