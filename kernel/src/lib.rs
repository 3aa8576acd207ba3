//! The **trusted kernel**: what a valid certificate proves is true if this crate is right, whatever the rest of the
//! program does. It knows no floats, no tolerance and no unsafe code, and depends on two crates alone.
//!
//! # The statement
//!
//! For a model M, a class, an input x, a norm p, a radius r and optionally a box \[LO, HI\], a valid certificate proves
//!
//! > **for all x' ∈ ℝᵈ: ‖x' − x‖_p ≤ r and LO ≤ x'ᵢ ≤ HI for all i ⟹ f(x') > 0**
//!
//! (for an open ball ‖x' − x‖_p < r; without a box the second condition falls away; `unbounded` drops the first), and,
//! where it carries a witness, **there is an x' in the box with ‖x' − x‖_p ≤ upper and f(x') ≤ 0**.
//!
//! Where the user names the file of a box, each coordinate has ends of its own, LOᵢ ≤ x'ᵢ ≤ HIᵢ, and an infinite one is
//! none (`bounds`). Where the user names weights w, ‖·‖ is the weighted norm ‖w ⊙ (x' − x)‖_p, and radii and `upper` are about that; an
//! infinite weight means x'ᵢ = xᵢ, for `unbounded` too (`weights`).
//!
//! x is an input of the file that the user names, as the model has it: in the model's own shape, or flat, or the
//! entries in the order in which they stand where the user says so. Entries are float32, or bytes k: the binary32
//! nearest to k/255, or k itself where the user and the certificate say so (`sample_shape`, `inputs`, `uint8`).
//!
//! Somebody else's radius is a claim about the open ball, settled by a certificate and an exact comparison (`claim`).
//!
//! f is the logit of the class: the model's one output (`positive`), minus it (`negative`), or of several outputs the named
//! one minus the largest other one, less the threshold that the user names (`logit`). Of a model that ends in
//! probabilities f is the logit that they rise with: σ(z) > ½ exactly where z > 0, and a softmax keeps the order of its
//! entries (`onnx/ends.rs`). Where f is the minimum of heads, each of them has a proof of its own. f is the real function of
//! the stored numbers: every operator is evaluated in exact rational arithmetic, smooth units being enclosed, with one
//! stated rounding. BatchNormalization(scale, B, mean, var, ε) means x ↦ a·x + b with
//!
//! > a = RN₃₂(scale/√(var+ε)),  b = RN₃₂(B − mean·scale/√(var+ε)),
//!
//! RN₃₂ the nearest binary32 number, ties to even, each correctly rounded once (`batch_norm`).
//!
//! A model file is read as every runtime reads it, or refused: each field, attribute, type, count and width is tested
//! against a canonical subset of ONNX (`schema`, `forms`, `declared`), and nothing is skipped but text without meaning. An
//! initialiser that is an input too (which the format demanded before its version 4) is taken as the constant that it
//! holds. Numbers may stand in other files of the model's folder, whose bytes then belong to the model (`elsewhere`,
//! `folder`). What ONNX leaves to the runtime (functions, overloads, two versions of one domain) is refused. A row of a batch
//! never influences another.
//!
//! Beside that it proves where the points of one class lie with respect to the convex hull of another (`separation`), and
//! counts how many points a model classifies correctly.
//!
//! # The argument
//!
//! A unit max(t, 0) ≥ s·t for every s ∈ \[0, 1\]; any convex unit is a maximum of pieces, and at least every mean of them.
//! In the backward pass from the logit, or from one head (`minorant`), a unit whose coefficient is ≥ 0 is replaced by such a mean, which
//! leaves a function below f everywhere. The coefficient's sign is tested for every unit, in exact arithmetic. Units of
//! single coordinates may stay as they are. What remains is a constant plus one function per coordinate, whose least value
//! over the ball is computed exactly (`ball`) and compared with 0: squares instead of roots for ℓ2, Lagrange's multiplier
//! as evidence for ℓ1 and ℓ2 with a box. Where one minorant does not suffice, a tree of splits x'ᵢ ≤ t, x'ᵢ ≥ t cuts the
//! region into parts that cover it, and each has its own (`tree`). A model is also tested once for convexity beyond its
//! feature map (`convexity`), so that its user hears of it before any certificate; minorants do not rest on that.
//!
//! A smooth convex unit (ln Σ eᵗ, of which ln(1 + eᵗ) is one; ELU; squares, also with a tangent from an edge on) lies above
//! s·t − u*(s), u* its conjugate (`curve`), and so
//! above that with u* rounded up. Exponentials and logarithms are enclosed between multiples of 2⁻¹²⁸ (`exponential`): the
//! argument is halved or doubled until a series of positive terms falls by a factor of 4 a term, every term is rounded both
//! ways, and what is left out is less than the last one. For a witness every smooth unit is rounded up, at operands that
//! are, and the logit with them, since no negative weight reaches a smooth unit: this `convexity` has tested. A softplus that
//! is t beyond a threshold θ lies below ln(1 + eᵗ), by at most ln(1 + e^−θ), which is taken off its line.
//!
//! # What an auditor must believe
//!
//! - this crate, safe Rust alone, and the Rust compiler and standard library;
//! - `dashu-int` (integers of any size);
//! - that the files named on the command line are the ones meant, and the class is;
//! - that the machine computes correctly.
//!
//! Not: any other crate of the project, any solver, any float, the certificate's author. Nor what reads the evidence
//! (`slopes`, `json` and `base64` in `evidence`): slopes, multipliers and trees are proposals, and a mistake in reading them
//! loses a proof but invents none, since whatever was read is what is proven and what is tested: the weights of a mean
//! (`minorant`), the multiplier's sign (`ball`), the two sides of every split (`Tree::each_leaf`).
//!
//! The format is `proofs-data/FORMAT.md`.

#![forbid(unsafe_code)]

mod argument;
mod bounds;
mod budget;
mod claim;
mod class;
mod convexity;
pub mod driver;
mod evidence;
mod folder;
mod inputs;
mod lines;
mod logit;
mod model;
mod network;
mod number;
mod onnx;
pub mod program;
pub mod rejection;
pub mod separation;
mod sha256;
mod statement;
mod text;
mod weights;

pub use bounds::Bounds;
pub use claim::{Claim, Settled};
pub use class::Class;
pub use folder::Folder;
pub use inputs::{Inputs, Uint8};
pub use lines::{check_against, check_form, check_line};
pub use logit::{Logit, Threshold};
pub use model::{Model, Reading, Unit};
pub use onnx::elsewhere::{Files, Place};
pub use onnx::forms::table as operators;
pub use rejection::{Code, Rejection};
pub use statement::{Attacker, StatedBox, Statement};
pub use weights::Weights;
