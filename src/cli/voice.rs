//! Who speaks on stderr, and when.

use std::fmt::Arguments;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on only what must be heard is said.
pub fn hush() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether notes and progress are unwanted.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// A note, where somebody listens.
pub fn say(line: Arguments) {
    if !is_quiet() {
        insist(line);
    }
}

/// An error or a warning, with `--quiet` too.
pub fn insist(line: Arguments) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
