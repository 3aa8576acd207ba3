//! Operators with windows: convolutions, pools, and padding.
//!
//! Values are [N, C, D] or [N, C, D, E]. Where it matters what lies in the padding, it is said here: 0 for a convolution,
//! nothing for a pool, unless it counts it.

use crate::budget;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::network::windows::{Axis, Windows};
use crate::number::exact::{Exact, Float, pairs};
use crate::number::floats::Floats;
use crate::number::product::Factors;
use crate::onnx::affine::reciprocals;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, affine, size, strides, unit};
use crate::rejection::{Code, Rejection};

/// A list attribute of `count` numbers from `least` on.
fn numbers(call: &Call, name: &str, count: usize, least: usize) -> Result<Option<Vec<usize>>, Rejection> {
    let Some(list) = call.integers(name) else { return Ok(None) };
    let expected = format!("{count} numbers from {least} on as {name}");
    let number = |&v: &i64| usize::try_from(v).ok().filter(|&v| v >= least);
    let numbers = list.iter().map(number).collect::<Option<Vec<_>>>().filter(|numbers| numbers.len() == count);
    let numbers = numbers.ok_or_else(|| call.refuse(Code::MalformedModel, &expected, format!("{list:?}")))?;
    numbers.iter().try_for_each(|&v| budget::within(call.name, name, v as u64, budget::ENTRIES))?;
    Ok(Some(numbers))
}

/// The axes behind the channels, over which a window of `cells` moves as the attributes say.
fn axes(call: &Call, shape: &[usize], cells: &[usize]) -> Result<Vec<Axis>, Rejection> {
    let sizes = shape.get(1..).unwrap_or_default();
    if !matches!(sizes.len(), 1 | 2) {
        return Err(call.refuse(Code::Unsupported, "an operand [N, C, D] or [N, C, D, E]", format!("[N, {shape:?}]")));
    }
    let rank = sizes.len();
    let or = |name: &str, default: usize| Ok(numbers(call, name, rank, 1)?.unwrap_or(vec![default; rank]));
    let (dilations, steps) = (or("dilations", 1)?, or("strides", 1)?);
    let pads = numbers(call, "pads", 2 * rank, 0)?;
    let auto = call.text("auto_pad").unwrap_or("NOTSET");
    let ceil = call.flag("ceil_mode")?;
    if auto.starts_with("SAME") && dilations.iter().any(|&d| d != 1) {
        // Runtimes leave them out where they count.
        return Err(call.refuse(Code::Unsupported, "dilations of 1 where auto_pad is SAME", format!("{dilations:?}")));
    }
    let axis = |k: usize| {
        let (input, cells, stride, dilation) = (sizes[k], cells[k], steps[k], dilations[k]);
        // All of these are at most 2²⁴.
        let width = (cells - 1) * dilation + 1;
        // SAME: one place per step, and the odd entry of padding behind the others or before them.
        let needed = input.div_ceil(stride).saturating_sub(1) * stride + width;
        let lacking = needed.saturating_sub(input);
        if auto.starts_with("SAME") && call.operator != "Conv" && needed < input {
            // Runtimes would have less than no padding.
            let expected = "a pool that leaves no entries out where auto_pad is SAME";
            return Err(call.refuse(Code::Unsupported, expected, format!("{needed} of {input}")));
        }
        let (before, behind) = match (auto, &pads) {
            ("NOTSET", Some(pads)) => (pads[k], pads[rank + k]),
            ("NOTSET" | "VALID", None) => (0, 0),
            ("SAME_UPPER", None) => (lacking / 2, lacking - lacking / 2),
            ("SAME_LOWER", None) => (lacking - lacking / 2, lacking / 2),
            _ => {
                let expected = "auto_pad NOTSET, or VALID, SAME_UPPER, SAME_LOWER without pads";
                return Err(call.refuse(Code::Unsupported, expected, format!("`{}`", auto.escape_debug())));
            }
        };
        let Some(last) = (before + input + behind).checked_sub(width) else {
            let found = format!("{} entries with padding", before + input + behind);
            return Err(call.refuse(Code::ShapeMismatch, &format!("room for {cells} cells on axis {}", k + 2), found));
        };
        let output = last / stride + 1;
        // One place more where steps are left over. Runtimes differ where its window begins in the padding behind the input.
        let more = ceil && !last.is_multiple_of(stride);
        if more && output * stride >= before + input {
            let expected = "a last window that begins in the input where ceil_mode = 1";
            return Err(call.refuse(Code::Unsupported, expected, format!("{output} steps of {stride}")));
        }
        Ok(Axis { input, output: output + usize::from(more), cells, stride, dilation, before })
    };
    (0..rank).map(axis).collect()
}

