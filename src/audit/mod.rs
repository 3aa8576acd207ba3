//! The audit: several methods on one network, cross-checked by the certificate ladder and by attack.

pub mod attack;
pub mod bundle;
pub mod claims;
pub mod ladder;
pub mod methods;
pub mod regress;
pub mod report;
pub mod run;
pub mod store;
pub mod summary;
pub mod tables;
