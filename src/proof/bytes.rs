//! What the kernel is given of a model.

use prost::bytes::Bytes;
use std::borrow::Cow;
use underplane_kernel::{Logit, Model, Place, Rejection};

/// The bytes of a model's file, and of others in its folder that hold some of its numbers.
#[derive(Clone, Debug, Default)]
pub struct ModelBytes<'a> {
    /// The ONNX file.
    pub onnx: Cow<'a, [u8]>,
    /// The others, by their names in the file.
    pub beside: Vec<(String, Bytes)>,
}

impl<'a> From<&'a [u8]> for ModelBytes<'a> {
    fn from(onnx: &'a [u8]) -> ModelBytes<'a> {
        ModelBytes { onnx: onnx.into(), beside: Vec::new() }
    }
}

impl From<Vec<u8>> for ModelBytes<'_> {
    fn from(onnx: Vec<u8>) -> Self {
        ModelBytes { onnx: onnx.into(), beside: Vec::new() }
    }
}

impl ModelBytes<'_> {
    /// The same, borrowed from nobody.
    pub fn into_owned(self) -> ModelBytes<'static> {
        ModelBytes { onnx: self.onnx.into_owned().into(), beside: self.beside }
    }

    /// The kernel's reading.
    ///
    /// # Errors
    /// When the kernel refuses the model.
    pub fn read(&self, logit: Logit) -> Result<Model, Rejection> {
        Model::read_with(&self.onnx, &|place| self.part(place), logit)
    }

    fn part(&self, Place { file, offset, length }: Place) -> Result<Vec<u8>, String> {
        let found = self.beside.iter().find(|(name, _)| name == file);
        let (_, bytes) = found.ok_or_else(|| format!("`{file}`, which was not read"))?;
        let end = offset.checked_add(length).filter(|&end| end <= bytes.len() as u64);
        let part = end.map(|end| bytes[offset as usize..end as usize].to_vec());
        part.ok_or_else(|| format!("`{file}` of {} bytes", bytes.len()))
    }
}