/// Two axes, of which the first may be a point.
fn two(axes: &[Axis]) -> [Axis; 2] {
    match axes {
        [first, second] => [*first, *second],
        [only] => [Axis::POINT, *only],
        _ => unreachable!("one axis or two"),
    }
}

/// The shape of what stands at the places of a window.
fn placed(channels: usize, axes: &[Axis]) -> Vec<usize> {
    std::iter::once(channels).chain(axes.iter().map(|axis| axis.output)).collect()
}

/// Σ weight·x over the window, for every channel of the output, plus a bias per channel.
pub fn conv(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let ((of, shape), (dims, weights)) = (call.node(0, values)?, call.floats(1, values)?);
    let misfit = |expected: &str, found: String| call.refuse(Code::ShapeMismatch, expected, found);
    if dims.len() != shape.len() + 1 || dims.len() < 3 || size(dims) == 0 {
        return Err(misfit(&format!("weights of {} axes, none of size 0", shape.len() + 1), format!("{dims:?}")));
    }
    let group = call.integer("group").unwrap_or(1);
    let groups = usize::try_from(group).ok().filter(|&groups| groups > 0);
    let groups = groups.ok_or_else(|| call.refuse(Code::MalformedModel, "a group from 1 on", group.to_string()))?;
    let (channels, inputs) = (dims[0], dims[1]);
    if groups.checked_mul(inputs) != Some(shape[0]) || !channels.is_multiple_of(groups) {
        let expected = format!("weights of {groups} groups for {} channels", shape[0]);
        return Err(misfit(&expected, format!("{dims:?}")));
    }
    match numbers(call, "kernel_shape", dims.len() - 2, 1)? {
        Some(kernel) if kernel != dims[2..] => {
            return Err(misfit(&format!("a kernel_shape {:?}", &dims[2..]), format!("{kernel:?}")));
        }
        _ => {}
    }
    let axes = axes(call, shape, &dims[2..])?;
    let new = placed(channels, &axes);
    budget::within(call.name, "entries", size(&new) as u64, budget::ENTRIES)?;
    let offset = match call.optional(2, values)? {
        None => None,
        Some(_) => {
            let (of_bias, bias) = call.floats(2, values)?;
            if of_bias != [channels] {
                return Err(misfit(&format!("a bias of {channels} numbers"), format!("{of_bias:?}")));
            }
            let repeat = |b: Float| std::iter::repeat_n(b, size(&new[1..]));
            Some(Exact::dyadics(&bias.iter().flat_map(repeat).collect::<Vec<_>>()))
        }
    };
    let windows = Windows { groups, inputs, outputs: channels / groups, axes: two(&axes) };
    let map = Map::Windows { windows, weights: Factors::new(weights.clone()) };
    affine(graph, call, vec![(of, map)], offset, new)
}

/// The axes of a pool: no window may lie in the padding alone.
fn pool(call: &Call, shape: &[usize]) -> Result<Vec<Axis>, Rejection> {
    let rank = shape.len().saturating_sub(1);
    let cells = numbers(call, "kernel_shape", rank, 1)?;
    let cells = cells.ok_or_else(|| call.refuse(Code::MalformedModel, "a kernel_shape", "none"))?;
    let axes = axes(call, shape, &cells)?;
    let pads = call.integers("pads").unwrap_or_default();
    let wide = (0..pads.len()).any(|k| usize::try_from(pads[k]).is_ok_and(|pad| pad >= cells[k % rank]));
    let empty = |axis: &Axis| (0..axis.output).any(|place| axis.inside(place).is_empty());
    if wide || axes.iter().any(empty) {
        let expected = "padding that is smaller than the window, and windows over the input";
        return Err(call.refuse(Code::Unsupported, expected, format!("{pads:?}")));
    }
    let all = axes.iter().try_fold(shape[0], |all, axis| all.checked_mul(axis.output)?.checked_mul(axis.cells));
    budget::within(call.name, "cells of all windows", all.unwrap_or(usize::MAX) as u64, budget::WEIGHTS)?;
    Ok(axes)
}

