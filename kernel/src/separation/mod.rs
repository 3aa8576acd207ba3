//! Convex separability: which points of one class lie outside the convex hull of another class, and which inside.
//!
//! For two files of points in ℝᵈ, the sensitive class A and the other class B, a valid line proves
//!
//! > a hyperplane (a, t):   **a·b ≤ t for all b in B**, so that **every x with a·x > t lies outside conv(B)**;
//! > a combination (i, w):  **aᵢ = Σ wⱼ bⱼ / Σ wⱼ, wⱼ ≥ 0, Σ wⱼ > 0**, so that **aᵢ lies in conv(B)**.
//!
//! The maximum of the hyperplanes' a·x − t is a convex function that is at most 0 on B, and greater than 0 at every point
//! of A that one of them cuts off. All is computed in integers: each coordinate of all points on a scale of its own, a power
//! of two. Sums of products are of 128 bits, after a bound that no partial sum exceeds (`points`).

mod accuracy;
mod certificate;
pub mod driver;
mod points;

pub use accuracy::{Accuracy, count};
pub use points::{Points, Scale};

use crate::number::exact::pairs;
use crate::rejection::{Code, Rejection};
use certificate::{Combination, Hyperplane, Line};
use dashu_int::IBig;
use points::Weights;

/// Two classes, and what has been proven of the first one.
#[derive(Clone, Debug)]
pub struct Separation {
    sensitive: Points,
    other: Points,
    scale: Scale,
    /// For every sensitive point.
    found: Vec<Found>,
}

/// Where a point lies with respect to the other class's hull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    #[default]
    Open,
    Outside,
    Inside,
}

/// What a valid line proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// The line tells the format and the files.
    Header,
    /// A hyperplane that cuts off so many sensitive points, so many of which no line before it has.
    Hyperplane {
        /// Points beyond it.
        beyond: usize,
        /// Those that were open.
        new: usize,
    },
    /// The sensitive point of this number lies in the hull.
    Inside(usize),
}

/// How many sensitive points have been found where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Of the sensitive class.
    pub points: usize,
    /// Of the other class.
    pub others: usize,
    /// Proven to lie outside the hull of the others.
    pub outside: usize,
    /// Proven to lie inside.
    pub inside: usize,
}

impl Tally {
    /// Of which nothing has been proven.
    pub fn open(self) -> usize {
        self.points - self.outside - self.inside
    }
}

impl Separation {
    /// Two classes of points with as many coordinates.
    pub fn new(sensitive: Points, other: Points) -> Result<Separation, Rejection> {
        if sensitive.size() != other.size() {
            let (expected, found) = (sensitive.size(), other.size());
            let expected = format!("{expected} coordinates, as the sensitive points have");
            return Err(Rejection::new(Code::InputSize, "other points", expected, found.to_string()));
        }
        let scale = Scale::of(&[&sensitive, &other])?;
        let found = vec![Found::Open; sensitive.count()];
        Ok(Separation { sensitive, other, scale, found })
    }

    /// What has been proven so far.
    pub fn tally(&self) -> Tally {
        let count = |wanted| self.found.iter().filter(|&&found| found == wanted).count();
        let (points, others) = (self.sensitive.count(), self.other.count());
        Tally { points, others, outside: count(Found::Outside), inside: count(Found::Inside) }
    }

    /// The sensitive points of which nothing has been proven.
    pub fn open(&self) -> Vec<usize> {
        let open = self.found.iter().enumerate().filter(|(_, found)| **found == Found::Open);
        open.map(|(i, _)| i).collect()
    }

    /// Checks the line of that number (from 1) of a certificate file; the first one is the header.
    pub fn check(&mut self, number: u64, line: &str) -> Result<Proven, Rejection> {
        match (number, certificate::read(line)?) {
            (1, Line::Header { sensitive, other }) => {
                named("sensitive", &sensitive, &self.sensitive)?;
                named("other", &other, &self.other)?;
                Ok(Proven::Header)
            }
            (1, _) => Err(Rejection::new(Code::Version, "first line", "the key `separation`", "another line")),
            (_, Line::Header { .. }) => {
                Err(Rejection::new(Code::MalformedCertificate, "line", "a hyperplane or combination", "a header"))
            }
            (_, Line::Hyperplane(plane)) => self.cut(&plane),
            (_, Line::Combination(combination)) => self.contain(&combination),
        }
    }

    /// The hyperplane leaves every other point on its side, on it or below.
    fn cut(&mut self, plane: &Hyperplane) -> Result<Proven, Rejection> {
        let weights = Weights::new(&self.scale, &plane.coefficients, &plane.threshold)?;
        for (i, row) in self.other.rows(&self.scale).enumerate() {
            if weights.is_above(&row?)? {
                let found = "one above it";
                return Err(Rejection::new(
                    Code::WrongSide,
                    format!("other point {i}"),
                    "a·x at most the threshold",
                    found,
                ));
            }
        }
        let (mut beyond, mut new) = (0, 0);
        for (i, row) in self.sensitive.rows(&self.scale).enumerate() {
            if weights.is_above(&row?)? {
                beyond += 1;
                new += usize::from(self.found[i] == Found::Open);
                self.found[i] = Found::Outside;
            }
        }
        Ok(Proven::Hyperplane { beyond, new })
    }

    /// The combination of other points is the sensitive point.
    fn contain(&mut self, combination: &Combination) -> Result<Proven, Rejection> {
        let index = combination.point;
        let point = self.sensitive.row(index, &self.scale)?;
        let mut sums = vec![IBig::ZERO; point.len()];
        let mut total = IBig::ZERO;
        for (&j, weight) in pairs(&combination.of, &combination.weights)? {
            let row = self.other.row(j, &self.scale)?;
            pairs(&mut sums, row)?.for_each(|(sum, x)| *sum += weight * IBig::from(x));
            total += weight;
        }
        if total <= IBig::ZERO {
            return Err(Rejection::new(Code::WeightSum, "weights", "a sum greater than 0", "0"));
        }
        for (i, (sum, x)) in pairs(&sums, point)?.enumerate() {
            if *sum != &total * IBig::from(x) {
                let place = format!("sensitive point {index} coordinate {i}");
                return Err(Rejection::new(Code::NotInside, place, "the mean of the other points", "another number"));
            }
        }
        self.found[index] = Found::Inside;
        Ok(Proven::Inside(index))
    }
}

/// Refuses a file of points that the certificate is not about.
fn named(role: &str, digest: &str, points: &Points) -> Result<(), Rejection> {
    if digest == points.digest() {
        return Ok(());
    }
    let (expected, found) = (format!("a file with sha256:{digest}"), format!("sha256:{}", points.digest()));
    Err(Rejection::new(Code::DataMismatch, format!("{role} points"), expected, found))
}
