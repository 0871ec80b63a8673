//! Which passes lower Torch: those of IREE's own `torch-to-iree`, asked of the
//! library that is loaded.

use dialects::Session;

/// IREE's pipeline for Torch input.
const TORCH_TO_IREE: &str = "builtin.module(torch-to-iree)";

/// The pass of it from which on we go our own way: after it, functions are
/// wrapped into the asynchronous ABI. Nothing is inlined before.
const LEFT_AT: &str = "inline";

/// What IREE keeps whole, and cannot compile for every device: its argmax does not
/// become code for CUDA or ROCm. Taken apart, into a maximum and its index, it does.
const DECOMPOSED: [&str; 2] = ["aten.argmax", "aten.argmin"];

/// Makes one operation of several, such as slices of a list that is split and unpacked.
/// Releases whose own list lacks it (3.6.0) do not lower these.
const RECOMPOSE: &str = "torch-recompose-complex-ops";

/// What stands in for the rest of it: tensors of MLIR in signatures, and no
/// conversions between the two kinds left. What random numbers are made from is
/// a global of `ml_program` until iree-compile would import it.
const FINISH: [&str; 4] = [
    "torch-func-backend-type-conversion",
    "canonicalize",
    "func.func(torch-finalizing-backend-type-conversion)",
    "iree-import-ml-program",
];

/// The passes that lower Torch, as text; `None` where this IREE has no
/// `torch-to-iree`, or one that is built in another way.
pub(super) fn lowering(session: &Session) -> Option<String> {
    let mut whole = session.expand_pipeline(TORCH_TO_IREE)?;
    for operation in DECOMPOSED {
        whole = whole.replace(&format!(",{operation}"), "");
    }
    let passes = whole.strip_prefix("builtin.module(")?.strip_suffix(')')?;
    let passes = split(passes);
    let left_at = passes.iter().position(|pass| name(pass) == LEFT_AT)?;
    let passes = passes[..left_at].iter().copied().chain(FINISH);
    let passes = passes.collect::<Vec<_>>().join(",");
    Some(match passes.contains(RECOMPOSE) {
        true => passes,
        false => format!("func.func({RECOMPOSE}),{passes}"),
    })
}

/// The passes of a list that commas separate; those in parentheses (nested
/// passes) and braces (options) separate nothing.
fn split(list: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    list.split(|letter| {
        match letter {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .collect()
}

/// A pass without its options and what is nested in it.
fn name(pass: &str) -> &str {
    pass.split(['(', '{']).next().unwrap_or(pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lowering was proven with these passes. Where this fails, IREE was
    /// exchanged for another release: see what a pass that came or went is for
    /// (the marker operations have to survive, functions keep attributes), and
    /// then put the list right here.
    #[test]
    fn the_passes_are_those_that_were_tried() {
        let lowering = lowering(&iree::session()).unwrap();
        let names: Vec<&str> = split(&lowering)
            .into_iter()
            .flat_map(|pass| match pass.strip_prefix("func.func(") {
                Some(nested) => split(nested.strip_suffix(')').unwrap()),
                None => vec![pass],
            })
            .map(name)
            .collect();
        assert_eq!(
            names,
            [
                "torch-iree-bind-symbolic-shapes",
                "torch-iree-set-strict-symbolic-shapes",
                "canonicalize",
                "torch-recompose-complex-ops",
                "torch-iree-bitcast-tensor",
                "torch-reduce-op-variants",
                "torch-convert-custom-quant-op",
                "torch-decompose-complex-ops",
                "torch-fuse-quantized-ops",
                "canonicalize",
                "torch-scalarize-shapes",
                "convert-torch-to-tmtensor",
                "torch-iree-tm-tensor-to-linalg-ext",
                "convert-torch-to-tensor",
                "torch-iree-torch-unstructured-to-linalg-ext",
                "torch-iree-torch-quantization-to-linalg-ext",
                "convert-torch-to-linalg",
                "cse",
                "convert-torch-to-scf",
                "convert-torch-to-arith",
                "convert-torch-conversion-to-mlprogram",
                "canonicalize",
                "resolve-shaped-type-result-dims",
                "cse",
                "torch-func-backend-type-conversion",
                "canonicalize",
                "torch-finalizing-backend-type-conversion",
                "iree-import-ml-program",
            ]
        );
    }

    #[test]
    fn argmax_is_taken_apart() {
        let session = iree::session();
        assert!(!lowering(&session).unwrap().contains("argm"));
        let whole = session.expand_pipeline(TORCH_TO_IREE).unwrap();
        for operation in DECOMPOSED {
            assert!(whole.contains(&format!(",{operation}")), "{whole}");
        }
    }

    #[test]
    fn options_and_nested_passes_are_not_split() {
        let list = "a{x={p,q} y=1},func.func(b,c{z=(1,2)}),d";
        assert_eq!(
            split(list),
            ["a{x={p,q} y=1}", "func.func(b,c{z=(1,2)})", "d"]
        );
        let names: Vec<&str> = split(list).into_iter().map(name).collect();
        assert_eq!(names, ["a", "func.func", "d"]);
    }
}
