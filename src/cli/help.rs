//! Help texts that name methods: what the catalogue says.

use underplane::audit::methods::SECONDS;
use underplane::radius::catalogue::{self, Settings, listed, names, takes};
use underplane::radius::{Limits, Method, Setting};

/// Every method, `best` as it is with or without proofs.
fn all(proven: bool) -> Vec<Box<dyn Method>> {
    catalogue::all(&Settings::default(), proven)
}

/// Those that a setting is about.
fn taking(setting: Setting) -> String {
    listed(&names(&all(false), |method| takes(method, setting)), "and")
}

/// Defaults of the limits, each once.
fn defaults(of: impl Fn(Limits) -> String) -> String {
    let mut texts: Vec<String> = all(false).iter().filter_map(|method| method.limits()).map(of).collect();
    texts.dedup();
    listed(&texts.iter().map(String::as_str).collect::<Vec<_>>(), "and")
}

/// What a box is.
pub const BOX: &str = "The valid range of every coordinate, which an attacker never leaves: LO,HI for all of them, or a \
    .csv or .tsv with columns lo and hi or a .npy [coordinates, 2], a row for each; -inf and inf are no end. In the units of the \
    model's inputs: of a table's columns, where the model has a preparation, whatever --unit says";

pub fn methods() -> String {
    format!("Methods, separated by commas: {} (the largest sound one)", names(&all(false), |_| true).join(", "))
}

pub fn solver() -> String {
    let lp = taking(Setting::Solver);
    format!("Who solves the LPs of `{lp}`: clarabel, microlp, or highs (in builds with that feature)")
}

pub fn gap() -> String {
    let (searches, gaps) = (taking(Setting::Gap), defaults(|limits| format!("{:e}", limits.gap)));
    format!("Relative gap between radius and witness at which {searches} stop; default: {gaps}")
}

pub fn time() -> String {
    let (searches, seconds) = (taking(Setting::Seconds), defaults(|limits| limits.seconds.to_string()));
    format!("Seconds per input after which {searches} stop with what they have; default: {seconds}")
}

pub fn audit_time() -> String {
    let (searches, solver) = (taking(Setting::Passes), taking(Setting::Solver));
    format!(
        "Seconds per input after which {searches} (default: {SECONDS}) and {solver} (default: its own) stop with what they \
         have"
    )
}

pub fn passes() -> String {
    let (searches, passes) = (taking(Setting::Passes), defaults(|limits| limits.passes.to_string()));
    format!("Master problems per input after which {searches} stop; default: {passes}")
}

pub fn proofs() -> String {
    let proven = listed(&names(&all(true), |method| method.has_evidence()), "and");
    let best = catalogue::best(&Settings::default(), false);
    let without: Vec<&str> = best.methods().filter(|method| !method.has_evidence()).map(|m| m.name()).collect();
    format!(
        "Write a certificate for every radius of {proven} into this folder, each accepted by the trusted kernel; `{}` \
         then leaves out {}, whose radii have none",
        best.name(),
        listed(&without, "and")
    )
}
