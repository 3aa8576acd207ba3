//! The point of a convex hull that is nearest to a given one (Wolfe, "Finding the nearest point in a polytope", 1976).

/// Squared distances below this part of the first one are none.
const NOTHING: f64 = 1e-18;
/// The part of the largest eigenvalue below which vertices depend on each other.
const DEPENDENT: f64 = 1e-11;
/// Steps before it gives up, per coordinate.
const STEPS: usize = 40;

/// The nearest point of a hull.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// From the given point to the nearest one.
    pub step: Vec<f64>,
    /// Vertices of which it is a mean, with their weights.
    pub face: Vec<(usize, f64)>,
}

impl Nearest {
    /// Its distance.
    pub fn distance(&self) -> f64 {
        inner(&self.step, &self.step).sqrt()
    }
}

/// The point of the hull of `count` vertices that is nearest to `point`.
pub fn nearest<'a>(point: &[f32], count: usize, vertex: impl Fn(usize) -> &'a [f32]) -> Nearest {
    let away =
        |i: usize| -> Vec<f64> { vertex(i).iter().zip(point).map(|(v, x)| f64::from(*v) - f64::from(*x)).collect() };
    let first = (0..count).map(|i| (i, inner(&away(i), &away(i)))).min_by(|a, b| a.1.total_cmp(&b.1));
    let (first, scale) = first.expect("a hull has vertices");
    let mut face = vec![(first, away(first), 1.0)];
    let mut step = away(first);
    for _ in 0..STEPS * point.len() {
        let length = inner(&step, &step);
        let offset: f64 = step.iter().zip(point).map(|(s, &x)| s * f64::from(x)).sum();
        let height = |i: usize| step.iter().zip(vertex(i)).map(|(s, &v)| s * f64::from(v)).sum::<f64>() - offset;
        let lowest = (0..count).map(|i| (i, height(i))).min_by(|a, b| a.1.total_cmp(&b.1)).expect("vertices");
        let is_best = lowest.1 >= length * (1.0 - 1e-10) || face.iter().any(|(i, ..)| *i == lowest.0);
        if length <= NOTHING * scale || is_best {
            break;
        }
        face.push((lowest.0, away(lowest.0), 0.0));
        if !descend(&mut face) {
            break;
        }
        step = mean(&face);
    }
    Nearest { step, face: face.into_iter().map(|(i, _, weight)| (i, weight)).collect() }
}

/// The same mean of vertices that are affinely independent (Carathéodory): while there are weights, not all 0, of the sum 0
/// whose mean is 0, as much of them is taken off as leaves none below 0. `vertex` gives points whose last coordinate is 1.
pub fn independent<'a>(mut face: Vec<(usize, f64)>, vertex: impl Fn(usize) -> &'a [f32]) -> Vec<(usize, f64)> {
    loop {
        let n = face.len();
        if n <= 1 {
            return face;
        }
        let wide: Vec<Vec<f64>> =
            face.iter().map(|(i, _)| vertex(*i).iter().map(|&v| f64::from(v)).collect()).collect();
        let gram = nalgebra::DMatrix::from_fn(n, n, |i, j| inner(&wide[i], &wide[j]));
        let parts = nalgebra::SymmetricEigen::new(gram);
        let (least, most) = (parts.eigenvalues.argmin(), parts.eigenvalues.max());
        if least.1 > DEPENDENT * most {
            return face;
        }
        let mut null: Vec<f64> = parts.eigenvectors.column(least.0).iter().copied().collect();
        if null.iter().all(|&x| x <= 0.0) {
            null.iter_mut().for_each(|x| *x = -*x);
        }
        let reach = |((_, weight), x): (&(usize, f64), &f64)| if *x > 0.0 { weight / x } else { f64::INFINITY };
        let (at, length) =
            face.iter().zip(&null).map(reach).enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).expect("vertices");
        face.iter_mut().zip(&null).for_each(|((_, weight), x)| *weight -= length * x);
        face.remove(at);
    }
}

type Corner = (usize, Vec<f64>, f64);

