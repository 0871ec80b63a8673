//! What the checks of a unit mean for placing: types that are taken from it,
//! operations that its table rules out, and failures that do no harm.

use std::collections::{BTreeMap, BTreeSet};

use cost::platform::{Cannot, ProcessingUnit, Release, Releases, Trouble};
use cost::workload::DType;
use serde::Serialize;

use super::checks::{DTYPES, Kind};
use super::probe::Outcome;

/// Who finds it, as a platform's table says.
pub const DOCTOR: &str = "specplace doctor";

/// How the checks of a unit came out, by type.
pub type Outcomes = BTreeMap<DType, Vec<(Kind, Outcome)>>;

/// What follows from them.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// The types that the platform gives the unit and that it does not compute
    /// in rightly, each with the check that tells.
    #[serde(serialize_with = "by_name")]
    pub types: BTreeMap<DType, String>,
    /// What the platform's table lacks.
    pub cannot: Vec<Cannot>,
    /// What the table has and the checks confirm, in words.
    pub known: Vec<String>,
    /// What `doctor` once wrote into the table and is right by now.
    #[serde(skip)]
    pub right_again: BTreeSet<(&'static str, DType)>,
    /// Failures that keep the unit from nothing, with the reason.
    pub harmless: Vec<String>,
    /// Whether a check could not be run on this machine.
    pub not_here: bool,
}

fn by_name<S: serde::Serializer>(
    types: &BTreeMap<DType, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(types.iter().map(|(dtype, why)| (dtype.as_str(), why)))
}

impl Verdict {
    /// Judges a unit by its checks with a release of IREE.
    pub fn of(unit: &ProcessingUnit, outcomes: &Outcomes, release: Option<Release>) -> Self {
        let mut verdict = Self::default();
        let mut avoided = Vec::new();
        let mut never_given: Vec<DType> = Vec::new();
        for dtype in DTYPES {
            let Some(outcomes) = outcomes.get(&dtype) else {
                continue;
            };
            let here = |(_, outcome): &&(Kind, Outcome)| matches!(outcome, Outcome::NotHere { .. });
            verdict.not_here |= outcomes.iter().any(|each| here(&each));
            let bad = || outcomes.iter().filter(|(_, outcome)| outcome.is_bad());
            if !unit.dtypes.contains(&dtype) {
                never_given.extend(bad().next().map(|_| dtype));
                continue;
            }
            let narrow = unit.has_narrow_words();
            let (harmless, harmful): (Vec<_>, Vec<_>) =
                bad().partition(|(kind, _)| kind.is_avoided(dtype, narrow));
            avoided.extend(
                harmless
                    .iter()
                    .map(|(kind, outcome)| said(*kind, dtype, outcome)),
            );
            if let Some((kind, outcome)) =
                harmful.iter().find(|(kind, _)| kind.operation().is_none())
            {
                let why = format!("{}: {}", kind.name(), outcome.short());
                verdict.types.insert(dtype, why);
                continue;
            }
            for (kind, outcome) in harmful {
                verdict.rule_out(unit, *kind, dtype, outcome, release);
            }
            let operations = outcomes.iter().filter_map(|(kind, _)| kind.operation());
            verdict.right_again.extend(
                operations
                    .filter(|operation| {
                        outcomes.iter().all(|(kind, outcome)| {
                            kind.operation() != Some(operation) || *outcome == Outcome::Ok
                        })
                    })
                    .map(|operation| (operation, dtype)),
            );
        }
        if !avoided.is_empty() {
            verdict.harmless.push(format!(
                "{}: positions, masks and indices are i32 on {}, as far as they fit, and tokens are only looked up",
                avoided.join(", "),
                unit.name
            ));
        }
        if !never_given.is_empty() {
            let names: Vec<&str> = never_given.iter().map(|dtype| dtype.as_str()).collect();
            verdict.harmless.push(format!(
                "what fails in {}: the platform does not give {} to {}",
                names.join(", "),
                if names.len() == 1 {
                    "that type"
                } else {
                    "those types"
                },
                unit.name
            ));
        }
        verdict
    }

