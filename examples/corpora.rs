//! Writes the corpora of certificates under `proofs-data/`: `cargo run --release --example corpora`.

use testing::corpora;

fn main() -> std::io::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data");
    for folder in ["valid", "invalid", "malformed", "adversarial"] {
        if root.join(folder).exists() {
            std::fs::remove_dir_all(root.join(folder))?;
        }
    }
    let count = corpora::write(&root)?;
    println!("{count} files");
    Ok(())
}
