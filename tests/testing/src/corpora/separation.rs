//! Separation certificates: two classes of points in the plane, and lines about them.

use super::Made;
use underplane_kernel::separation::Points;

/// Points of the sensitive class: two outside of the triangle, one inside, one on its edge.
const SENSITIVE: [f32; 8] = [3.0, 3.0, -0.125, 0.5, 1.0, 0.5, 2.0, 0.0];
/// A triangle and a point in it.
const OTHER: [f32; 8] = [0.0, 0.0, 4.0, 0.0, 0.0, 2.5, 1.0, 1.0];

fn points() -> [Vec<u8>; 2] {
    [SENSITIVE, OTHER].map(|values| {
        let fields = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }";
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{fields:117}\n").as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    })
}

fn header(swapped: bool) -> String {
    let [mut sensitive, mut other] = points().map(|bytes| Points::read(&bytes).expect("points").digest().to_string());
    if swapped {
        std::mem::swap(&mut sensitive, &mut other);
    }
    format!(r#"{{"separation":"1","sensitive":"sha256:{sensitive}","other":"sha256:{other}"}}"#)
}

fn plane(coefficients: &str, threshold: &str) -> String {
    format!(r#"{{"coefficients":"{coefficients}","threshold":"{threshold}"}}"#)
}

fn inside(point: &str, of: &str, weights: &str) -> String {
    format!(r#"{{"inside":"{point}","of":"{of}","weights":"{weights}"}}"#)
}

/// Everything that is proven of the four points: the edge is a part of the hull.
pub fn valid() -> Vec<Made> {
    let [sensitive, other] = points();
    let lines = [
        header(false),
        plane("1 1.5", "4"),
        plane("-1 0", "0"),
        plane("-1024.5 0.0009765625", "0.00244140625"),
        inside("2", "0 1 2", "11 5 4"),
        inside("3", "0 1", "1000000000000000000000 1000000000000000000000"),
    ];
    vec![
        ("valid/separated.sensitive.npy".into(), sensitive),
        ("valid/separated.other.npy".into(), other),
        ("valid/separated.separation".into(), text(&lines)),
    ]
}

/// One thing wrong each.
pub fn invalid() -> Vec<Made> {
    let line = |code: &str, what: &str, line: String| file(code, what, &[header(false), line]);
    let digits = |sign: &str| format!("{sign}1{}", "0".repeat(60));
    vec![
        line(
            "wrong-side",
            "one-step-too-low",
            plane("1 1.5", "3.9999999999999997779553950749686919152736663818359375"),
        ),
        line("wrong-side", "other-direction", plane("1 0", "0")),
        line("not-inside", "another-mean", inside("2", "0 1 2", "11 5 5")),
        line("not-inside", "outside", inside("0", "1 2", "1 1")),
        line("not-inside", "nearly", inside("3", "0 1", "1000000000000000000000 1000000000000000000001")),
        file("data-mismatch", "classes-swapped", &[header(true)]),
        line("weight-sum", "all-zero", inside("2", "0 1", "0 0")),
        line("number", "negative-weight", inside("2", "0 1 2", "11 -5 4")),
        line("number", "fraction-as-weight", inside("2", "0 1 2", "5.5 2.5 2")),
        line("number", "two-spaces", plane("1  1", "9")),
        line("no-such-input", "sensitive-beyond-the-last", inside("4", "0", "1")),
        line("no-such-input", "other-beyond-the-last", inside("2", "0 4", "1 1")),
        line("length", "coefficient-missing", plane("1", "9")),
        line("length", "weight-missing", inside("2", "0 1 2", "11 5")),
        line("not-dyadic", "coefficient", plane("0.1 1", "9")),
        line("too-large", "coefficient", plane(&format!("{} 0", digits("")), "9")),
        line("too-large", "threshold", plane("1 0", &digits("-"))),
        file("version", "two", &[header(false).replace(r#"n":"1""#, r#"n":"2""#)]),
        file("version", "no-header", &[plane("1 1", "9")]),
        file("malformed-certificate", "header-twice", &[header(false), header(false)]),
        line("malformed-certificate", "separation-unknown-key", plane("1 1", r#"9","of":"0"#)),
    ]
}

fn file(code: &str, what: &str, lines: &[String]) -> Made {
    (format!("invalid/{code}.{what}.separated.separation"), text(lines))
}

fn text(lines: &[String]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}
