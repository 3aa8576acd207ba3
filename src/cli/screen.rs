//! What stdout is: a terminal of some width, or something that takes text as it comes.

use std::io::IsTerminal;

/// How tables are shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ScreenArgs {
    /// Show every column of a table, however wide it gets; else those that the terminal has room for
    #[arg(long)]
    wide: bool,
}

/// A terminal that does not tell its width is as wide as this.
const USUAL: usize = 80;

impl ScreenArgs {
    /// How wide a table may be: COLUMNS where that is set, the terminal where stdout is one, else as it likes.
    pub fn width(self) -> Option<usize> {
        if self.wide {
            return None;
        }
        columns(std::env::var("COLUMNS").ok().as_deref()).or_else(|| is_terminal().then(terminal))
    }
}

/// Whether a person reads stdout.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn columns(text: Option<&str>) -> Option<usize> {
    text?.trim().parse().ok().filter(|columns| *columns > 0)
}

fn terminal() -> usize {
    told().filter(|columns| *columns > 0).unwrap_or(USUAL)
}

/// The width that the terminal tells, even where it tells no height.
#[cfg(unix)]
fn told() -> Option<usize> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col.into())
}

#[cfg(not(unix))]
fn told() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_a_number_above_0() {
        let texts = [Some("80"), Some(" 200 "), Some("0"), Some("-1"), Some("wide"), Some(""), None];
        assert_eq!(texts.map(columns), [Some(80), Some(200), None, None, None, None, None]);
    }
}
