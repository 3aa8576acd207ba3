//! The audit on random networks: wrong radii are refuted, right ones are not, and nothing makes it panic.

use std::convert::Infallible;
use testing::networks::{MAPS, Map, generator, icnn, inputs, model};
use underplane::attack::Attack;
use underplane::audit::case::{Block, Case, First};
use underplane::audit::ladder::{Conclusion, Order, order, undecided, violations};
use underplane::audit::methods::{Stops, standard};
use underplane::audit::run::{Audit, Findings};
use underplane::audit::tally::{Hear, Tally};
use underplane::audit::{report, tables};
use underplane::data::Bounds;
use underplane::model::{Dense, Enclosed, Graph, Layer, Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::Prover;
use underplane::query::Witness;
use underplane::query::{Perturbation, Range};
use underplane::radius::lp::{Lp, LpSolver};
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Cost, Guarantee, Method, Needs, Outcome, Radius, Samples, Subject, Verdict};
use underplane::report::answer::Status;
use underplane::report::records::Replay;

const ATTACK: Attack = Attack { starts: 4, descents: 20, shrinks: 60, rays: 2, programs: 1 };

fn smoothing() -> Smoothing {
    Smoothing { samples: 200, ..Smoothing::default() }
}

pub fn audit(methods: Vec<Box<dyn Method>>) -> Audit {
    Audit { methods, norms: Norm::STANDARD.to_vec(), attack: ATTACK }
}

pub fn all_methods() -> Audit {
    audit(standard(LpSolver::Clarabel, smoothing(), Stops::default()))
}

/// A case and all its inputs.
pub struct Inputs {
    pub case: Case,
    pub values: Vec<f64>,
}

pub fn case(model: Model, values: Vec<f64>, range: Option<Range>) -> Inputs {
    let size = model.input_size();
    let onnx = onnx::encode(model.graph()).unwrap();
    let prover = Prover::new(&onnx, Sensitive::Positive, &vec![0.0; size], size).map_err(|why| why.to_string());
    let logits = model.enclose(&values);
    let is_other = |(logit, _): &(&Enclosed, &[f64])| logit.upper() <= 0.0;
    let others = logits.iter().zip(values.chunks(size)).filter(is_other).flat_map(|(_, x)| x.to_vec()).collect();
    Inputs {
        case: Case {
            name: "net".into(),
            model,
            prover,
            range: range.map(Bounds::Same),
            preparation: None,
            weights: None,
            table: None,
            others,
        },
        values,
    }
}

fn random_case(seed: u64, map: Map, range: Option<Range>) -> Inputs {
    let mut rng = generator(seed);
    let model = model(icnn(&mut rng, 5, &[8, 5], map, 0.0));
    let values = inputs(&mut rng, 12, 5);
    case(model, values, range)
}

/// Block by block, as the program asks.
pub fn findings(audit: &Audit, inputs: &Inputs) -> Findings {
    let (Inputs { case, values }, size) = (inputs, inputs.case.model.input_size());
    let numbers: Vec<usize> = (0..values.len() / size).collect();
    let labels: Vec<String> = numbers.iter().map(|i| (i % 2).to_string()).collect();
    let most = audit.block(case, numbers.len());
    let mut all = Findings::default();
    for (numbers, labels) in numbers.chunks(most).zip(labels.chunks(most)) {
        let values = &values[numbers[0] * size..(numbers[0] + numbers.len()) * size];
        let found = audit.answer(case, &Block { values, numbers, labels: labels.to_vec() }, &|_, _| {});
        all.records.extend(found.records);
        all.found.extend(found.found);
    }
    all
}

pub fn tally(findings: &Findings) -> Tally {
    let all = |hear: Hear| -> Result<(), Infallible> {
        hear(&findings.records, &findings.found);
        Ok(())
    };
    let Ok(tally) = Tally::of(all);
    tally
}

pub fn conclusion(findings: &Findings) -> Conclusion {
    tally(findings).conclusion()
}

