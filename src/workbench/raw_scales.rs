//! Columns of a table that look as nobody has scaled them, in front of a model that says nothing of tables.
//!
//! Nobody can tell from numbers what a model was trained on. What can be told is that one column, of large numbers, makes
//! up nearly all that moves the logit, as it does where a network of scaled columns is given raw ones.

use crate::model::Model;
use crate::model::passes::{backward, forward, tangent_slopes};

/// Samples that are looked at.
const LOOKED_AT: usize = 64;

/// Numbers of this size are large: scaled ones are around 1.
const LARGE: f32 = 100.0;

/// Share of |slope × value| over all columns that is nearly all.
const NEARLY_ALL: f64 = 0.99;

/// What is to be said about samples `values` `[any number × names]`, if anything.
pub(super) fn warning(model: &Model, names: &[String], values: &[f32]) -> Option<String> {
    let size = names.len();
    if size < 2 || model.input_size() != size {
        return None;
    }
    let values = &values[..values.len().min(LOOKED_AT * size)];
    let network = model.network();
    let passed = forward(network, values);
    let gradients = backward(network, &tangent_slopes(network, &passed), &[0]).remove(0);
    let mut main: Vec<usize> = values.chunks_exact(size).zip(gradients.chunks_exact(size)).filter_map(main).collect();
    main.sort_unstable();
    let rows = values.len() / size;
    // One column, in more than half of the rows.
    let column = *main.get(main.len() / 2)?;
    let count = main.iter().filter(|other| **other == column).count();
    let largest = values.iter().skip(column).step_by(size).fold(0.0_f32, |most, value| most.max(value.abs()));
    (2 * count > rows && largest >= LARGE).then(|| {
        format!(
            "`{}` (up to {largest}) makes up nearly all that moves the logit, and the model has no record of how the rows of \
             a table become its inputs: if it was trained on scaled columns, give it such",
            names[column]
        )
    })
}

/// The column that makes up nearly all of a sample's slope × value.
fn main((sample, gradient): (&[f32], &[f32])) -> Option<usize> {
    let parts: Vec<f64> = sample.iter().zip(gradient).map(|(x, g)| (f64::from(*x) * f64::from(*g)).abs()).collect();
    let all: f64 = parts.iter().sum();
    parts.iter().position(|part| all.is_finite() && *part > NEARLY_ALL * all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Graph, Layer};

    fn model(weight: &[f32]) -> Model {
        let mut graph = Graph::new("x", &[weight.len()]);
        let dense = Dense { rows: 1, cols: weight.len(), weight: weight.to_vec(), bias: vec![0.5] };
        graph.push("f", Layer::Dense(dense), &[0]).unwrap();
        Model::new(graph).unwrap()
    }

    #[test]
    fn raw_columns_are_told_from_scaled_ones_and_from_those_that_a_model_scales() {
        let names = ["rate", "amount"].map(String::from);
        let told = |weight: &[f32], values: &[f32]| warning(&model(weight), &names, values);
        let raw = [0.3, 4200.0, 0.1, 120.0, 0.9, 87.0, 0.5, 9000.5];
        let said = told(&[1.0, -0.5], &raw).unwrap();
        assert!(said.contains("`amount` (up to 9000.5)") && said.contains("no record"), "{said}");
        assert_eq!(told(&[1.0, -0.5], &[0.3, 1.2, -0.1, 2.0]), None, "scaled");
        assert_eq!(told(&[1.0, -0.001], &raw), None, "scaled by the model");
        assert_eq!(
            told(&[1.0, -0.5], &[0.0, 1.0, 0.0, 2.0]),
            None,
            "one column matters, of numbers that are not large"
        );
        assert_eq!(warning(&model(&[1.0]), &names[1..], &[1e6]), None, "a single column is all there is");
        assert_eq!(told(&[0.0, 0.0], &raw), None);
    }
}
