//! Reading users' files and the real data sets.

mod inputs;
mod labels;
mod npy;
mod readers;
mod split;
mod spooled;
mod store;
mod tasks;
