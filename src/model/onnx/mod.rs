//! ONNX in and out: the only format of models.
//!
//! [`read`] turns a file into a [`Graph`](crate::model::Graph) of exact real functions, [`write`] turns a graph into a
//! file (opset 17, IR version 8) that computes the same function. Opsets 13 to 28 of the standard domain are read; an
//! operator, attribute, data type or shape that is not in the table below is an error that names the node.
//!
//! # Files
//!
//! One input, 32-bit floats `[N, …]` with all sizes but N fixed; N is a name or a number, and only ever the batch size.
//! One output. Initialisers may be shared, unused, listed among the inputs (as before IR version 4), in raw bytes, in
//! typed fields, or in another file inside the model's folder. float16, bfloat16 and float64 constants are read exactly.
//! Nodes stand in evaluation order; those that the output does not depend on are left out. A constant is never NaN,
//! infinite or empty, and what a model's values take in memory is bounded by its size.
//!
//! # Values
//!
//! While a file is read, a name stands for a *value* (a node of the graph; its batch axis stays in front, whatever the
//! operators do), a float constant (exact in 64 bits) or an integer constant (of numbers, or the batch size N as a
//! symbol). Arithmetic on float constants happens at once where the result is exactly a 64-bit float; where it is not,
//! it is an error. Weights are 32-bit floats.
//!
//! # Operators
//!
//! u, v are values, c, d float constants, i, j integer constants. Constants broadcast to values as in numpy, but never
//! along the batch axis; values of equal rank broadcast to each other.
//!
//! | operator | meaning | graph |
//! |---|---|---|
//! | Gemm(u, c, d) | α·u·c + β·d, transB; d may be a value; transA is refused | Dense, Scale, Shift, Sum |
//! | MatMul(u, c) | u·c, c of one or two axes, u [N, K] or with axes of size 1 between | Dense |
//! | Add, Sub | u + v, u − v, u ± c, c − u, c ± d, i ± j | Sum, Shift, Scale(−1) |
//! | Neg | −u, −c | Scale(−1) |
//! | Mul | u·c, c·d, i·j | Scale |
//! | Div | u/c without zeros in c; c/d; i/j truncated | Divide |
//! | BatchNormalization | inference over axis 1: a·u + b, a and b rounded once to 32 bits | Scale, Shift |
//! | Relu, LeakyRelu, Abs | elementwise, of u or c | Kink |
//! | Max | of any number of u and c; max(u, c) = c + relu(u − c) | Max, Shift and Kink |
//! | Concat | of values along any axis but the batch; of constants | Concat |
//! | Flatten, Reshape, Squeeze, Unsqueeze | the batch axis stays; −1, 0, allowzero | Reshape |
//! | Transpose | of constants; of values where only axes of size 1 move | Reshape |
//! | Gather, Slice | constant indices, not along the batch; one axis | Reshape, or Dense of zeros and ones |
//! | Expand, ConstantOfShape | constants, also to [N, …]; values along axes of size 1 | Constant, Dense of zeros and ones |
//! | Constant, Identity, Dropout (inference), Cast (where nothing is rounded) | the same | nothing |
//! | Shape | of values, with N as a symbol, and of constants | nothing |
//!
//! relu(y) + relu(−y) and max(y, −y) become one absolute value of y, and max(s·y, t·y) one leaky activation, where the
//! two arguments are exactly that as affine functions of a common source (`kinks`).
//!
//! BatchNormalization is the one place where the network that is certified differs from the operator's definition, since
//! its gain is irrational in general: a = RN₃₂(scale/√(var+ε)), b = RN₃₂(bias − mean·scale/√(var+ε)), decided exactly
//! (`batch_norm`). Everything else keeps the real function of the stored constants. Running the same file in floats
//! rounds, here and in any runtime.

mod batch_norm;
mod call;
mod canonical;
mod declared;
mod elementwise;
pub(crate) mod exact;
mod integers;
mod join;
mod kinds;
mod kinks;
mod layers;
mod layout;
#[cfg(test)]
mod mutations;
mod operators;
mod pick;
mod proto;
mod reader;
mod stored;
mod tensor;
mod writer;

pub use reader::{decode, read};
pub use writer::{encode, write};
