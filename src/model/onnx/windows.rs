//! Operators whose windows move over one axis or two behind the channels: convolutions and pools.

use super::call::{Call, Value};
use super::importer::Importer;
use super::stored::place;
use super::tensor::fits;
use crate::model::map::{Axis, Map, Pick, Windows};
use crate::model::{Layer, ModelError, NodeId};

/// How windows move over a value `[N, channels, …]`.
struct Moves {
    channels: usize,
    /// One axis or two.
    axes: Vec<Axis>,
}

impl Moves {
    /// Windows of `cells` over a value of this shape, as the node's attributes say.
    fn new(call: &Call, shape: &[usize], cells: &[usize]) -> Result<Moves, ModelError> {
        let (channels, sizes) = match shape {
            [channels, sizes @ ..] if matches!(sizes.len(), 1 | 2) => (*channels, sizes),
            _ => {
                let expected = "[N, channels, length] or [N, channels, height, width]";
                return Err(call.misfit(expected, format!("N and then {shape:?}")));
            }
        };
        if cells.len() != sizes.len() {
            return Err(call.misfit(format!("a window over {} axes", sizes.len()), format!("{cells:?}")));
        }
        let ones = || vec![1; sizes.len()];
        let strides = sizes_attribute(call, "strides", sizes.len(), 1)?.unwrap_or_else(ones);
        let dilations = sizes_attribute(call, "dilations", sizes.len(), 1)?.unwrap_or_else(ones);
        let width = |k: usize| (cells[k] - 1).checked_mul(dilations[k]).and_then(|width| width.checked_add(1));
        let widths = (0..cells.len()).map(width).collect::<Option<Vec<_>>>();
        let widths = widths.ok_or_else(|| call.refuse(format!("dilations {dilations:?} are too large")))?;
        let pads = padding(call, sizes, &widths, &strides)?;
        let same = call.text_attribute("auto_pad").is_some_and(|side| side.starts_with("SAME"));
        if same && dilations.iter().any(|&dilation| dilation != 1) {
            return Err(call.refuse("auto_pad beside dilations is not supported: runtimes do not count with them"));
        }
        // Windows that leave entries out between them need none; of a pool runtimes take entries off then.
        let over = |k: usize| sizes[k].div_ceil(strides[k]).saturating_sub(1) * strides[k] + widths[k] < sizes[k];
        if same && call.operator() != "Conv" && (0..sizes.len()).any(over) {
            return Err(call.refuse("auto_pad of a pool that leaves entries out is not supported: runtimes refuse it"));
        }
        let ceil = call.has("ceil_mode") && call.flag("ceil_mode")?;
        let mut axes = vec![];
        for (k, &[before, after]) in pads.iter().enumerate() {
            let axis = Axis::new(sizes[k], cells[k], strides[k], dilations[k], before, after);
            let mut axis = axis.ok_or_else(|| {
                let found = format!("{} entries, padding {before} and {after}", sizes[k]);
                call.misfit(format!("room for a window of width {} on axis {}", widths[k], k + 2), found)
            })?;
            // One more window that the padding does not hold; where it would begin behind the entries, runtimes differ.
            let left = (sizes[k] + before + after - widths[k]) % strides[k];
            if ceil && left > 0 {
                if axis.output * strides[k] >= sizes[k] + before {
                    let what = "ceil_mode where the last window would begin behind the entries is not supported: \
                                runtimes differ in whether there is one";
                    return Err(call.refuse(what));
                }
                axis.output += 1;
            }
            axes.push(axis);
        }
        Ok(Moves { channels, axes })
    }

    /// Both axes: one alone is the second one.
    fn both(&self) -> [Axis; 2] {
        match self.axes[..] {
            [first, second] => [first, second],
            ref one => [Axis::POINT, one[0]],
        }
    }

    /// The shape of what stands at the places, for so many channels.
    fn shape(&self, channels: usize) -> Vec<usize> {
        std::iter::once(channels).chain(self.axes.iter().map(|axis| axis.output)).collect()
    }

    /// Refuses windows that pass over more entries and padding than a model may have; they are laid out to compute sums.
    fn check_reach(&self, importer: &Importer, call: &Call, channels: usize) -> Result<(), ModelError> {
        let reach = |axis: &Axis| {
            let places = axis.output.checked_mul(axis.stride)?;
            places.checked_add((axis.cells - 1).checked_mul(axis.dilation)?)
        };
        let entries = self.axes.iter().try_fold(channels, |all, axis| all.checked_mul(reach(axis)?));
        importer.left_of(&call.name, entries).map(drop)
    }

    /// Refuses pools in which a window may lie in the padding alone: runtimes differ there.
    fn over_entries(&self, call: &Call) -> Result<(), ModelError> {
        let pads = call.ints_attribute("pads").unwrap_or_default();
        let wide = pads.iter().zip(self.axes.iter().cycle()).any(|(&pad, axis)| pad >= axis.cells as i64);
        let empty = |axis: &Axis| (0..axis.output).any(|place| axis.inside(place).is_empty());
        if wide || self.axes.iter().any(empty) {
            let what = "padding as wide as the pool's window is not supported: windows would lie in it alone";
            return Err(call.refuse(what));
        }
        Ok(())
    }
}

