//! The attack: what it finds is a witness, near the exact radius where that is known, and always the same.

use num_traits::Zero;
use testing::networks::{MAPS, Map, exact_logit, generator, icnn, inputs, model, rational};
use underplane::attack::Attack;
use underplane::model::Model;
use underplane::norm::Norm;
use underplane::query::Witness;
use underplane::query::{Perturbation, Query, Range, Ranges};
use underplane::radius::lp::Lp;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Samples};

const BOX: Option<Ranges<'static>> = Some(Ranges::Same(Range { low: 0.0, high: 1.0 }));

/// As the program does it on small networks, with fewer starts.
const ATTACK: Attack = Attack { starts: 24, descents: 40, shrinks: 160, rays: 6, programs: 6 };

fn attack(model: &Model, x: &[f64], perturbation: Perturbation) -> Option<Witness> {
    ATTACK.nearest(Query { model, x, index: 7, perturbation }, &[])
}

fn radius(method: &dyn Method, model: &Model, x: &[f64], perturbation: Perturbation) -> Option<f64> {
    method.certify(model, Samples::new(x, x.len()), perturbation)[0].radius().map(|r| r.value())
}

#[test]
fn what_is_found_is_a_witness_outside_every_sound_radius() {
    let mut found = 0;
    for seed in 0..20 {
        let mut rng = generator(seed);
        let model = model(icnn(&mut rng, 6, &[9, 5], MAPS[seed as usize % MAPS.len()], 0.0));
        for x in inputs(&mut rng, 3, 6).chunks(6) {
            for (norm, range) in [(Norm::L1, None), (Norm::L2, BOX), (Norm::Linf, BOX), (Norm::Lp(1.5), None)] {
                let perturbation = Perturbation { norm, range, weights: None };
                let Some(witness) = attack(&model, x, perturbation) else { continue };
                found += 1;
                assert!(exact_logit(model.graph(), &witness.point) <= Zero::zero(), "seed {seed} {norm}");
                let inside = |v: &f64| range.is_none_or(|ranges| ranges.at(0).contains(*v));
                assert!(witness.point.iter().all(inside), "seed {seed} {norm}");
                let moved = x.iter().zip(&witness.point).map(|(x, p)| rational(*p) - rational(*x));
                let widest = moved.map(|d| if d < Zero::zero() { -d } else { d }).max().unwrap();
                assert!(rational(witness.distance) >= widest, "every norm is at least the maximum");
                if let Some(radius) = radius(&Sharp, &model, x, perturbation) {
                    assert!(radius < witness.distance, "seed {seed} {norm}: {radius} and {}", witness.distance);
                }
            }
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn on_convex_networks_the_attack_comes_near_the_exact_radius() {
    let mut ratios = Vec::new();
    for seed in 0..12 {
        let mut rng = generator(100 + seed);
        let map = [Map::Identity, Map::Centred, Map::Scaled][seed as usize % 3];
        let model = model(icnn(&mut rng, 8, &[12, 6], map, 0.0));
        for x in inputs(&mut rng, 3, 8).chunks(8) {
            for norm in Norm::STANDARD {
                for range in [None, BOX] {
                    let perturbation = Perturbation { norm, range, weights: None };
                    let Some(exact) = radius(&Lp::default(), &model, x, perturbation).filter(|r| r.is_finite()) else {
                        continue;
                    };
                    let found = attack(&model, x, perturbation);
                    let distance = found.unwrap_or_else(|| panic!("seed {seed} {norm}: nothing at {exact}")).distance;
                    assert!(distance >= exact, "seed {seed} {norm}: {distance} is nearer than {exact}");
                    ratios.push(distance / exact);
                }
            }
        }
    }
    ratios.sort_by(f64::total_cmp);
    let part = |share: usize| ratios[(ratios.len() - 1) * share / 100];
    let (count, median, most, worst) = (ratios.len(), part(50), part(95), part(100));
    assert!(count > 50 && median < 1.0001 && most < 1.02 && worst < 1.2, "{count}: {median} {most} {worst}");
}

#[test]
fn on_absolute_values_the_attack_is_as_good_as_the_best_sign_pattern() {
    // f(x) = |x₀ − ¼|·(−1) + … is concave in its kink: two half-lines lead to f ≤ 0, the nearer one across the kink.
    let mut ratios = Vec::new();
    for seed in 0..8 {
        let mut rng = generator(300 + seed);
        let model = model(icnn(&mut rng, 3, &[6, 4], Map::Absolute, 0.0));
        for x in inputs(&mut rng, 2, 3).chunks(3) {
            for norm in Norm::STANDARD {
                let perturbation = Perturbation { norm, range: BOX, weights: None };
                // A grid over the box, a naive twin that no descent can lead astray.
                let steps = 30;
                let mut grid = Vec::new();
                for i in 0..=steps {
                    for j in 0..=steps {
                        for k in 0..=steps {
                            grid.extend([i, j, k].map(|n| f64::from(n) / f64::from(steps)));
                        }
                    }
                }
                let logits = model.enclose(&grid);
                if model.enclose(x)[0].lower() <= 0.0 {
                    continue;
                }
                let distance = |p: &[f64]| norm.upper(&p.iter().zip(x).map(|(p, x)| p - x).collect::<Vec<_>>());
                let negative = grid.chunks(3).zip(&logits).filter(|(_, f)| f.upper() <= 0.0).map(|(p, _)| distance(p));
                let nearest = negative.fold(f64::INFINITY, f64::min);
                if nearest.is_infinite() {
                    continue;
                }
                let found = attack(&model, x, perturbation).map_or(f64::INFINITY, |w| w.distance);
                ratios.push(found / nearest);
            }
        }
    }
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    assert!(ratios.len() >= 10 && worst < 1.02, "{}: {worst} {ratios:?}", ratios.len());
}

#[test]
fn the_attack_is_deterministic_and_its_starts_differ() {
    let mut rng = generator(5);
    let model = model(icnn(&mut rng, 10, &[12, 6], Map::Absolute, 0.0));
    let values = inputs(&mut rng, 20, 10);
    let sensitive = values.chunks(10).find(|x| model.enclose(x)[0].lower() > 0.0).unwrap();
    let perturbation = Perturbation { norm: Norm::L2, range: None, weights: None };
    let query = Query { model: &model, x: sensitive, index: 3, perturbation };
    let once = Attack::default().nearest(query, &[]);
    assert!(once.is_some());
    assert_eq!(once, Attack::default().nearest(query, &[]));
}

#[test]
fn no_effort_is_no_panic() {
    let mut rng = generator(6);
    let model = model(icnn(&mut rng, 4, &[5], Map::Identity, 0.0));
    let x = inputs(&mut rng, 1, 4);
    let nothing = Attack { starts: 0, descents: 0, shrinks: 0, rays: 0, programs: 0 };
    // Only the tangent's nearest point is left to look at.
    for norm in Norm::STANDARD {
        if let Some(witness) =
            nothing.nearest(Query { model: &model, x: &x, index: 0, perturbation: Perturbation::new(norm) }, &[])
        {
            assert!(exact_logit(model.graph(), &witness.point) <= Zero::zero());
        }
    }
}