    fn rule_out(
        &mut self,
        unit: &ProcessingUnit,
        kind: Kind,
        dtype: DType,
        outcome: &Outcome,
        release: Option<Release>,
    ) {
        let Some(operation) = kind.operation() else {
            return;
        };
        let types = BTreeSet::from([dtype]);
        let meant = |entry: &&Cannot| entry.rules_out(operation, &types).is_some();
        let mut known = unit.cannot.iter().filter(|entry| entry.concerns(release));
        if known.any(|entry| meant(&entry)) {
            self.known.push(said(kind, dtype, outcome));
            return;
        }
        if self.cannot.iter().any(|entry| meant(&entry)) {
            return;
        }
        let outcome = match outcome {
            Outcome::Wrong { .. } => Trouble::Wrong,
            Outcome::DoesNotCompile { .. } => Trouble::DoesNotCompile,
            _ => Trouble::Fails,
        };
        let alike = self
            .cannot
            .iter_mut()
            .find(|entry| entry.op == operation && entry.outcome == outcome);
        if let Some(types) = alike.and_then(|entry| entry.types.as_mut()) {
            types.insert(dtype);
            return;
        }
        self.cannot.push(Cannot {
            op: operation.to_owned(),
            types: Some(types),
            iree: release.map(Releases::only),
            outcome,
            note: None,
            found_by: Some(DOCTOR.to_owned()),
        });
    }

    /// Whether the platform promises more than the unit does.
    pub fn is_bad(&self) -> bool {
        !self.types.is_empty() || !self.cannot.is_empty()
    }

    /// Has the platform promise no more of the unit than it does.
    pub fn apply(&self, unit: &mut ProcessingUnit, release: Option<Release>) {
        for (dtype, why) in &self.types {
            unit.dtypes.remove(dtype);
            unit.peak.remove(dtype);
            let said = format!("{dtype} {why}");
            unit.dtypes_note = Some(match unit.dtypes_note.take() {
                Some(before) if before.contains("specplace doctor: ") => {
                    format!("{before}, {said}")
                }
                Some(before) => format!("{before}; {DOCTOR}: {said}"),
                None => format!("{DOCTOR}: {said}"),
            });
        }
        unit.cannot.retain_mut(|entry| {
            let own = entry.found_by.as_deref() == Some(DOCTOR) && entry.concerns(release);
            let Some(types) = entry.types.as_mut().filter(|_| own) else {
                return true;
            };
            types.retain(|dtype| {
                let mut right = self.right_again.iter();
                !right.any(|(operation, of)| *operation == entry.op && of == dtype)
            });
            !types.is_empty()
        });
        unit.cannot.extend(self.cannot.iter().cloned());
    }

    /// What follows for placing, a line each.
    pub fn lines(&self) -> Vec<String> {
        let types = self.types.iter();
        let mut lines: Vec<String> = types
            .map(|(dtype, why)| format!("{dtype} is to be taken from it ({why})"))
            .collect();
        lines.extend(
            self.cannot
                .iter()
                .map(|entry| format!("{entry}: such a model is to be kept off it")),
        );
        lines.extend(
            self.known
                .iter()
                .map(|known| format!("{known}: the platform's table says so")),
        );
        lines.extend(
            self.harmless
                .iter()
                .map(|why| format!("no harm is in {why}")),
        );
        lines
    }
}

