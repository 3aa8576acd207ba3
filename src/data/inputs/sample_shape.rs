//! Whether samples have the shape of the model's input. As many entries are not enough: with the axes in another order
//! they are another input.

/// Do row-major entries of an array of one shape mean the same under the other? They do where the shapes differ in axes
/// of size 1 only, or `found` is flat.
pub fn same_entries(found: &[usize], model: &[usize]) -> bool {
    let mut longer = found.iter().filter(|&&size| size != 1);
    let mut wanted = model.iter().filter(|&&size| size != 1);
    let flat = longer.clone().count() <= 1 && size(found) == size(model);
    flat || longer.by_ref().eq(wanted.by_ref())
}

/// Number of coordinates.
fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Makes sure that `count` samples of shape `found` are inputs of the shape `model`.
///
/// # Errors
/// When they are not: both shapes, and what may have been meant.
pub fn fit(count: usize, found: &[usize], model: &[usize], flatten: bool) -> Result<(), String> {
    if same_entries(found, model) || (flatten && size(found) == size(model)) {
        return Ok(());
    }
    let array = [&[count], found].concat();
    let mut text = format!("expected inputs of shape {model:?} ({} coordinates), ", size(model));
    text += &format!("found {found:?} ({})", size(found));
    if size(&array) == size(model) && same_entries(&array, model) && array.len() > 1 {
        let single = [&[1], model].concat();
        return Err(format!("{text}: is it one sample without the samples' axis? An array of one is {single:?}"));
    }
    if let Some(axes) = transposition(&array, model) {
        let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
        text += &format!(": transpose({}) would make one of the other", axes.join(", "));
    }
    if size(found) == size(model) {
        text += "; --flatten takes the entries in the order in which they stand";
    }
    Err(text)
}

/// The order in which the axes of `array` are those of samples of the shape `model`. The samples' axis is the first
/// one if it can be, else a late one, and of several axes of one size the earlier is taken first, as the usual orders
/// of image axes have it.
fn transposition(array: &[usize], model: &[usize]) -> Option<Vec<usize>> {
    if array.len() != model.len() + 1 {
        return None;
    }
    [0].into_iter().chain((1..array.len()).rev()).find_map(|samples| {
        let mut order = vec![samples];
        for &size in model {
            let next = (0..array.len()).find(|axis| !order.contains(axis) && array[*axis] == size)?;
            order.push(next);
        }
        Some(order)
    })
}
