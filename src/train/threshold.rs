//! The decision threshold, from validation logits alone, unless training logits are asked for.

use serde::{Deserialize, Serialize};

/// How the decision threshold is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Threshold {
    /// Both classes equally accurate, as nearly as the validation samples allow.
    #[default]
    Balanced,
    /// The highest accuracy.
    Accuracy,
    /// The middle of the gap between the classes on the training split; where there is none, the highest accuracy there.
    Training,
    /// 0, as trained.
    None,
}

impl Threshold {
    /// τ such that a logit above τ is called sensitive. Candidates lie midway between neighbouring validation logits;
    /// of equally good ones the nearest to 0 is taken. 0 when a class is missing.
    pub fn choose(self, logits: &[f64], sensitive: &[bool]) -> f64 {
        let (positives, others) = count(sensitive);
        if self == Threshold::None || positives == 0 || others == 0 {
            return 0.0;
        }
        let mut order: Vec<(f64, bool)> = logits.iter().copied().zip(sensitive.iter().copied()).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Below the first logit everything is called sensitive.
        let (mut missed, mut rejected) = (0, 0);
        let mut best: Option<(f64, f64)> = None;
        for i in 0..=order.len() {
            if let Some(tau) = gap(&order, i) {
                let miss = missed as f64 / positives as f64;
                let alarm = 1.0 - rejected as f64 / others as f64;
                let cost = match self {
                    Threshold::Balanced => (miss - alarm).abs(),
                    _ => (missed + others - rejected) as f64,
                };
                let better = best.is_none_or(|(least, at)| cost < least || (cost == least && tau.abs() < at.abs()));
                best = if better { Some((cost, tau)) } else { best };
            }
            match order.get(i) {
                Some((_, true)) => missed += 1,
                Some((_, false)) => rejected += 1,
                None => {}
            }
        }
        best.map_or(0.0, |(_, tau)| tau)
    }
}

/// A threshold between the sorted logits i − 1 and i, when there is room; outside all of them, 1 away.
fn gap(order: &[(f64, bool)], i: usize) -> Option<f64> {
    match (i.checked_sub(1).map(|i| order[i].0), order.get(i).map(|o| o.0)) {
        (Some(below), Some(above)) => (below < above).then_some(below + (above - below) / 2.0),
        (Some(below), None) => Some(below + 1.0),
        (None, Some(above)) => Some(above - 1.0),
        (None, None) => None,
    }
}

fn count(sensitive: &[bool]) -> (usize, usize) {
    let positives = sensitive.iter().filter(|&&s| s).count();
    (positives, sensitive.len() - positives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn errors(tau: f64, logits: &[f64], sensitive: &[bool]) -> (f64, f64) {
        let (positives, others) = count(sensitive);
        let wrong =
            |class| logits.iter().zip(sensitive).filter(|&(&f, &s)| s == class && (f > tau) != s).count() as f64;
        (wrong(true) / positives as f64, wrong(false) / others as f64)
    }

    proptest! {
        /// No threshold at all does better than the chosen one.
        #[test]
        fn chosen_is_best(samples in prop::collection::vec((-20i32..20, any::<bool>()), 2..60)) {
            let logits: Vec<f64> = samples.iter().map(|s| f64::from(s.0)).collect();
            let sensitive: Vec<bool> = samples.iter().map(|s| s.1).collect();
            let (positives, others) = count(&sensitive);
            prop_assume!(positives > 0 && others > 0);
            let balance = |tau| { let (a, b) = errors(tau, &logits, &sensitive); (a - b).abs() };
            let wrong = |tau| {
                let (a, b) = errors(tau, &logits, &sensitive);
                a * positives as f64 + b * others as f64
            };
            let balanced = Threshold::Balanced.choose(&logits, &sensitive);
            let accurate = Threshold::Accuracy.choose(&logits, &sensitive);
            for step in -45..45 {
                let other = f64::from(step) / 2.0;
                prop_assert!(balance(balanced) <= balance(other) + 1e-12);
                prop_assert!(wrong(accurate) <= wrong(other) + 1e-9);
            }
            prop_assert_eq!(Threshold::None.choose(&logits, &sensitive), 0.0);
        }
    }

    #[test]
    fn one_class_alone_keeps_zero() {
        assert_eq!(Threshold::Balanced.choose(&[1.0, 2.0], &[true, true]), 0.0);
        assert_eq!(Threshold::Balanced.choose(&[], &[]), 0.0);
    }
}
