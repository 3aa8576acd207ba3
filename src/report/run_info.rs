//! Under what circumstances records were made.

use super::sentence::Words;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// The circumstances of one run: a record like the others.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RunInfo {
    /// Program and version.
    pub program: String,
    /// The command line.
    pub command: String,
    /// Day of the run, UTC, YYYY-MM-DD.
    pub date: String,
    /// Where it ran.
    pub machine: Machine,
    /// Names and values, in the order in which a report shows them.
    pub settings: Vec<(String, String)>,
    /// The risk that each smoothed radius takes, if there are any.
    pub alpha: Option<f64>,
    /// The models.
    pub models: Vec<ModelInfo>,
    /// Wall-clock time of the whole run.
    pub seconds: f64,
}

/// Where a run took place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Worker threads.
    pub threads: usize,
    /// The operating system.
    pub system: String,
    /// release or debug.
    pub build: String,
}

/// One audited model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ModelInfo {
    /// Short name.
    pub name: String,
    /// The file's name.
    pub file: String,
    /// The inputs' file name.
    pub inputs: String,
    /// How many inputs that file holds.
    pub inputs_in_file: usize,
    /// What the model is.
    pub about: String,
    /// What a radius of 1 means.
    pub unit: String,
    /// LO,HI or empty.
    pub range: String,
    /// Number of input coordinates.
    pub input_size: usize,
    /// Number of constants.
    pub constants: usize,
    /// `convex in x`, `convex in φ(x), φ with kinks`, or why it is neither.
    pub convexity: String,
    /// What inputs of the sensitive class are called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// The label of the sensitive class, where the model's record says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive_label: Option<String>,
}

impl Machine {
    /// This machine.
    pub fn here() -> Machine {
        let cpu_line = |text: String| {
            let line = text.lines().find_map(|line| line.strip_prefix("model name"))?;
            line.split_once(':').map(|(_, name)| name.trim().to_string())
        };
        let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(cpu_line);
        let name_line = |text: String| {
            let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
            Some(line.trim_matches('"').to_string())
        };
        let system = std::fs::read_to_string("/etc/os-release").ok().and_then(name_line);
        Machine {
            cpu: cpu.unwrap_or_else(|| std::env::consts::ARCH.into()),
            threads: rayon::current_num_threads(),
            system: system.unwrap_or_else(|| std::env::consts::OS.into()),
            build: if cfg!(debug_assertions) { "debug".into() } else { "release".into() },
        }
    }
}

/// Today by the system clock, UTC, YYYY-MM-DD.
pub fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    date(seconds / 86_400)
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar.
fn date(day: u64) -> String {
    // Years are counted from March, so that a leap day is the last day of its year.
    let day = day + 719_468;
    let (era, in_era) = (day / 146_097, day % 146_097);
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * in_year + 2) / 153;
    let of_month = in_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        let cases = [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (10_956, "1999-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_779, "2026-11-22"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ];
        for (day, text) in cases {
            assert_eq!(date(day), text);
        }
    }

    #[test]
    fn this_machine_has_a_name() {
        let machine = Machine::here();
        assert!(!machine.cpu.is_empty() && !machine.system.is_empty() && machine.threads > 0);
    }
}
