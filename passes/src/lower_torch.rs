//! `lower-torch`: Torch to linalg on tensors with scf control flow, in
//! `func.func`s with builtin tensors in their signatures.
//!
//! The passes are those that IREE itself runs for Torch input, whichever release
//! it is, up to where it would wrap functions into its asynchronous ABI and turn
//! them into
//! `util.func`s: those steps drop the attributes that placement needs. IR
//! without Torch operations is only inlined and made canonical. Weights
//! that bodies of operations load for themselves are loaded in front of them.
//! Attention is decomposed, and small constants of narrow floats are written out,
//! and constant masks as words.
//! Tensors of f64 become f32 here, as iree-compile makes them unless it is told
//! otherwise: done later, it would leave views of f64 on buffers of f32. So does what
//! bodies of computations compute in f64, which the plan would keep off GPUs.

mod concatenations;
mod masks;
mod narrow_constants;
mod pads;

use cost::workload::DType;
use dialects::ir::{Block, Op, Type, Walk};
use dialects::vocabulary::{FUNC, GLOBAL_LOAD};
use dialects::{Diagnostic, Module};

use crate::context::Remarks;
use crate::estimate_costs::count::computed_in;
use crate::initializers;
use crate::settings::Settings;
use crate::state;
use crate::structure::{is_function, is_pure, outer_ops};

mod blame;
mod seek;
mod steps;

/// Every later pass sees whole functions. The inliner would bring each to
/// canonical form by itself; that comes once, at the end.
const INLINE: &str = "inline{default-pipeline=}";

/// Without looking for dead and equal blocks: control flow is structured here.
const MAKE_CANONICAL: &str = "func.func(canonicalize{region-simplify=disabled},cse)";

/// Brings the quantization operators of exports before IREE 3.13 (per tensor,
/// in a namespace of their own) to those that Torch has now.
const MATCH_QUANTIZED: &str = "func.func(torch-match-quantized-custom-ops)";

/// How their names begin.
const QUANTIZED: &str = "torch.quantized_decomposed.";

/// An operator that Torch itself has no operation for.
const OPERATOR: &str = "torch.operator";

const DEMOTE: &str = "builtin.module(iree-input-conversion-demote-f64-to-f32)";

/// Attention as matrix products and a softmax. IREE's own form of it, tile by
/// tile, does not compile for SPIR-V, and is slower on CPUs.
const DECOMPOSE: &str = "builtin.module(func.func(\
    iree-linalg-ext-convert-attention-to-online-attention,\
    iree-linalg-ext-decompose-attention,\
    canonicalize{region-simplify=disabled},\
    cse))";

/// The option of iree-compile with which f64 stays what it is.
const KEEP_DOUBLES: [&str; 2] = [
    "--iree-input-demote-f64-to-f32=false",
    "--iree-input-demote-f64-to-f32=0",
];

/// Runs the pass.
///
/// # Errors
///
/// What IREE's Torch lowering says of an operation that it cannot lower, or a
/// Torch operator that only its author knows; an initializer that IREE's compiler
/// crashes on.
pub fn run(
    module: &mut Module<'_>,
    settings: &Settings,
    remarks: &mut Remarks,
) -> Result<(), Vec<Diagnostic>> {
    // IREE lowers it only together with its asynchronous ABI.
    if let Some(evidence) = state::written_argument(module) {
        return Err(vec![state::refusal(evidence)]);
    }
    let found = Found::in_module(module);
    for load in &found.loads_in_bodies {
        move_out_of_bodies(*load);
    }
    let (holds_torch, private_function) = (found.torch, found.private_function);
    let names = found
        .operators
        .iter()
        .filter_map(|op| op.string_attribute("name"));
    let quantized = names.into_iter().any(|name| name.starts_with(QUANTIZED));
    let holds_operators = !found.operators.is_empty();
    let steps = [
        quantized.then(|| MATCH_QUANTIZED.to_owned()),
        match holds_torch {
            true => Some(steps::lowering(module.session()).ok_or_else(|| vec![no_lowering()])?),
            false => None,
        },
        private_function.then(|| INLINE.to_owned()),
        Some(MAKE_CANONICAL.to_owned()),
    ];
    let steps: Vec<String> = steps.into_iter().flatten().collect();
    let pipeline = format!("builtin.module({})", steps.join(","));
    if holds_torch {
        if let Some(trial) = settings.trial
            && let Some(culprit) = seek::culprit(module, &pipeline, trial)
        {
            return Err(vec![culprit]);
        }
        pads::split(module);
        let public = public_functions(module);
        let lowered = module.run_pipeline(&pipeline);
        if holds_operators {
            unknown_operators(module)?;
        }
        let warnings = lowered.map_err(|said| blame::explained(module, said))?;
        // Torch lowering is large and changes with each IREE.
        module.verify()?;
        remarks.extend(warnings);
        for name in public {
            remarks.push(Diagnostic::remark(format!(
                "@{name} keeps its signature, but not the @{name}$async entry that \
                 iree-compile adds for Torch input: the placed module waits at its crossings"
            )));
        }
    } else {
        module.run_pipeline(&pipeline)?;
    }
    let refused = initializers::refused(module);
    if !refused.is_empty() {
        return Err(refused);
    }
    state::hand_on(module);
    // A shape that is found can tell that of the next concatenation.
    while concatenations::find_shapes(module) {
        module.run_pipeline(&format!("builtin.module({MAKE_CANONICAL})"))?;
    }
    narrow_constants::write_out(module);
    if found_attention(module) {
        module.run_pipeline(DECOMPOSE)?;
    }
    masks::write_as_words(module);
    let holds = holds_doubles(module);
    if (holds || computes_in_doubles(module)) && !keeps_doubles(settings) {
        module.run_pipeline(DEMOTE)?;
        let (became, kept) = if holds {
            (
                "tensors of f64 become f32, as iree-compile makes them",
                "them",
            )
        } else {
            (
                "what is computed in f64 is computed in f32, as iree-compile does it",
                "f64",
            )
        };
        remarks.push(Diagnostic::remark(became).help(format!(
            "to keep {kept}, give {} in the platform's compile_flags",
            KEEP_DOUBLES[0]
        )));
    }
    Ok(())
}

