//! How far inputs of the sensitive class keep it, in a sentence.
//!
//! A sentence says no more than certified radii of the network itself do: sizes are rounded down, and an input without
//! a radius counts among those that it is one of.

use super::answer::Status;
use super::records::Record;
use super::rounded::Rounded;
use super::rows::Row;
use crate::radius::{Guarantee, Subject};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What inputs of the sensitive class are called.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// One and several of them: spam mail, spam mails.
    pub input: [String; 2],
    /// What they stay: spam.
    pub class: String,
    /// What happens to one and to several coordinates that change by 1, as every change in ℓ1 is made of: feature
    /// flips, features flip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<[String; 2]>,
}

impl Default for Words {
    fn default() -> Words {
        let input = ["input of the sensitive class", "inputs of the sensitive class"].map(String::from);
        Words { input, class: "in it".into(), step: None }
    }
}

impl Words {
    /// Those of a class whose label is known.
    pub fn labelled(label: &str) -> Words {
        let input = ["row", "rows"].map(|rows| format!("{rows} classified as `{label}`"));
        Words { input, class: format!("`{label}`"), step: None }
    }
}

/// What changes are measured in.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// The box, or nothing.
    pub range: String,
    /// Whether norms are weighted.
    pub weighted: bool,
}

/// How many significant digits a size has in a sentence.
const DIGITS: usize = 2;

/// Inputs, and how many of the sensitive ones have which radius in which norm.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Inputs with f > 0.
    pub sensitive: usize,
    /// All others.
    pub others: usize,
    norms: Vec<(String, BTreeMap<Rounded, usize>)>,
}

/// What a row says for itself.
struct Told<'a> {
    norm: &'a str,
    /// Of the network itself, and refuted by no witness.
    radius: Option<f64>,
}

impl Standing {
    /// All rows of one input.
    pub fn add_rows(&mut self, rows: &[Row]) {
        let told = |row: &Row| {
            let is_base = row.subject == Subject::Base && row.guarantee != Guarantee::Probabilistic;
            is_base.then(|| (row.norm.clone(), radius(row.status, &row.radius, &row.upper)))
        };
        let told: Vec<_> = rows.iter().filter_map(told).collect();
        let told = told.iter().map(|(norm, radius)| Told { norm, radius: *radius });
        self.add(rows.first().is_some_and(|row| row.logit > 0.0), told);
    }

    /// All records of one input.
    pub fn add_records(&mut self, records: &[Record]) {
        let is_sound = |record: &&Record| record.is_base() && record.guarantee != Guarantee::Probabilistic;
        let told = records
            .iter()
            .filter(is_sound)
            .map(|record| Told { norm: &record.norm, radius: radius(record.status, &record.radius, &record.upper) });
        self.add(records.first().is_some_and(|record| record.logit > 0.0), told);
    }

    fn add<'a>(&mut self, is_sensitive: bool, told: impl Iterator<Item = Told<'a>>) {
        let mut best: Vec<(usize, f64)> = Vec::new();
        for Told { norm, radius } in told {
            let at = self.norms.iter().position(|(name, _)| name == norm).unwrap_or(self.norms.len());
            if at == self.norms.len() {
                self.norms.push((norm.into(), BTreeMap::new()));
            }
            best.push((at, radius.unwrap_or(0.0)));
        }
        if !is_sensitive {
            self.others += 1;
            return;
        }
        self.sensitive += 1;
        for at in 0..self.norms.len() {
            let radius = best.iter().filter(|(norm, _)| *norm == at).map(|(_, radius)| *radius).fold(0.0, f64::max);
            if radius > 0.0 {
                *self.norms[at].1.entry(Rounded::down(radius, DIGITS)).or_insert(0) += 1;
            }
        }
    }

    /// A sentence for every norm with radii of the network itself.
    pub fn sentences(&self, words: &Words, measure: &Measure) -> Vec<String> {
        if self.sensitive == 0 {
            let count = if self.others == 1 { "the one input".into() } else { format!("{} inputs", self.others) };
            return vec![format!("No {} among {count}: there is nothing to certify.", words.input[0])];
        }
        self.norms.iter().map(|(norm, sizes)| self.sentence(norm, sizes, words, measure)).collect()
    }

    fn sentence(&self, norm: &str, sizes: &BTreeMap<Rounded, usize>, words: &Words, measure: &Measure) -> String {
        let (all, [one, many]) = (self.sensitive, &words.input);
        let Some((count, size)) = stay(sizes, all) else {
            return match all {
                1 => format!("The one {one} has no certified {norm} radius."),
                _ => format!("None of the {all} {many} has a certified {norm} radius."),
            };
        };
        let steps = words.step.as_ref().filter(|_| norm == "l1" && !measure.weighted);
        let steps = steps.zip(size.whole().filter(|whole| *whole > 0));
        // Steps are whole: those whose size is a little less may come as far.
        let as_far = |least: u64| sizes.iter().filter(move |(size, _)| size.whole().is_none_or(|whole| whole >= least));
        let count = steps.map_or(count, |(_, least)| as_far(least).map(|(_, here)| here).sum());
        let who = match count {
            1 if all == 1 => format!("The one {one} stays"),
            2 if all == 2 => format!("Both {many} stay"),
            _ if count == all => format!("All {all} {many} stay"),
            1 => format!("1 of {all} {many} stays"),
            _ => format!("{count} of {all} {many} stay"),
        };
        let how = match steps {
            Some(([one, _], 1)) => format!("whichever {one}"),
            Some(([_, many], steps)) => format!("however {steps} {many}"),
            None => under(norm, size, measure),
        };
        format!("{who} {} {how}.", words.class)
    }
}

