//! Square blocks of cells against channels.

use crate::network::graph::Graph;
use crate::onnx::call::{Call, Values};
use crate::onnx::nodes::{Answer, picked, places, strides};
use crate::rejection::{Code, Rejection};

/// [C, H, W] of the sample, and the size of a block.
fn image(call: &Call, values: &Values) -> Result<([usize; 3], usize), Rejection> {
    let (_, shape) = call.node(0, values)?;
    let &[channels, height, width] = shape else {
        return Err(call.refuse(Code::ShapeMismatch, "[N, C, H, W]", format!("[N, {shape:?}]")));
    };
    let block = call.integer("blocksize").and_then(|block| usize::try_from(block).ok()).filter(|&block| block > 0);
    let block = block.ok_or_else(|| call.refuse(Code::MalformedModel, "a blocksize from 1 on", "another"))?;
    Ok(([channels, height, width], block))
}

/// The entries of a sample seen as five axes, in another order of these, as `shape`.
fn turned(
    graph: &mut Graph,
    call: &Call,
    values: &Values,
    (view, order): ([usize; 5], [usize; 5]),
    shape: Vec<usize>,
) -> Answer {
    let steps = strides(&view);
    let from = places(call, &order.map(|axis| view[axis]), &order.map(|axis| steps[axis]))?;
    picked(graph, call, call.input(0, values)?, from, shape)
}

/// Channels become the cells of blocks.
pub fn depth_to_space(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let ([channels, height, width], block) = image(call, values)?;
    let area = block.checked_mul(block).filter(|&area| channels.is_multiple_of(area));
    let area =
        area.ok_or_else(|| call.refuse(Code::ShapeMismatch, "channels of whole blocks", format!("{channels}")))?;
    let left = channels / area;
    let turn = match call.text("mode").unwrap_or("DCR") {
        "DCR" => ([block, block, left, height, width], [2, 3, 0, 4, 1]),
        "CRD" => ([left, block, block, height, width], [0, 3, 1, 4, 2]),
        other => return Err(call.refuse(Code::Unsupported, "mode DCR or CRD", other.escape_debug().to_string())),
    };
    turned(graph, call, values, turn, vec![left, height * block, width * block])
}

/// The cells of blocks become channels.
pub fn space_to_depth(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let ([channels, height, width], block) = image(call, values)?;
    if !(height.is_multiple_of(block) && width.is_multiple_of(block)) {
        return Err(call.refuse(Code::ShapeMismatch, "sizes of whole blocks", format!("{height} and {width}")));
    }
    let (rows, cols) = (height / block, width / block);
    let turn = ([channels, rows, block, cols, block], [2, 4, 0, 1, 3]);
    turned(graph, call, values, turn, vec![channels * block * block, rows, cols])
}