/// A list of `count` sizes from `least` on as attribute.
fn sizes_attribute(call: &Call, name: &str, count: usize, least: usize) -> Result<Option<Vec<usize>>, ModelError> {
    let Some(list) = call.ints_attribute(name) else { return Ok(None) };
    let size = |&v: &i64| u32::try_from(v).ok().map(|v| v as usize).filter(|&v| v >= least);
    let sizes = list.iter().map(size).collect::<Option<Vec<_>>>().filter(|sizes| sizes.len() == count);
    let expected = || format!("{count} numbers from {least} on as attribute `{name}`");
    sizes.map(Some).ok_or_else(|| call.misfit(expected(), format!("{list:?}")))
}

/// Zeros before and behind every axis, over which windows of these widths move.
fn padding(call: &Call, sizes: &[usize], widths: &[usize], strides: &[usize]) -> Result<Vec<[usize; 2]>, ModelError> {
    let count = sizes.len();
    let given = sizes_attribute(call, "pads", 2 * count, 0)?;
    // As many places as steps fit into the axis; the odd zero goes to the named side.
    let same = |k: usize, lower: bool| {
        let steps = sizes[k].div_ceil(strides[k]).saturating_sub(1);
        let zeros = steps.saturating_mul(strides[k]).saturating_add(widths[k]).saturating_sub(sizes[k]);
        let (less, more) = (zeros / 2, zeros - zeros / 2);
        if lower { [more, less] } else { [less, more] }
    };
    match (call.text_attribute("auto_pad").unwrap_or("NOTSET"), given) {
        ("NOTSET", pads) => {
            let pads = pads.unwrap_or(vec![0; 2 * count]);
            Ok((0..count).map(|k| [pads[k], pads[count + k]]).collect())
        }
        ("VALID", None) => Ok(vec![[0, 0]; count]),
        (side @ ("SAME_UPPER" | "SAME_LOWER"), None) => Ok((0..count).map(|k| same(k, side == "SAME_LOWER")).collect()),
        ("VALID" | "SAME_UPPER" | "SAME_LOWER", Some(_)) => Err(call.refuse("pads beside auto_pad are not supported")),
        (other, _) => {
            let expected = "NOTSET, VALID, SAME_UPPER or SAME_LOWER as attribute `auto_pad`";
            Err(call.misfit(expected, format!("`{}`", other.escape_debug())))
        }
    }
}

/// Σ weight·x over the window, for every channel of the output, and a bias per channel.
pub(super) fn conv(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let input = variable(call)?;
    let weight = call.float(1, "weight (input 1)")?;
    let shape = importer.graph.node(input).shape.clone();
    let [channels, inputs, ref cells @ ..] = weight.shape[..] else {
        return Err(call.misfit("a weight [channels, inputs, …]", format!("shape {:?}", weight.shape)));
    };
    if sizes_attribute(call, "kernel_shape", cells.len(), 1)?.is_some_and(|kernel| kernel != cells) {
        return Err(call.misfit(format!("attribute `kernel_shape` {cells:?}, as the weight has it"), "another"));
    }
    let moves = Moves::new(call, &shape, cells)?;
    let group = if call.has("group") { call.int_attribute("group").unwrap_or(0) } else { 1 };
    let groups = usize::try_from(group).ok().filter(|&groups| groups > 0 && channels.is_multiple_of(groups));
    let groups = groups.filter(|groups| groups.checked_mul(inputs) == Some(moves.channels));
    let groups = groups.ok_or_else(|| {
        let found = format!("{group} groups, {} channels and a weight {:?}", moves.channels, weight.shape);
        call.misfit("groups that share the channels and the weight evenly", found)
    })?;
    let Some(singles) = weight.as_single() else {
        let wide = weight.iter().position(|v| !fits(v)).unwrap_or(0);
        let place = place(wide, &weight.shape);
        return Err(call.refuse(format!("the weight {place} = {} is not a 32-bit float", weight.get(wide))));
    };
    importer.spend_shape(call, &weight.shape)?;
    let shape = moves.shape(channels);
    importer.spend_shape(call, &shape)?;
    moves.check_reach(importer, call, inputs)?;
    let offset = match call.optional(2) {
        None => vec![],
        Some(_) => {
            let bias = call.float(2, "bias (input 2)")?;
            if bias.shape != [channels] {
                return Err(call.misfit(format!("a bias of shape [{channels}]"), format!("{:?}", bias.shape)));
            }
            let places = shape[1..].iter().product();
            bias.iter().flat_map(|b| std::iter::repeat_n(b, places)).collect()
        }
    };
    let windows = Windows::new(groups, [inputs, channels / groups], moves.both(), singles.to_vec());
    importer.push_map(call, (Map::Windows(windows), offset), input, &shape).map(Value::Node)
}