fn said(kind: Kind, dtype: DType, outcome: &Outcome) -> String {
    format!("{} in {dtype} {}", kind.name(), outcome.short())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: Option<Release> = Some((3, 13));

    /// Everything is right but for what is listed.
    fn outcomes(bad: &[(DType, Kind, Outcome)]) -> Outcomes {
        let mut outcomes = Outcomes::new();
        for dtype in DTYPES {
            let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_for(dtype));
            let each = kinds.map(|kind| {
                let bad = bad.iter().find(|(of, bad, _)| (*of, *bad) == (dtype, kind));
                (
                    kind,
                    bad.map_or(Outcome::Ok, |(.., outcome)| outcome.clone()),
                )
            });
            outcomes.insert(dtype, each.collect());
        }
        outcomes
    }

    /// The reference platform's CPU.
    fn unit() -> ProcessingUnit {
        let platform = files::platform::load("reference").unwrap();
        platform.pu("cpu").unwrap().clone()
    }

    fn wrong() -> Outcome {
        Outcome::Wrong { error: 0.5 }
    }

    fn fails() -> Outcome {
        Outcome::DoesNotCompile {
            said: "no".to_owned(),
        }
    }

    #[test]
    fn what_models_are_made_of_costs_the_type() {
        let mut unit = unit();
        let found = outcomes(&[
            (DType::F16, Kind::Matmul, wrong()),
            (DType::F16, Kind::Sort, wrong()),
            (DType::I8, Kind::Elementwise, Outcome::TooLong),
        ]);
        let verdict = Verdict::of(&unit, &found, RELEASE);
        assert!(verdict.is_bad() && verdict.cannot.is_empty());
        verdict.apply(&mut unit, RELEASE);
        assert!(!unit.dtypes.contains(&DType::F16) && !unit.peak.contains_key(&DType::I8));
        assert_eq!(
            unit.dtypes_note.as_deref(),
            Some("specplace doctor: f16 matmul: WRONG (50 %), i8 elementwise: TOO LONG")
        );
        // What it has no more does no harm.
        let verdict = Verdict::of(&unit, &found, RELEASE);
        assert!(!verdict.is_bad());
        assert_eq!(
            verdict.lines(),
            ["no harm is in what fails in f16, i8: the platform does not give those types to cpu"]
        );
    }

    #[test]
    fn other_operations_go_into_the_table() {
        let mut unit = unit();
        let found = outcomes(&[
            (DType::F32, Kind::Conv2d, wrong()),
            (DType::BF16, Kind::Conv1d, wrong()),
            (DType::BF16, Kind::Conv2d, wrong()),
            (DType::F16, Kind::Sort, fails()),
        ]);
        let verdict = Verdict::of(&unit, &found, RELEASE);
        let said: Vec<String> = verdict.cannot.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "convolution in f32 and bf16 is computed wrongly (IREE 3.13)",
                "sort in f16 does not compile (IREE 3.13)"
            ]
        );
        verdict.apply(&mut unit, RELEASE);
        // Once it is there it is no news, and goes when it is right again.
        let again = Verdict::of(&unit, &found, RELEASE);
        assert!(!again.is_bad() && again.known.len() == 4, "{again:?}");
        let healed = Verdict::of(
            &unit,
            &outcomes(&[(DType::F32, Kind::Conv1d, wrong())]),
            RELEASE,
        );
        healed.apply(&mut unit, RELEASE);
        let left: Vec<String> = unit.cannot.iter().map(ToString::to_string).collect();
        assert_eq!(left, ["convolution in f32 is computed wrongly (IREE 3.13)"]);
    }

    #[test]
    fn i64_does_harm_only_where_it_is_handed_to_iree() {
        let platform = files::platform::load("reference").unwrap();
        let found = outcomes(&[(DType::I64, Kind::Elementwise, fails())]);
        let gpu = Verdict::of(platform.pu("gpu").unwrap(), &found, RELEASE);
        assert!(!gpu.is_bad());
        assert!(
            gpu.lines()[0]
                .starts_with("no harm is in elementwise in i64 does not compile: positions"),
            "{:?}",
            gpu.lines()
        );
        assert!(Verdict::of(platform.pu("cpu").unwrap(), &found, RELEASE).is_bad());
        let lookup = outcomes(&[(DType::I64, Kind::Lookup, fails())]);
        assert!(Verdict::of(platform.pu("gpu").unwrap(), &lookup, RELEASE).is_bad());
    }
}
