//! Whether a question makes sense, and which draft lengths it is about.

use super::error::SearchError;
use super::model::CostModel;
use super::request::{GammaChoice, LONGEST_DRAFT, Request};
use crate::platform::TooMany;
use crate::speedup::check_alpha;
use crate::workload::{DraftLengthForm, Role};

impl Request {
    /// The draft lengths to evaluate, ascending.
    ///
    /// # Errors
    /// [`SearchError`] for a fixed length that the module cannot have, or one beyond
    /// [`LONGEST_DRAFT`].
    pub fn draft_lengths(&self) -> Result<Vec<u32>, SearchError> {
        let has_drafter = self.workload.has(Role::Drafter);
        let form = self.workload.draft_length;
        match (self.gamma, form) {
            (GammaChoice::Fixed(gamma), _) if gamma > LONGEST_DRAFT => {
                Err(SearchError::LongDraft { gamma })
            }
            (GammaChoice::Fixed(gamma), _) if gamma > 0 && !has_drafter => {
                Err(SearchError::NoDrafter { gamma })
            }
            (_, _) if !has_drafter => Ok(vec![0]),
            (GammaChoice::Fixed(gamma), DraftLengthForm::Symbolic { max }) if gamma > max => {
                Err(SearchError::NoRoom { gamma, max })
            }
            (GammaChoice::Fixed(gamma), DraftLengthForm::Unrolled { gamma: unrolled })
                if gamma != 0 && gamma != unrolled =>
            {
                Err(SearchError::Unrolled { gamma, unrolled })
            }
            (GammaChoice::Fixed(gamma), _) => Ok(vec![gamma]),
            (choice, DraftLengthForm::Symbolic { max: room }) => {
                Ok((0..=choice.longest(Some(room))).collect())
            }
            (choice, DraftLengthForm::Absent) => Ok((0..=choice.longest(None)).collect()),
            // All drafts or none: a bound below their number leaves none.
            (GammaChoice::Auto { max }, DraftLengthForm::Unrolled { gamma }) if gamma > max => {
                Ok(vec![0])
            }
            // Unless more are told to be expected, one.
            (choice, DraftLengthForm::Loop) => Ok((0..=choice.longest(Some(1))).collect()),
            (_, DraftLengthForm::Unrolled { gamma: 0 }) => Ok(vec![0]),
            (_, DraftLengthForm::Unrolled { gamma }) => Ok(vec![0, gamma]),
        }
    }

    /// Checks what the request says of the platform, whatever the module: names of processing
    /// units, and how many resources of each may be used.
    ///
    /// # Errors
    /// [`SearchError::Unit`] and [`SearchError::Resources`].
    pub fn check_names(&self) -> Result<(), SearchError> {
        for (role, pu) in &self.pins {
            self.platform.expect_pu(pu, &format!("--pin {role}={pu}"))?;
        }
        for (role, pu) in &self.forbid {
            self.platform
                .expect_pu(pu, &format!("--forbid {role}={pu}"))?;
        }
        for name in self.memory_limits.keys() {
            self.platform
                .expect_pu(name, &format!("a memory limit of {name}"))?;
        }
        for (name, count) in self.variant.iter().flatten() {
            let given = format!("--variant {name}={count}");
            let pu = self.platform.expect_pu(name, &given)?;
            if *count == 0 || *count > pu.resources() {
                return Err(SearchError::Resources(TooMany {
                    name: name.clone(),
                    count: *count,
                    has: pu.counted(pu.resources()),
                    usable: pu.usable(),
                }));
            }
        }
        Ok(())
    }

    /// Checks the request itself, and returns [`Request::draft_lengths`].
    ///
    /// # Errors
    /// As [`decide`](crate::decide()), except [`SearchError::Infeasible`].
    pub fn check(&self) -> Result<Vec<u32>, SearchError> {
        check_alpha(self.alpha)?;
        for alpha in self.per_position.iter().flatten() {
            check_alpha(*alpha)?;
        }
        check_positions(self.model, self.per_position.as_deref())?;
        if !self.workload.has(Role::Target) {
            return Err(SearchError::NoTarget);
        }
        if let Some(evidence) = self.workload.state.clone()
            && !(self.model.verify && self.profile.is_some())
        {
            return Err(SearchError::State { evidence });
        }
        self.check_names()?;
        if let Some((stage, has)) = self.unknown_stage() {
            return Err(SearchError::NoStage { stage, has });
        }
        self.draft_lengths()
    }
}

/// Checks whether acceptance by position is known where the cost model needs it.
///
/// # Errors
/// [`SearchError::NoPositions`].
pub fn check_positions(model: CostModel, known: Option<&[f64]>) -> Result<(), SearchError> {
    if model.per_position && known.is_none_or(<[f64]>::is_empty) {
        return Err(SearchError::NoPositions);
    }
    Ok(())
}
