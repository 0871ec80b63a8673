//! What was found: a role for operations, and the reason for each.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use cost::{Partition, Role, counted};
use dialects::Diagnostic;
use dialects::ir::{Op, Value};
use dialects::vocabulary::TRANSFER;
use rustc_hash::FxHashMap;

use super::evidence::{Evidence, Origin};
use crate::structure::inputs;

/// The roles of operations, with one reason each.
#[derive(Default)]
pub struct Assignment<'m> {
    /// In module order.
    pub roles: Vec<(Op<'m>, Rc<Evidence>)>,
    /// Models of which a stage is named somewhere.
    pub staged: BTreeSet<Role>,
    /// What to tell beside it.
    pub notes: Vec<Diagnostic>,
}

impl<'m> Assignment<'m> {
    /// The model roles that occur.
    pub fn model_roles(&self) -> Vec<Role> {
        Role::MODELS
            .into_iter()
            .filter(|role| {
                self.roles
                    .iter()
                    .any(|(_, evidence)| evidence.part.role == *role)
            })
            .collect()
    }

    /// Gives what names no stage of a model in stages, and is read by a later
    /// stage alone (such as rows of a table of positions), to that stage: where
    /// it is made it need not cross. What passes through a marker was made by
    /// the stage before.
    pub fn settle(&mut self) {
        if self.staged.is_empty() {
            return;
        }
        let index = self.roles.iter().enumerate();
        let index: FxHashMap<Op, usize> = index.map(|(at, (op, _))| (*op, at)).collect();
        // Readers come later in the module, and so are settled before.
        for at in (0..self.roles.len()).rev() {
            let (op, evidence) = &self.roles[at];
            let role = evidence.part.role;
            if evidence.part.stage.is_some() || !self.staged.contains(&role) {
                continue;
            }
            let uses = op.results().into_iter().flat_map(Value::uses);
            let readers: Option<Vec<&Rc<Evidence>>> = uses
                .map(|each| {
                    let mut ops = std::iter::successors(Some(each.op), |op| op.parent());
                    let reader = ops.find_map(|op| index.get(&op))?;
                    let (_, reader) = self.roles.get(*reader)?;
                    (reader.part.role == role && reader.part.stage.is_some()).then_some(reader)
                })
                .collect();
            let first = readers.unwrap_or_default().into_iter();
            let Some(first) = first.min_by_key(|reader| reader.part.stage) else {
                continue;
            };
            let settled = match first.origin {
                Origin::Readers => first.clone(),
                _ => Rc::new(Evidence {
                    origin: Origin::Readers,
                    ended: false,
                    ..(**first).clone()
                }),
            };
            self.roles[at].1 = settled;
        }
    }

    /// What evidence makes of an operation: what names no stage of a model in
    /// stages comes before the first that is named.
    pub fn partition(&self, evidence: &Evidence) -> Partition {
        let part = evidence.part;
        if part.stage.is_none() && self.staged.contains(&part.role) {
            Partition::stage(part.role, 0)
        } else {
            part
        }
    }

    /// The first evidence for `role`.
    pub fn witness_of(&self, role: Role) -> Option<Diagnostic> {
        self.roles
            .iter()
            .find(|(_, evidence)| evidence.part.role == role)
            .map(|(_, evidence)| evidence.note())
    }

    /// What was found, role by role and stage by stage, for `--explain`.
    pub fn remarks(&self) -> Vec<Diagnostic> {
        let mut remarks = self.notes.clone();
        // Most operations share their evidence: it is put into words once.
        let mut uses: FxHashMap<*const Evidence, usize> = FxHashMap::default();
        let mut found: BTreeMap<Partition, Vec<&Rc<Evidence>>> = BTreeMap::new();
        for (_, evidence) in &self.roles {
            let count = uses.entry(Rc::as_ptr(evidence)).or_insert(0);
            if *count == 0 {
                let part = self.partition(evidence);
                found.entry(part).or_default().push(evidence);
            }
            *count += 1;
        }
        for (role, found) in found.into_iter().filter(|(role, _)| role.is_model()) {
            let mut reasons: BTreeMap<String, (usize, Option<dialects::Place>)> = BTreeMap::new();
            let mut count = 0;
            for evidence in found {
                let reason = reasons
                    .entry(evidence.describe())
                    .or_insert_with(|| (0, evidence.place.clone()));
                reason.0 += uses[&Rc::as_ptr(evidence)];
                count += uses[&Rc::as_ptr(evidence)];
            }
            let mut remark = Diagnostic::remark(format!("{role}: {}", counted(count, "operation")));
            let mut ranked: Vec<_> = reasons.into_iter().collect();
            ranked.sort_by_key(|(_, (uses, _))| std::cmp::Reverse(*uses));
            for (reason, (uses, place)) in ranked.into_iter().take(4) {
                let each = if uses == 1 { "it" } else { "each" };
                remark
                    .notes
                    .push(Diagnostic::note(format!("{uses} because {each} {reason}")).at(place));
            }
            remarks.push(remark);
        }
        remarks
    }

    /// The roles alone.
    pub fn into_roles(self) -> Vec<(Op<'m>, Partition)> {
        self.roles
            .iter()
            .map(|(op, evidence)| (*op, self.partition(evidence)))
            .collect()
    }

    /// The first operation of a stage that needs a value of a later stage in
    /// the same pass: the stages would have to run before one another. What a
    /// loop carries on to its next round is no such need.
    pub fn backwards(&self) -> Option<Diagnostic> {
        if self.staged.is_empty() {
            return None;
        }
        let known: FxHashMap<Op, &Evidence> = self
            .roles
            .iter()
            .map(|(op, evidence)| (*op, &**evidence))
            .collect();
        self.roles.iter().find_map(|(op, evidence)| {
            let part = self.partition(evidence);
            let later = inputs(*op).into_iter().find_map(|value| {
                let producer = behind_markers(value)?;
                let before = *known.get(&producer)?;
                let its = self.partition(before);
                (its.role == part.role && its.stage > part.stage).then_some(before)
            })?;
            Some(
                Diagnostic::error(format!(
                    "{part} needs a value of {}, which comes after it",
                    self.partition(later)
                ))
                .at(op.location().place())
                .offending(op.summary())
                .with_note(later.note())
                .with_note(evidence.note())
                .help(format!(
                    "the stages of a model run in the order of their numbers: number them so, or \
                     give what comes back here a stage of its own, such as {}.{}",
                    part.role,
                    self.last_stage(part.role) + 1
                )),
            )
        })
    }

    fn last_stage(&self, role: Role) -> u32 {
        let stages = self.roles.iter().filter(|(_, each)| each.part.role == role);
        stages
            .filter_map(|(_, each)| each.part.stage)
            .max()
            .unwrap_or(0)
    }
}

/// The operation that made a value, whatever markers it went through since.
fn behind_markers(mut value: Value<'_>) -> Option<Op<'_>> {
    loop {
        if !value.r#type().element().is_float() {
            return None;
        }
        let op = value.defining_op()?;
        if !op.is(TRANSFER) {
            return Some(op);
        }
        value = op.operand(0)?;
    }
}
