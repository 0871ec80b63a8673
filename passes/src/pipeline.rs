//! The order of passes, and running them by name.

use dialects::{Diagnostic, Module};

use crate::settings::Context;

/// What a pass does to a module: rewrites it, or says why it cannot.
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
        run: crate::resolve_markers::run,
    },
    Pass {
        name: "lower-torch",
        summary: "lower Torch to linalg on tensors with scf control flow",
        run: crate::lower_torch::run,
    },
    Pass {
        name: "identify-roles",
        summary: "find the role of every operation, with the evidence for it",
        run: crate::identify_roles::run,
    },
    Pass {
        name: "estimate-costs",
        summary: "count FLOPs, bytes and dtypes of each subgraph and crossing",
        run: crate::estimate_costs::run,
    },
    Pass {
        name: "select-mapping",
        summary: "choose mapping and draft length with the cost model",
        run: crate::select_mapping::run,
    },
    Pass {
        name: "fold-draft-length",
        summary: "make the chosen draft length a constant",
        run: crate::fold_draft_length::run,
    },
    Pass {
        name: "outline-subgraphs",
        summary: "move each subgraph into a function of its own",
        run: crate::outline_subgraphs::run,
    },
    Pass {
        name: "narrow-indices",
        summary: "compute indices and masks in i32 where words have 32 bits",
        run: crate::narrow_indices::run,
    },
    Pass {
        name: "widen-booleans",
        summary: "keep booleans in memory as i32 where words have 32 bits",
        run: crate::widen_booleans::run,
    },
    Pass {
        name: "gather-slices",
        summary: "read and write slices that begin inside of a vector element by element",
        run: crate::gather_slices::run,
    },
    Pass {
        name: "copy-overwritten",
        summary: "copy what an operation would overwrite while others read it",
        run: crate::copy_overwritten::run,
    },
    Pass {
        name: "order-loops",
        summary: "let the loops over a result run in the order of its dimensions",
        run: crate::order_loops::run,
    },
    Pass {
        name: "separate-broadcasts",
        summary: "dispatch by itself what spreads a reduction's result where SPIR-V is made",
        run: crate::separate_broadcasts::run,
    },
    Pass {
        name: "insert-crossings",
        summary: "pass buffers between devices instead of tensors",
        run: crate::insert_crossings::run,
    },
    Pass {
        name: "assign-affinities",
        summary: "declare devices and put functions and weights on them",
        run: crate::assign_affinities::run,
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
