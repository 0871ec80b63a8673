//! What crosses between roles, and how often.
//!
//! Values are followed through control flow: a value crosses from each role
//! that computes it, or something that a loop or branch hands on as it, to
//! each role that reads it. It crosses as often as it is made, or, if that is
//! rarer, as it is read: tokens that are made once in a round enter the
//! drafter once, however many drafts read them there.

use std::collections::{BTreeMap, BTreeSet};

use cost::workload::{CrossingDemand, Per};
use cost::{Partition, Role};
use dialects::ir::{Few, Op, Value};
use dialects::{Diagnostic, Module};
use petgraph::unionfind::UnionFind;
use rustc_hash::{FxHashMap, FxHashSet};

use super::enclosing_function;
use crate::structure::{
    Free, Inherited, carried, functions, hands_on, is_control_flow, is_function, parcel_of, placed,
};

/// The crossings of a module: `roles` has the role of every operation that
/// takes part in grouping; `drafts` is how many drafts are written down one
/// after the other, and 0 where a loop makes them.
///
/// # Errors
///
/// A value that crosses, and whose size is not known.
pub fn crossings<'m>(
    module: &'m Module<'_>,
    free: &mut Free<'m>,
    roles: &FxHashMap<Op<'m>, Partition>,
    drafts: u64,
) -> Result<Vec<CrossingDemand>, Box<Diagnostic>> {
    let frequencies = Frequencies::new(roles);
    let mut around = Inherited::new(Per::Round, |holder, outer| frequencies.of(holder, outer));
    let mut values = Values::default();
    for (at, function) in functions(module).into_iter().enumerate() {
        values.function = at;
        // Without a loop over rounds each call is one.
        let base = frequencies.of(function, Per::Round);
        for argument in function
            .blocks()
            .first()
            .map(|block| block.arguments())
            .unwrap_or_default()
        {
            if argument.r#type().is_tensor() {
                values.make(argument, (Partition::CONTROL, false, base));
            }
        }
        for (op, per) in placed(function).into_iter().flat_map(|(_, ops)| {
            // All operations of a block run equally often.
            let per = ops.first().map(|op| around.around(*op));
            ops.into_iter().zip(std::iter::repeat(per.unwrap_or(base)))
        }) {
            if is_control_flow(op) {
                for (from, to) in carried(op) {
                    values.hand_on(from, to);
                    // A constant that is handed on is made by control.
                    if from.r#type().is_tensor() && free.is_free_value(from) {
                        values.make(from, (Partition::CONTROL, true, per));
                    }
                }
                continue;
            }
            if free.is_free(op) || hands_on(op) {
                continue;
            }
            let role = roles.get(&op).copied();
            let here = (role.unwrap_or(Partition::CONTROL), role.is_some(), per);
            // A scalar is read wherever the tensor is.
            if role.is_some() || !op.is("tensor.extract") {
                for value in free.inputs(op) {
                    if value.r#type().is_tensor() && !free.is_free_value(value) {
                        values.read(value, here);
                    }
                }
            }
            for result in op.results() {
                if result.r#type().is_tensor() {
                    values.make(result, here);
                }
            }
        }
    }
    values.demands(drafts)
}

/// A partition, whether a subgraph's function acts for it (and not the module's
/// border), and how often.
type Side = (Partition, bool, Per);

/// Values between operations, in sets of those that control flow hands on as
/// one another.
#[derive(Default)]
struct Values<'m> {
    index: FxHashMap<Value<'m>, usize>,
    values: Vec<Value<'m>>,
    /// The function that is looked at, and that of each value.
    function: usize,
    functions: Vec<usize>,
    /// Who makes each, and who reads it, without repetition.
    makers: Vec<Few<Side>>,
    readers: Vec<Few<Side>>,
    carried: FxHashSet<usize>,
    pairs: Vec<(usize, usize)>,
}

