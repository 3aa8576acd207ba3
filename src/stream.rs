//! Work on a sequence by all threads, with its results in order and few of its items in memory.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

/// Items under way for every thread: enough that none waits while results are handed on.
const AHEAD: usize = 3;

/// How long a thread of the pool waits where nothing is to be done.
const NAP: Duration = Duration::from_micros(50);

type Outcome<R> = Result<R, Box<dyn Any + Send>>;

/// Has the allocator keep what is freed for what comes next, where it is glibc's: that one gives back to the system, and
/// asks again for, blocks that are larger than the largest one that has been freed so far (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`; 32 MiB at most). Blocks of samples are, again and again.
pub fn keep_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

/// Takes items from `next`, has them worked on by the current pool, and hands the results to `done` in the items' order,
/// until there are no more or `done` breaks off. `next` and `done` run on the calling thread.
///
/// # Errors
/// Those of `next` and `done`; what has been worked on before is handed on.
///
/// # Panics
/// When `work` does.
pub fn in_order<I: Send, R: Send, E>(
    mut next: impl FnMut() -> Result<Option<I>, E>,
    work: impl Fn(I) -> R + Sync,
    mut done: impl FnMut(R) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let most = AHEAD * rayon::current_num_threads();
    let (sender, receiver) = channel::<(usize, Outcome<R>)>();
    let (work, unwanted) = (&work, &AtomicBool::new(false));
    rayon::in_place_scope(|scope| {
        let mut results = InOrder { receiver, early: BTreeMap::new(), next: 0 };
        let (mut started, mut failed) = (0, None);
        loop {
            while failed.is_none() && started - results.next < most {
                let item = match next() {
                    Ok(Some(item)) => item,
                    Ok(None) => {
                        failed = Some(Ok(()));
                        break;
                    }
                    Err(error) => {
                        failed = Some(Err(error));
                        break;
                    }
                };
                let (sender, index) = (sender.clone(), started);
                scope.spawn(move |_| {
                    if unwanted.load(Ordering::Relaxed) {
                        return;
                    }
                    let result = catch_unwind(AssertUnwindSafe(|| work(item)));
                    // Nobody listens any more once the results are not wanted.
                    let _ = sender.send((index, result));
                });
                started += 1;
            }
            if results.next == started {
                return failed.unwrap_or(Ok(()));
            }
            let wanted = done(results.take());
            if !matches!(wanted, Ok(ControlFlow::Continue(()))) {
                unwanted.store(true, Ordering::Relaxed);
                return wanted.map(|_| ());
            }
        }
    })
}

/// Results by their items' order.
struct InOrder<R> {
    receiver: Receiver<(usize, Outcome<R>)>,
    early: BTreeMap<usize, Outcome<R>>,
    next: usize,
}

impl<R> InOrder<R> {
    /// The next one, which is under way.
    fn take(&mut self) -> R {
        loop {
            if let Some(result) = self.early.remove(&self.next) {
                self.next += 1;
                return result.unwrap_or_else(|panic| resume_unwind(panic));
            }
            let (index, result) = self.receive();
            self.early.insert(index, result);
        }
    }

    /// The next result that is there. A thread of the pool works while it waits: it may be the only one.
    fn receive(&self) -> (usize, Outcome<R>) {
        let under_way = "a result that is under way";
        if rayon::current_thread_index().is_none() {
            return self.receiver.recv().expect(under_way);
        }
        loop {
            match self.receiver.try_recv() {
                Ok(received) => return received,
                Err(TryRecvError::Disconnected) => unreachable!("{under_way}"),
                Err(TryRecvError::Empty) if rayon::yield_now() == Some(rayon::Yield::Executed) => {}
                Err(TryRecvError::Empty) => std::thread::sleep(NAP),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn squares(count: usize, work: impl Fn(usize) -> usize + Sync, most: usize) -> Result<Vec<usize>, &'static str> {
        let (mut numbers, mut found) = (0..count, Vec::new());
        in_order(
            || Ok::<_, &str>(numbers.next()),
            work,
            |square| {
                found.push(square);
                Ok(if found.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            },
        )?;
        Ok(found)
    }

    #[test]
    fn results_come_in_order_and_few_are_under_way() {
        let (running, largest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let square = |n: usize| {
            largest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_micros((n * 7919 % 13) as u64 * 50));
            running.fetch_sub(1, Ordering::SeqCst);
            n * n
        };
        assert_eq!(squares(200, square, 1000), Ok((0..200).map(|n| n * n).collect()));
        assert!(largest.into_inner() <= rayon::current_num_threads());
        assert_eq!(squares(200, |n| n * n, 7).unwrap().len(), 7, "broken off");
        assert_eq!(squares(0, |n| n, 7), Ok(vec![]));
    }

    #[test]
    fn a_pool_of_one_thread_may_ask_for_itself() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(|| squares(50, |n| n * n, 1000)).unwrap().len(), 50);
    }

    #[test]
    fn errors_come_after_what_was_finished_and_panics_are_passed_on() {
        let (mut given, mut found) = (0, Vec::new());
        let next = || {
            given += 1;
            if given > 20 { Err("no more") } else { Ok(Some(given)) }
        };
        let keep = |n: i32| {
            found.push(n);
            Ok(ControlFlow::Continue(()))
        };
        assert_eq!(in_order(next, |n| n, keep), Err("no more"));
        assert_eq!(found, (1..=20).collect::<Vec<_>>());
        let full = in_order(|| Ok(Some(1)), |n| n, |_| Err("disk full"));
        assert_eq!(full, Err("disk full"));
        let panicking = catch_unwind(|| squares(50, |n| if n == 30 { panic!("thirty") } else { n }, 1000));
        assert_eq!(panicking.unwrap_err().downcast_ref::<&str>(), Some(&"thirty"));
    }
}
