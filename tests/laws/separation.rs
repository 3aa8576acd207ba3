//! Convex separability against a naive test of hulls, on small integer and dyadic points.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use underplane::data::Dataset;
use underplane::separation::{Class, Classes, Effort, Search, classifier};
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
