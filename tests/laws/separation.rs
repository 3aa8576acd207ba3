//! Convex separability against a naive test of hulls, on small integer and dyadic points.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use underplane::data::Dataset;
use underplane::separation::{Class, Classes, Effort, Search, Unproven, classifier, unproven};
use underplane_kernel::separation::{Points, Separation};

fn npy(classes: &Classes, class: Class) -> Vec<u8> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("points.npy");
    classes.write(class, &path).unwrap();
    std::fs::read(path).unwrap()
}

fn kernel(classes: &Classes) -> Separation {
    let points = |class| Points::read(&npy(classes, class)).unwrap();
    Separation::new(points(Class::Sensitive), points(Class::Other)).unwrap()
}

fn header(classes: &Classes) -> String {
    let digest = |class| Points::read(&npy(classes, class)).unwrap().digest().to_string();
    let [sensitive, other] = [Class::Sensitive, Class::Other].map(digest);
    format!(r#"{{"separation":"1","sensitive":"sha256:{sensitive}","other":"sha256:{other}"}}"#)
}

/// Whether a point of the plane lies in the hull of others: in a triangle of them, some corners perhaps the same
/// (Carathéodory). Coordinates are multiples of 1/4, so that all is exact.
fn is_inside(x: &[f32], others: &[&[f32]]) -> bool {
    let integer = |v: &[f32]| [(v[0] * 4.0) as i64, (v[1] * 4.0) as i64];
    let x = integer(x);
    let others: Vec<[i64; 2]> = others.iter().map(|v| integer(v)).collect();
    let turn = |a: [i64; 2], b: [i64; 2]| (b[0] - a[0]) * (x[1] - a[1]) - (b[1] - a[1]) * (x[0] - a[0]);
    let between =
        |a: [i64; 2], b: [i64; 2]| turn(a, b) == 0 && (0..2).all(|i| x[i] >= a[i].min(b[i]) && x[i] <= a[i].max(b[i]));
    others.iter().any(|&a| {
        others.iter().any(|&b| {
            between(a, b)
                || others.iter().any(|&c| {
                    let turns = [turn(a, b), turn(b, c), turn(c, a)];
                    turns.iter().all(|&t| t > 0) || turns.iter().all(|&t| t < 0)
                })
        })
    })
}

/// What a search finds: the lines, and how many points are outside, inside and open.
fn found(classes: &Classes, pieces: usize) -> (Vec<String>, [usize; 3]) {
    let (mut keep, mut watch) = (|_: &str| Ok(()), |_| ());
    let mut search = Search::new(classes, kernel(classes), &mut keep, &mut watch);
    assert!(search.take(&header(classes)));
    search.run(Effort { pieces, seed: 1 }).unwrap();
    let tally = search.tally();
    (search.lines(), [tally.outside, tally.inside, tally.open()])
}

fn plane(rng: &mut StdRng, scale: f32) -> Classes {
    let count = rng.random_range(4..40);
    let inputs = (0..2 * count).map(|_| rng.random_range(-20..20) as f32 * scale).collect();
    let sensitive = (0..count).map(|i| i % 2 == 0).collect();
    Classes::of(&Dataset { shape: vec![2], inputs, sensitive })
}

#[test]
fn every_point_of_the_plane_is_settled_as_the_hull_has_it() {
    let mut rng = StdRng::seed_from_u64(20);
    let mut both = [0; 2];
    for case in 0..60 {
        let classes = plane(&mut rng, if case % 2 == 0 { 1.0 } else { 0.25 });
        let others: Vec<&[f32]> = classes.rows(Class::Other).map(|i| classes.row(i)).collect();
        let inside = classes.rows(Class::Sensitive).filter(|&i| is_inside(classes.row(i), &others)).count();
        let outside = classes.count(Class::Sensitive) - inside;
        let (lines, tally) = found(&classes, 3);
        assert_eq!(tally, [outside, inside, 0], "case {case}: {lines:?}");
        both[0] += outside;
        both[1] += inside;
        // The lines alone prove as much.
        let mut again = kernel(&classes);
        for (number, line) in (1..).zip([header(&classes)].iter().chain(&lines)) {
            again.check(number, line).unwrap();
        }
        assert_eq!((again.tally().outside, again.tally().inside), (outside, inside));
    }
    assert!(both.iter().all(|&count| count > 100), "{both:?}");
}

/// A ring around a ball cannot be cut off by a few hyperplanes, and the ball not at all; far clouds by one.
#[test]
fn classifiers_are_right_at_every_point_of_classes_that_can_be_separated() {
    let mut rng = StdRng::seed_from_u64(21);
    for size in [2, 5, 30] {
        let mut inputs = Vec::new();
        for i in 0..120 {
            let away = if i % 2 == 0 { 40.0 } else { 0.0 };
            inputs.extend((0..size).map(|k| rng.random_range(-8..8) as f32 + if k == i / 2 % 2 { away } else { 0.0 }));
        }
        let sensitive = (0..120).map(|i| i % 2 == 0).collect();
        let classes = Classes::of(&Dataset { shape: vec![size], inputs, sensitive });
        let (mut keep, mut watch) = (|_: &str| Ok(()), |_| ());
        let mut search = Search::new(&classes, kernel(&classes), &mut keep, &mut watch);
        assert!(search.take(&header(&classes)));
        search.run(Effort { pieces: 4, seed: 0 }).unwrap();
        assert_eq!(search.tally().outside, 60);
        let planes = search.planes();
        assert!(planes.len() <= 2, "{} hyperplanes", planes.len());
        let made = classifier(planes, &classes).unwrap().expect("a classifier");
        let model = underplane::model::Model::new(made.graph).unwrap();
        for i in 0..classes.len() {
            let x: Vec<f64> = classes.row(i).iter().map(|&x| f64::from(x)).collect();
            let logit = model.enclose(&x)[0];
            assert!(if i < 60 { logit.lower() > 0.0 } else { logit.upper() < 0.0 }, "{i}");
        }
    }
}

/// Others in general position, and sensitive points that are means of two of them but for the rounding to float32, with
/// which of them.
fn nearly_inside(size: usize, rng: &mut StdRng) -> (Classes, Vec<[usize; 2]>) {
    let count = size / 2;
    let others: Vec<Vec<f32>> = (0..count).map(|_| (0..size).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let pairs: Vec<[usize; 2]> = (0..count - 1).map(|k| [k, k + 1]).collect();
    let mean = |&[a, b]: &[usize; 2]| -> Vec<f32> {
        (0..size).map(|i| ((f64::from(others[a][i]) + 2.0 * f64::from(others[b][i])) / 3.0) as f32).collect()
    };
    let sensitive: Vec<Vec<f32>> = pairs.iter().map(mean).collect();
    let labels = (0..pairs.len() + count).map(|i| i < pairs.len()).collect();
    let inputs = sensitive.iter().chain(&others).flatten().copied().collect();
    (Classes::of(&Dataset { shape: vec![size], inputs, sensitive: labels }), pairs)
}

/// The length of Σ wⱼ (vⱼ − x).
fn length(classes: &Classes, found: &Unproven) -> f64 {
    let edges: Vec<Vec<f64>> = found.of.iter().map(|&j| edge(classes, found.point, j)).collect();
    norm(&mean(&edges, &found.weights))
}

/// From a sensitive point to another one.
fn edge(classes: &Classes, point: usize, j: usize) -> Vec<f64> {
    let other = classes.row(classes.rows(Class::Other).start + j);
    other.iter().zip(classes.row(point)).map(|(&v, &x)| f64::from(v) - f64::from(x)).collect()
}

fn mean(edges: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    (0..edges[0].len()).map(|i| edges.iter().zip(weights).map(|(edge, w)| w * edge[i]).sum()).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The distance from the hull of the others: weight is moved between every two of them for as long as that helps.
fn naive(classes: &Classes, point: usize) -> f64 {
    let count = classes.count(Class::Other);
    let edges: Vec<Vec<f64>> = (0..count).map(|j| edge(classes, point, j)).collect();
    let mut weights = vec![1.0 / count as f64; count];
    let mut least = f64::INFINITY;
    for _ in 0..5000 {
        let mut step = mean(&edges, &weights);
        if norm(&step) > least * (1.0 - 1e-9) && least < f64::INFINITY {
            break;
        }
        least = norm(&step);
        for (a, b) in (0..count).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let along: Vec<f64> = edges[a].iter().zip(&edges[b]).map(|(a, b)| a - b).collect();
            let slope: f64 = step.iter().zip(&along).map(|(s, x)| s * x).sum();
            let moved = (-slope / norm(&along).powi(2)).clamp(-weights[a], weights[b]);
            weights[a] += moved;
            weights[b] -= moved;
            step.iter_mut().zip(&along).for_each(|(s, x)| *s += moved * x);
        }
    }
    least
}

#[test]
fn points_that_stay_unknown_have_their_distance_from_the_hull() {
    let mut rng = StdRng::seed_from_u64(24);
    let mut unknown = 0;
    for case in 0..12 {
        let (classes, pairs) = nearly_inside(8 + 2 * case, &mut rng);
        let (lines, [outside, inside, open]) = found(&classes, 2);
        let mut kernel = kernel(&classes);
        for (number, line) in (1..).zip([header(&classes)].iter().chain(&lines)) {
            kernel.check(number, line).unwrap();
        }
        assert_eq!((kernel.open().len(), outside + inside + open), (kernel.tally().open(), pairs.len()), "case {case}");
        let told = unproven(&classes, &kernel.open());
        assert_eq!(told.iter().map(|found| found.point).collect::<Vec<_>>(), kernel.open());
        for found in told {
            unknown += 1;
            assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && found.weights.iter().all(|&w| w > 0.0));
            let (distance, least) = (length(&classes, &found), naive(&classes, found.point));
            assert!(
                (found.distance - distance).abs() <= 1e-6 * distance,
                "case {case}: {found:?}, its mean {distance:e}"
            );
            assert!((distance - least).abs() <= 1e-4 * least, "case {case}: {found:?}, naively {least:e}");
            let [a, b] = pairs[found.point];
            let thirds = Unproven { of: vec![a, b], weights: vec![1.0 / 3.0, 2.0 / 3.0], ..found.clone() };
            assert!(found.distance <= length(&classes, &thirds) * (1.0 + 1e-9), "case {case}: {found:?}");
            assert!(found.distance > 0.0 && found.distance < 1e-6, "case {case}: {found:?}");
        }
    }
    assert!(unknown >= 8, "{unknown} points stay unknown");
}

/// The distance is that of raw coordinates, also where they are of very different sizes.
#[test]
fn distances_are_in_the_units_of_the_points() {
    for scale in [1.0_f32, 255.5, 1e-6] {
        let square = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]];
        let sensitive = [[2.0, 7.0], [7.0, 8.0], [-0.5, 2.0], [1.0, 1.0]];
        for (tall, distances) in [(1.0, [3.0, 5.0, 0.5, 0.0]), (1e5, [3e5, 4e5, 0.5, 0.0])] {
            let inputs = sensitive.iter().chain(&square).flat_map(|[x, y]| [x * scale, y * scale * tall]).collect();
            let labels = (0..8).map(|i| i < 4).collect();
            let classes = Classes::of(&Dataset { shape: vec![2], inputs, sensitive: labels });
            for (found, distance) in unproven(&classes, &[0, 1, 2, 3]).iter().zip(distances) {
                let distance = distance * f64::from(scale);
                // Inputs are rounded to float32, and a distance of 0 is found up to what is small beside the tall side.
                let small = if distance == 0.0 { 1e-6 * tall } else { 1e-6 };
                let close = 1e-4 * distance + f64::from(small * scale);
                assert!((found.distance - distance).abs() <= close, "{tall}: {found:?}, {distance}");
                assert!((length(&classes, found) - found.distance).abs() <= 1e-4 * close);
            }
        }
    }
}
