//! Times are those of the formulas.

use crate::common::*;
use cost::speedup::expected_tokens;
use proptest::prelude::*;

proptest! {
    /// The formulas of [`CostModel`], in units of the target's latency.
    #[test]
    fn times_are_those_of_the_formulas(
        alpha in 0.0..=1.0f64,
        gamma in 1u32..8,
        (t_target, c, v) in (1e-3..10.0f64, 0.0..2.0f64, 1.0..4.0f64),
        (x_draft, x_round, h) in (0.0..1.0f64, 0.0..1.0f64, 0.0..1.0f64),
        (verify, transfer) in any::<(bool, bool)>(),
    ) {
        let mut request = Request::new(workload(demand(1, 0), demand(2, 0)), two(1.0), alpha);
        request.platform.round_overhead.value = h * t_target;
        request.model = CostModel { verify, transfer, ..CostModel::EQ1 };
        let mut space = Space::build(&request, &[gamma]).unwrap();
        // Without the model there is no table.
        let table = (0..=gamma).map(|at| (at == gamma).then_some(v)).collect();
        space.verify = vec![if verify { table } else { vec![] }];
        let drafts = space.points.iter().find(|point| point.drafter.is_some());
        let point = Point {
            t_draft: c * t_target,
            t_target,
            per_draft: x_draft * t_target,
            per_round: x_round * t_target,
            verify: 0,
            ..*drafts.unwrap()
        };
        let evaluator = Evaluator::new(&request, &space, &[gamma]);
        let seconds = evaluator.best_of(&point).unwrap().seconds;
        let (drafts, tokens) = (f64::from(gamma), expected_tokens(alpha, gamma));
        let v = if verify { v } else { 1.0 };
        let speedup = if transfer {
            (1.0 + h) * tokens / (drafts * (c + x_draft) + v + x_round + h)
        } else {
            tokens / (drafts * c + v)
        };
        let plain = if transfer { 1.0 + h } else { 1.0 } * t_target;
        prop_assert!((seconds - plain / speedup).abs() <= 1e-12 * seconds, "{seconds} {}", plain / speedup);
    }
}
