//! A progress bar on stderr; nothing when stderr is no terminal, or it is to be quiet.

use super::voice;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `length` steps.
pub fn bar(length: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len} {elapsed} (eta {eta})");
    if voice::is_quiet() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length).with_message(what.to_string());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
