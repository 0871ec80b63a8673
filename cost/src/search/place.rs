//! Where the stages of a model are, as one number.
//!
//! A model in one piece is on a PU, and its place is that PU's index. A model in s stages has N^s
//! places: their numbers have one digit for each stage, to the base N, the first stage's most
//! significant. So a point of the space has one place for each model, whatever its stages.

use super::request::Request;
use crate::text::list;
use crate::workload::{Partition, Role};

impl Request {
    /// N^s: how many places a model of s stages has.
    pub fn places(&self, role: Role) -> usize {
        let stages = self.workload.partitions_of(role).count();
        let n = self.platform.pus.len();
        (0..stages).fold(1, |places: usize, _| places.saturating_mul(n))
    }

    /// The partitions of a role with the index of the PU of each, at one of its places.
    pub fn spread(&self, role: Role, place: usize) -> Vec<(Partition, usize)> {
        let n = self.platform.pus.len().max(1);
        let mut stages: Vec<(Partition, usize)> = self
            .workload
            .partitions_of(role)
            .map(|partition| (partition, 0))
            .collect();
        let mut rest = place;
        for (_, pu) in stages.iter_mut().rev() {
            *pu = rest % n;
            rest /= n;
        }
        stages
    }

    /// The one PU that all stages of a role are on at a place, if there is one.
    pub fn only_pu(&self, role: Role, place: usize) -> Option<usize> {
        let spread = self.spread(role, place);
        let (_, first) = spread.first()?;
        spread.iter().all(|(_, pu)| pu == first).then_some(*first)
    }

    /// A place for people: `gpu`, or `cpu+gpu` for two stages on two PUs.
    pub fn place_name(&self, role: Role, place: usize) -> String {
        let name = |pu: usize| self.platform.pus.get(pu).map_or("", |pu| pu.name.as_str());
        let names: Vec<&str> = match self.only_pu(role, place) {
            Some(pu) => vec![name(pu)],
            None => self
                .spread(role, place)
                .into_iter()
                .map(|(_, pu)| name(pu))
                .collect(),
        };
        names.join("+")
    }

    /// Where the user wants a partition: what was said of the stage comes before what was said of
    /// the whole model.
    pub fn pin_of(&self, partition: Partition) -> Option<&String> {
        self.pins
            .get(&partition)
            .or_else(|| self.pins.get(&partition.role.into()))
    }

    /// Whether the user wants neither the partition nor its whole model on a PU.
    pub fn forbids(&self, partition: Partition, pu: &str) -> bool {
        [partition, partition.role.into()]
            .iter()
            .any(|what| self.forbid.contains(&(*what, pu.to_owned())))
    }

    /// What is wrong with wishes for a stage that the module does not have, and what it has.
    pub(super) fn unknown_stage(&self) -> Option<(Partition, String)> {
        let wishes = self
            .pins
            .keys()
            .chain(self.forbid.iter().map(|(what, _)| what));
        let unknown = wishes
            .copied()
            .find(|what| what.stage.is_some() && !self.workload.subgraphs.contains_key(what))?;
        let stages: Vec<Partition> = self.workload.partitions_of(unknown.role).collect();
        let help = match stages.as_slice() {
            [] => format!("it has no {}", unknown.role),
            [only] => format!("its {} is one piece: name {only}", unknown.role),
            _ => format!("it has {}", list(stages)),
        };
        Some((unknown, help))
    }
}
