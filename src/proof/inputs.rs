//! A user's inputs as the kernel has them.

use super::encode::npy;
use crate::data::Reading;
use std::path::Path;
use underplane_kernel::{self as kernel, Rejection};

/// Inputs, read by the kernel from the user's file where it can read that, else from a copy.
#[derive(Clone, Debug)]
pub struct KernelInputs {
    /// What the kernel read.
    pub read: kernel::Inputs,
    /// The bytes of the copy, a .npy file.
    pub copy: Option<Vec<u8>>,
}

impl KernelInputs {
    /// The inputs `values` of a model whose input has the shape `shape`, which are the first ones of the file `path`.
    ///
    /// # Errors
    /// When the kernel refuses even the copy.
    pub fn of(path: &Path, reading: Reading, values: &[f64], shape: &[usize]) -> Result<KernelInputs, Rejection> {
        KernelInputs::own(path, reading, shape).map_or_else(|| KernelInputs::copied(values, shape), Ok)
    }

    /// The kernel's own reading of the file `path`, if it has one.
    pub fn own(path: &Path, reading: Reading, shape: &[usize]) -> Option<KernelInputs> {
        Some(KernelInputs { read: own(path, reading, shape)?, copy: None })
    }

    /// A copy of the inputs `values`.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn copied(values: &[f64], shape: &[usize]) -> Result<KernelInputs, Rejection> {
        let copy = npy(values, shape.iter().product());
        Ok(KernelInputs { read: kernel::Inputs::read(&copy)?, copy: Some(copy) })
    }
}

/// The kernel's own reading of the file, if it has one.
fn own(path: &Path, reading: Reading, shape: &[usize]) -> Option<kernel::Inputs> {
    let mut inputs = kernel::Inputs::read_as(&bytes(path)?, reading.uint8).ok()?;
    if reading.flatten {
        inputs = inputs.flattened();
    }
    inputs.check_shape(shape).is_ok().then_some(inputs)
}

/// The box of a file, read by the kernel from the user's file where it can read that, else from a copy.
#[derive(Clone, Debug)]
pub struct KernelBounds {
    /// What the kernel read.
    pub read: kernel::Bounds,
    /// The bytes of the copy, a .npy file.
    pub copy: Option<Vec<u8>>,
}

impl KernelBounds {
    /// The box `ends` `[input size × 2]` of the file `path`, for inputs of the shape `shape`.
    ///
    /// # Errors
    /// When the kernel refuses even the copy.
    pub fn of(path: &Path, reading: Reading, ends: &[f64], shape: &[usize]) -> Result<KernelBounds, Rejection> {
        let own = bytes(path).and_then(|bytes| kernel::Bounds::read(&bytes).ok());
        let own = own.map(|bounds| if reading.flatten { bounds.flattened() } else { bounds });
        if let Some(read) = own.filter(|bounds| bounds.check_shape(shape).is_ok()) {
            return Ok(KernelBounds { read, copy: None });
        }
        let copy = npy(ends, 2);
        Ok(KernelBounds { read: kernel::Bounds::read(&copy)?, copy: Some(copy) })
    }
}

/// Whether the kernel reads the file `path` as weights for inputs of the shape `shape`.
pub fn reads_weights(path: &Path, reading: Reading, shape: &[usize]) -> bool {
    let weights = bytes(path).and_then(|bytes| kernel::Weights::read(&bytes).ok());
    let weights = weights.map(|weights| if reading.flatten { weights.flattened() } else { weights });
    weights.is_some_and(|weights| weights.check_shape(shape).is_ok())
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let named = path.extension().is_some_and(|ending| ending == "npy");
    if named { std::fs::read(path).ok() } else { None }
}
