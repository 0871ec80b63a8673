//! Calls of outlined functions, with buffers and scalars in place of tensors.

use cost::Partition;
use dialects::hal::Inserter;
use dialects::ir::{Op, Value};
use rustc_hash::FxHashSet;

use super::Rewriter;
use super::buffers::scalars_of;
use super::home::{Form, Home};
use crate::roles::role_attribute;
use crate::structure::{hands_on, is_control_flow};

impl<'m> Rewriter<'m, '_> {
    /// Replaces `call`, of the outlined function `name`.
    pub(super) fn rewrite_call(&mut self, call: Op<'m>, name: &str) {
        let inserter = Inserter::before(self.module, call);
        let role = role_attribute(self.outlined[name]).unwrap_or(Partition::CONTROL);
        let device = self.placement.symbol_of(role);
        let mut operands = self.operands(&inserter, call, name, device);
        let homes = self.result_homes[name].clone();
        let types = self.result_types[name].clone();
        let mut result_types = Vec::new();
        // The buffer of each result that rests in one that several devices
        // use: where it is allocated, by whom, and whether it is written.
        let mut buffers = Vec::new();
        for ((home, r#type), result) in homes.iter().zip(&types).zip(call.results()) {
            if *home == Home::Scalars {
                result_types.extend(scalars_of(*r#type));
            } else if !home.is_written_by(device) {
                result_types.push(inserter.view_type());
            }
            let Home::Shared { owner, users, .. } = home else {
                buffers.push(None);
                continue;
            };
            let place = if self.is_read_at_once(result) {
                self.entry.unwrap_or(inserter)
            } else {
                inserter
            };
            let reaches = users.contains(device);
            let own = if reaches { owner.as_str() } else { device };
            let buffer = self.buffers.allocate(&place, own, *r#type);
            if home.is_written_by(device) {
                operands.push(buffer);
            }
            let onward = (!reaches).then(|| owner.clone());
            buffers.push(Some((
                buffer,
                place,
                place.view_of(buffer, *r#type),
                onward,
            )));
        }
        let returned = inserter.call(name, &operands, &result_types);
        let mut left = returned.into_iter();
        for (((result, home), r#type), buffer) in call
            .results()
            .into_iter()
            .zip(&homes)
            .zip(&types)
            .zip(buffers)
        {
            if *home == Home::Scalars {
                let count = scalars_of(*r#type).len();
                let elements: Vec<Value> = left.by_ref().take(count).collect();
                if let [only] = elements.as_slice() {
                    self.classes.alias(result, *only);
                    self.scalars.insert(*only, elements.clone());
                    result.replace_all_uses_with(*only);
                }
                self.scalars.insert(result, elements);
                continue;
            }
            let view = match buffer {
                None => left.next(),
                Some((buffer, place, shared, onward)) => {
                    if !home.is_written_by(device)
                        && let Some(view) = left.next()
                    {
                        self.buffers.write(&inserter, role, view, buffer, *r#type);
                    }
                    Some(match onward {
                        None => shared,
                        Some(owner) => self.carry(&inserter, &place, shared, &owner, *r#type),
                    })
                }
            };
            if let Some(view) = view {
                self.classes.alias(result, view);
                result.replace_all_uses_with(view);
            }
        }
        self.replaced.push(call);
    }

    /// What a call passes: views and scalars in the order of the tensors, then
    /// all scalars of a tensor but its first.
    fn operands(
        &mut self,
        inserter: &Inserter<'m>,
        call: Op<'m>,
        name: &str,
        device: &str,
    ) -> Vec<Value<'m>> {
        let forms = self.classes.forms(name).to_vec();
        let mut operands = Vec::new();
        let mut behind = Vec::new();
        for (index, (operand, form)) in call.operands().into_iter().zip(forms).enumerate() {
            if form == Form::Scalars {
                let mut elements = self.elements(inserter, operand).into_iter();
                operands.extend(elements.next());
                behind.extend(elements);
            } else {
                let at_once = self.is_passed_at_once(call, index);
                operands.push(self.within_reach(inserter, operand, device, at_once));
            }
        }
        operands.extend(behind);
        operands
    }

    /// The elements of `value`, read back where it rests in a buffer.
    fn elements(&mut self, inserter: &Inserter<'m>, value: Value<'m>) -> Vec<Value<'m>> {
        if let Some(elements) = self.scalars.get(&value) {
            return elements.clone();
        }
        let Some((home, tensor)) = self.classes.lookup(value) else {
            return vec![value];
        };
        let Some(reader) = home.reader().map(str::to_owned) else {
            return vec![value];
        };
        let view = self.within_reach(inserter, value, &reader, true);
        let role = self.placement.partition_on(&reader);
        self.buffers.read(inserter, role, view, tensor)
    }

    /// Whether a value is only read by what stands beside it, and so is dead
    /// when its block has run. Its buffer can then serve every iteration of a
    /// loop around it: outlined functions have read what they were given when
    /// they return, since they wait for what they write and export.
    fn is_read_at_once(&self, value: Value<'m>) -> bool {
        let mut seen = FxHashSet::from_iter([value]);
        let mut pending = vec![value];
        while let Some(value) = pending.pop() {
            for each in value.uses() {
                if hands_on(each.op) || is_control_flow(each.op) {
                    return false;
                }
                let staying = self.stays_behind(each.op, each.index);
                pending.extend(staying.into_iter().filter(|result| seen.insert(*result)));
            }
        }
        true
    }

    /// Whether what `op` reads as operand `index` is not needed for longer than
    /// it runs, or than its results are, which are read at once.
    fn is_passed_at_once(&self, op: Op<'m>, index: usize) -> bool {
        let mut staying = self.stays_behind(op, index).into_iter();
        staying.all(|result| self.is_read_at_once(result))
    }

    /// The results of `op` in which what it reads as operand `index` goes on resting
    /// where it does.
    fn stays_behind(&self, op: Op<'m>, index: usize) -> Vec<Value<'m>> {
        let Some(name) = self.callee(op) else {
            return Vec::new();
        };
        let results = self.passed.results(&name, index).iter().copied();
        let staying = results.filter(|at| {
            // What gets a buffer of its own, or leaves as scalars, is a copy.
            let home = self
                .result_homes
                .get(&name)
                .and_then(|homes| homes.get(*at));
            matches!(home, Some(Home::Local(_) | Home::Lent(_)))
        });
        staying.filter_map(|at| op.result(at)).collect()
    }
}
