//! Laws of the certified radii: between methods, against naive twins, and against attacks.

mod adversarial;
mod audit_attack;
mod audit_ladder;
mod audit_odd;
mod boxes;
mod catalogue;
mod exact;
mod exact_branching;
mod exact_corners;
mod exact_scales;
mod heads;
mod ibp;
mod lp;
mod maps;
mod minorants;
mod sensitive;
mod separation;
mod smooth;
mod smoothing;
mod underflow;
mod weighted_norms;
