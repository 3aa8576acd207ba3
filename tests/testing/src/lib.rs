//! What several test programs and benchmarks share: random networks, naive twins of fast code, and the corpora.

pub mod convex_networks;
pub mod corpora;
pub mod learned;
pub mod naive_ibp;
pub mod naive_proofs;
pub mod naive_smooth;
pub mod naive_windows;
pub mod networks;
pub mod readings;
pub mod window_cases;
