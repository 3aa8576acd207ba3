//! A way through the samples of a source that can begin in the middle and is broken off when it is time.

use super::source::{InputSource, Loaded};
use crate::stream::in_order;
use anyhow::Result;
use std::ops::ControlFlow;
use std::time::Instant;

/// Which samples of a source are answered, and how.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    /// All samples.
    pub source: &'a InputSource,
    /// Samples of a block.
    pub block: usize,
    /// So many of the first samples are answered already.
    pub before: usize,
    /// When it ends, if not with the last sample.
    pub deadline: Option<Instant>,
}

/// Where a block stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// So many of its first samples are answered already.
    pub skipped: usize,
    /// Whether nothing is answered yet before it.
    pub is_first: bool,
}

impl Passage<'_> {
    /// Whether it is time to end.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Has the blocks answered by all threads, and hands the answers to `done` in the order of the samples. Blocks are the
    /// same wherever it begins.
    ///
    /// # Errors
    /// When the source cannot be read again, and those of `answer` and `done`.
    pub fn take<R: Send>(
        &self,
        answer: impl Fn(&Loaded, Place) -> Result<R> + Sync,
        mut done: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        let (mut blocks, mut read) = (self.source.blocks()?, 0);
        let next = || -> Result<Option<(Loaded, Place)>> {
            while !self.is_over() {
                let Some(block) = blocks.next(self.block)? else { return Ok(None) };
                let place =
                    Place { skipped: self.before.saturating_sub(read), is_first: read == 0 && self.before == 0 };
                read += block.count;
                if read > self.before {
                    return Ok(Some((block, place)));
                }
            }
            Ok(None)
        };
        let hand_on = |answered: Result<R>| {
            done(answered?)?;
            Ok(if self.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        in_order(next, |(block, place): (Loaded, Place)| answer(&block, place), hand_on)
    }
}
