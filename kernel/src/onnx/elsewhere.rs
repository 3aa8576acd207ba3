//! Numbers of a constant that stand in another file than the model's.

use crate::onnx::protobuf::fields;
use crate::rejection::{Code, Rejection};

/// Where numbers stand: a file of the model's folder, and a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file's path from the model's folder, inside of it by its words: parts between `/`, none of them `..`.
    pub file: &'a str,
    /// The part's first byte.
    pub offset: u64,
    /// The part's bytes.
    pub length: u64,
}

/// Gives just the bytes of a place, or says why not.
pub type Files<'a> = &'a dyn Fn(Place) -> Result<Vec<u8>, String>;

/// Refuses every place: for models that are known by their bytes alone.
pub fn nowhere(place: Place) -> Result<Vec<u8>, String> {
    Err(format!("the file `{}`, in a folder that is not known", place.file.escape_debug()))
}

/// The place that the entries of `external_data` name, of so many bytes.
pub fn place<'a>(constant: &str, entries: &[&'a [u8]], bytes: u64) -> Result<Place<'a>, Rejection> {
    let refuse = |expected: &str, found: &str| {
        let place = format!("constant `{}`", constant.escape_debug());
        Rejection::new(Code::ExternalData, place, expected, found.escape_debug().to_string())
    };
    let (mut file, mut offset, mut length, mut checksum) = (None, None, None, None);
    for entry in entries {
        let (mut key, mut value) = (None, None);
        for field in fields(entry) {
            match field? {
                (1, wire) => key = Some(wire.text()?),
                (_, wire) => value = Some(wire.text()?),
            }
        }
        let value = value.ok_or_else(|| refuse("keys with values", key.unwrap_or("")))?;
        let slot = match key.unwrap_or("") {
            "location" => &mut file,
            "offset" => &mut offset,
            "length" => &mut length,
            // Of the whole file, which no runtime tests either.
            "checksum" => &mut checksum,
            other => return Err(refuse("the keys location, offset, length and checksum", other)),
        };
        if slot.replace(value).is_some() {
            return Err(refuse("each key once", key.unwrap_or("")));
        }
    }
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u64>().ok().filter(|_| digits);
        number.ok_or_else(|| refuse("numbers of bytes", text))
    };
    let file = file.ok_or_else(|| refuse("a location", "none"))?;
    if file.split('/').any(|part| part.is_empty() || part == "..") || file.contains(['\\', '\0']) {
        return Err(refuse("a relative path inside the model's folder", file));
    }
    if let Some(found) = length
        && number(found)? != bytes
    {
        return Err(refuse(&format!("a length of {bytes} bytes, as the shape has"), found));
    }
    Ok(Place { file, offset: offset.map_or(Ok(0), number)?, length: bytes })
}