impl<'m> Values<'m> {
    fn of(&mut self, value: Value<'m>) -> usize {
        if let Some(at) = self.index.get(&value) {
            return *at;
        }
        let at = self.values.len();
        self.index.insert(value, at);
        self.values.push(value);
        self.functions.push(self.function);
        self.makers.push(Few::new());
        self.readers.push(Few::new());
        at
    }

    fn make(&mut self, value: Value<'m>, side: Side) {
        let at = self.of(value);
        if !self.makers[at].contains(&side) {
            self.makers[at].push(side);
        }
    }

    fn read(&mut self, value: Value<'m>, side: Side) {
        let at = self.of(value);
        if !self.readers[at].contains(&side) {
            self.readers[at].push(side);
        }
    }

    fn hand_on(&mut self, from: Value<'m>, to: Value<'m>) {
        if from.r#type().is_tensor() && to.r#type().is_tensor() {
            let (from, to) = (self.of(from), self.of(to));
            self.carried.insert(to);
            self.pairs.push((from, to));
        }
    }

    fn demands(self, drafts: u64) -> Result<Vec<CrossingDemand>, Box<Diagnostic>> {
        let mut sets = UnionFind::new(self.values.len());
        for (from, to) in &self.pairs {
            sets.union(*from, *to);
        }
        // By the first value of each set, so that the order is the module's.
        let mut first: FxHashMap<usize, usize> = FxHashMap::default();
        let mut members: Vec<(usize, usize)> = (0..self.values.len())
            .map(|at| (*first.entry(sets.find(at)).or_insert(at), at))
            .collect();
        members.sort_unstable();
        let mut demands: BTreeMap<usize, Vec<CrossingDemand>> = BTreeMap::new();
        for members in members.chunk_by(|one, next| one.0 == next.0) {
            // Most values never leave the partition that makes them.
            let made = || members.iter().flat_map(|(_, at)| &self.makers[*at]);
            let read = || members.iter().flat_map(|(_, at)| &self.readers[*at]);
            let makers: BTreeSet<Partition> = made().map(|maker| maker.0).collect();
            let stays = |reader: &Side| makers.iter().all(|maker| *maker == reader.0);
            if read().all(stays) {
                continue;
            }
            let class = members[0].0;
            let carried = members.iter().any(|(_, at)| self.carried.contains(at));
            let parcel = parcel_of(self.values[class], carried)?;
            let readers: BTreeSet<Side> = read().copied().collect();
            let mut often: BTreeMap<(Partition, bool, Partition, bool, Per), u64> = BTreeMap::new();
            for maker in made() {
                // A reader that reads now and then reads it the most often.
                let mut ends: BTreeMap<(Partition, bool), Per> = BTreeMap::new();
                for reader in &readers {
                    let per = ends.entry((reader.0, reader.1)).or_insert(reader.2);
                    *per = reader.2.min(*per);
                }
                for ((to, inside), per) in ends {
                    let ends = (maker.0, maker.1, to, inside, per.max(maker.2));
                    *often.entry(ends).or_insert(0) += 1;
                }
            }
            let value = u32::try_from(class).ok();
            let demands = demands.entry(self.functions[class]).or_default();
            for ((from, made, to, inside, per), count) in often {
                demands.push(CrossingDemand {
                    from,
                    to,
                    bytes: parcel.bytes,
                    per,
                    what: self.values[class].r#type().to_string(),
                    count,
                    value,
                    elements: parcel.elements,
                    integer: parcel.integer,
                    carried,
                    enters: !made,
                    leaves: !inside,
                });
            }
        }
        let mut demands: Vec<Vec<CrossingDemand>> = demands.into_values().collect();
        if drafts > 0 {
            for demands in &mut demands {
                per_draft(demands, drafts);
            }
        }
        Ok(most_of(demands))
    }
}

