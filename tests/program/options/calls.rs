//! The subcommands and their options.

use super::values::Kind::{self, *};
use super::values::{CLASS, FEW, MANY, METHODS, NORMS, OUTPUT, RUNGS, SOLVERS};

/// One way to call a subcommand, which succeeds, and what its options take. A word after `@` names a file. Options that
/// this build does not offer are not tried.
pub struct Call {
    /// Words, separated by spaces.
    pub command: &'static str,
    /// Everything but options that are tried.
    pub arguments: &'static str,
    /// What each of them takes.
    pub options: &'static [(&'static str, Kind)],
}

/// Every subcommand.
pub const CALLS: &[Call] = &[
    Call {
        command: "inspect",
        arguments: "@model.onnx",
        options: &[
            ("--sensitive", CLASS),
            ("--output", OUTPUT),
            ("--threshold", Number),
            ("--probability", Share),
            ("--json", Flag),
            ("--follow-links", Flag),
            ("--write", NewFile(".onnx")),
        ],
    },
    Call { command: "operators", arguments: "", options: &[("--json", Flag)] },
    Call {
        command: "certify",
        arguments: "@model.onnx @inputs.csv --norm l2 --method closed-form,sharp,exact,smoothing,lp --samples 50",
        options: &[
            ("--uint8", Mode("unit raw")),
            ("--flatten", Flag),
            ("--follow-links", Flag),
            ("--round", Flag),
            ("--labels", File),
            ("--label-column", Column),
            ("--header", Mode("yes no auto")),
            ("--drop-missing", Flag),
            ("--delimiter", Separator),
            ("--split", Mode("train validation test")),
            ("--limit", MANY),
            ("--norm", NORMS),
            ("--method", METHODS),
            ("--lp-solver", SOLVERS),
            ("--gap", Positive),
            ("--time", Positive),
            ("--passes", MANY),
            ("--sigma", Deviation),
            ("--samples", FEW),
            ("--alpha", Risk),
            ("--seed", Seed),
            ("--box", Range),
            ("--weights", File),
            ("--unit", Mode("raw model")),
            ("--sensitive", CLASS),
            ("--output", OUTPUT),
            ("--threshold", Number),
            ("--probability", Share),
            ("--out", NewFile(".csv")),
            ("--out", NewFile(".jsonl")),
            ("--proofs", NewFolder),
            ("--resume", Flag),
            ("--total-time", Positive),
            ("--threads", FEW),
        ],
    },
    Call {
        command: "audit",
        arguments: "@model.onnx @inputs.csv --norm l2 --method closed-form,smoothing --samples 50",
        options: &[
            ("--uint8", Mode("unit raw")),
            ("--flatten", Flag),
            ("--follow-links", Flag),
            ("--round", Flag),
            ("--labels", File),
            ("--label-column", Column),
            ("--header", Mode("yes no auto")),
            ("--drop-missing", Flag),
            ("--delimiter", Separator),
            ("--split", Mode("train validation test")),
            ("--box", Range),
            ("--sensitive", CLASS),
            ("--output", OUTPUT),
            ("--threshold", Number),
            ("--probability", Share),
            ("--limit", MANY),
            ("--norm", NORMS),
            ("--method", RUNGS),
            ("--lp-solver", SOLVERS),
            ("--sigma", Deviation),
            ("--samples", FEW),
            ("--alpha", Risk),
            ("--seed", Seed),
            ("--full", Flag),
            ("--reports", NewFolder),
            ("--resume", Flag),
            ("--total-time", Positive),
            ("--threads", FEW),
        ],
    },
    Call {
        command: "audit",
        arguments: "@model.onnx @inputs.csv --claims @claims.csv",
        options: &[
            ("--claims", File),
            ("--weights", File),
            ("--uint8", Mode("unit raw")),
            ("--flatten", Flag),
            ("--follow-links", Flag),
            ("--round", Flag),
            ("--box", Range),
            ("--limit", MANY),
            ("--full", Flag),
            ("--reports", NewFolder),
        ],
    },
    Call {
        command: "audit",
        arguments: "--bundle @bundle --norm l2 --method closed-form",
        options: &[("--bundle", Folder), ("--limit", MANY), ("--threads", FEW)],
    },
    Call {
        command: "regress",
        arguments: "@verified",
        options: &[("--bless", Flag), ("--follow-links", Flag), ("--threads", FEW)],
    },
    Call {
        command: "check",
        arguments: "@model.onnx @inputs.npy @proofs/certificates.jsonl",
        options: &[
            ("--sensitive", CLASS),
            ("--output", OUTPUT),
            ("--threshold", Number),
            ("--probability", Share),
            ("--weights", File),
            ("--box", File),
            ("--uint8", Mode("unit raw")),
            ("--flatten", Flag),
            ("--follow-links", Flag),
            ("--fast", Flag),
        ],
    },
    Call {
        command: "train",
        arguments: "@own.toml",
        options: &[
            ("--print-config", Flag),
            // Of a table whose config is printed.
            ("--label-column", Mode("NAME")),
            ("--sensitive", Mode("LABEL")),
            ("--data-dir", Place),
            ("--out", NewFolder),
            ("--seed", Seed),
            ("--epochs", FEW),
            ("--threads", FEW),
        ],
    },
    Call { command: "data list", arguments: "", options: &[("--data-dir", Place)] },
];

/// Subcommands that need data from elsewhere: nothing here makes them succeed.
pub const WITHOUT_DATA: &[Call] = &[
    Call {
        command: "data import",
        arguments: "digits-3-8 --from @noise.csv",
        options: &[("--data-dir", Place), ("--from", File)],
    },
    Call { command: "data fetch", arguments: "absent", options: &[("--data-dir", Place)] },
    Call {
        command: "data export",
        arguments: "spambase --split test --out new",
        options: &[
            ("--data-dir", Place),
            ("--split", Word("train")),
            ("--out", NewFolder),
            ("--class", Word("both other")),
            ("--limit", MANY),
            ("--seed", Seed),
        ],
    },
];
