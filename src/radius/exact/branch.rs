//! Branch and bound on the sides of φ's kinks: in a part of the ball that a kink does not bend, f is convex again.

use crate::model::passes::Slopes;
use crate::query::parts::Part;
use crate::radius::exact::FAR;
use crate::radius::exact::found::{OUT_OF_PARTS, OUT_OF_TIME};
use crate::radius::exact::moves::Term;
use crate::radius::exact::search::{Ended, Search};
use crate::radius::exact::task::Task;
use crate::radius::{Evidence, TreeNode};

/// Parts of one ball: each becomes a leaf of the proof.
const PARTS: usize = 500;

/// Shares by which a bound is lowered until every part is proven.
const LOWERED: [f64; 8] = [1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6];

/// Shares of a multiplier that are tried as prices of distance.
const PRICES: [f64; 5] = [1.0, 1e-2, 1e-4, 1e-8, 1e-12];

/// Factors of a solution at which points with f ≤ 0 are looked for.
const FACTORS: [f64; 12] = [1.0, 1.000_001, 1.000_1, 1.001, 1.01, 1.03, 1.1, 1.3, 2.0, 4.0, 16.0, 64.0];

/// A node of the tree.
struct Node {
    /// Coordinate, and the least and largest change of it.
    ends: Vec<(usize, f64, f64)>,
    /// What a search found there; gone once the node is split.
    ended: Option<Ended>,
    /// Coordinate, place, and the nodes below and above.
    split: Option<(usize, f64, [usize; 2])>,
}

/// Cuts the ball into parts until both sides meet, and proves the bound that all of them share.
pub(super) fn close(search: &mut Search, root: Ended) {
    probe(search, &root);
    let mut nodes = vec![Node { ends: Vec::new(), ended: Some(root), split: None }];
    while let Some(weakest) = weakest(search, &nodes) {
        let late = search.task.started.elapsed().as_secs_f64() >= search.task.limits.seconds;
        if late || nodes.len() >= 2 * PARTS {
            search.found.remark = Some(if late { OUT_OF_TIME } else { OUT_OF_PARTS });
            break;
        }
        let bend = match worst_bend(search, &nodes[weakest]) {
            Some(bend) => Some(bend),
            // The solution is a point where f vanishes about: the nearest witness may be beside it.
            None if settles(search, &nodes[weakest]) => continue,
            None => nearest_kink(search, &nodes[weakest]),
        };
        let Some(bend) = bend else {
            search.found.remark = Some("no kink is left to branch on");
            break;
        };
        split(search, &mut nodes, weakest, bend);
    }
    if nodes.len() > 1 {
        search.found.parts = nodes.len().div_ceil(2);
    }
    prove(search, &nodes);
    if search.is_done() {
        search.found.remark = None;
    }
}

/// The leaf with the lowest bound, unless that is as near to the nearest witness as is wanted.
fn weakest(search: &Search, nodes: &[Node]) -> Option<usize> {
    let bound = |id: &usize| nodes[*id].ended.as_ref().map_or(f64::INFINITY, |ended| ended.bound);
    let id = (0..nodes.len()).min_by(|a, b| bound(a).total_cmp(&bound(b)))?;
    (bound(&id) < enough(search)).then_some(id)
}

/// A bound that leaves less than the gap wanted.
fn enough(search: &Search) -> f64 {
    search.found.upper().min(f64::MAX) / (1.0 + 0.9 * search.task.limits.gap)
}

/// The coordinate whose kink the master's solution violates most, and where that kink is; where it violates none, the
/// concave kink within reach that bends the minorant most.
fn worst_bend(search: &Search, node: &Node) -> Option<(usize, f64)> {
    let ended = node.ended.as_ref().filter(|ended| !ended.changes.is_empty())?;
    let (mut violated, mut concave) = ((1e-9 * ended.bound, None), (0.0, None));
    for (i, term) in inner_kinks(search, node) {
        let crossing = term.turn.crossing();
        let own = search.moves.terms[i].iter().filter(|other| other.variable == term.variable);
        let off = (ended.changes[term.variable] - own.map(|t| t.turn.change(ended.changes[i])).sum::<f64>()).abs();
        if off > violated.0 {
            violated = (off, Some((i, crossing)));
        }
        let bend = -ended.coefficients[term.variable]
            * (term.turn.kink.above - term.turn.kink.below)
            * term.turn.scale.value.abs();
        let score = bend * (ended.bound - crossing.abs());
        if score > concave.0 {
            concave = (score, Some((i, crossing)));
        }
    }
    violated.1.or(concave.1)
}

