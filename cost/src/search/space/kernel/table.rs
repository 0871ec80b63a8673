//! The latencies of one model at one place, as a table over the resources that they depend on.

/// A latency for each combination of the resources it depends on; infinite where there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// PU and stride of each.
    pub(super) dims: Vec<(usize, usize)>,
    pub(super) seconds: Vec<f64>,
}

impl Table {
    #[inline]
    pub(super) fn at(&self, digits: &[usize]) -> f64 {
        let index: usize = self
            .dims
            .iter()
            .map(|(pu, stride)| digits.get(*pu).copied().unwrap_or(0) * stride)
            .sum();
        self.seconds.get(index).copied().unwrap_or(f64::INFINITY)
    }
}
