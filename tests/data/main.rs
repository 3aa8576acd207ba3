//! Reading users' files and the real data sets.

mod inputs;
mod npy;
mod readers;
mod store;
mod tasks;