/// How many of `all` inputs have a radius of at least which size: nine in ten, else half of them, else whoever has one.
fn stay(sizes: &BTreeMap<Rounded, usize>, all: usize) -> Option<(usize, Rounded)> {
    let reach = |wanted: usize| {
        let mut count = 0;
        sizes.iter().rev().find_map(|(size, here)| {
            count += here;
            (count >= wanted).then_some((count, *size))
        })
    };
    let any: usize = sizes.values().sum();
    reach((9 * all).div_ceil(10)).or_else(|| reach(all.div_ceil(2))).or_else(|| reach(any.max(1)))
}

fn under(norm: &str, size: Rounded, measure: &Measure) -> String {
    let inside = if measure.range.is_empty() { String::new() } else { format!(" inside the box {}", measure.range) };
    if size.is_infinite() {
        return format!("under every change{inside}, however large");
    }
    let weighted = if measure.weighted { "weighted " } else { "" };
    format!("under every change{inside} of {weighted}{norm} size up to {}", size.brief())
}

/// A certified radius that no witness refutes.
fn radius(status: Status, radius: &str, upper: &str) -> Option<f64> {
    let value = match radius {
        "unbounded" => f64::INFINITY,
        text => text.parse().ok()?,
    };
    let is_refuted = upper.parse().is_ok_and(|upper: f64| value >= upper);
    (status == Status::Certified && !is_refuted).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(radii: &[f64], others: usize) -> Standing {
        let mut standing = Standing::default();
        for radius in radii.iter().map(|radius| Some(*radius).filter(|radius| *radius > 0.0)) {
            standing.add(true, [Told { norm: "l1", radius: None }, Told { norm: "l1", radius }].into_iter());
        }
        (0..others).for_each(|_| standing.add(false, [Told { norm: "l1", radius: None }].into_iter()));
        standing
    }

    fn said(radii: &[f64], words: &Words) -> String {
        standing(radii, 1).sentences(words, &Measure::default()).concat()
    }

    fn spam() -> Words {
        let step = Some(["word changes", "words change"].map(String::from));
        Words { input: ["spam mail", "spam mails"].map(String::from), class: "spam".into(), step }
    }

    #[test]
    fn the_grammar_is_that_of_none_one_two_and_many() {
        let mail = |radii: &[f64]| said(radii, &spam());
        let nine = [3.5, 3.2, 3.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0];
        assert_eq!(mail(&[&nine[..], &[0.0]].concat()), "9 of 10 spam mails stay spam however 3 words change.");
        assert_eq!(mail(&[&nine[..], &[3.1]].concat()), "All 10 spam mails stay spam however 3 words change.");
        assert_eq!(mail(&[3.9]), "The one spam mail stays spam however 3 words change.");
        assert_eq!(mail(&[1.0, 2.0]), "Both spam mails stay spam whichever word changes.");
        assert_eq!(mail(&[4.0, 4.0, 4.0]), "All 3 spam mails stay spam however 4 words change.");
        assert_eq!(mail(&[0.5, 0.0, 0.0]), "1 of 3 spam mails stays spam under every change of l1 size up to 0.5.");
        assert_eq!(mail(&[0.0]), "The one spam mail has no certified l1 radius.");
        assert_eq!(mail(&[0.0, 0.0]), "None of the 2 spam mails has a certified l1 radius.");
        assert_eq!(mail(&[]), "No spam mail among the one input: there is nothing to certify.");
        assert_eq!(mail(&[f64::INFINITY]), "The one spam mail stays spam under every change, however large.");
    }

    #[test]
    fn without_words_it_speaks_of_the_class_and_of_sizes() {
        let plain = said(&[0.345, 0.29, 0.5], &Words::default());
        assert_eq!(plain, "All 3 inputs of the sensitive class stay in it under every change of l1 size up to 0.28.");
        let measure = Measure { range: "0,1".into(), weighted: true };
        let said = standing(&[2.0], 0).sentences(&Words::labelled("fraud"), &measure).concat();
        let expected = "The one row classified as `fraud` stays `fraud` under every change inside the box 0,1 of \
                        weighted l1 size up to 2.";
        assert_eq!(said, expected);
    }

    #[test]
    fn no_sentence_says_more_than_the_radii() {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for _ in 0..2000 {
            let count = rng.random_range(1..30);
            let one = |_| if rng.random_bool(0.3) { 0.0 } else { rng.random_range(-3.0..3.0_f64).exp() };
            let radii: Vec<f64> = (0..count).map(one).collect();
            let standing = standing(&radii, 0);
            match stay(&standing.norms[0].1, count) {
                Some((kept, size)) => {
                    let size: f64 = size.to_string().parse().unwrap();
                    assert_eq!(radii.iter().filter(|radius| **radius >= size).count(), kept, "{radii:?}");
                    assert!(kept > 0 && size > 0.0);
                }
                None => assert!(radii.iter().all(|radius| *radius == 0.0)),
            }
        }
    }

    #[test]
    fn refuted_radii_and_those_of_other_classifiers_do_not_count() {
        assert_eq!(radius(Status::Certified, "2", "2"), None);
        assert_eq!(radius(Status::Certified, "2", "2.1"), Some(2.0));
        assert_eq!(radius(Status::Certified, "unbounded", ""), Some(f64::INFINITY));
        assert_eq!(radius(Status::Unknown, "2", ""), None);
        assert_eq!(radius(Status::NotSensitive, "", ""), None);
    }
}
