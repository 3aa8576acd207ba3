//! The corpora under `proofs-data/`: valid certificates, invalid ones, malformed files, and adversarial models, all made
//! here.
//!
//! A file of `invalid/` or `malformed/` is called `CODE.what.EXT` or, for certificates, `CODE.what.MODEL.jsonl`: the
//! rejection code that it must get, what is wrong with it, and the model and inputs of `valid/` that it is about; for those
//! about points `CODE.what.POINTS.separation`.

mod adversarial;
mod boxes;
pub mod files;
mod heads;
mod lines;
mod operators;
pub mod readings;
mod separation;
pub mod trees;
pub mod windows;

use std::path::Path;

/// A file's place under `proofs-data/`, and its bytes.
pub type Made = (String, Vec<u8>);

/// All files of the corpora.
pub fn all() -> Vec<Made> {
    let mut made = lines::valid();
    made.extend(lines::invalid());
    made.extend(trees::valid());
    made.extend(trees::invalid());
    made.extend(heads::valid());
    made.extend(heads::invalid());
    made.extend(boxes::valid());
    made.extend(boxes::invalid());
    made.extend(boxes::malformed());
    made.extend(files::invalid());
    made.extend(files::malformed());
    made.extend(separation::valid());
    made.extend(separation::invalid());
    made.extend(windows::valid());
    made.extend(windows::invalid());
    made.extend(windows::malformed());
    made.extend(readings::models());
    made.push(operators::table());
    made.extend(adversarial::models());
    made
}

/// Writes all of them under `root`.
pub fn write(root: &Path) -> std::io::Result<usize> {
    let made = all();
    for (name, bytes) in &made {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder"))?;
        std::fs::write(path, bytes)?;
    }
    Ok(made.len())
}