/// Whether the leaf is done with the nearest point with f ≤ 0 on the solution's sides of the kinks.
fn settles(search: &mut Search, node: &Node) -> bool {
    let Some(ended) = node.ended.as_ref().filter(|ended| !ended.changes.is_empty()) else { return false };
    descend(search, &ended.changes[..search.task.query.x.len()], ended);
    ended.bound >= enough(search)
}

/// The coordinate whose kink is nearest to the master's solution, and where that kink is.
fn nearest_kink(search: &Search, node: &Node) -> Option<(usize, f64)> {
    let ended = node.ended.as_ref().filter(|ended| !ended.changes.is_empty())?;
    let kinks = inner_kinks(search, node).map(|(i, term)| (i, term.turn.crossing()));
    kinks.min_by(|a, b| (a.1 - ended.changes[a.0]).abs().total_cmp(&(b.1 - ended.changes[b.0]).abs()))
}

/// The kinks strictly inside the leaf, and their coordinates.
fn inner_kinks<'a>(search: &'a Search, node: &'a Node) -> impl Iterator<Item = (usize, &'a Term)> {
    let inside = |(i, term): &(usize, &Term)| {
        let crossing = term.turn.crossing();
        let allows = |&(_, low, high): &(usize, f64, f64)| low < crossing && crossing < high;
        let moves = &search.moves;
        moves.low[*i] < crossing && crossing < moves.high[*i] && node.ends.iter().filter(|end| end.0 == *i).all(allows)
    };
    let all = search.moves.terms.iter().enumerate().flat_map(|(i, terms)| terms.iter().map(move |term| (i, term)));
    all.filter(inside)
}

fn split(search: &mut Search, nodes: &mut Vec<Node>, id: usize, (coordinate, change): (usize, f64)) {
    let at = search.task.query.x[coordinate] + change * search.task.query.perturbation.scale(coordinate);
    let parent = nodes[id].ended.take().expect("a leaf");
    let ends = nodes[id].ends.clone();
    let below = (coordinate, f64::NEG_INFINITY, change);
    let above = (coordinate, change, f64::INFINITY);
    nodes[id].split = Some((coordinate, at, [nodes.len(), nodes.len() + 1]));
    for end in [below, above] {
        let ends: Vec<(usize, f64, f64)> = ends.iter().copied().chain([end]).collect();
        let ended = part(search, &ends, &parent);
        probe(search, &ended);
        nodes.push(Node { ends, ended: Some(ended), split: None });
    }
}

/// Searches a part of the ball, starting from what is known about a larger part.
fn part(search: &mut Search, ends: &[(usize, f64, f64)], parent: &Ended) -> Ended {
    let mut moves = search.moves.clone();
    ends.iter().for_each(|&(i, low, high)| moves.limit(i, low, high));
    let floor = parent.bound.max(moves.least());
    let mut inner = Search::new(search.task, moves, enough(search), floor);
    let mut ended = inner.run(parent.cuts.clone());
    if ended.bound < parent.bound {
        // Cut off too early: what proves the whole proves its part.
        (ended.bound, ended.price, ended.slopes) = (parent.bound, parent.price, parent.slopes.clone());
    }
    search.found.passes += inner.found.passes;
    search.keep_both(inner.found);
    ended
}

/// Looks for a point with f ≤ 0 near a part's solution, and if there is one nearer than all, for the nearest on its sides
/// of the kinks.
fn probe(search: &mut Search, ended: &Ended) {
    if ended.changes.is_empty() || ended.bound >= enough(search) {
        return;
    }
    let x = search.task.query.x;
    let Some(delta) = first_negative(search, &ended.changes[..x.len()]) else { return };
    let point = search.task.point(&delta);
    let before = search.found.witness.as_ref().map_or(f64::INFINITY, |w| w.distance);
    if let Some(witness) = search.task.query.check(&point) {
        search.keep(witness);
    }
    // Even a point that is no nearer may lie on sides where a nearer one is.
    if search.task.query.perturbation.norm.upper(&delta) < 1.2 * before {
        descend(search, &delta, ended);
    }
}

