//! Operators with windows: convolutions, pools, and padding.
//!
//! Values are [N, C, D] or [N, C, D, E]. Where it matters what lies in the padding, it is said here: 0 for a convolution,
//! nothing for a pool, unless it counts it.

use crate::budget;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::network::windows::{Axis, Windows};
use crate::number::exact::{Exact, Float};
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
    match call.text("auto_pad") {
        None | Some("NOTSET") => {}
        Some("VALID") if pads.is_none() => {}
        Some(other) => {
            let found = format!("`{}`", other.escape_debug());
            return Err(call.refuse(Code::Unsupported, "auto_pad NOTSET, or VALID without pads", found));
        }
    }
    let pads = pads.unwrap_or(vec![0; 2 * rank]);
    let axis = |k: usize| {
        let (input, cells, stride, dilation, before) = (sizes[k], cells[k], steps[k], dilations[k], pads[k]);
        // All of these are at most 2²⁴.
        let padded = before + input + pads[rank + k];
        let Some(last) = padded.checked_sub((cells - 1) * dilation + 1) else {
            let found = format!("{padded} entries with padding");
            return Err(call.refuse(Code::ShapeMismatch, &format!("room for {cells} cells on axis {}", k + 2), found));
        };
        Ok(Axis { input, output: last / stride + 1, cells, stride, dilation, before })
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
    let map = Map::Windows { windows, weights: Factors::new(weights.iter()) };
    affine(graph, call, vec![(of, map)], offset, new)
}

/// The axes of a pool: no window may lie in the padding alone.
fn pool(call: &Call, shape: &[usize]) -> Result<Vec<Axis>, Rejection> {
    if call.flag("ceil_mode")? {
        return Err(call.refuse(Code::Unsupported, "ceil_mode = 0", "1"));
    }
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
    // Runtimes have counted dilated windows in different ways.
    if call.integers("dilations").is_some_and(|dilations| dilations.iter().any(|&d| d != 1)) {
        return Err(call.refuse(Code::Unsupported, "dilations of 1", "others"));
    }
    let axes = pool(call, shape)?;
    average(graph, call, (of, shape[0]), &axes, call.flag("count_include_pad")?)
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
    let map = Map::Windows { windows, weights: Factors::new(std::iter::repeat_n(Float::ONE, weights)) };
    let Value::Node(sums, shape) = affine(graph, call, vec![(of, map)], None, shape)? else { unreachable!("a node") };
    let shares = Map::diagonal(size(&shape), reciprocals(call, &counts)?);
    affine(graph, call, vec![(sums, shares)], None, shape)
}

/// The maximum of as many picks as a window has cells, row-major; a cell in the padding stands for the nearest one of its
/// window that does not.
pub fn max_pool(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, old) = call.node(0, values)?;
    if call.flag("storage_order")? {
        return Err(call.refuse(Code::Unsupported, "storage_order = 0", "1"));
    }
    let axes = pool(call, old)?;
    let shape = placed(old[0], &axes);
    let [a, b] = two(&axes);
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

/// A constant around the samples.
pub fn pad(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, old) = call.node(0, values)?;
    if !matches!(call.text("mode"), None | Some("constant")) {
        return Err(call.refuse(Code::Unsupported, "mode constant", "another one"));
    }
    let value = match call.optional(2, values)? {
        None => Float::ZERO,
        Some(Value::Floats(dims, floats)) if dims.is_empty() => floats.at(0),
        Some(_) => return Err(call.refuse(Code::Unsupported, "a constant scalar", "another operand")),
    };
    let list = call.list(1, values)?;
    let pad = |v: &Option<i64>| v.and_then(|v| usize::try_from(v).ok());
    let pads = list.iter().map(pad).collect::<Option<Vec<_>>>();
    let pads = pads.ok_or_else(|| call.refuse(Code::Unsupported, "constant pads from 0 on", format!("{list:?}")))?;
    let rank = old.len() + 1;
    if pads.len() != 2 * rank {
        return Err(call.refuse(Code::ShapeMismatch, &format!("{} pads", 2 * rank), format!("{pads:?}")));
    }
    if pads[0] != 0 || pads[rank] != 0 {
        return Err(call.refuse(Code::Unsupported, "a batch without padding", format!("{pads:?}")));
    }
    let (before, behind) = (&pads[1..rank], &pads[rank + 1..]);
    let wide = |k: usize| old[k].checked_add(before[k]).and_then(|wide| wide.checked_add(behind[k]));
    let shape = (0..old.len()).map(wide).collect::<Option<Vec<_>>>();
    let shape = shape.ok_or_else(|| call.refuse(Code::TooLarge, "sizes of 64 bits", format!("{pads:?}")))?;
    budget::within(call.name, "entries", size(&shape) as u64, budget::ENTRIES)?;
    let mut from = vec![Some(0)];
    for (k, step) in strides(old).into_iter().enumerate() {
        let along = |i: usize| i.checked_sub(before[k]).filter(|&i| i < old[k]);
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