/// Moves the weights to the point of the face nearest to 0, dropping vertices; false where numbers fail.
fn descend(face: &mut Vec<Corner>) -> bool {
    while let Some(best) = affine(face) {
        if best.iter().all(|&weight| weight > 1e-12) {
            face.iter_mut().zip(best).for_each(|(corner, weight)| corner.2 = weight);
            return true;
        }
        let reach =
            |(corner, weight): (&Corner, &f64)| if *weight <= 1e-12 { corner.2 / (corner.2 - weight) } else { 1.0 };
        let length = face.iter().zip(&best).map(reach).fold(1.0, f64::min);
        face.iter_mut().zip(best).for_each(|(corner, weight)| corner.2 += length * (weight - corner.2));
        let least = face.iter().map(|corner| corner.2).fold(f64::INFINITY, f64::min).max(1e-14);
        face.retain(|corner| corner.2 > least);
        if face.is_empty() {
            return false;
        }
    }
    false
}

/// Weights, of the sum 1, of the point nearest to 0 in the affine hull.
fn affine(face: &[Corner]) -> Option<Vec<f64>> {
    let n = face.len();
    let mut gram = nalgebra::DMatrix::from_fn(n, n, |i, j| 1.0 + inner(&face[i].1, &face[j].1));
    // Any multiple of the matrix of ones may be added; one of the others' size keeps it well conditioned.
    let size = (0..n).map(|i| gram[(i, i)]).fold(1.0, f64::max);
    gram.add_scalar_mut(size - 1.0);
    let factor = nalgebra::Cholesky::new(gram)?;
    let mut weights = factor.solve(&nalgebra::DVector::from_element(n, 1.0));
    let sum = weights.sum();
    weights /= sum;
    weights.iter().all(|weight| weight.is_finite()).then(|| weights.iter().copied().collect())
}

fn mean(face: &[Corner]) -> Vec<f64> {
    let mut sum = vec![0.0; face[0].1.len()];
    for (_, corner, weight) in face {
        sum.iter_mut().zip(corner).for_each(|(sum, x)| *sum += weight * x);
    }
    sum
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: [[f32; 2]; 5] = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [1.0, 1.5]];

    fn to_square(point: [f32; 2]) -> Nearest {
        nearest(&point, SQUARE.len(), |i| &SQUARE[i])
    }

    #[test]
    fn distances_to_a_square_are_those_of_geometry() {
        for (point, distance) in
            [([3.0, 1.0], 1.0), ([3.0, 3.0], 2.0_f64.sqrt()), ([-1.5, -2.0], 2.5), ([1.0, 2.25], 0.25)]
        {
            let found = to_square(point);
            assert!((found.distance() - distance).abs() < 1e-9, "{point:?}: {found:?}");
        }
    }

    #[test]
    fn vertices_on_a_line_become_two_with_the_same_mean() {
        let line: Vec<[f32; 3]> = (0..5).map(|i| [i as f32, 2.0 * i as f32, 1.0]).collect();
        let face = independent((0..5).map(|i| (i, 0.2)).collect(), |i| &line[i]);
        assert_eq!(face.len(), 2);
        let mean: f64 = face.iter().map(|&(i, weight)| weight * i as f64).sum();
        let sum: f64 = face.iter().map(|(_, weight)| weight).sum();
        assert!((mean - 2.0).abs() < 1e-9 && (sum - 1.0).abs() < 1e-9, "{face:?}");
        assert!(face.iter().all(|(_, weight)| *weight >= 0.0));
    }

    #[test]
    fn a_point_inside_is_a_mean_of_the_face() {
        for point in [[0.5, 0.25], [1.0, 1.0], [2.0, 2.0], [1.9, 0.1]] {
            let found = to_square(point);
            assert!(found.distance() < 1e-8, "{point:?}: {found:?}");
            assert!(found.face.len() <= 3);
            for i in 0..2 {
                let mean: f64 = found.face.iter().map(|(v, weight)| weight * f64::from(SQUARE[*v][i])).sum();
                assert!((mean - f64::from(point[i])).abs() < 1e-8);
            }
        }
    }
}
