//! Files of other formats that are taken for models, recognised by what they hold, with what to do instead.

/// So many bytes are looked at.
pub(super) const HEAD: u64 = 1024;

const TORCH: &str = "a PyTorch file (.pt, .pth), which holds weights and Python code: export the model with \
                     torch.onnx.export(model.eval(), (example,), \"model.onnx\", dynamo=False)";
const KERAS: &str = "a Keras or HDF5 file (.keras, .h5): convert the model with tf2onnx \
                     (python -m tf2onnx.convert --keras model.h5 --output model.onnx)";
const SAVED: &str = "a TensorFlow SavedModel: convert its folder with tf2onnx \
                     (python -m tf2onnx.convert --saved-model FOLDER --output model.onnx)";
const PICKLE: &str = "a Python pickle (.pkl, .joblib, an old .pt): load it in Python and export the model, with \
                      torch.onnx.export for PyTorch or skl2onnx.to_onnx for scikit-learn";
const LITE: &str =
    "a TFLite file: convert it with tf2onnx (python -m tf2onnx.convert --tflite model.tflite --output model.onnx)";
const WEIGHTS: &str = "a safetensors file, which holds weights without a network: load them into the model and export it \
                       with torch.onnx.export(model.eval(), (example,), \"model.onnx\", dynamo=False)";
const ARRAY: &str = "a NumPy file (.npy, .npz): it may be the inputs, which come second";
const PACKED: &str = "a compressed archive: unpack it and give the ONNX file in it";
const TEXT: &str = "a text file (CSV, JSON, source code …): it may be the inputs, which come second";

/// What a file is that begins with these bytes, if it is surely no ONNX file.
pub(super) fn format(head: &[u8]) -> Option<&'static str> {
    let has = |word: &[u8]| head.windows(word.len()).any(|part| part == word);
    match head {
        [b'P', b'K', 3, 4, ..] if has(b".npy") => Some(ARRAY),
        [b'P', b'K', 3, 4, ..] if has(b"data.pkl") || has(b"byteorder") => Some(TORCH),
        [b'P', b'K', 3, 4, ..] if has(b"metadata.json") || has(b"config.json") => Some(KERAS),
        [b'P', b'K', 3, 4, ..] | [0x1f, 0x8b, ..] => Some(PACKED),
        [0x80, 2..=5, ..] => Some(PICKLE),
        [0x89, b'H', b'D', b'F', ..] => Some(KERAS),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(ARRAY),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(LITE),
        [_, _, _, _, _, _, 0, 0, b'{', b'"', ..] => Some(WEIGHTS),
        // A schema version of 1, then a graph; formats of ONNX begin at 3.
        [8, 1, 0x12, ..] => Some(SAVED),
        _ if is_text(head) => Some(TEXT),
        _ => None,
    }
}

/// What a folder is that is given as a model.
pub fn folder(path: &std::path::Path) -> &'static str {
    match path.join("saved_model.pb").is_file() {
        true => SAVED,
        false => "a folder: give the ONNX file in it",
    }
}

/// An ONNX file begins with a byte that no text has.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.valid_up_to() + 4 > head.len() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn formats_are_named_by_what_they_hold() {
        let zip = |name: &str| [b"PK\x03\x04", &[0; 26][..], name.as_bytes()].concat();
        let cases: [(&str, Vec<u8>); 12] = [
            ("PyTorch", zip("archive/data.pkl")),
            ("Keras", zip("metadata.json")),
            ("NumPy", zip("x.npy")),
            ("archive", zip("model.onnx")),
            ("pickle", b"\x80\x04\x95".to_vec()),
            ("HDF5", b"\x89HDF\r\n\x1a\n".to_vec()),
            ("NumPy", b"\x93NUMPY\x01\x00".to_vec()),
            ("TFLite", b"\x1c\x00\x00\x00TFL3".to_vec()),
            ("safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\"".to_vec()),
            ("SavedModel", b"\x08\x01\x12\x80\x01\x0a".to_vec()),
            ("text", b"0.5,1,\xc3\xa4\n".to_vec()),
            ("text", "a,b\r\n1,2 \u{2026}".as_bytes()[..11].to_vec()),
        ];
        for (word, head) in cases {
            assert!(format(&head).is_some_and(|found| found.contains(word)), "{word}: {:?}", format(&head));
        }
    }

    #[test]
    fn onnx_files_and_others_are_left_to_the_reader() {
        let cases: [&[u8]; 6] =
            [b"", b"\x08\x08\x12\x07pytorch", b"\x08\x0a:\x03", b"text\x00", b"\xff\xfe", b"\x08\x01:\x03"];
        for head in cases {
            assert_eq!(format(head), None, "{head:?}");
        }
    }
}
