//! What the records of an audit say, model by model.

use crate::audit::accuracy::Rights;
use crate::audit::ladder::{Order, order};
use crate::audit::line::{AttackLine, Gathered, GatheredAttack, Line};
use crate::audit::reference::{Reference, References, references};
use crate::proof::Groups;
use crate::radius::Method;
use crate::radius::closed_form::ClosedForm;
use crate::report::records::{ATTACK, Found, Record};
use crate::report::sentence::Standing;
use std::collections::{BTreeMap, HashMap};

/// One model.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its short name.
    pub model: String,
    /// Number of inputs.
    pub inputs: usize,
    /// How many of them have f > 0.
    pub sensitive: usize,
    /// What f says of the inputs, label by label.
    pub rights: Rights,
    /// The labels with their counts; none where inputs have none.
    pub labels: BTreeMap<String, usize>,
    /// Why the kernel refused radii, with counts.
    pub refusals: Vec<(String, usize)>,
    /// One per (norm, method).
    pub lines: Vec<Line>,
    /// One per norm.
    pub attacks: Vec<AttackLine>,
    /// Where the radii that tightness is measured against come from.
    pub references: References,
    /// closed form ≤ sharp.
    pub order: Order,
    /// How far its inputs keep their class.
    pub standing: Standing,
}

/// One model's summary, as its answers come input by input: in the first pass all is counted, in the others medians are
/// narrowed.
#[derive(Clone, Debug)]
pub(super) struct Gathering {
    pub model: String,
    inputs: usize,
    sensitive: usize,
    rights: Rights,
    labels: BTreeMap<String, usize>,
    refusals: Groups,
    lines: Vec<Gathered>,
    attacks: Vec<GatheredAttack>,
    references: References,
    order: Order,
    standing: Standing,
}

impl Gathering {
    pub fn new(model: &str) -> Gathering {
        Gathering {
            model: model.into(),
            inputs: 0,
            sensitive: 0,
            rights: Rights::default(),
            labels: BTreeMap::new(),
            refusals: Groups::default(),
            lines: Vec::new(),
            attacks: Vec::new(),
            references: References::default(),
            order: Order::default(),
            standing: Standing::default(),
        }
    }

    /// All about one input.
    pub fn add(&mut self, records: &[Record], found: &[Found], first_pass: bool) {
        let references = references(records);
        if first_pass {
            self.count(records, &references);
        }
        for record in records {
            let reference = references.get(record.norm.as_str()).copied();
            self.line(record).add(record, reference, first_pass);
        }
        for found in found.iter().filter(|found| found.finder == ATTACK) {
            let reference = references.get(found.norm.as_str()).copied();
            self.attack(&found.norm).add(found, reference, first_pass);
        }
    }

    fn count(&mut self, records: &[Record], references: &HashMap<&str, Reference>) {
        let Some(first) = records.first() else { return };
        let is_sensitive = first.logit > 0.0;
        self.inputs += 1;
        self.sensitive += usize::from(is_sensitive);
        self.standing.add_records(records);
        self.rights.add(first, is_sensitive, first.logit <= 0.0);
        if !first.label.is_empty() {
            *self.labels.entry(first.label.clone()).or_insert(0) += 1;
        }
        records.iter().filter_map(Record::refusal).for_each(|reason| self.refusals.add(reason));
        let order = order(records);
        self.order.compared += order.compared;
        self.order.broken += order.broken;
        for rows in records.chunk_by(|a, b| a.norm == b.norm).filter(|_| is_sensitive) {
            match references.get(rows[0].norm.as_str()) {
                Some(Reference::Exact(_)) => self.references.exact += 1,
                Some(Reference::Witness(_)) => self.references.witness += 1,
                None => self.references.none += 1,
            }
        }
    }

    /// A radius that a witness refutes.
    pub fn violated(&mut self, record: &Record) {
        self.line(record).violations += 1;
    }

    fn line(&mut self, record: &Record) -> &mut Gathered {
        let is_own = |line: &Gathered| line.norm == record.norm && line.method == record.method;
        let at = self.lines.iter().position(is_own).unwrap_or(self.lines.len());
        if at == self.lines.len() {
            self.lines.push(Gathered::new(record));
        }
        &mut self.lines[at]
    }

    fn attack(&mut self, norm: &str) -> &mut GatheredAttack {
        let at = self.attacks.iter().position(|attack| attack.norm == norm).unwrap_or(self.attacks.len());
        if at == self.attacks.len() {
            self.attacks.push(GatheredAttack::new(norm));
        }
        &mut self.attacks[at]
    }

    /// The end of a pass; whether nothing is missing.
    pub fn narrow(&mut self) -> bool {
        let lines = self.lines.iter_mut().map(Gathered::narrow);
        // Every one of them, also behind one that is not found.
        let found = lines.chain(self.attacks.iter_mut().map(GatheredAttack::narrow));
        found.filter(|found| !found).count() == 0
    }

    /// What was gathered.
    pub fn summary(&self) -> Summary {
        let line = |line: &Gathered| {
            let is_unit = |other: &&Gathered| other.norm == line.norm && other.method == ClosedForm.name();
            line.line(self.lines.iter().find(is_unit).map_or(f64::NAN, Gathered::time))
        };
        Summary {
            model: self.model.clone(),
            inputs: self.inputs,
            sensitive: self.sensitive,
            rights: self.rights.clone(),
            labels: self.labels.clone(),
            refusals: self.refusals.sorted(),
            lines: self.lines.iter().map(line).collect(),
            attacks: self.attacks.iter().map(GatheredAttack::line).collect(),
            references: self.references,
            order: self.order,
            standing: self.standing.clone(),
        }
    }
}
