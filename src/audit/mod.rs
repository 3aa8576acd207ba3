//! The audit: several methods on one network, cross-checked by the certificate ladder and by attack.

pub mod accuracy;
pub mod adversarial;
pub mod bundle;
pub mod case;
pub mod ladder;
pub mod line;
mod median;
pub mod methods;
pub mod reference;
pub mod report;
pub mod run;
pub mod summary;
pub mod tables;
pub mod tally;
