//! Counts per operator, form and mutation, and per reason of a refusal.

use std::collections::BTreeMap;
use std::time::Duration;
use underplane_differential::cases::Case;
use underplane_differential::compare::{Run, newer, only_optimised};
use underplane_differential::readings::Ours;

/// How many files have a mark, and who accepts how many of them.
#[derive(Clone, Copy, Default)]
struct Count {
    files: u64,
    kernel: u64,
    reader: u64,
    compared: u64,
}

/// All counts.
#[derive(Default)]
pub struct Tally {
    /// Differences, all of them.
    pub differences: u64,
    /// How often each difference has been seen.
    pub seen: BTreeMap<(String, String, String), u64>,
    all: Count,
    marks: BTreeMap<String, Count>,
    kernel: BTreeMap<String, u64>,
    reader: BTreeMap<String, u64>,
    kernel_alone: BTreeMap<String, u64>,
    reader_alone: BTreeMap<String, u64>,
    newer: u64,
    optimiser: u64,
}

impl Tally {
    /// Counts one file.
    pub fn count(&mut self, case: &Case, ours: &Ours, runs: &[Run]) {
        let compared = runs.iter().any(|run| run.outputs.is_ok());
        let add = |count: &mut Count| {
            count.files += 1;
            count.kernel += u64::from(ours.kernel.is_ok());
            count.reader += u64::from(ours.reader.is_ok());
            count.compared += u64::from(compared);
        };
        add(&mut self.all);
        let general = |mark: &String| mark.split(" · ").next().unwrap_or_default().to_string();
        let mut marks: Vec<String> = case.marks.iter().map(general).collect();
        marks.sort();
        marks.dedup();
        marks.into_iter().for_each(|mark| add(self.marks.entry(mark).or_default()));
        let add = |reasons: &mut BTreeMap<String, u64>, reason: &str| *reasons.entry(plain(reason)).or_default() += 1;
        match (&ours.kernel, &ours.reader) {
            (Ok(_), Ok(_)) => {}
            (Err(reason), Ok(_)) => add(&mut self.kernel_alone, reason),
            (Ok(_), Err(reason)) => add(&mut self.reader_alone, reason),
            (Err(kernel), Err(reader)) => {
                add(&mut self.kernel, kernel);
                add(&mut self.reader, reader);
            }
        }
        self.newer += u64::from(runs.iter().any(|run| run.outputs.as_ref().is_err_and(|r| newer(r))));
        self.optimiser += u64::from(runs.iter().any(|run| only_optimised(run, runs)));
    }

    /// The table at the end.
    pub fn print(&self, time: Duration) {
        println!("\n{:>8} {:>8} {:>8} {:>8}", "files", "kernel", "reader", "compared");
        let line = |count: &Count, mark: &str| {
            println!("{:>8} {:>8} {:>8} {:>8}  {mark}", count.files, count.kernel, count.reader, count.compared);
        };
        self.marks.iter().for_each(|(mark, count)| line(count, mark));
        line(&self.all, "all");
        let refused = [
            ("kernel", &self.kernel),
            ("reader", &self.reader),
            ("kernel alone", &self.kernel_alone),
            ("reader alone", &self.reader_alone),
        ];
        for (who, reasons) in refused {
            println!("\nrefused by the {who}");
            let mut reasons: Vec<_> = reasons.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            reasons.iter().take(40).for_each(|(reason, count)| println!("{count:>8}  {reason}"));
        }
        println!("\n{} files newer than the runtime, or of a type that it lacks", self.newer);
        println!("{} files that the runtime computes, but cannot load with graph optimisations", self.optimiser);
        let seconds = time.as_secs_f64();
        println!("{} files in {seconds:.0} s, {:.0} a second", self.all.files, self.all.files as f64 / seconds);
        println!("{} differences", self.differences);
    }
}

/// A message without what differs from file to file: quoted names and numbers.
pub fn plain(reason: &str) -> String {
    let mut plain = String::new();
    let mut quoted = false;
    for c in reason.chars().take(300) {
        match c {
            '`' => {
                quoted = !quoted;
                plain.push('`');
            }
            _ if quoted => {}
            '0'..='9' | '-' | '.' => {
                if !plain.ends_with('#') {
                    plain.push('#');
                }
            }
            _ => plain.push(c),
        }
    }
    plain.chars().take(160).collect()
}
