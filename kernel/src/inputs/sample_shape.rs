//! Whether the samples of a file have the shape of the model's input: axes in another order are another input, though
//! the number of entries is the same.

use crate::rejection::{Code, Rejection};

/// Refuses the samples along the first axis of an array of shape `found`, unless they have the shape `model`, or are
/// flat, or differ in axes of size 1 only.
pub fn check(found: &[usize], model: &[usize]) -> Result<(), Rejection> {
    let sample = found.get(1..).unwrap_or_default();
    if !sample.is_empty() && same_entries(sample, model) {
        return Ok(());
    }
    let expected = format!("samples of shape {model:?}, or flat ones of {} entries", size(model));
    Err(Rejection::new(Code::InputSize, "inputs", expected, format!("{sample:?}{}", advice(found, model))))
}

/// Whether row-major entries mean the same under both shapes.
pub fn same_entries(found: &[usize], model: &[usize]) -> bool {
    let (found, model) = (without_ones(found), without_ones(model));
    found == model || (found.len() <= 1 && size(&found) == size(&model))
}

/// Number of entries.
fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn without_ones(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&size| size != 1).collect()
}

/// What the user may have meant.
fn advice(found: &[usize], model: &[usize]) -> String {
    if without_ones(found) == without_ones(model) {
        return format!("; an array of one sample is {:?}", [&[1], model].concat());
    }
    let mut text = match transposition(found, model) {
        Some(axes) => {
            let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
            format!("; perhaps transpose({}) is meant", axes.join(", "))
        }
        None => String::new(),
    };
    if found.get(1..).is_some_and(|sample| !sample.is_empty() && size(sample) == size(model)) {
        text += "; --flatten takes the entries in the order in which they stand";
    }
    text
}

/// The order of axes that makes `found` an array of the model's inputs, the first axis kept where that is possible.
fn transposition(found: &[usize], model: &[usize]) -> Option<Vec<usize>> {
    [1, 0].into_iter().find_map(|first| {
        let mut free: Vec<usize> = (first..found.len()).collect();
        let mut axes = Vec::new();
        for size in model {
            let at = free.iter().position(|&axis| found[axis] == *size)?;
            axes.push(free.remove(at));
        }
        free.splice(..0, 0..first);
        (free.len() == 1).then(|| [free, axes].concat())
    })
}
