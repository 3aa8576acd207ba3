//! What is certified without a certificate.

/// A kind of radius that comes without one, and why: the README's table.
pub const WITHOUT: [(&str, &str); 3] = [
    ("a radius of `ibp` or `smoothing`", "it rests on intervals, or on chance: there are no slopes to replay"),
    (
        "a network that is not convex beyond its feature map",
        "the kernel refuses the model (`not-convex`): `ibp` and `smoothing` alone answer about it",
    ),
    (
        "a model or a proof above the kernel's budgets",
        "the kernel refuses it (`too-large`) before it takes the memory or the time: `proofs-data/FORMAT.md` has them",
    ),
];

/// The table, a row of Markdown for each.
pub fn table() -> String {
    WITHOUT.iter().map(|(what, why)| format!("| {what} | {why} |\n")).collect()
}
