//! ONNX files in and out.

mod corrupt;
mod files;
mod round_trip;
mod windows;
