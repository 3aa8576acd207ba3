//! One line of a certificate file, read: a statement and its evidence.

use super::budget;
use super::class::Class;
use super::exact::{Exact, Float};
use super::graph::Graph;
use super::json::{self, Json};
use super::rejection::{Code, Rejection};
use super::slopes::Slopes;
use super::statement::{Norm, Region, Statement, distance, number};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dashu_int::IBig;

/// A certificate whose evidence has not been looked at.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// What is claimed, as written.
    pub statement: Statement,
    /// The norm of the statement.
    pub norm: Norm,
    /// The region of the radius.
    pub region: Region,
    /// The claimed distance of a witness, one entry.
    pub upper: Option<Exact>,
    slopes: Option<Vec<PackedSlopes>>,
    witness: Option<PackedWitness>,
}

#[derive(Clone, Debug)]
struct PackedSlopes {
    node: String,
    bits: u32,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
struct PackedWitness {
    bits: u32,
    bytes: Vec<u8>,
}

impl Certificate {
    /// Reads a line.
    pub fn read(line: &str) -> Result<Certificate, Rejection> {
        budget::within("line", "bytes", line.len() as u64, budget::LINE_BYTES)?;
        let mut object = Object::of(json::read(line)?, "certificate")?;
        match object.required("version")?.as_str() {
            "1" => {}
            other => return Err(Rejection::new(Code::Version, "version", "1", other.escape_debug().to_string())),
        }
        let input = object.required("input")?;
        let index = (!input.is_empty() && input.len() < 19 && input.bytes().all(|b| b.is_ascii_digit()))
            .then(|| input.parse().ok())
            .flatten();
        let index =
            index.ok_or_else(|| Rejection::new(Code::Number, "input", "an index", input.escape_debug().to_string()))?;
        let norm_text = object.required("norm")?;
        let norm = Norm::read(&norm_text)?;
        let class = object.text("sensitive")?.unwrap_or_else(|| "positive".into());
        let class = class.parse().map_err(|found: String| {
            Rejection::new(Code::ClassMismatch, "sensitive", "positive, negative, 0 or 1", found)
        })?;
        let range = object.pair("box")?;
        let open = match object.text("ball")?.as_deref() {
            None | Some("closed") => false,
            Some("open") => true,
            Some(other) => {
                let found = other.escape_debug().to_string();
                return Err(Rejection::new(Code::MalformedCertificate, "ball", "closed or open", found));
            }
        };
        let radius = object.text("radius")?;
        let upper = object.text("upper")?;
        let multiplier = object.text("multiplier")?;
        let slopes = object.slopes()?;
        let witness = object.witness()?;
        object.finish()?;
        let statement = Statement { input: index, norm: norm_text, class, range, open, radius, upper };
        complete(&statement, slopes.is_some(), witness.is_some())?;
        let region = region(&statement, multiplier)?;
        let upper = statement.upper.as_deref().map(|text| distance("upper", text)).transpose()?;
        Ok(Certificate { statement, norm, region, upper, slopes, witness })
    }

    /// The slopes per node of `graph`.
    pub fn slopes(&self, graph: &Graph) -> Result<Vec<Option<Slopes>>, Rejection> {
        let mut all: Vec<Option<Slopes>> = vec![None; graph.nodes.len()];
        for packed in self.slopes.iter().flatten() {
            let named = |node: &super::graph::Node| node.is_nonlinear() && node.name == packed.node;
            let place = || format!("slopes of `{}`", packed.node.escape_debug());
            let Some(id) = graph.nodes.iter().position(named) else {
                return Err(Rejection::new(Code::UnknownNode, place(), "a nonlinear node of the graph", "none"));
            };
            if all[id].is_some() {
                return Err(Rejection::new(Code::RepeatedNode, place(), "every node once", "it again"));
            }
            all[id] = Some(Slopes::unpack(&graph.nodes[id], packed.bits, &packed.bytes)?);
        }
        Ok(all)
    }

    /// The witness's coordinates, `size` of them, if there is one.
    pub fn witness(&self, size: usize) -> Result<Option<Exact>, Rejection> {
        let Some(packed) = &self.witness else { return Ok(None) };
        let width = packed.bits as usize / 8;
        if packed.bytes.len() != size * width {
            let expected = format!("{size} coordinates of {} bits", packed.bits);
            return Err(Rejection::new(Code::Length, "witness", expected, format!("{} bytes", packed.bytes.len())));
        }
        let word = |chunk: &[u8]| chunk.iter().rev().fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
        let float = |(i, chunk): (usize, &[u8])| {
            let found = if width == 4 { Float::binary32(word(chunk) as u32) } else { Float::binary64(word(chunk)) };
            let place = format!("witness coordinate {i}");
            found.ok_or_else(|| Rejection::new(Code::NotFinite, place, "a finite number", "NaN or infinity"))
        };
        let floats = packed.bytes.chunks_exact(width).enumerate().map(float).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Exact::dyadics(&floats)))
    }
}