/// Everything that is made from records must cope with any records.
pub fn rendered(findings: &Findings) -> String {
    let tally = tally(findings);
    let mut text = report::verdict(&tally);
    for summary in tally.summaries() {
        text += &tables::methods(&summary).terminal();
        text += &tables::notes(&summary, None).join("\n");
    }
    text + &tables::violations(&tally.violations).markdown()
}

/// The exact radius times a factor, as a certificate of the given kind.
struct Scaled {
    factor: f64,
    subject: Subject,
    guarantee: Guarantee,
    evidence: bool,
}

impl Method for Scaled {
    fn name(&self) -> &'static str {
        "scaled"
    }

    fn guarantee(&self) -> Guarantee {
        self.guarantee
    }

    fn needs(&self) -> Needs {
        Needs::Convex
    }

    fn cost(&self) -> Cost {
        Cost::Search
    }

    fn subject(&self) -> Subject {
        self.subject
    }

    fn has_evidence(&self) -> bool {
        self.evidence
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let scale = |outcome: Outcome| match outcome.verdict {
            Verdict::Certified(radius) => {
                let verdict = Verdict::Certified(Radius::new(radius.value() * self.factor));
                Outcome { evidence: outcome.evidence, ..Outcome::plain(verdict) }
            }
            verdict => Outcome::plain(verdict),
        };
        Lp::default().certify(model, samples, perturbation).into_iter().map(scale).collect()
    }
}

fn scaled(factor: f64) -> Box<dyn Method> {
    let (subject, guarantee) = (Subject::Base, Guarantee::Sound);
    Box::new(Scaled { factor, subject, guarantee, evidence: false })
}

#[test]
fn what_the_kernel_refuses_is_unknown_and_counted_and_what_a_witness_refutes_stays_a_violation() {
    let (mut refused, mut accepted) = (0, 0);
    for seed in 0..4 {
        let case = random_case(seed, Map::Centred, None);
        for (factor, right) in [(1.0, true), (1.0 + 1e-5, false), (1.5, false)] {
            let (subject, guarantee) = (Subject::Base, Guarantee::Sound);
            let method = Scaled { factor, subject, guarantee, evidence: true };
            let findings = findings(&audit(vec![Box::new(method)]), &case);
            let violations = violations(&findings.records, &findings.found).len();
            let of = |proof: Replay| findings.records.iter().filter(move |r| r.proof == proof);
            assert!(
                of(Replay::Refused)
                    .all(|r| r.status == Status::Unknown && r.detail.to_string().starts_with("not proven: "))
            );
            assert!(of(Replay::Accepted).all(|r| r.certified().is_some()));
            let unbounded = findings.records.iter().filter(|r| r.radius == "unbounded").count();
            if right {
                assert_eq!((violations, of(Replay::Refused).count()), (0, 0), "seed {seed}");
            } else {
                assert_eq!(of(Replay::Accepted).count(), unbounded, "seed {seed}, {factor}");
            }
            refused += of(Replay::Refused).count();
            accepted += of(Replay::Accepted).count();
            let text = rendered(&findings);
            assert!(text.contains(&format!("{} refused by the kernel", of(Replay::Refused).count())), "{text}");
            // The notes say why, and how often each reason occurs.
            let counted = |line: &str| line.trim().split_once(" refused by the kernel: ")?.0.parse::<usize>().ok();
            let told: usize = text.lines().filter_map(counted).sum();
            assert_eq!(told, of(Replay::Refused).count(), "{text}");
            let sensitive = findings.records.iter().filter(|r| r.logit > 0.0).count();
            assert_eq!(violations + of(Replay::Refused).count() + of(Replay::Accepted).count(), sensitive, "{text}");
        }
    }
    assert!(refused > 5 && accepted > 20, "{refused} refused, {accepted} accepted");
}

