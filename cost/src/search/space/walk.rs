//! One enumeration of the design space.

mod latency;

use super::{Point, Space};
use crate::crossing::End;
use crate::platform::ProcessingUnit;
use crate::profile::Hole;
use crate::roofline;
use crate::search::legal::{self, Reason};
use crate::search::request::Request;
use crate::workload::{DraftLengthForm, Partition, Per, Role};
use std::collections::{BTreeMap, BTreeSet};

/// The state of one enumeration.
pub(super) struct Walk<'a> {
    request: &'a Request,
    gammas: &'a [u32],
    /// Partitions for which holes in the profile rule a mapping out.
    strict: &'a BTreeSet<Partition>,
    has_drafter: bool,
    verify: BTreeMap<(usize, usize), Result<usize, Hole>>,
    /// What does not depend on the variant: memory, links and where control goes, by mapping.
    static_rules: BTreeMap<(Option<usize>, usize, bool), Result<Placed, Reason>>,
}

/// A mapping with its control and crossings.
#[derive(Clone, Copy)]
struct Placed {
    control: usize,
    /// How many PUs are in use.
    devices: usize,
    per_draft: f64,
    per_round: f64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        request: &'a Request,
        gammas: &'a [u32],
        strict: &'a BTreeSet<Partition>,
    ) -> Self {
        let has_drafter = request.workload.has(Role::Drafter);
        Self {
            request,
            gammas,
            strict,
            has_drafter,
            verify: BTreeMap::new(),
            static_rules: BTreeMap::new(),
        }
    }

    fn pus(&self) -> &'a [ProcessingUnit] {
        &self.request.platform.pus
    }

    pub(super) fn variant(&mut self, space: &mut Space, variant: usize) {
        let keeps_drafter =
            self.request.workload.draft_length == DraftLengthForm::Absent && self.has_drafter;
        let (plain, drafts) = (
            self.gammas.contains(&0) && !keeps_drafter,
            self.gammas.iter().any(|gamma| *gamma > 0) || keeps_drafter,
        );
        for target in 0..self.request.places(Role::Target) {
            if let Ok(point) = self.point(space, variant, None, target, false) {
                space.alone.push(point);
            }
            let without = self.point(space, variant, None, target, true);
            if let Ok(point) = &without
                && plain
            {
                space.points.push(*point);
            }
            if !self.has_drafter {
                match without {
                    Ok(_) => space.legal += 1,
                    Err(reason) => space.rule_out((variant, None, target), reason),
                }
                continue;
            }
            if let Err(reason) = without
                && !space.target_reasons.contains(&reason)
            {
                space.target_reasons.push(reason);
            }
            for drafter in 0..self.request.places(Role::Drafter) {
                match self.point(space, variant, Some(drafter), target, true) {
                    Ok(point) => {
                        space.legal += 1;
                        if drafts {
                            space.points.push(point);
                        }
                    }
                    Err(reason) => space.rule_out((variant, Some(drafter), target), reason),
                }
            }
        }
    }

    fn point(
        &mut self,
        space: &mut Space,
        variant: usize,
        drafter: Option<usize>,
        target: usize,
        with_pins: bool,
    ) -> Result<Point, Reason> {
        let placed = match self.static_rules.get(&(drafter, target, with_pins)) {
            Some(known) => known.clone(),
            None => {
                let placed = self.place(drafter, target, with_pins);
                self.static_rules
                    .insert((drafter, target, with_pins), placed.clone());
                placed
            }
        }?;
        // Both are looked up before either is missed: which partitions were measured somewhere is
        // read from the latencies found (`Space::build`), and a target without one would hide its
        // drafter's.
        let t_target = self.latency(space, variant, Role::Target, target);
        let t_draft = drafter.map_or(Ok(0.0), |drafter| {
            self.latency(space, variant, Role::Drafter, drafter)
        });
        let (t_target, t_draft) = (t_target?, t_draft?);
        let verify = self.verify(space, variant, target)?;
        Ok(Point {
            variant,
            drafter,
            target,
            control: placed.control,
            devices: placed.devices,
            t_draft,
            t_target,
            per_draft: placed.per_draft,
            per_round: placed.per_round,
            verify,
        })
    }

    /// Everything about a mapping that does not depend on how many resources there are.
    fn place(
        &self,
        drafter: Option<usize>,
        target: usize,
        with_pins: bool,
    ) -> Result<Placed, Reason> {
        let drafter = drafter.map(|place| self.request.spread(Role::Drafter, place));
        let mut models = drafter.unwrap_or_default();
        models.extend(self.request.spread(Role::Target, target));
        for (partition, index) in &models {
            self.allowed(*partition, *index, with_pins)?;
        }
        // Control goes where its crossings cost least; the platform's own control PU wins ties.
        let host = self
            .pus()
            .iter()
            .position(|pu| pu.name == self.request.platform.control)
            .unwrap_or(0);
        let candidates = [host]
            .into_iter()
            .chain((0..self.pus().len()).filter(|index| *index != host));
        let mut best: Option<(f64, Placed)> = None;
        let mut first_reason = None;
        for control in candidates {
            match self.place_with_control(&models, control, host, with_pins) {
                Ok(placed) => {
                    let longest = self.gammas.last().copied().unwrap_or(0);
                    let cost = placed.per_round + placed.per_draft * f64::from(longest);
                    if best.is_none_or(|(least, _)| cost < least) {
                        best = Some((cost, placed));
                    }
                }
                Err(reason) => {
                    first_reason.get_or_insert(reason);
                }
            }
        }
        match (best, first_reason) {
            (Some((_, placed)), _) => Ok(placed),
            (None, Some(reason)) => Err(reason),
            // Unreachable with at least one PU, which every platform has; said without a panic.
            (None, None) => Err(Reason::Forbidden {
                role: Partition::CONTROL,
                pu: self.request.platform.control.clone(),
            }),
        }
    }

    fn allowed(&self, role: Partition, index: usize, with_pins: bool) -> Result<(), Reason> {
        let Some(pu) = self.pus().get(index) else {
            return Ok(());
        };
        if let Some(to) = self
            .request
            .pin_of(role)
            .filter(|to| with_pins && **to != pu.name)
        {
            return Err(Reason::Pinned {
                role,
                to: to.clone(),
            });
        }
        if self.request.forbids(role, &pu.name) {
            return Err(Reason::Forbidden {
                role,
                pu: pu.name.clone(),
            });
        }
        match self
            .request
            .workload
            .subgraphs
            .get(&role)
            .and_then(|demand| legal::capability(role, demand, pu))
            .or_else(|| self.request.probed(role, &pu.name))
        {
            Some(reason) => Err(reason),
            None => Ok(()),
        }
    }

    fn place_with_control(
        &self,
        models: &[(Partition, usize)],
        control: usize,
        host: usize,
        with_pins: bool,
    ) -> Result<Placed, Reason> {
        self.allowed(Partition::CONTROL, control, with_pins)?;
        let platform = &self.request.platform;
        let at = |partition: Partition| {
            if partition == Partition::CONTROL {
                return Some(control);
            }
            let mut models = models.iter();
            models.find(|(of, _)| *of == partition).map(|(_, pu)| *pu)
        };
        let placed: Vec<_> = models
            .iter()
            .chain([&(Partition::CONTROL, control)])
            .filter_map(|(partition, pu)| {
                Some((
                    *partition,
                    self.request.workload.subgraphs.get(partition)?,
                    self.pus().get(*pu)?,
                ))
            })
            .collect();
        if let Some(reason) = legal::memory(self.request, &placed) {
            return Err(reason);
        }
        let name = |index: usize| self.pus().get(index).map_or("", |pu| pu.name.as_str());
        let no_link = |a: usize, b: usize| Reason::NoLink {
            a: name(a).into(),
            b: name(b).into(),
        };
        let (mut per_draft, mut per_round) = (0.0, 0.0);
        for value in self.request.workload.values() {
            // What goes to or comes from a drafter that is not there does not cross.
            let demands: Vec<_> = value
                .into_iter()
                .filter_map(|demand| Some((demand, at(demand.from)?, at(demand.to)?)))
                .collect();
            let Some((demand, from, to)) = demands.iter().find(|(_, from, to)| from != to) else {
                continue;
            };
            for (_, from, to) in &demands {
                if platform.route(name(*from), name(*to)).is_none() {
                    return Err(no_link(*from, *to));
                }
            }
            let named: Vec<_> = demands
                .iter()
                .map(|(demand, from, to)| (*demand, name(*from), name(*to)))
                .collect();
            let crossing = platform
                .crossing_of(&named)
                .ok_or_else(|| Reason::NoCrossing {
                    a: name(*from).into(),
                    b: name(*to).into(),
                    what: demand.what.clone(),
                })?;
            for (demand, from, to) in named {
                let leg = crossing.leg(&End::maker(demand, from), &End::reader(demand, to));
                let seconds = leg.map_or(0.0, |leg| leg.seconds) * demand.count as f64;
                match demand.per {
                    Per::Draft => per_draft += seconds,
                    Per::Round => per_round += seconds,
                    Per::Once => {}
                }
            }
        }
        // The program itself runs on the host, and asks control once per round whether to go on.
        per_round += platform
            .route(name(control), name(host))
            .ok_or_else(|| no_link(control, host))?
            .seconds(8);
        // Its own work counts too, or many small dispatches would be sent to a GPU to save one
        // crossing.
        let demand = self.request.workload.subgraphs.get(&Partition::CONTROL);
        if let (Some(demand), Some(pu)) = (demand, self.pus().get(control)) {
            let own = roofline::estimate(demand, pu, pu.resources());
            per_round += own.map_or(0.0, |latency| latency.seconds);
        }
        let used: BTreeSet<usize> = models.iter().map(|(_, pu)| *pu).chain([control]).collect();
        Ok(Placed {
            control,
            devices: used.len(),
            per_draft,
            per_round,
        })
    }

    /// Seconds of crossings of a mapping, per draft and per round.
    pub(super) fn crossing_costs(
        &mut self,
        drafter: Option<usize>,
        target: usize,
    ) -> Result<(f64, f64), Reason> {
        let placed = self.place(drafter, target, true)?;
        Ok((placed.per_draft, placed.per_round))
    }
}
