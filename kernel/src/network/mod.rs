//! The network as exact mathematics: a graph over one sample, and its functions of single coordinates.

pub mod curve;
pub mod graph;
pub mod map;
pub mod single;
pub mod windows;

#[cfg(test)]
mod tests;
