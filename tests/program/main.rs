//! The whole program as a user runs it.

mod audit;
mod audit_stream;
mod boxes;
mod catalogue;
mod certify;
mod claims;
mod data;
mod desk;
mod every_model;
mod exact;
mod external;
mod folder;
mod heads;
mod inputs;
mod learned;
mod options;
mod own_tables;
mod proofs;
mod readme;
mod regress;
mod sample_shapes;
mod stream;
mod tables;
mod train;
mod weighted;
