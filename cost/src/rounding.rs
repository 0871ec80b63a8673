//! How far two right computations of one thing may lie apart.
//!
//! Two devices sum in other orders, fuse other operations and keep other
//! intermediate values. Rounding errors of such computations are close to
//! independent, so that a sum of n terms errs by about √n·u, and L such sums one
//! after another by about √(L·n)·u, u being the unit roundoff: Higham and Mary, "A
//! New Approach to Probabilistic Rounding Error Analysis" (SIAM J. Sci. Comput.
//! 41(5), 2019), Theorem 2.4 with the constant λ, which sets how unlikely a larger
//! error is. A value that is stored in a coarser type than it is summed in is
//! rounded once more at each of the L sums, which adds √L·u of that type. Both are
//! relative to the largest value of the result.
//!
//! [`LAMBDA`] also leaves room for what the theorem does not see: normalisations and
//! softmaxes that make relative errors larger. It was chosen by looking at the exported
//! models of the tests: on CPUs, their f32 differed by a tenth of the bound and less,
//! and planted faults by more than it. For coarse types the bound is a tenth of the
//! largest logit, so that small faults in them pass.

/// The constant of the bound.
pub const LAMBDA: f64 = 4.0;

/// What values are stored in, the finest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Storage {
    /// f32, or f64, which IREE computes in f32.
    #[default]
    F32,
    /// f16.
    F16,
    /// bf16.
    Bf16,
    /// Eight bits or fewer: quantised integers and small floats. Half a step of
    /// 127 is what rounding to them costs.
    Eight,
}

impl Storage {
    /// The unit roundoff: half the distance from 1 to the next number.
    pub fn unit_roundoff(self) -> f64 {
        match self {
            Self::F32 => 2f64.powi(-24),
            Self::F16 => 2f64.powi(-11),
            Self::Bf16 | Self::Eight => 2f64.powi(-8),
        }
    }

    /// What it is called in a report.
    pub fn word(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Eight => "i8",
        }
    }
}

/// What the rounding of a subgraph depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arithmetic {
    /// How many sums (contractions, reductions) it has; taken to follow each
    /// other.
    pub sums: u64,
    /// The terms of the longest.
    pub longest_sum: u64,
    /// The coarsest type in which a tensor is stored.
    pub coarsest: Storage,
}

impl Arithmetic {
    /// The largest difference that rounding explains, as a part of the largest
    /// absolute value of the result.
    pub fn bound(self) -> f64 {
        let sums = self.sums.max(1) as f64;
        let terms = self.longest_sum.max(1) as f64;
        let summed = (sums * terms).sqrt() * Storage::F32.unit_roundoff();
        let stored = sums.sqrt() * self.coarsest.unit_roundoff();
        LAMBDA * (summed + stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arithmetic(coarsest: Storage) -> Arithmetic {
        Arithmetic {
            sums: 36,
            longest_sum: 512,
            coarsest,
        }
    }

    #[test]
    fn the_bound_of_a_small_model_is_far_below_a_fault() {
        let bound = arithmetic(Storage::F32).bound();
        // 4 · (√(36 · 512) + √36) · 2⁻²⁴
        assert!(
            (bound - 4.0 * (135.764_5 + 6.0) / 16_777_216.0).abs() < 1e-9,
            "{bound}"
        );
        assert!(bound < 1e-3);
    }

    #[test]
    fn coarser_types_round_more() {
        let bounds: Vec<f64> = [Storage::F32, Storage::F16, Storage::Bf16]
            .map(|storage| arithmetic(storage).bound())
            .into();
        assert!(bounds.is_sorted(), "{bounds:?}");
        assert!(bounds[2] < 0.5, "{bounds:?}");
    }

    #[test]
    fn longer_models_round_more() {
        let short = arithmetic(Storage::F32);
        let long = Arithmetic { sums: 360, ..short };
        assert!(long.bound() > short.bound());
    }
}
