//! Evidence laid out as a certificate's tree: every leaf with the ends of its part.

use crate::model::passes::Slopes;
use crate::radius::{Evidence, TreeNode};

/// A node of the tree in preorder; slopes alone are a tree of one leaf.
#[derive(Debug)]
pub enum Step<'a> {
    /// As in [`TreeNode::Split`].
    Split { coordinate: usize, at: f64 },
    /// Slopes, and where they must suffice.
    Leaf(&'a Slopes<f64>, Vec<Bound>),
}

/// One end of a part: low ≤ x'\[coordinate\] ≤ high, one of them infinite.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Index into the input.
    pub coordinate: usize,
    /// In input units.
    pub low: f64,
    /// In input units.
    pub high: f64,
}

/// The nodes of `evidence`.
pub fn plan(evidence: &Evidence) -> Vec<Step<'_>> {
    match evidence {
        Evidence::Slopes(slopes) => vec![Step::Leaf(slopes, Vec::new())],
        Evidence::Tree(nodes) => tree(nodes),
        // Each head's evidence is laid out by itself.
        Evidence::Heads(_) => Vec::new(),
    }
}

fn tree(nodes: &[TreeNode]) -> Vec<Step<'_>> {
    let mut path: Vec<Bound> = Vec::new();
    let mut step = |node| match node {
        &TreeNode::Split { coordinate, at } => {
            path.push(Bound { coordinate, low: f64::NEG_INFINITY, high: at });
            Step::Split { coordinate, at }
        }
        TreeNode::Leaf(slopes) => {
            let leaf = Step::Leaf(slopes, path.clone());
            // On to the upper side of the nearest split of which only the lower side is done.
            while path.pop_if(|cut| cut.high == f64::INFINITY).is_some() {}
            if let Some(cut) = path.last_mut() {
                (cut.low, cut.high) = (cut.high, f64::INFINITY);
            }
            leaf
        }
    };
    nodes.iter().map(&mut step).collect()
}
