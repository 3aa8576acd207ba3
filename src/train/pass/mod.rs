//! Forward, input-gradient, tangent and reverse passes over a batch.
//!
//! With G = ∇_ψ Σ_j v_j·g(ψ_j) and a penalty ρ(G), the derivative of ρ in the weights is that of ⟨H, G⟩ with
//! H = ∂ρ/∂G held fixed, which is the derivative of Σ_j v_j·ġ_j, where ġ is the tangent of g along H. So one tangent
//! pass and one reverse pass over values and tangents give the gradient of loss and penalty together, batch-norm in
//! training mode (with its cross terms) included. ReLU's second derivative is 0.

mod linear;
mod norm;
mod product;

use super::architecture::{Affine, Step, ValueId};
use super::network::{Network, Running};
use crate::matrix::{Scalar, update};
use linear::Operators;
use norm::Normalised;

/// Which statistics a batch-norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Those of the batch.
    Training,
    /// The running ones, folded into two f32 constants per channel.
    Inference,
}

/// A forward pass over a batch of n samples.
#[derive(Debug)]
pub struct Pass<'a, T> {
    network: &'a Network<T>,
    operators: Operators,
    /// `[n × inputs]`.
    psi: &'a [T],
    n: usize,
    /// What every step makes, `[n × size]`.
    made: Vec<Vec<T>>,
    /// Of every batch-norm.
    norms: Vec<Normalised<T>>,
}

impl<'a, T: Scalar> Pass<'a, T> {
    /// Evaluates g on ψ `[n × inputs]`.
    ///
    /// # Panics
    /// When ψ does not consist of whole samples.
    pub fn new(network: &'a Network<T>, psi: &'a [T], mode: Mode) -> Self {
        let architecture = &network.architecture;
        let n = psi.len() / architecture.inputs();
        assert_eq!(psi.len(), n * architecture.inputs(), "a batch of {} coordinates", architecture.inputs());
        let operators = Operators::new(network);
        let mut pass = Pass { network, operators, psi, n, made: Vec::new(), norms: Vec::new() };
        for (k, step) in architecture.steps().iter().enumerate() {
            let made = match step {
                Step::Affine(affine) => {
                    let mut t = pass.linear(affine, &|value| pass.value(value), architecture.size(k + 1));
                    linear::add_bias(&mut t, &network.parameters[affine.bias.clone()], architecture.size(k + 1));
                    t
                }
                Step::Relu(from) => pass.value(*from).iter().map(|&t| if t > T::ZERO { t } else { T::ZERO }).collect(),
                Step::Sum([a, b]) => pass.value(*a).iter().zip(pass.value(*b)).map(|(&a, &b)| a + b).collect(),
                Step::Norm(norm) => {
                    let (normalised, made) = Normalised::new(network, norm, pass.value(norm.from), mode);
                    pass.norms.push(normalised);
                    made
                }
            };
            pass.made.push(made);
        }
        pass
    }

    /// The heads' logits, `[n × heads]`.
    pub fn logits(&self) -> &[T] {
        self.made.last().map_or(self.psi, |made| made)
    }

    /// f, `[n]`: the least of the heads.
    pub fn least(&self) -> Vec<T> {
        let least = |heads: &[T]| heads.iter().copied().reduce(|a, b| if b < a { b } else { a });
        self.logits().chunks_exact(self.network.architecture.heads()).filter_map(least).collect()
    }