/// The value that a window moves over.
fn variable(call: &Call) -> Result<NodeId, ModelError> {
    match call.input(0)? {
        Value::Node(node) => Ok(*node),
        _ => Err(call.refuse(format!("{} of a constant is not supported", call.operator()))),
    }
}

/// The moves of a pool with a `kernel_shape`.
fn pool(importer: &mut Importer, call: &Call) -> Result<(NodeId, Moves), ModelError> {
    let input = variable(call)?;
    let shape = importer.graph.node(input).shape.clone();
    let cells = sizes_attribute(call, "kernel_shape", shape.len().saturating_sub(1), 1)?;
    let cells = cells.ok_or_else(|| call.misfit("an attribute `kernel_shape`", "none"))?;
    let moves = Moves::new(call, &shape, &cells)?;
    importer.spend_shape(call, &moves.shape(moves.channels))?;
    moves.over_entries(call)?;
    Ok((input, moves))
}

/// The moves of a window as large as its axes.
fn global(importer: &Importer, call: &Call) -> Result<(NodeId, Moves), ModelError> {
    let input = variable(call)?;
    let shape = &importer.graph.node(input).shape;
    let moves = Moves::new(call, shape, shape.get(1..).unwrap_or_default())?;
    Ok((input, moves))
}

pub(super) fn average_pool(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (input, moves) = pool(importer, call)?;
    if moves.axes.iter().any(|axis| axis.dilation != 1) {
        return Err(call.refuse("AveragePool with dilations is not supported: runtimes count its cells differently"));
    }
    let all = call.flag("count_include_pad")?;
    if all && call.flag("ceil_mode")? {
        let what = "AveragePool with ceil_mode and count_include_pad is not supported: runtimes count the cells beyond \
                    the padding differently";
        return Err(call.refuse(what));
    }
    average(importer, call, input, &moves, all)
}

pub(super) fn global_average_pool(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (input, moves) = global(importer, call)?;
    average(importer, call, input, &moves, true)
}

/// The sum over the window by the number of its cells, or of those that lie over entries.
fn average(importer: &mut Importer, call: &Call, input: NodeId, moves: &Moves, all: bool) -> Result<Value, ModelError> {
    let (axes, shape) = (moves.both(), moves.shape(moves.channels));
    let cells = axes[0].cells.checked_mul(axes[1].cells).and_then(|cells| cells.checked_mul(moves.channels));
    importer.spend(&call.name, cells)?;
    importer.spend_shape(call, &shape)?;
    moves.check_reach(importer, call, 1)?;
    let weight = vec![1.0; cells.unwrap_or(0)];
    let windows = Windows::new(moves.channels, [1, 1], axes, weight);
    let sums = importer.push_map(call, (Map::Windows(windows), vec![]), input, &shape)?;
    let count = |axis: &Axis, place: usize| if all { axis.cells } else { axis.inside(place).len() };
    let plane = |i: usize| {
        let [a, b] = &axes;
        (count(a, i / b.output) * count(b, i % b.output)) as f64
    };
    let places = axes[0].output * axes[1].output;
    let counts: Vec<f64> = (0..moves.channels * places).map(|i| plane(i % places)).collect();
    Ok(Value::Node(importer.push(call, Layer::Divide(counts), &[sums])?))
}

pub(super) fn max_pool(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.flag("storage_order")? {
        return Err(call.refuse("MaxPool with storage_order 1 is not supported: it is about a second output"));
    }
    let (input, moves) = pool(importer, call)?;
    maximum(importer, call, input, &moves)
}

pub(super) fn global_max_pool(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (input, moves) = global(importer, call)?;
    maximum(importer, call, input, &moves)
}

/// The maximum of one pick per cell of the window. A cell in the padding stands for the nearest one of its window that
/// is not.
fn maximum(importer: &mut Importer, call: &Call, input: NodeId, moves: &Moves) -> Result<Value, ModelError> {
    let ([a, b], shape) = (moves.both(), moves.shape(moves.channels));
    let (size, plane) = (importer.graph.node(input).size(), a.input * b.input);
    importer.check_parts(call, a.cells.saturating_mul(b.cells))?;
    let mut picks = vec![];
    for cell in 0..a.cells.saturating_mul(b.cells) {
        importer.spend_shape(call, &shape)?;
        let under = |i: usize| {
            let (channel, place) = (i / (a.output * b.output), i % (a.output * b.output));
            let line = a.nearest(place / b.output, cell / b.cells);
            channel * plane + line * b.input + b.nearest(place % b.output, cell % b.cells)
        };
        let rows = moves.channels * a.output * b.output;
        let map = Map::Pick(Pick::new((0..rows).map(|i| Some(under(i))).collect(), size));
        picks.push(importer.push_map(call, (map, vec![]), input, &shape)?);
    }
    match picks[..] {
        [one] => Ok(Value::Node(one)),
        _ => Ok(Value::Node(importer.push(call, Layer::Max, &picks)?)),
    }
}