/// The sum over the window, over the number of its cells, or of those that do not lie in the padding.
pub fn average_pool(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    // Runtimes have counted dilated windows in different ways, and cells beyond the padding.
    if call.integers("dilations").is_some_and(|dilations| dilations.iter().any(|&d| d != 1)) {
        return Err(call.refuse(Code::Unsupported, "dilations of 1", "others"));
    }
    let (all, ceil) = (call.flag("count_include_pad")?, call.flag("ceil_mode")?);
    if all && ceil {
        return Err(call.refuse(Code::Unsupported, "ceil_mode = 0 where count_include_pad = 1", "1"));
    }
    average(graph, call, (of, shape[0]), &pool(call, shape)?, all)
}

/// The average of each channel.
pub fn global_average_pool(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    let whole = axes(call, shape, shape.get(1..).unwrap_or_default())?;
    average(graph, call, (of, shape[0]), &whole, true)
}

fn average(graph: &mut Graph, call: &Call, (of, channels): (usize, usize), axes: &[Axis], all: bool) -> Answer {
    let shape = placed(channels, axes);
    let both = two(axes);
    let float = |count: usize| Float::new(count as i64, 0);
    let [a, b] = both;
    let counts: Vec<Float> = match all {
        true => vec![float(a.cells * b.cells)],
        false => {
            let count = |axis: Axis, place: usize| axis.inside(place).len();
            let lines = (0..a.output).flat_map(|i| (0..b.output).map(move |j| (i, j)));
            let plane: Vec<Float> = lines.map(|(i, j)| float(count(a, i) * count(b, j))).collect();
            plane.repeat(channels)
        }
    };
    let windows = Windows { groups: channels, inputs: 1, outputs: 1, axes: both };
    let weights = windows.weights().filter(|&count| count as u64 <= budget::WEIGHTS);
    let weights = weights.ok_or_else(|| call.refuse(Code::TooLarge, "fewer cells of all windows", "more"))?;
    let map = Map::Windows { windows, weights: Factors::new(Floats::Numbers(vec![Float::ONE; weights])) };
    let Value::Node(sums, shape) = affine(graph, call, vec![(of, map)], None, shape)? else { unreachable!("a node") };
    let shares = Map::diagonal(size(&shape), reciprocals(call, &counts)?);
    affine(graph, call, vec![(sums, shares)], None, shape)
}

/// The maximum of the cells that do not lie in the padding.
pub fn max_pool(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    if call.flag("storage_order")? {
        return Err(call.refuse(Code::Unsupported, "storage_order = 0", "1"));
    }
    maximum(graph, call, (of, shape), &pool(call, shape)?)
}

/// The maximum of each channel.
pub fn global_max_pool(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    maximum(graph, call, (of, shape), &axes(call, shape, shape.get(1..).unwrap_or_default())?)
}

/// The maximum of as many picks as a window has cells, row-major; a cell in the padding stands for the nearest one of its
/// window that does not.
fn maximum(graph: &mut Graph, call: &Call, (of, old): (usize, &[usize]), axes: &[Axis]) -> Answer {
    let shape = placed(old[0], axes);
    let [a, b] = two(axes);
    let plane = a.input * b.input;
    let mut operands = Vec::new();
    for (k, l) in (0..a.cells).flat_map(|k| (0..b.cells).map(move |l| (k, l))) {
        let of_channel = |c: usize| {
            let lines = (0..a.output).map(move |i| Some(c * plane + a.nearest(i, k)? * b.input));
            lines.flat_map(move |line| (0..b.output).map(move |j| Some(line? + b.nearest(j, l)?)))
        };
        let map = Map::pick((0..old[0]).flat_map(of_channel).collect(), size(old));
        let Value::Node(id, _) = affine(graph, call, vec![(of, map)], None, shape.clone())? else {
            unreachable!("a node")
        };
        operands.push(id);
    }
    match operands[..] {
        [only] => Ok(Value::Node(only, shape)),
        _ => unit(graph, call, Op::Max(operands), shape),
    }
}