/// On the clipped ray through `delta`, the first of some points with f < 0, drawn nearer by bisection.
fn first_negative(search: &Search, delta: &[f64]) -> Option<Vec<f64>> {
    let at = |factor: f64| -> Vec<f64> {
        let clipped = |(i, d): (usize, &f64)| (d * factor).clamp(search.moves.low[i], search.moves.high[i]);
        delta.iter().enumerate().map(clipped).collect()
    };
    let image = |factor: f64| search.task.image(&search.moves.changes(&at(factor)));
    let value = |factor: f64| search.task.lifted.tangent(&image(factor)).value;
    let k = FACTORS.iter().position(|&factor| value(factor) < 0.0)?;
    let (mut low, mut high) = (if k == 0 { 0.0 } else { FACTORS[k - 1] }, FACTORS[k]);
    for _ in 0..20 {
        let middle = 0.5 * (low + high);
        if value(middle) < 0.0 { high = middle } else { low = middle }
    }
    Some(at(high))
}

/// The nearest point with f ≤ 0 on the sides of the kinks on which `delta` is: a convex task.
fn descend(search: &mut Search, delta: &[f64], ended: &Ended) {
    let mut moves = search.moves.clone();
    for i in 0..delta.len() {
        for term in search.moves.terms[i].iter() {
            let crossing = term.turn.crossing();
            let (low, high) =
                if delta[i] < crossing { (f64::NEG_INFINITY, crossing) } else { (crossing, f64::INFINITY) };
            moves.limit(i, low, high);
        }
    }
    let floor = ended.bound.max(moves.least());
    let mut inner = Search::new(search.task, moves, enough(search), floor);
    inner.run(ended.cuts.clone());
    search.found.passes += inner.found.passes;
    search.keep_both(inner.found);
}

/// Proves the bound of all leaves, or a slightly smaller one.
fn prove(search: &mut Search, nodes: &[Node]) {
    let leaves = || nodes.iter().filter_map(|node| node.ended.as_ref().map(|ended| (node, ended)));
    let bound = leaves().map(|(_, ended)| ended.bound).fold(search.found.upper(), f64::min);
    // Where no part has a point with f ≤ 0, distances far away will do.
    let bound = bound.min(FAR * search.first);
    let parts: Vec<(Part, f64)> =
        leaves().map(|(node, ended)| (leaf(&search.task, node, &ended.slopes), ended.price)).collect();
    // Where a part has no point with f ≤ 0 at all, distance has no price.
    let any = |part: &Part, price: f64, radius: f64| PRICES.iter().any(|share| part.holds(radius, price * share));
    let holds = |radius: f64| parts.iter().all(|(part, price)| any(part, *price, radius));
    let radius = LOWERED.iter().map(|share| bound * (1.0 - share)).find(|&radius| holds(radius));
    if let Some(radius) = radius.filter(|radius| *radius > search.found.lower && radius.is_finite()) {
        search.found.lower = radius;
        search.found.evidence = Some(Evidence::from(tree(nodes)));
    }
}

fn leaf(task: &Task, node: &Node, slopes: &Slopes<f64>) -> Part {
    let minorant = task.minorant(slopes.clone());
    let mut part = Part::new(task.query, &minorant);
    // The tree splits at x + change, rounded.
    let scale = |i: usize| task.query.perturbation.scale(i);
    let seen = |i: usize, change: f64| (task.query.x[i] + change * scale(i)) - task.query.x[i];
    for &(i, low, high) in &node.ends {
        let (low, high) = (seen(i, low).next_down() / scale(i), seen(i, high).next_up() / scale(i));
        part.limit(i, low.next_down(), high.next_up());
    }
    part
}

/// The tree in preorder.
fn tree(nodes: &[Node]) -> Vec<TreeNode> {
    let (mut order, mut waiting) = (Vec::with_capacity(nodes.len()), vec![0]);
    while let Some(id) = waiting.pop() {
        match (&nodes[id].split, &nodes[id].ended) {
            (Some((coordinate, at, [below, above])), _) => {
                order.push(TreeNode::Split { coordinate: *coordinate, at: *at });
                waiting.extend([*above, *below]);
            }
            (None, Some(ended)) => order.push(TreeNode::Leaf(ended.slopes.clone())),
            (None, None) => unreachable!("a node is split or a leaf"),
        }
    }
    order
}
