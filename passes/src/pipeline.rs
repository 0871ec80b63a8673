//! The order of passes, and running them by name.

use dialects::{Diagnostic, Module};

use crate::context::Context;
use crate::{
    assign_affinities, copy_overwritten, estimate_costs, fold_draft_length, gather_slices,
    identify_roles, insert_crossings, lower_torch, narrow_indices, order_loops, outline_subgraphs,
    resolve_markers, select_mapping, separate_broadcasts, widen_booleans,
};

/// What a pass does to a module: rewrites it, or says why it cannot. What it takes and
/// gives beside the module is in the type of its own function, and passes through the
/// context here.
pub type Run = fn(&mut Module<'_>, &mut Context) -> Result<(), Vec<Diagnostic>>;

/// A pass, by name.
pub struct Pass {
    /// Its name on the command line (`specplace opt --pass NAME`).
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// The pass.
    pub run: Run,
}

/// All passes, in the order in which `specplace IN -o OUT` runs them.
pub const PASSES: &[Pass] = &[
    Pass {
        name: "resolve-markers",
        summary: "bring every form of placement operator into one",
        run: |module, context| {
            context.marked = resolve_markers::run(module, &context.settings, &mut context.remarks)?;
            Ok(())
        },
    },
    Pass {
        name: "lower-torch",
        summary: "lower Torch to linalg on tensors with scf control flow",
        run: |module, context| lower_torch::run(module, &context.settings, &mut context.remarks),
    },
    Pass {
        name: "identify-roles",
        summary: "find the role of every operation, with the evidence for it",
        run: |module, context| {
            let Context {
                settings,
                marked,
                remarks,
                ..
            } = context;
            identify_roles::run(module, settings, marked, remarks)
        },
    },
    Pass {
        name: "estimate-costs",
        summary: "count FLOPs, bytes and dtypes of each subgraph and crossing",
        run: |module, context| {
            let workload = estimate_costs::run(module, &context.settings, &mut context.remarks)?;
            context.workload = Some(workload);
            Ok(())
        },
    },
    Pass {
        name: "select-mapping",
        summary: "choose mapping and draft length with the cost model",
        run: |module, context| {
            let workload = context.counted(module)?;
            let decision = select_mapping::run(module, &context.settings, workload)?;
            context.plan = Some(decision.plan);
            context.placement = Some(decision.placement);
            context.ranking = decision.ranking;
            Ok(())
        },
    },
    Pass {
        name: "fold-draft-length",
        summary: "make the chosen draft length a constant",
        run: |module, context| fold_draft_length::run(module, context.draft_length(module)?),
    },
    Pass {
        name: "outline-subgraphs",
        summary: "move each subgraph into a function of its own",
        run: |module, context| outline_subgraphs::run(module, context.settings.handover),
    },
    Pass {
        name: "narrow-indices",
        summary: "compute indices and masks in i32 where words have 32 bits",
        run: |module, context| {
            let decided = context.decided(module, "narrow indices for", "narrow-indices")?;
            narrow_indices::run(module, decided.placement, decided.remarks)
        },
    },
    Pass {
        name: "widen-booleans",
        summary: "keep booleans in memory as i32 where words have 32 bits",
        run: |module, context| {
            let decided = context.decided(module, "widen booleans for", "widen-booleans")?;
            widen_booleans::run(module, decided.placement, decided.remarks)
        },
    },
    Pass {
        name: "gather-slices",
        summary: "read and write slices that begin inside of a vector element by element",
        run: |module, context| {
            let decided = context.decided(module, "gather slices for", "gather-slices")?;
            gather_slices::run(module, decided.placement)
        },
    },
    Pass {
        name: "copy-overwritten",
        summary: "copy what an operation would overwrite while others read it",
        run: |module, _| copy_overwritten::run(module),
    },
    Pass {
        name: "order-loops",
        summary: "let the loops over a result run in the order of its dimensions",
        run: |module, _| order_loops::run(module),
    },
    Pass {
        name: "separate-broadcasts",
        summary: "dispatch by itself what spreads a reduction's result where SPIR-V is made",
        run: |module, context| {
            let decided =
                context.decided(module, "separate broadcasts for", "separate-broadcasts")?;
            separate_broadcasts::run(module, decided.placement)
        },
    },
    Pass {
        name: "insert-crossings",
        summary: "pass buffers between devices instead of tensors",
        run: |module, context| {
            let decided = context.decided(module, "apply", "insert-crossings")?;
            insert_crossings::run(
                module,
                decided.placement,
                decided.plan,
                decided.handover,
                decided.remarks,
            )
        },
    },
    Pass {
        name: "assign-affinities",
        summary: "declare devices and put functions and weights on them",
        run: |module, context| {
            let decided = context.decided(module, "apply", "assign-affinities")?;
            let threshold = assign_affinities::run(module, decided.placement, decided.remarks)?;
            context.hoisting_threshold = threshold;
            Ok(())
        },
    },
];

/// The pass of this name.
pub fn find_pass(name: &str) -> Option<&'static Pass> {
    PASSES.iter().find(|pass| pass.name == name)
}

/// Runs one pass. Builds with debug assertions verify the module after it;
/// others leave that to [`verify`] after the last one, since verifying costs
/// more than most passes.
///
/// # Errors
///
/// The diagnostics of the pass, or of [`verify`].
pub fn run_pass(
    module: &mut Module<'_>,
    context: &mut Context,
    pass: &'static Pass,
) -> Result<(), Vec<Diagnostic>> {
    (pass.run)(module, context)?;
    module.clear_graveyard();
    if cfg!(debug_assertions) {
        verify(module, pass)?;
    }
    Ok(())
}

/// Checks what passes, the last of them `last`, have made of a module.
///
/// # Errors
///
/// The verifier's diagnostics: a pass that leaves invalid IR behind is a bug,
/// and the message says so.
pub fn verify(module: &Module<'_>, last: &Pass) -> Result<(), Vec<Diagnostic>> {
    module.verify().map_err(|mut diagnostics| {
        diagnostics.insert(
            0,
            Diagnostic::error(format!(
                "{}, or a pass before it, left invalid IR behind: a bug in specplace",
                last.name
            ))
            .help("please report it with the input"),
        );
        diagnostics
    })
}