/// Entries around the samples: a constant, or copies of those at the edge.
pub fn pad(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, old) = call.node(0, values)?;
    let mode = call.text("mode").unwrap_or("constant");
    if !matches!(mode, "constant" | "edge" | "reflect" | "wrap") {
        let expected = "mode constant, edge, reflect or wrap";
        return Err(call.refuse(Code::Unsupported, expected, mode.escape_debug().to_string()));
    }
    let value = match call.optional(2, values)? {
        None => Float::ZERO,
        Some(Value::Floats(dims, floats)) if dims.is_empty() => floats.at(0),
        Some(_) => return Err(call.refuse(Code::Unsupported, "a constant scalar", "another operand")),
    };
    let pads = pads(call, values, old.len())?;
    // What is cropped is there; copies are of what is there once.
    let fits = |size: i64, pad: i64| match mode {
        "constant" => pad > -size,
        "edge" => pad >= 0,
        "reflect" => (0..size).contains(&pad),
        _ => (0..=size).contains(&pad),
    };
    let wide = |(&size, &(before, behind)): (&usize, &(i64, i64))| {
        let size = size as i64;
        let fits = fits(size, before) && fits(size, behind);
        usize::try_from(size.checked_add(before)?.checked_add(behind)?).ok().filter(|&wide| fits && wide > 0)
    };
    let shape = pairs(old, &pads)?.map(wide).collect::<Option<Vec<_>>>();
    let shape = shape.ok_or_else(|| {
        let expected = format!("pads that mode {mode} has for {old:?}");
        call.refuse(Code::Unsupported, &expected, format!("{pads:?}"))
    })?;
    budget::within(call.name, "entries", size(&shape) as u64, budget::ENTRIES)?;
    let mut from = vec![Some(0)];
    for (k, step) in strides(old).into_iter().enumerate() {
        let (before, size) = (pads[k].0, old[k] as i64);
        let along = |i: usize| {
            let at = i as i64 - before;
            let at = match mode {
                "edge" => at.clamp(0, size - 1),
                "reflect" => at.abs().min(2 * (size - 1) - at.abs()),
                "wrap" => at.rem_euclid(size),
                _ => at,
            };
            usize::try_from(at).ok().filter(|&at| at < old[k])
        };
        let all = |place: &Option<usize>| {
            let place = *place;
            (0..shape[k]).map(move |i| Some(place? + along(i)? * step))
        };
        from = from.iter().flat_map(all).collect();
    }
    let constant = |from: &Option<usize>| if from.is_some() { Float::ZERO } else { value };
    let offset = (value != Float::ZERO).then(|| Exact::dyadics(&from.iter().map(constant).collect::<Vec<_>>()));
    let map = Map::pick(from, size(old));
    affine(graph, call, vec![(of, map)], offset, shape)
}

/// How many entries stand before and behind each of a sample's `rank` axes, or minus how many are gone.
fn pads(call: &Call, values: &Values, rank: usize) -> Result<Vec<(i64, i64)>, Rejection> {
    let list = call.list(1, values)?;
    let pads = list.iter().copied().collect::<Option<Vec<_>>>();
    let pads = pads.ok_or_else(|| call.refuse(Code::Unsupported, "constant pads", format!("{list:?}")))?;
    for pad in &pads {
        budget::within(call.name, "entries", pad.unsigned_abs(), budget::ENTRIES)?;
    }
    if pads.len() != 2 * (rank + 1) {
        return Err(call.refuse(Code::ShapeMismatch, &format!("{} pads", 2 * (rank + 1)), format!("{pads:?}")));
    }
    let (before, behind) = pads.split_at(rank + 1);
    if before[0] != 0 || behind[0] != 0 {
        return Err(call.refuse(Code::Unsupported, "a batch without padding", format!("{pads:?}")));
    }
    Ok((1..=rank).map(|k| (before[k], behind[k])).collect())
}
