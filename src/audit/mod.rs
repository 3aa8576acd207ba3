//! The audit: several methods on one network, cross-checked by the certificate ladder and by attack.

pub mod bundle;