#[test]
fn a_radius_one_percent_too_large_is_refuted_and_the_exact_one_is_not() {
    let mut refuted = 0;
    for seed in 0..6 {
        for range in [None, Some(Range { low: 0.0, high: 1.0 })] {
            let case = random_case(seed, [Map::Identity, Map::Scaled][seed as usize % 2], range);
            // No other method helps: the attack alone has to find the witnesses.
            let wrong = findings(&audit(vec![scaled(1.01)]), &case);
            let right = findings(&audit(vec![scaled(1.0)]), &case);
            assert_eq!(conclusion(&right), Conclusion::Passed, "seed {seed}");
            let certified = wrong.records.iter().filter(|r| r.certified().is_some_and(f64::is_finite)).count();
            let violations = violations(&wrong.records, &wrong.found);
            for violation in &violations {
                assert!(violation.radius >= violation.distance && violation.record.method == "scaled");
                assert!(violation.distance * 1.01 >= violation.radius && violation.finder == "attack");
            }
            if certified > 0 {
                assert_eq!(conclusion(&wrong), Conclusion::Violated, "seed {seed}");
                assert!(rendered(&wrong).contains("VIOLATIONS"));
            }
            // The attack is that good; what it finds is never nearer than the exact radius.
            assert!(violations.len() <= certified && 10 * violations.len() >= 9 * certified, "seed {seed}");
            refuted += violations.len();
        }
    }
    assert!(refuted > 50, "{refuted}");
}

#[test]
fn smoothed_and_probabilistic_radii_never_enter_the_verdict() {
    let case = random_case(3, Map::Identity, None);
    for (subject, guarantee) in [(Subject::Smoothed, Guarantee::Probabilistic), (Subject::Smoothed, Guarantee::Sound)] {
        let method = Scaled { factor: 10.0, subject, guarantee, evidence: false };
        let findings = findings(&audit(vec![Box::new(method)]), &case);
        assert!(findings.records.iter().any(|r| r.certified().is_some()));
        assert_eq!(conclusion(&findings), Conclusion::Passed);
        assert!(findings.records.iter().all(|r| r.upper.is_empty()), "a witness of the network says nothing here");
    }
}

#[test]
fn every_method_passes_on_random_networks() {
    let mut compared = Order::default();
    for seed in 0..10 {
        let map = MAPS[seed as usize % MAPS.len()];
        let range = (seed % 2 == 0).then_some(Range { low: 0.0, high: 1.0 });
        let case = random_case(seed, map, range);
        let findings = findings(&all_methods(), &case);
        assert_eq!(findings.records.len(), 12 * 3 * 7);
        let text = rendered(&findings);
        assert_eq!(conclusion(&findings), Conclusion::Passed, "seed {seed}: {text}");
        let curved = matches!(map, Map::Absolute | Map::ScaledAbsolute);
        assert_eq!(text.contains("lp does not apply: non-affine feature map"), curved, "seed {seed}: {text}");
        let order = order(&findings.records);
        assert_eq!(order.broken, 0, "seed {seed}");
        compared.compared += order.compared;
    }
    assert!(compared.compared > 50, "{compared:?}");
}

#[test]
fn tightness_is_measured_against_the_exact_radius_and_never_above_it() {
    let case = random_case(1, Map::Centred, None);
    let findings = findings(&all_methods(), &case);
    let summary = &tally(&findings).summaries()[0];
    assert_eq!((summary.references.witness, summary.references.none), (0, 0));
    assert_eq!(summary.references.exact, 3 * summary.sensitive);
    assert!(summary.sensitive > 0 && summary.inputs == 12);
    for line in summary.lines.iter().filter(|l| l.subject == Subject::Base) {
        let (median, worst) = line.tightness;
        assert!(0.0 < worst && worst <= median && median <= 1.0 + 1e-9, "{line:?}");
        assert_eq!((line.certified, line.violations), (summary.sensitive, 0), "{line:?}");
        if ["exact", "lp"].contains(&line.method.as_str()) {
            assert!(worst > 1.0 - 1e-6 && line.gap <= 1e-6, "{line:?}");
        }
    }
    for attack in &summary.attacks {
        let (median, worst) = attack.tightness;
        assert!(1.0 <= median && median <= worst && worst < 1.05, "{attack:?}");
    }
}

