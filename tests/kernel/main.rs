//! The trusted kernel against naive rational arithmetic, corpora, mutations and a runtime.

mod batch_norm;
mod boxes;
mod choices;
mod corpora;
mod differential;
mod doubles;
mod laws;
mod learned;
mod mutations;
mod perfect;
mod products;
mod rows;
mod single;
mod smooth;
mod spelled_units;
mod spellings;
mod tree_proofs;
mod trees;
mod turned;
mod versions;
mod windows;
