//! DepthToSpace and SpaceToDepth: square blocks of cells against channels.

use super::call::{Call, Value, kind};
use super::importer::Importer;
use super::pick::{permuted, pick};
use crate::model::{ModelError, NodeId};

pub(super) fn depth_to_space(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (node, [channels, height, width], block) = image(importer, call)?;
    let Some(area) = block.checked_mul(block).filter(|&area| channels.is_multiple_of(area)) else {
        return Err(call.misfit(format!("channels in blocks of {block} times {block}"), channels.to_string()));
    };
    let left = channels / area;
    let (view, order) = match call.text_attribute("mode").unwrap_or("DCR") {
        "DCR" => ([block, block, left, height, width], [2, 3, 0, 4, 1]),
        "CRD" => ([left, block, block, height, width], [0, 3, 1, 4, 2]),
        other => return Err(call.refuse(format!("mode `{}` is not supported", other.escape_debug()))),
    };
    let (_, walk) = permuted(&view, &order);
    pick(importer, call, node, &[left, height * block, width * block], walk).map(Value::Node)
}

pub(super) fn space_to_depth(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (node, [channels, height, width], block) = image(importer, call)?;
    if !(height.is_multiple_of(block) && width.is_multiple_of(block)) {
        return Err(call.misfit(format!("sizes that are multiples of {block}"), format!("{height} and {width}")));
    }
    let (rows, cols) = (height / block, width / block);
    let (_, walk) = permuted(&[channels, rows, block, cols, block], &[2, 4, 0, 1, 3]);
    pick(importer, call, node, &[channels * block * block, rows, cols], walk).map(Value::Node)
}

/// A value [N, C, H, W], and the size of a block.
fn image(importer: &Importer, call: &Call) -> Result<(NodeId, [usize; 3], usize), ModelError> {
    let node = match call.input(0)? {
        Value::Node(node) => *node,
        other => return Err(call.misfit("a value that depends on the input", kind(other))),
    };
    let shape = &importer.graph.node(node).shape;
    let &[channels, height, width] = &shape[..] else {
        return Err(call.misfit("[N, C, H, W]", format!("N, {shape:?}")));
    };
    let block =
        call.int_attribute("blocksize").and_then(|block| usize::try_from(block).ok()).filter(|&block| block > 0);
    let block = block.ok_or_else(|| call.misfit("a blocksize from 1 on", "another one"))?;
    Ok((node, [channels, height, width], block))
}