/// f(x) = bias + weight · x.
pub fn affine(weight: Vec<f32>, bias: f32) -> Model {
    let mut graph = Graph::new("x", &[weight.len()]);
    let layer = Dense { rows: 1, cols: weight.len(), weight, bias: vec![bias] };
    graph.push("logit", Layer::Dense(layer), &[0]).unwrap();
    model(graph)
}

struct Clueless;

impl Method for Clueless {
    fn name(&self) -> &'static str {
        "clueless"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Sound
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn cost(&self) -> Cost {
        Cost::Passes
    }

    fn certify(&self, model: &Model, samples: Samples, _: Perturbation) -> Vec<Outcome> {
        // The claimed witness is none, and must not count.
        let witness = Witness { point: vec![0.0; model.input_size()], distance: 0.0 };
        let verdict = Verdict::Unknown("out of ideas".into());
        vec![Outcome { witness: Some(witness), ..Outcome::plain(verdict) }; samples.count()]
    }
}

#[test]
fn an_unknown_answer_is_undecided_and_a_false_witness_counts_for_nothing() {
    let case = case(affine(vec![-1.0, 0.0], 1.0), vec![0.0, 0.0], None);
    let mut methods: Vec<Box<dyn Method>> = vec![Box::new(Clueless)];
    methods.extend(standard(LpSolver::Clarabel, smoothing(), Stops::default()));
    let findings = findings(&audit(methods), &case);
    assert_eq!(conclusion(&findings), Conclusion::Undecided);
    assert_eq!(undecided(&findings.records).count(), 3);
    assert!(rendered(&findings).contains("3 answers stayed unknown"));
    let upper = findings.records.iter().map(|r| r.witness().unwrap_or(1.0)).fold(f64::INFINITY, f64::min);
    assert!(upper >= 1.0, "the false witness at distance 0 was believed");
}

#[test]
fn odd_times_and_numbers_do_not_panic() {
    let case = random_case(2, Map::Identity, None);
    let mut findings = findings(&all_methods(), &case);
    for (k, record) in findings.records.iter_mut().enumerate() {
        match k % 5 {
            0 => record.seconds = f64::NAN,
            1 => record.logit = f64::NAN,
            2 => record.radius = "NaN".into(),
            3 => record.upper = "inf".into(),
            _ => record.radius = "0.0".into(),
        }
    }
    findings.found.iter_mut().for_each(|f| f.seconds = f64::NAN);
    assert!(!rendered(&findings).is_empty());
}

#[test]
fn the_same_audit_gives_the_same_records() {
    let case = random_case(4, Map::Absolute, Some(Range { low: 0.0, high: 1.0 }));
    let (mut a, mut b) = (findings(&all_methods(), &case), findings(&all_methods(), &case));
    for findings in [&mut a, &mut b] {
        findings.records.iter_mut().for_each(|r| r.seconds = 0.0);
        findings.found.iter_mut().for_each(|f| f.seconds = 0.0);
    }
    assert_eq!((a.records, a.found), (b.records, b.found));
}

#[test]
fn selection_takes_the_first_of_both_kinds_in_order() {
    let model = affine(vec![1.0], 0.0);
    let values = [1.0, -1.0, 2.0, -2.0, 3.0, -3.0];
    let logits = model.enclose(&values);
    let first = |sensitive, others| First { sensitive, others };
    assert_eq!(first(2, 1).take(&logits), [0, 1, 2]);
    assert_eq!(first(5, 2).take(&logits), [0, 1, 2, 3, 4]);
    assert_eq!(first(0, 0).take(&logits), [0_usize; 0]);
    // What is taken of one block is not taken of the next one.
    let mut left = first(2, 2);
    assert_eq!((left.take(&logits[..3]), left.is_over()), (vec![0, 1, 2], false));
    assert_eq!((left.take(&logits[3..]), left.is_over()), (vec![0], true));
}