/// Every claim has its evidence, and every evidence its claim.
fn complete(statement: &Statement, slopes: bool, witness: bool) -> Result<(), Rejection> {
    let refuse = |expected: &str, found: &str| Err(Rejection::new(Code::Incomplete, "certificate", expected, found));
    match (&statement.radius, slopes, &statement.upper, witness) {
        (None, _, None, _) => refuse("`radius` or `upper`", "neither"),
        (Some(_), false, ..) => refuse("`slopes` for `radius`", "none"),
        (None, true, ..) => refuse("`radius` for `slopes`", "none"),
        (.., Some(_), false) => refuse("`witness` for `upper`", "none"),
        (.., None, true) => refuse("`upper` for `witness`", "none"),
        _ => Ok(()),
    }
}

fn region(statement: &Statement, multiplier: Option<String>) -> Result<Region, Rejection> {
    let radius = match statement.radius.as_deref() {
        None | Some("unbounded") => None,
        Some(text) => Some(distance("radius", text)?),
    };
    let range = match &statement.range {
        None => None,
        Some((low, high)) => {
            let (mut low, mut high) = (number("box", low)?, number("box", high)?);
            low.align(&mut high)?;
            if low.values[0] > high.values[0] {
                return Err(Rejection::new(Code::EmptyBox, "box", "LO ≤ HI", "LO > HI"));
            }
            Some(low.with(vec![low.values[0].clone(), high.values[0].clone()]))
        }
    };
    let multiplier = multiplier.map(|text| match distance("multiplier", &text)? {
        value if value.values[0] > IBig::ZERO => Ok(value),
        _ => Err(Rejection::new(Code::Number, "multiplier", "a number > 0", "0")),
    });
    Ok(Region { radius, range, open: statement.open, multiplier: multiplier.transpose()? })
}

/// An object whose keys are taken one by one.
struct Object {
    place: &'static str,
    entries: Vec<(String, Json)>,
}

impl Object {
    fn of(value: Json, place: &'static str) -> Result<Object, Rejection> {
        match value {
            Json::Object(entries) => Ok(Object { place, entries }),
            _ => Err(Rejection::new(Code::MalformedCertificate, place, "an object", "another value")),
        }
    }

    fn refuse(&self, key: &str, expected: &str, found: &str) -> Rejection {
        Rejection::new(Code::MalformedCertificate, format!("{}, key `{key}`", self.place), expected, found)
    }

    fn take(&mut self, key: &str) -> Option<Json> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Rejection> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(key, "a string", "another value")),
        }
    }

    fn required(&mut self, key: &str) -> Result<String, Rejection> {
        self.text(key)?.ok_or_else(|| self.refuse(key, "a string", "none"))
    }

    fn pair(&mut self, key: &str) -> Result<Option<(String, String)>, Rejection> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::List(items)) => match <[Json; 2]>::try_from(items) {
                Ok([Json::Text(low), Json::Text(high)]) => Ok(Some((low, high))),
                _ => Err(self.refuse(key, "two strings", "others")),
            },
            Some(_) => Err(self.refuse(key, "a list of two strings", "another value")),
        }
    }

    fn slopes(&mut self) -> Result<Option<Vec<PackedSlopes>>, Rejection> {
        let items = match self.take("slopes") {
            None => return Ok(None),
            Some(Json::List(items)) => items,
            Some(_) => return Err(self.refuse("slopes", "a list", "another value")),
        };
        let read = |item: Json| {
            let mut object = Object::of(item, "slopes")?;
            let node = object.required("node")?;
            let bits = object.bits(&[1, 8, 16, 24, 32])?;
            let bytes = object.bytes("codes")?;
            object.finish()?;
            Ok(PackedSlopes { node, bits, bytes })
        };
        items.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn witness(&mut self) -> Result<Option<PackedWitness>, Rejection> {
        let Some(value) = self.take("witness") else { return Ok(None) };
        let mut object = Object::of(value, "witness")?;
        let bits = object.bits(&[32, 64])?;
        let bytes = object.bytes("point")?;
        object.finish()?;
        Ok(Some(PackedWitness { bits, bytes }))
    }

    fn bits(&mut self, allowed: &[u32]) -> Result<u32, Rejection> {
        let text = self.required("bits")?;
        let fits = allowed.iter().copied().find(|bits| bits.to_string() == text);
        fits.ok_or_else(|| {
            Rejection::new(Code::Bits, self.place, format!("one of {allowed:?}"), text.escape_debug().to_string())
        })
    }

    fn bytes(&mut self, key: &str) -> Result<Vec<u8>, Rejection> {
        let text = self.required(key)?;
        let place = || format!("{}, key `{key}`", self.place);
        STANDARD.decode(text).map_err(|e| Rejection::new(Code::Encoding, place(), "base64", e.to_string()))
    }

    fn finish(self) -> Result<(), Rejection> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => {
                let found = format!("`{}`", key.escape_debug());
                Err(Rejection::new(Code::MalformedCertificate, self.place, "the format's keys", found))
            }
        }
    }
}

/// The class that the certificate names must be the user's.
pub fn check_class(certificate: &Certificate, class: Class) -> Result<(), Rejection> {
    if certificate.statement.class == class {
        return Ok(());
    }
    let found = certificate.statement.class.to_string();
    Err(Rejection::new(Code::ClassMismatch, "sensitive", class.to_string(), found))
}
