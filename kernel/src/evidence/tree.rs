//! The evidence of a radius: a tree that cuts the region into parts, and slopes for each of them.
//!
//! The nodes stand in preorder: a split is followed by the whole subtree for x'ᵢ ≤ at, then by the one for x'ᵢ ≥ at. Both
//! sides are closed, so that every x' lies in the part of some leaf. Slopes alone are a tree of one leaf.

use crate::budget;
use crate::evidence::json::Json;
use crate::evidence::object::Object;
use crate::evidence::slopes::PackedSlopes;
use crate::number::exact::Exact;
use crate::rejection::{Code, Rejection};
use crate::text::{distance, index, number};
use dashu_int::IBig;

/// Nodes in preorder.
#[derive(Clone, Debug)]
pub struct Tree(Vec<Node>);

#[derive(Clone, Debug)]
enum Node {
    Split { coordinate: usize, at: Exact },
    Leaf(Leaf),
}

/// What proves one part of the region.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Slopes.
    pub slopes: PackedSlopes,
    /// λ > 0.
    pub multiplier: Option<Exact>,
}

/// One end of a part: x'\[coordinate\] lies on `side` of `at`, or at it.
#[derive(Clone, Debug)]
pub struct Cut<'a> {
    /// Index into the input.
    pub coordinate: usize,
    /// One entry.
    pub at: &'a Exact,
    /// Where the part lies.
    pub side: Side,
}

/// A side of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// x'ᵢ ≤ at.
    Lower,
    /// x'ᵢ ≥ at.
    Upper,
}

impl Leaf {
    /// Slopes and a multiplier.
    pub fn read(slopes: Vec<Json>, multiplier: Option<String>) -> Result<Leaf, Rejection> {
        let multiplier = multiplier.map(|text| match distance("multiplier", &text)? {
            value if value.values[0] > IBig::ZERO => Ok(value),
            _ => Err(Rejection::new(Code::Number, "multiplier", "a number > 0", "0")),
        });
        Ok(Leaf { slopes: PackedSlopes::read(slopes)?, multiplier: multiplier.transpose()? })
    }
}

impl Tree {
    /// A tree of one leaf.
    pub fn leaf(leaf: Leaf) -> Tree {
        Tree(vec![Node::Leaf(leaf)])
    }

    /// Reads the list `tree`.
    pub fn read(items: Vec<Json>) -> Result<Tree, Rejection> {
        budget::within("tree", "nodes", items.len() as u64, budget::TREE_NODES)?;
        let tree = Tree(items.into_iter().map(Node::read).collect::<Result<_, _>>()?);
        tree.each_leaf(|_, _| Ok(()))?;
        Ok(tree)
    }

    /// Calls `prove` with every leaf and the cuts that lead to it; refuses nodes that are not one whole tree.
    pub fn each_leaf(&self, mut prove: impl FnMut(&[Cut], &Leaf) -> Result<(), Rejection>) -> Result<(), Rejection> {
        let mut path: Vec<Cut> = Vec::new();
        let mut nodes = self.0.iter().enumerate();
        loop {
            let Some((number, node)) = nodes.next() else {
                return Err(Rejection::new(Code::Tree, "tree", "one more node", "the end of the list"));
            };
            match node {
                Node::Split { coordinate, at } => {
                    path.push(Cut { coordinate: *coordinate, at, side: Side::Lower });
                    budget::within("tree", "splits above one another", path.len() as u64, budget::TREE_DEPTH)?;
                    continue;
                }
                Node::Leaf(leaf) => {
                    prove(&path, leaf).map_err(|r| if self.0.len() > 1 { within(number, r) } else { r })?
                }
            }
            // On to the upper side of the nearest split of which only the lower side is done.
            while path.pop_if(|cut| cut.side == Side::Upper).is_some() {}
            match path.last_mut() {
                Some(cut) => cut.side = Side::Upper,
                None => break,
            }
        }
        match nodes.next() {
            None => Ok(()),
            Some((number, _)) => {
                Err(Rejection::new(Code::Tree, format!("tree node {number}"), "the end of the list", "a node"))
            }
        }
    }

    /// Every split is of a coordinate that an input of `size` coordinates has.
    pub fn check_coordinates(&self, size: usize) -> Result<(), Rejection> {
        for (number, node) in self.0.iter().enumerate() {
            if let Node::Split { coordinate, .. } = node
                && *coordinate >= size
            {
                let (place, expected) = (format!("tree node {number}"), format!("a coordinate below {size}"));
                return Err(Rejection::new(Code::NoSuchCoordinate, place, expected, coordinate.to_string()));
            }
        }
        Ok(())
    }
}

impl Node {
    fn read(item: Json) -> Result<Node, Rejection> {
        let mut object = Object::of(item, "tree node")?;
        let node = match object.list("slopes")? {
            Some(slopes) => Node::Leaf(Leaf::read(slopes, object.text("multiplier")?)?),
            None => Node::Split {
                coordinate: index("coordinate", &object.required("coordinate")?)?,
                at: number("at", &object.required("at")?)?,
            },
        };
        object.finish()?;
        Ok(node)
    }
}

fn within(number: usize, mut rejection: Rejection) -> Rejection {
    rejection.place = format!("tree node {number}, {}", rejection.place);
    rejection
}