/// The crossings of functions that are called one or the other: each kind as
/// often as the one with the most has it.
fn most_of(functions: Vec<Vec<CrossingDemand>>) -> Vec<CrossingDemand> {
    if functions.len() < 2 {
        return functions.into_iter().flatten().collect();
    }
    let key = |demand: &CrossingDemand| (kind(demand), demand.per);
    let mut most: BTreeMap<_, (u64, usize)> = BTreeMap::new();
    for (at, demands) in functions.iter().enumerate() {
        let mut counts: BTreeMap<_, u64> = BTreeMap::new();
        for demand in demands {
            *counts.entry(key(demand)).or_insert(0) += demand.count;
        }
        for (key, count) in counts {
            let known = most.entry(key).or_insert((count, at));
            if known.0 < count {
                *known = (count, at);
            }
        }
    }
    let each = functions.into_iter().enumerate();
    each.flat_map(|(at, demands)| demands.into_iter().map(move |demand| (at, demand)))
        .filter(|(at, demand)| most.get(&key(demand)).is_some_and(|most| most.1 == *at))
        .map(|(_, demand)| demand)
        .collect()
}

/// What crossings that are counted together have in common.
fn kind(demand: &CrossingDemand) -> (Partition, Partition, String, u64, bool, bool, bool, bool) {
    let CrossingDemand {
        from,
        to,
        elements,
        integer,
        carried,
        enters,
        leaves,
        ..
    } = *demand;
    (
        from,
        to,
        demand.what.clone(),
        elements,
        integer,
        carried,
        enters,
        leaves,
    )
}

/// Counts what so many unrolled drafts have in common once for each draft.
fn per_draft(demands: &mut Vec<CrossingDemand>, drafts: u64) {
    let drafters =
        |demand: &CrossingDemand| [demand.from.role, demand.to.role].contains(&Role::Drafter);
    let mut alike: BTreeMap<_, u64> = BTreeMap::new();
    for demand in demands
        .iter()
        .filter(|demand| demand.per == Per::Round && drafters(demand))
    {
        *alike.entry(kind(demand)).or_insert(0) += demand.count;
    }
    let mut kept = BTreeSet::new();
    demands.retain_mut(|demand| {
        let count = alike.get(&kind(demand)).copied().unwrap_or(0);
        if demand.per != Per::Round || !drafters(demand) || count < drafts {
            return true;
        }
        demand.per = Per::Draft;
        demand.count = count / drafts;
        kept.insert(kind(demand))
    });
}

/// How often operations run: which loops, and which functions, draft and which
/// verify.
struct Frequencies<'m> {
    drafts: FxHashSet<Op<'m>>,
    verifies: FxHashSet<Op<'m>>,
    /// Functions with a loop over rounds in them.
    loops: FxHashSet<Op<'m>>,
}

impl<'m> Frequencies<'m> {
    fn new(roles: &FxHashMap<Op<'m>, Partition>) -> Self {
        let mut found = Self {
            drafts: FxHashSet::default(),
            verifies: FxHashSet::default(),
            loops: FxHashSet::default(),
        };
        for (op, role) in roles {
            let holders = match role.role {
                Role::Drafter => &mut found.drafts,
                Role::Target => &mut found.verifies,
                Role::Control => continue,
            };
            let mut next = op.parent();
            // Who holds the holder is known where the holder is.
            while let Some(parent) = next.filter(|parent| holders.insert(*parent)) {
                next = parent.parent();
            }
        }
        let mut function = enclosing_function();
        let verifying = found.verifies.iter().filter(|op| is_loop(**op));
        found.loops = verifying.filter_map(|op| function.around(*op)).collect();
        found
    }

    /// How often what `holder`, a function or control flow, holds runs, where
    /// `outer` is how often what is around it does. Of a function, how often it
    /// is called.
    fn of(&self, holder: Op<'m>, outer: Per) -> Per {
        let verifies = self.verifies.contains(&holder);
        let drafts = self.drafts.contains(&holder);
        if is_function(holder) && self.loops.contains(&holder) {
            Per::Once
        } else if (is_loop(holder) || is_function(holder)) && drafts && !verifies {
            Per::Draft
        } else if is_loop(holder) && verifies {
            Per::Round
        } else {
            outer
        }
    }
}

fn is_loop(op: Op<'_>) -> bool {
    op.is("scf.while") || op.is("scf.for")
}