/// Whether any operation is attention as a whole, in any form of it.
fn found_attention(module: &Module<'_>) -> bool {
    let ops = outer_ops(module);
    ops.iter()
        .any(|op| op.is_of(&["iree_linalg_ext"]) && op.name().ends_with("attention"))
}

/// Whether any tensor that flows between operations is of f64. Scalars, such as
/// the epsilons that Torch writes into bodies, are left to iree-compile, unless
/// bodies compute with them.
fn holds_doubles(module: &Module<'_>) -> bool {
    let is_double = |r#type: Type<'_>| {
        r#type.is_tensor()
            && r#type.element().is_float()
            && r#type.element().bit_width() == Some(64)
    };
    outer_ops(module).into_iter().any(|op| {
        let arguments = op.blocks().into_iter().flat_map(Block::arguments);
        op.results()
            .into_iter()
            .chain(arguments)
            .any(|value| is_double(value.r#type()))
    })
}

/// Whether the body of a computation computes in f64 though its tensors are of other
/// types: Torch's powers of integers do. To the plan that would be work in f64, which
/// GPUs lack.
fn computes_in_doubles(module: &Module<'_>) -> bool {
    let mut computes = false;
    for op in outer_ops(module) {
        if op.regions().next().is_none() || !is_pure(op) {
            continue;
        }
        op.walk(&mut |nested| {
            computes |= nested != op && computed_in(nested) == Some(DType::F64);
            Walk::Into
        });
    }
    computes
}

/// Whether the platform has iree-compile keep f64.
fn keeps_doubles(settings: &Settings) -> bool {
    let mut flags = settings.request.iter().flat_map(|request| {
        let units = request.platform.pus.iter();
        let own = units.flat_map(|unit| unit.iree.compile_flags.iter());
        own.chain(&request.platform.compile_flags)
    });
    flags.any(|flag| KEEP_DOUBLES.contains(&flag.as_str()))
}

fn no_lowering() -> Diagnostic {
    Diagnostic::error("this IREE lowers Torch in another way than the releases that specplace knows")
        .help("use the IREE release that toolchain/requirements.txt pins, or give IR that is lowered: iree-compile --compile-to=input")
}

/// What a module needs steps for.
#[derive(Default)]
struct Found<'m> {
    /// Torch operations.
    torch: bool,
    /// Functions that the inliner inlines, or removes: it takes its time even
    /// where there are none.
    private_function: bool,
    /// Torch operators that only their author knows.
    operators: Vec<Op<'m>>,
    /// Weights that the body of a computation loads for itself.
    loads_in_bodies: Vec<Op<'m>>,
}

impl<'m> Found<'m> {
    fn in_module(module: &'m Module<'_>) -> Self {
        let mut found = Self::default();
        module.op().walk(&mut |op| {
            found.torch |= op.is_of(&["torch", "torch_c"]);
            found.private_function |= is_function(op) && !op.is_public();
            if op.is(OPERATOR) {
                found.operators.push(op);
            }
            if op.is(GLOBAL_LOAD) && op.parent().is_some_and(is_pure) {
                found.loads_in_bodies.push(op);
            }
            Walk::Into
        });
        found
    }
}

/// Moves a load in front of the computation in whose body it is: what an
/// operation reads is looked for among what enters it, and IREE finds no global
/// that has a device from within a dispatch ("undefined global").
fn move_out_of_bodies(load: Op<'_>) {
    let mut outermost = load;
    while let Some(outer) = outermost.parent().filter(|op| is_pure(*op)) {
        outermost = outer;
    }
    load.move_before(outermost);
}

fn public_functions(module: &Module<'_>) -> Vec<String> {
    module
        .body()
        .ops()
        .into_iter()
        .filter(|op| op.is(FUNC) && op.is_public())
        .filter_map(|op| op.symbol_name())
        .collect()
}

/// Names every operator that is left, at once: IREE has some of which nobody
/// else knows, and stops at the first that it does not know.
fn unknown_operators(module: &Module<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    module.op().walk(&mut |op| {
        if op.is(OPERATOR) {
            let name = op.string_attribute("name").unwrap_or_default();
            errors.push(
                Diagnostic::error(format!("the Torch operator '{name}' is not known"))
                    .at(op.location().place())
                    .offending(op.summary())
                    .help(blame::without_operation(&name)),
            );
        }
        Walk::Into
    });
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}