    /// Mean and variance of the batch at every batch-norm and channel (training mode).
    pub fn statistics(&self) -> impl Iterator<Item = Vec<Running>> + '_ {
        self.norms.iter().filter_map(Normalised::statistics)
    }

    /// G = ∇_ψ Σ_j v_j·g_j, `[n × inputs]`, for v `[n × heads]`.
    pub fn input_gradient(&self, v: &[T]) -> Vec<T> {
        let mut adjoints = self.adjoints(v);
        for (k, step) in self.network.architecture.steps().iter().enumerate().rev() {
            let mut s = std::mem::take(&mut adjoints[k + 1]);
            if s.is_empty() {
                continue;
            }
            match step {
                Step::Affine(affine) => self.pull_back(affine, &s, &mut adjoints, true),
                Step::Relu(from) => {
                    mask(&mut s, &self.made[k]);
                    give(&mut adjoints[*from], s);
                }
                Step::Sum([a, b]) => {
                    give(&mut adjoints[*a], s.clone());
                    give(&mut adjoints[*b], s);
                }
                Step::Norm(norm) => {
                    self.norms[norm.number].pull_back(&mut s);
                    give(&mut adjoints[norm.from], s);
                }
            }
        }
        std::mem::take(&mut adjoints[0])
    }

    /// The gradient of Σ_j e_j·g_j + ⟨H, G⟩ in every parameter, where G = [`Pass::input_gradient`] of v; e, v are
    /// `[n × heads]`, H is `[n × inputs]`, or empty where nothing depends on G. Added to `out` `[parameters]`.
    pub fn parameter_gradient(&self, e: &[T], v: &[T], h: &[T], out: &mut [T]) {
        let (pairs, along) = self.pairs(h);
        // Adjoints of the values, then of the tangents: [2n × size], so that one product serves both.
        let mut adjoints = self.adjoints(if h.is_empty() { e } else { &[] });
        if !h.is_empty() {
            *adjoints.last_mut().expect("ψ at least") = [e, v].concat();
        }
        for (k, step) in self.network.architecture.steps().iter().enumerate().rev() {
            let mut s = std::mem::take(&mut adjoints[k + 1]);
            if s.is_empty() {
                continue;
            }
            match step {
                Step::Affine(affine) => {
                    for term in &affine.terms {
                        let pair = &pairs[term.from];
                        self.operators.weight_gradient(term, &s, pair, &mut out[term.weight.clone()]);
                    }
                    let values = &s[..self.n * self.network.architecture.size(k + 1)];
                    linear::bias_gradient(values, self.network.architecture.size(k + 1), &mut out[affine.bias.clone()]);
                    self.pull_back(affine, &s, &mut adjoints, false);
                }
                Step::Relu(from) => {
                    s.chunks_mut(self.made[k].len().max(1)).for_each(|s| mask(s, &self.made[k]));
                    give(&mut adjoints[*from], s);
                }
                Step::Sum([a, b]) => {
                    give(&mut adjoints[*a], s.clone());
                    give(&mut adjoints[*b], s);
                }
                Step::Norm(norm) => {
                    let (value, tangent) = s.split_at_mut(self.made[k].len());
                    let along = along.get(norm.number);
                    self.norms[norm.number].reverse(along, value, tangent, &mut out[norm.at.clone()]);
                    give(&mut adjoints[norm.from], s);
                }
            }
        }
    }

    /// Values with their tangents along H behind them, and what batch-norms remember of these; values alone without H.
    fn pairs(&self, h: &[T]) -> (Vec<Vec<T>>, Vec<norm::Tangent<T>>) {
        let architecture = &self.network.architecture;
        let (mut pairs, mut along) = (vec![[self.psi, h].concat()], Vec::new());
        for (k, step) in architecture.steps().iter().enumerate() {
            let made = &self.made[k];
            if h.is_empty() {
                pairs.push(made.clone());
                continue;
            }
            let tangent = |value: ValueId| &pairs[value][self.n * architecture.size(value)..];
            let tangent = match step {
                // Of the heads themselves nothing more is asked.
                Step::Affine(_) if k + 1 == architecture.steps().len() => vec![],
                Step::Affine(affine) => self.linear(affine, &tangent, architecture.size(k + 1)),
                Step::Relu(from) => {
                    let mut t = tangent(*from).to_vec();
                    mask(&mut t, made);
                    t
                }
                Step::Sum([a, b]) => tangent(*a).iter().zip(tangent(*b)).map(|(&a, &b)| a + b).collect(),
                Step::Norm(norm) => {
                    let (remembered, t) = self.norms[norm.number].tangent(tangent(norm.from));
                    along.push(remembered);
                    t
                }
            };
            pairs.push([&made[..], &tangent].concat());
        }
        (pairs, along)
    }

    fn value(&self, value: ValueId) -> &[T] {
        if value == 0 { self.psi } else { &self.made[value - 1] }
    }

    fn adjoints(&self, last: &[T]) -> Vec<Vec<T>> {
        let mut adjoints = vec![Vec::new(); self.made.len() + 1];
        adjoints[self.made.len()] = last.to_vec();
        adjoints
    }

    /// Σ W·value, `[n × size]`.
    fn linear<'b>(&self, affine: &Affine, value: &dyn Fn(ValueId) -> &'b [T], size: usize) -> Vec<T>
    where
        T: 'b,
    {
        let mut t = vec![T::ZERO; self.n * size];
        // ψ first, which every dense layer reads.
        for term in affine.terms.iter().rev() {
            self.operators.add_forward(term, &self.network.parameters, value(term.from), &mut t);
        }
        t
    }

    /// Adds Wᵀ·s to the adjoints of what an affine step reads; to that of ψ only where it is asked for.
    fn pull_back(&self, affine: &Affine, s: &[T], adjoints: &mut [Vec<T>], to_psi: bool) {
        let rows = s.len() / affine.terms[0].shape.rows();
        for term in affine.terms.iter().filter(|term| to_psi || term.from > 0) {
            let adjoint = &mut adjoints[term.from];
            if adjoint.is_empty() {
                *adjoint = vec![T::ZERO; rows * term.shape.cols()];
            }
            self.operators.add_transposed(term, &self.network.parameters, s, adjoint);
        }
    }
}

/// Adds to an adjoint, which may still be empty.
fn give<T: Scalar>(adjoint: &mut Vec<T>, more: Vec<T>) {
    if adjoint.is_empty() {
        *adjoint = more;
    } else {
        update(adjoint, &more, |a, b| a + b);
    }
}

/// Keeps what lies where a ReLU's result is positive.
fn mask<T: Scalar>(values: &mut [T], made: &[T]) {
    update(values, made, |value, made| if made > T::ZERO { value } else { T::ZERO });
}
