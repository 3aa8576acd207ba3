//! `--follow-links`.

/// Whether a model's files may lie elsewhere.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct LinkArgs {
    /// Read data files of the model (model.onnx.data) that are links out of its folder, as in a hub's cache
    #[arg(long, requires = "model")]
    pub follow_links: bool,
}
