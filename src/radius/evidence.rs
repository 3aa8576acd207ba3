//! What proves a radius, besides the tangent plane at the sample.

use crate::model::passes::Slopes;
use std::sync::Arc;

/// What proves a radius; the kernel replays it.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// One minorant is positive over the whole ball.
    Slopes(Arc<Slopes<f64>>),
    /// The ball is cut into parts, and each has its own minorant: a tree in preorder.
    Tree(Arc<[TreeNode]>),
    /// One for each head, of which f is the least; the tangent plane where there is none.
    Heads(Arc<[Option<Evidence>]>),
}

impl Evidence {
    /// The evidence of one head of so many.
    pub fn of_head(&self, head: usize) -> Option<&Evidence> {
        match self {
            Evidence::Heads(heads) => heads.get(head)?.as_ref(),
            whole => Some(whole),
        }
    }
}

/// A node of a tree in preorder: a split is followed by the whole subtree of its lower side, then by the other's.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// The points with x'\[coordinate\] ≤ at, and those with x'\[coordinate\] ≥ at.
    Split {
        /// Index into the input.
        coordinate: usize,
        /// Finite, in input units.
        at: f64,
    },
    /// Slopes whose minorant is positive wherever the splits above allow.
    Leaf(Slopes<f64>),
}

impl From<Slopes<f64>> for Evidence {
    fn from(slopes: Slopes<f64>) -> Evidence {
        Evidence::Slopes(Arc::new(slopes))
    }
}

impl From<Vec<TreeNode>> for Evidence {
    /// A tree that is a single leaf is its slopes.
    fn from(mut tree: Vec<TreeNode>) -> Evidence {
        match tree.pop() {
            Some(TreeNode::Leaf(slopes)) if tree.is_empty() => slopes.into(),
            last => {
                tree.extend(last);
                Evidence::Tree(tree.into())
            }
        }
    }
}
