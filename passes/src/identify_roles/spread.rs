//! How roles spread from where they start.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use cost::Partition;
use dialects::ir::{Few, Op, Value};
use dialects::ops::{Global, GlobalLoad, Transfer};
use dialects::vocabulary::{DRAFT_LENGTH, GLOBAL_LOAD};
use dialects::{Diagnostic, Module};
use rustc_hash::{FxHashMap, FxHashSet};

use super::activations::Activations;
use super::assignment::Assignment;
use super::evidence::{Evidence, Origin};
use crate::initializers::{Initializer, initializers};
use crate::names::{model_role_in, role_of_device};
use crate::roles::{Roles, role_attribute};
use crate::settings::{Selector, Settings};
use crate::structure::{Free, carried, functions, is_control_flow, is_pure, placed_ops};
use crate::weight_name::WeightName;

/// Spreads roles over a module until nothing changes.
pub struct Spread<'m, 'c> {
    module: &'m Module<'m>,
    settings: &'c Settings,
    free: &'c mut Free<'m>,
    /// What each value brings to those who read it.
    facts: FxHashMap<Value<'m>, Rc<Evidence>>,
    activations: Activations<'m>,
    /// What weights bring, by global.
    weights: FxHashMap<String, Rc<Evidence>>,
    /// The globals among them that bring it only because of what they are made of:
    /// an activation knows better.
    inherited: FxHashSet<String>,
    /// The role of each operation.
    roles: FxHashMap<Op<'m>, Rc<Evidence>>,
    /// Weights by the roles that activations give to their readers.
    readers: FxHashMap<String, FxHashSet<Partition>>,
    /// Claims to look at once all readers of a weight are known.
    claims: Vec<(Op<'m>, Rc<Evidence>, Rc<Evidence>, String)>,
    /// What is among them.
    claimed: FxHashSet<(Op<'m>, String)>,
    /// The values that were learnt of since that was last asked.
    changed: Vec<Value<'m>>,
    ended_logits: usize,
    /// The roles that operations carry.
    carried: Roles<'m>,
}

impl<'m, 'c> Spread<'m, 'c> {
    /// Prepares; nothing is rewritten before [`Spread::run`] has succeeded.
    pub fn new(module: &'m Module<'_>, free: &'c mut Free<'m>, settings: &'c Settings) -> Self {
        // A module handle is covariant in its session's lifetime.
        let module: &'m Module<'m> = module;
        let mut weights = weights(module, settings);
        let mut inherited = FxHashSet::default();
        for initializer in initializers(module) {
            inherit(&initializer, &mut weights, &mut inherited);
        }
        Self {
            module,
            free,
            settings,
            facts: FxHashMap::default(),
            activations: Activations::default(),
            weights,
            inherited,
            roles: FxHashMap::default(),
            readers: FxHashMap::default(),
            claims: Vec::new(),
            claimed: FxHashSet::default(),
            changed: Vec::new(),
            ended_logits: 0,
            carried: Roles::default(),
        }
    }

    /// Finds the roles.
    pub fn run(&mut self) -> Result<Assignment<'m>, Vec<Diagnostic>> {
        let mut order = Vec::new();
        for function in functions(self.module) {
            order.extend(placed_ops(function));
        }
        // Rounds of a loop hand values back, and branches hand them out, so
        // that one sweep is not enough then; every fact is only ever added, so
        // that the sweeps end.
        let hands_on = order.iter().any(|op| is_control_flow(*op));
        let readers = if hands_on {
            self.readers_of_values(&order)
        } else {
            FxHashMap::default()
        };
        let mut errors: BTreeMap<usize, Diagnostic> = BTreeMap::new();
        // Only what reads a new fact can find another: it is looked at in this
        // sweep where it is ahead, and in the next where it is not. The first
        // sweep is over everything.
        let mut first = 0..order.len();
        let mut sweep: BTreeSet<usize> = BTreeSet::new();
        let mut next = BTreeSet::new();
        loop {
            let Some(at) = first.next().or_else(|| sweep.pop_first()) else {
                if next.is_empty() {
                    break;
                }
                sweep = std::mem::take(&mut next);
                continue;
            };
            match self.visit(order[at]) {
                Ok(()) => drop(errors.remove(&at)),
                Err(error) => drop(errors.insert(at, *error)),
            }
            for value in self.changed.drain(..) {
                for reader in readers.get(&value).into_iter().flatten() {
                    if *reader <= at {
                        next.insert(*reader);
                    } else if !first.contains(reader) {
                        sweep.insert(*reader);
                    }
                }
            }
        }
        let mut errors: Vec<Diagnostic> = errors.into_values().collect();
        errors.extend(self.contested_weights());
        if !errors.is_empty() {
            errors.truncate(3);
            return Err(errors);
        }
        let mut assignment = Assignment::default();
        for op in order {
            if let Some(evidence) = self.roles.get(&op) {
                if evidence.part.stage.is_some() {
                    assignment.staged.insert(evidence.part.role);
                }
                assignment.roles.push((op, evidence.clone()));
            }
        }
        assignment.settle();
        if let Some(error) = assignment.backwards() {
            return Err(vec![error]);
        }
        if self.ended_logits > 0 {
            assignment.notes.push(Diagnostic::remark(format!(
                "'control' marks {} float value(s), logits; what is computed from them up to the \
                 tokens stays with the model, so that tokens cross and not logits",
                self.ended_logits
            )));
        }
        Ok(assignment)
    }

    /// By value, the operations that look at its fact, as places in `order`.
    fn readers_of_values(&mut self, order: &[Op<'m>]) -> FxHashMap<Value<'m>, Few<usize>> {
        let mut readers: FxHashMap<Value, Few<usize>> = FxHashMap::default();
        for (at, op) in order.iter().enumerate() {
            if is_control_flow(*op) {
                for (from, _) in carried(*op) {
                    readers.entry(from).or_default().push(at);
                }
            } else {
                for value in self.free.inputs(*op) {
                    readers.entry(value).or_default().push(at);
                }
            }
        }
        readers
    }

    /// Notes what a value brings, unless that is known.
    fn learn(&mut self, value: Value<'m>, fact: &Rc<Evidence>) {
        if let Entry::Vacant(unknown) = self.facts.entry(value) {
            unknown.insert(fact.clone());
            self.changed.push(value);
        }
    }

    fn visit(&mut self, op: Op<'m>) -> Result<(), Box<Diagnostic>> {
        if is_control_flow(op) {
            for (from, to) in carried(op) {
                if let Some(fact) = self.facts.get(&from).cloned() {
                    self.learn(to, &fact);
                }
            }
            return Ok(());
        }
        if let Some(marker) = Transfer::of(op) {
            return self.marker(marker);
        }
        if op.is(GLOBAL_LOAD) {
            return Ok(());
        }
        if let Some(role) = self.carried.of(op) {
            if !role.is_model() {
                return Ok(());
            }
            let evidence = Evidence {
                part: role,
                origin: Origin::Attribute,
                place: op.location().place(),
                ended: false,
            };
            let read = self.free.inputs(op);
            let evidence = self.stage_of(role, &read).unwrap_or(Rc::new(evidence));
            self.assign(op, evidence);
            return Ok(());
        }
        if !is_pure(op) || self.free.is_free(op) {
            return Ok(());
        }
        self.compute(op)
    }

    fn marker(&mut self, marker: Transfer<'m>) -> Result<(), Box<Diagnostic>> {
        let (op, Some(name), Some((value, result))) = (marker.op(), marker.device(), marker.ends())
        else {
            return Ok(());
        };
        match role_of_device(&name, &self.settings.role_names) {
            Some(Partition::CONTROL) => {
                if let Some(fact) = self.facts.get(&value).cloned()
                    && !self.facts.contains_key(&result)
                {
                    self.ended_logits += 1;
                    let ended = Evidence {
                        ended: true,
                        ..(*fact).clone()
                    };
                    self.learn(result, &Rc::new(ended));
                }
            }
            Some(part) => {
                if !self.facts.contains_key(&result) {
                    let marked = self.stage_of(part, &[value]).unwrap_or_else(|| {
                        Rc::new(Evidence {
                            part,
                            origin: Origin::Marker,
                            place: op.location().place(),
                            ended: false,
                        })
                    });
                    self.learn(result, &marked);
                }
            }
            None => {
                if let Some(fact) = self.facts.get(&value).cloned() {
                    self.learn(result, &fact);
                }
            }
        }
        Ok(())
    }

    /// The latest stage that values bring, where all that is said is which
    /// model goes on: a whole role says nothing of stages.
    fn stage_of(&self, said: Partition, values: &[Value<'m>]) -> Option<Rc<Evidence>> {
        if said.stage.is_some() {
            return None;
        }
        let facts = values.iter().filter_map(|value| self.facts.get(value));
        let latest = facts
            .filter(|fact| fact.part.role == said.role && fact.part.stage.is_some())
            .max_by_key(|fact| fact.part.stage)?;
        Some(Rc::new(Evidence {
            ended: false,
            ..(**latest).clone()
        }))
    }

    /// The role of a computation from what it reads.
    fn compute(&mut self, op: Op<'m>) -> Result<(), Box<Diagnostic>> {
        let read = self.free.inputs(op);
        let mut hard: Vec<Rc<Evidence>> = Vec::new();
        let mut ended: Vec<Rc<Evidence>> = Vec::new();
        for value in &read {
            if let Some(fact) = self.facts.get(value) {
                let list = if fact.ended { &mut ended } else { &mut hard };
                join(list, fact);
            }
        }
        let weights = self.weights_behind(&read);
        // A stage starts at the first of its weights, too.
        for (_, evidence) in weights.iter().filter(|(_, each)| each.part.stage.is_some()) {
            if hard.iter().any(|each| each.part.role == evidence.part.role) {
                join(&mut hard, evidence);
            }
        }
        for (name, evidence) in &weights {
            let readers = self.readers.entry(name.clone()).or_default();
            readers.extend(hard.iter().map(|activation| activation.part));
            if hard.is_empty() && evidence.part.stage.is_some() {
                readers.insert(evidence.part);
            }
            if let Some(activation) = hard.first()
                && contradicts(activation.part, evidence.part)
                && !self.inherited.contains(name)
            {
                // Whether this is a shared weight or a contradiction shows
                // only when all its readers are known.
                if self.claimed.insert((op, name.clone())) {
                    let claim = (op, activation.clone(), evidence.clone(), name.clone());
                    self.claims.push(claim);
                }
            }
        }
        if let [first, second, ..] = hard.as_slice() {
            return Err(Box::new(conflict(op, first, second)));
        }
        if hard.is_empty() {
            for (_, evidence) in &weights {
                join(&mut hard, evidence);
            }
            if let [first, second, ..] = hard.as_slice() {
                return Err(Box::new(conflict(op, first, second)));
            }
        }
        match (hard.into_iter().next(), ended.as_slice()) {
            (Some(evidence), _) => self.assign(op, evidence),
            // Two models' logits meet: that is acceptance, and control's.
            (None, [only]) => self.assign(op, only.clone()),
            (None, _) => {}
        }
        Ok(())
    }

    fn assign(&mut self, op: Op<'m>, evidence: Rc<Evidence>) {
        self.activations.note(op);
        for result in op.results() {
            if self.activations.contains(result) {
                self.learn(result, &evidence);
            }
        }
        self.roles.entry(op).or_insert(evidence);
    }

    /// The weights that the values come from, through operations that belong
    /// to nobody, with what each brings.
    fn weights_behind(&mut self, values: &[Value<'m>]) -> Vec<(String, Rc<Evidence>)> {
        let mut found = Vec::new();
        let mut seen = FxHashSet::default();
        let mut pending: VecDeque<Op<'m>> = values
            .iter()
            .filter_map(|value| value.defining_op())
            .filter(|op| self.free.is_free(*op))
            .collect();
        while let Some(op) = pending.pop_front() {
            if !seen.insert(op) {
                continue;
            }
            if let Some(load) = GlobalLoad::of(op) {
                if let Some(name) = load.global()
                    && let Some(evidence) = self.weights.get(name)
                {
                    found.push((name.to_owned(), evidence.clone()));
                }
                continue;
            }
            if let Some(role) = self.carried.of(op) {
                found.push((
                    op.name().to_owned(),
                    Rc::new(Evidence {
                        part: role,
                        origin: Origin::Attribute,
                        place: op.location().place(),
                        ended: false,
                    }),
                ));
            }
            pending.extend(
                self.free
                    .inputs(op)
                    .into_iter()
                    .filter_map(|value| value.defining_op()),
            );
        }
        found
    }

    /// A weight that only operations of another role read contradicts its
    /// name; one that both models read is shared.
    fn contested_weights(&self) -> Vec<Diagnostic> {
        self.claims
            .iter()
            .filter(|(_, _, weight, name)| {
                !self.readers.get(name).is_some_and(|readers| {
                    readers
                        .iter()
                        .any(|reader| !contradicts(*reader, weight.part))
                })
            })
            .map(|(op, activation, weight, _)| conflict(*op, activation, weight))
            .collect()
    }
}

/// Adds a fact to those that meet in an operation: one for each role. Of the
/// stages of a model the latest goes on.
fn join(facts: &mut Vec<Rc<Evidence>>, fact: &Rc<Evidence>) {
    let mut same = facts.iter_mut();
    match same.find(|each| each.part.role == fact.part.role) {
        None => facts.push(fact.clone()),
        Some(each) if each.part.stage < fact.part.stage => *each = fact.clone(),
        Some(_) => {}
    }
}

/// Whether a weight that was given to one partition is no weight of what
/// follows from activations of another.
fn contradicts(activation: Partition, weight: Partition) -> bool {
    activation.role != weight.role || weight.stage.is_some() && weight.stage != activation.stage
}

fn conflict(op: Op<'_>, first: &Evidence, second: &Evidence) -> Diagnostic {
    Diagnostic::error(format!(
        "one operation is claimed by the {} and by the {}",
        first.part, second.part
    ))
    .at(op.location().place())
    .offending(op.summary())
    .with_note(first.note())
    .with_note(second.note())
    .help(
        "mark the value that passes from one model to the other with \
         torch.ops.specplace.place(x, ROLE): a marker decides what follows from it",
    )
}

/// What each weight says of its role: what the user gave it first, then names.
fn weights(module: &Module<'_>, settings: &Settings) -> FxHashMap<String, Rc<Evidence>> {
    let mut weights = FxHashMap::default();
    for op in module.body().ops() {
        let Some(global) = Global::of(op) else {
            continue;
        };
        if global.name() == DRAFT_LENGTH {
            continue;
        }
        let name = WeightName::of(global);
        let selected = |selector: &Option<Selector>| {
            let selector = selector.as_ref();
            selector.is_some_and(|each| each.selects_weight(&name))
        };
        let given = if selected(&settings.drafter) {
            Some(Partition::DRAFTER)
        } else if selected(&settings.target) {
            Some(Partition::TARGET)
        } else {
            role_attribute(op)
        };
        let (part, origin): (Partition, fn(WeightName) -> Origin) = match given {
            Some(role) => (role, Origin::GivenWeight),
            None => match model_role_in(name.key()).or_else(|| model_role_in(name.symbol())) {
                Some(role) => (role.into(), Origin::NamedWeight),
                None => continue,
            },
        };
        if !part.is_model() {
            continue;
        }
        weights.insert(
            name.symbol().to_owned(),
            Rc::new(Evidence {
                part,
                origin: origin(name),
                place: op.location().place(),
                ended: false,
            }),
        );
    }
    weights
}

/// A weight that an initializer makes of others, and whose own name tells nothing,
/// is whose those are, if they are of one model.
fn inherit(
    initializer: &Initializer<'_>,
    weights: &mut FxHashMap<String, Rc<Evidence>>,
    inherited: &mut FxHashSet<String>,
) {
    let loads = initializer.loads.iter();
    let mut told = loads.filter_map(|name| weights.get(name)).cloned();
    let Some(first) = told.next() else {
        return;
    };
    if told.all(|each| each.part == first.part) {
        for name in &initializer.stores {
            weights.entry(name.clone()).or_insert_with(|| {
                inherited.insert(name.clone());
                first.clone()
            });
        }
    }
}
