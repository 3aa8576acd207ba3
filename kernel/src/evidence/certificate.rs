//! One line of a certificate file, read: a statement and its evidence.

use crate::bounds::Bounds;
use crate::budget;
use crate::evidence::json::{self, Json};
use crate::evidence::object::Object;
use crate::evidence::tree::{Leaf, Tree};
use crate::inputs::read::Inputs;
use crate::inputs::uint8::Uint8;
use crate::logit::{Logit, Threshold};
use crate::number::exact::{Exact, Float};
use crate::rejection::{Code, Rejection};
use crate::statement::{Ends, Norm, Region, StatedBox, Statement};
use crate::text::{digest, distance, index, range};
use crate::weights::Weights;

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
    /// The evidence of the radius, for every head, if one is claimed.
    heads: Vec<Tree>,
    witness: Option<PackedWitness>,
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
        let second = match object.required("version")?.as_str() {
            "1" => false,
            "2" => true,
            other => return Err(Rejection::new(Code::Version, "version", "1 or 2", other.escape_debug().to_string())),
        };
        let input = index("input", &object.required("input")?)? as u64;
        let norm_text = object.required("norm")?;
        let norm = Norm::read(&norm_text)?;
        let class = object.text("sensitive")?.unwrap_or_else(|| "positive".into());
        let class = class.parse().map_err(|found: String| {
            Rejection::new(Code::ClassMismatch, "sensitive", "positive, negative or an index", found)
        })?;
        let (mut output, mut threshold) = (None, None);
        if second {
            output = object.text("output")?;
            threshold = object.text("threshold")?.map(|text| Threshold::read(&text)).transpose()?;
        }
        let logit = Logit { class, output, threshold, of_probability: false };
        let range = match object.take("box") {
            None => None,
            Some(Json::Text(text)) if second => Some(StatedBox::File(digest("box", &text)?)),
            Some(value) => {
                let (low, high) = object.pair("box", value)?;
                Some(StatedBox::Ends(low, high))
            }
        };
        let open = match object.text("ball")?.as_deref() {
            None | Some("closed") => false,
            Some("open") => true,
            Some(other) => {
                let found = other.escape_debug().to_string();
                return Err(Rejection::new(Code::MalformedCertificate, "ball", "closed or open", found));
            }
        };
        let weighted = match object.text("weights")?.as_deref() {
            None => false,
            Some("yes") => true,
            Some(other) => {
                let found = other.escape_debug().to_string();
                return Err(Rejection::new(Code::MalformedCertificate, "weights", "yes", found));
            }
        };
        let uint8 = uint8(object.text("uint8")?)?;
        let radius = object.text("radius")?;
        let upper = object.text("upper")?;
        let heads = heads(&mut object, second)?;
        let witness = object.take("witness").map(PackedWitness::read).transpose()?;
        object.finish()?;
        let statement = Statement { input, norm: norm_text, logit, weighted, uint8, range, open, radius, upper };
        complete(&statement, !heads.is_empty(), witness.is_some())?;
        let region = region(&statement)?;
        let upper = statement.upper.as_deref().map(|text| distance("upper", text)).transpose()?;
        Ok(Certificate { statement, norm, region, upper, heads, witness })
    }

    /// Calls `prove` with every head's evidence, if a radius is claimed.
    pub fn each_head(
        &self,
        count: usize,
        mut prove: impl FnMut(usize, &Tree) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        if self.statement.radius.is_some() && self.heads.len() != count {
            let found = self.heads.len().to_string();
            return Err(Rejection::new(Code::Heads, "certificate", format!("evidence for {count} heads"), found));
        }
        self.heads.iter().enumerate().try_for_each(|(head, tree)| {
            prove(head, tree).map_err(|mut rejection| {
                if count > 1 {
                    rejection.place = format!("head {head}, {}", rejection.place);
                }
                rejection
            })
        })
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

impl PackedWitness {
    fn read(value: Json) -> Result<PackedWitness, Rejection> {
        let mut object = Object::of(value, "witness")?;
        let bits = object.bits(&[32, 64])?;
        let bytes = object.bytes("point")?;
        object.finish()?;
        Ok(PackedWitness { bits, bytes })
    }
}

/// The evidence of every head: the key `heads`, or that of a single head.
fn heads(object: &mut Object, second: bool) -> Result<Vec<Tree>, Rejection> {
    let Some(list) = (if second { object.list("heads")? } else { None }) else {
        return Ok(tree(object)?.into_iter().collect());
    };
    let head = |item: Json| {
        let mut object = Object::of(item, "head")?;
        let tree = tree(&mut object)?;
        object.finish()?;
        tree.ok_or_else(|| Rejection::new(Code::Incomplete, "head", "`slopes` or `tree`", "none"))
    };
    list.into_iter().map(head).collect()
}

/// The keys `tree`, or `slopes` and `multiplier`.
fn tree(object: &mut Object) -> Result<Option<Tree>, Rejection> {
    if let Some(nodes) = object.list("tree")? {
        return Tree::read(nodes).map(Some);
    }
    let multiplier = object.text("multiplier")?;
    let leaf = object.list("slopes")?.map(|slopes| Leaf::read(slopes, multiplier));
    Ok(leaf.transpose()?.map(Tree::leaf))
}

fn uint8(text: Option<String>) -> Result<Uint8, Rejection> {
    let Some(text) = text else { return Ok(Uint8::Unit) };
    let refuse = |found: String| Rejection::new(Code::MalformedCertificate, "uint8", "unit or raw", found);
    text.parse().map_err(refuse)
}

/// Every claim has its evidence, and every evidence its claim.
fn complete(statement: &Statement, tree: bool, witness: bool) -> Result<(), Rejection> {
    let refuse = |expected: &str, found: &str| Err(Rejection::new(Code::Incomplete, "certificate", expected, found));
    match (&statement.radius, tree, &statement.upper, witness) {
        (None, _, None, _) => refuse("`radius` or `upper`", "neither"),
        (Some(_), false, ..) => refuse("`slopes` or `tree` for `radius`", "none"),
        (None, true, ..) => refuse("`radius` for `slopes` or `tree`", "none"),
        (.., Some(_), false) => refuse("`witness` for `upper`", "none"),
        (.., None, true) => refuse("`upper` for `witness`", "none"),
        _ => Ok(()),
    }
}

fn region(statement: &Statement) -> Result<Region, Rejection> {
    let radius = match statement.radius.as_deref() {
        None | Some("unbounded") => None,
        Some(text) => Some(distance("radius", text)?),
    };
    let range = match &statement.range {
        // That of a file comes from the checker's user.
        None | Some(StatedBox::File(_)) => None,
        Some(StatedBox::Ends(low, high)) => Some(range(low, high)?.map(Ends::same)),
    };
    Ok(Region { radius, range, open: statement.open })
}

/// Class, output and threshold that the certificate names must be the user's.
pub fn check_logit(certificate: &Certificate, wanted: &Logit) -> Result<(), Rejection> {
    let stated = &certificate.statement.logit;
    if stated.class != wanted.class {
        let (expected, found) = (wanted.class.to_string(), stated.class.to_string());
        return Err(Rejection::new(Code::ClassMismatch, "sensitive", expected, found));
    }
    let words = |logit: &Logit| {
        let output = logit.output.as_ref().map_or("none".into(), |name| format!("`{}`", name.escape_debug()));
        let threshold = logit.threshold.map_or("none".into(), |threshold| threshold.to_string());
        format!("output {output}, threshold {threshold}")
    };
    match (&stated.output, stated.threshold) == (&wanted.output, wanted.threshold) {
        true => Ok(()),
        false => Err(Rejection::new(Code::LogitMismatch, "certificate", words(wanted), words(stated))),
    }
}

/// The certificate must read bytes as the user does.
pub fn check_uint8(certificate: &Certificate, inputs: &Inputs) -> Result<(), Rejection> {
    let (wanted, stated) = (inputs.uint8(), certificate.statement.uint8);
    if wanted == stated {
        return Ok(());
    }
    Err(Rejection::new(Code::Uint8Mismatch, "uint8", wanted.to_string(), stated.to_string()))
}

/// The certificate must speak of the box of the user's file where there is one, which is then its region's, and of no
/// other file.
pub fn take_bounds(certificate: &mut Certificate, bounds: Option<&Bounds>, model: &[usize]) -> Result<(), Rejection> {
    let stated = certificate.statement.range.as_ref();
    let refuse = |expected: String, found: String| Err(Rejection::new(Code::BoxMismatch, "box", expected, found));
    let Some(bounds) = bounds else {
        let Some(StatedBox::File(digest)) = stated else { return Ok(()) };
        return refuse(format!("--box FILE, the file with SHA-256 {digest}"), "none".into());
    };
    bounds.check_shape(model)?;
    match stated {
        Some(StatedBox::File(digest)) if digest == bounds.digest() => {}
        Some(StatedBox::File(digest)) => {
            return refuse(format!("--box FILE, the file with SHA-256 {digest}"), bounds.digest().into());
        }
        Some(ends) => return refuse("a certificate about the box of a file, or no --box".into(), ends.to_string()),
        None => return refuse("a certificate about the box of a file, or no --box".into(), "no box".into()),
    }
    certificate.region.range = Some(bounds.ends());
    Ok(())
}

/// The certificate must speak of a weighted norm just where the user does.
pub fn check_weights(certificate: &Certificate, weights: Option<&Weights>, model: &[usize]) -> Result<(), Rejection> {
    let words = |weighted: bool| if weighted { "a weighted norm" } else { "a plain norm" };
    let (wanted, stated) = (weights.is_some(), certificate.statement.weighted);
    if wanted != stated {
        return Err(Rejection::new(Code::WeightsMismatch, "weights", words(wanted), words(stated)));
    }
    weights.map_or(Ok(()), |weights| weights.check_shape(model))
}
