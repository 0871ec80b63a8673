//! Whether a model looks at later positions: attention without a mask.
//!
//! Verifying γ + 1 tokens in one pass is right only where the logits of a position
//! depend on no later one. Attention keeps that by a mask between its scores, a
//! product of two computed tensors over all pairs of positions, and its softmax.
//! Scores that reach a softmax and meet nothing that differs from pair to pair have
//! no mask; nor have they one where all that they meet are constants that leave a
//! later position open. A mask that is computed is taken for a causal one, and it is
//! not looked at how convolutions and scans reach: what is found is certain, and
//! what is not found is not proven causal.

mod mask;

use std::cell::RefCell;
use std::collections::BTreeSet;

use dialects::ir::{Attribute, Op, Value};
use dialects::linalg::{Access, accesses};
use dialects::vocabulary::TRANSFER;
use dialects::{Diagnostic, Module};

use rustc_hash::{FxHashMap, FxHashSet};

use mask::Masks;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Origin {
    /// From an integer that is handed in: from tokens.
    tokens: bool,
    /// Through a product on the way, as activations are and masks are not.
    product: bool,
}

/// A warning, if an operation of the target is attention of every position to every
/// other one. `ops` are the module's in their order.
pub fn check<'m>(
    module: &'m Module<'_>,
    ops: &[Op<'m>],
    is_target: impl Fn(Op<'m>) -> bool,
) -> Option<Diagnostic> {
    let known = Known::new(module, ops);
    let seen = ops
        .iter()
        .find(|op| is_target(**op) && known.looks_ahead(**op))?;
    Some(
        Diagnostic::warning(
            "the target looks at later positions: its attention has no mask that keeps it \
             from them",
        )
        .at(seen.location().place())
        .offending(seen.summary())
        .help(
            "verifying several tokens in one pass is right only if no position depends on a \
             later one: export the target with a causal mask (is_causal=True, or a mask as \
             its model's forward makes it)",
        ),
    )
}

/// The globals that are masks: what attention meets between its scores and its
/// softmax, element by element. `ops` are the module's in their order.
pub fn mask_globals<'m>(module: &'m Module<'_>, ops: &[Op<'m>]) -> BTreeSet<String> {
    let known = Known::new(module, ops);
    for op in ops {
        known.looks_ahead(*op);
    }
    known.met.into_inner()
}

fn origins<'m>(ops: &[Op<'m>]) -> FxHashMap<Value<'m>, Origin> {
    let mut origins = FxHashMap::default();
    for op in ops {
        let mut origin = Origin::default();
        for operand in op.operands() {
            let of = origins.get(&operand).copied().unwrap_or(Origin {
                // Weights that a loop carries are floats, tokens are none.
                tokens: operand.defining_op().is_none() && operand.r#type().element().is_integer(),
                product: false,
            });
            origin.tokens |= of.tokens;
            origin.product |= of.product;
        }
        origin.product |= origin.tokens && product(*op).is_some();
        origins.extend(op.results().into_iter().map(|result| (result, origin)));
    }
    origins
}

/// The accesses of the two factors and of the product, where `op` is one, with the
/// factors.
fn product<'m>(op: Op<'m>) -> Option<([Value<'m>; 2], [Vec<Access>; 3])> {
    let operands = op.operands();
    let (&[one, other, _], [_]) = (operands.as_slice(), op.results().as_slice()) else {
        return None;
    };
    let accesses: [Vec<Access>; 3] = accesses(op)?.try_into().ok()?;
    let [a, b, out] = &accesses;
    let summed = |access: &Vec<Access>| access.iter().any(|each| !out.contains(each));
    (summed(a) && summed(b)).then_some(([one, other], accesses))
}

/// What the checks ask.
struct Known<'m> {
    origins: FxHashMap<Value<'m>, Origin>,
    masks: Masks<'m>,
    /// The globals that scores met as masks.
    met: RefCell<BTreeSet<String>>,
}

impl<'m> Known<'m> {
    fn new(module: &'m Module<'_>, ops: &[Op<'m>]) -> Self {
        Self {
            origins: origins(ops),
            masks: Masks::new(module),
            met: RefCell::default(),
        }
    }

    fn looks_ahead(&self, op: Op<'m>) -> bool {
        if op.is("iree_linalg_ext.attention") || op.is("iree_linalg_ext.online_attention") {
            return is_unmasked_attention(op);
        }
        let Some((factors, [a, b, out])) = product(op) else {
            return false;
        };
        let computed =
            |value: &Value<'m>| self.origins.get(value).is_some_and(|origin| origin.tokens);
        let (Some(result), [.., row, column]) = (op.result(0), out.as_slice()) else {
            return false;
        };
        let apart =
            a.contains(row) && !a.contains(column) && b.contains(column) && !b.contains(row)
                || b.contains(row) && !b.contains(column) && a.contains(column) && !a.contains(row);
        factors.iter().all(computed)
            && apart
            && is_square(result)
            && self.reaches_softmax_unmasked(result)
    }

    fn reaches_softmax_unmasked(&self, scores: Value<'m>) -> bool {
        let mut open = vec![scores];
        let mut seen = FxHashSet::default();
        let mut softmax = false;
        while let Some(value) = open.pop() {
            if !seen.insert(value) {
                continue;
            }
            for user in value.uses() {
                match self.step(user.op, user.index) {
                    Step::Masks | Step::Unknown => return false,
                    Step::Ends => {}
                    Step::Passes { exponential } => {
                        softmax |= exponential;
                        open.extend(
                            user.op
                                .results()
                                .into_iter()
                                .filter(|each| is_square(*each)),
                        );
                    }
                }
            }
        }
        softmax
    }

    fn step(&self, op: Op<'m>, index: usize) -> Step {
        let name = op.name();
        match name {
            "tensor.expand_shape" | "tensor.collapse_shape" | "tensor.cast" => {
                return if op.result(0).is_some_and(is_square) {
                    Step::Passes { exponential: false }
                } else {
                    Step::Unknown
                };
            }
            TRANSFER => return Step::Passes { exponential: false },
            _ if op.results().is_empty() => return Step::Ends,
            _ if name.starts_with("arith.") || name.starts_with("math.") => {
                return if op.operands().iter().any(|each| self.is_mask(*each)) {
                    Step::Masks
                } else {
                    Step::Passes {
                        exponential: name.starts_with("math.exp"),
                    }
                };
            }
            _ => {}
        }
        let Some(accesses) = accesses(op) else {
            return Step::Unknown;
        };
        let Some([.., row, column]) = accesses.get(index).map(Vec::as_slice) else {
            return Step::Unknown;
        };
        let pairs = |access: &Vec<Access>| access.contains(row) && access.contains(column);
        let inputs = accesses.len() - op.results().len().min(accesses.len());
        if !accesses[inputs..].iter().any(pairs) {
            return Step::Ends;
        }
        let operands = op.operands();
        let masked = (0..inputs)
            .filter(|other| *other != index && accesses.get(*other).is_some_and(pairs))
            .any(|other| operands.get(other).is_some_and(|each| self.is_mask(*each)));
        let body = op.nested();
        let asks = body.iter().any(|inner| {
            inner.name().ends_with(".index")
                && inner
                    .attribute("dim")
                    .and_then(Attribute::as_integer)
                    .and_then(|dim| usize::try_from(dim).ok())
                    .is_none_or(|dim| [row, column].contains(&&Access::Loop(dim)))
        });
        if masked || asks {
            return Step::Masks;
        }
        Step::Passes {
            exponential: name == "linalg.softmax"
                || name == "linalg.exp"
                || body
                    .iter()
                    .any(|inner| inner.name().starts_with("math.exp")),
        }
    }

    /// Whether scores that meet it are kept apart by it.
    fn is_mask(&self, value: Value<'m>) -> bool {
        let computed = |origin: &Origin| origin.product;
        let masks = !self.origins.get(&value).is_some_and(computed)
            && !is_uniform(value)
            && !self.masks.leaves_later_positions_open(value);
        if masks {
            self.met
                .borrow_mut()
                .extend(self.masks.global_behind(value));
        }
        masks
    }
}

/// Attention as one operation: query, key, value and scale, a mask where there is
/// one, and what is written to.
fn is_unmasked_attention(op: Op<'_>) -> bool {
    let inputs = op.operands().len() - op.results().len().min(op.operands().len());
    let positions = |index| {
        let shape = op.operand(index)?.r#type().shape()?;
        let [.., positions, _] = shape.as_slice() else {
            return None;
        };
        *positions
    };
    inputs == 4
        && positions(0)
            .zip(positions(1))
            .is_some_and(|(query, key)| query == key && query > 1)
}

/// Whether the last two dimensions are as long as each other, and not 1.
fn is_square(value: Value<'_>) -> bool {
    value.r#type().shape().is_some_and(|shape| {
        matches!(shape.as_slice(), [.., Some(rows), Some(columns)] if rows == columns && *rows > 1)
    })
}

/// What an operation does with scores.
enum Step {
    /// Its result is scores, too.
    Passes { exponential: bool },
    /// It takes each pair of positions by something of its own.
    Masks,
    /// The result has no pairs any more.
    Ends,
    /// It is not known.
    Unknown,
}

/// Whether all elements are the same.
fn is_uniform(value: Value<'_>) -> bool {
    value.defining_op().is_some_and(|op| {
        op.is("linalg.fill")
            || op.is("tensor.splat")
            || op.is("tensor.empty")
            || op.attribute("value").is_some_and(Attribute::is_splat)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::outer_ops;
    use dialects::OwnedModule;

    /// Scores of embedded tokens; `$MASKED` makes `%m` of them, of which a softmax is
    /// taken.
    const ATTENTION: &str = "\
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
util.global private @table : tensor<8x4xf32>
func.func @forward(%tokens: tensor<3xi64>) -> tensor<3x3xf32> {
  %z = arith.constant 0.0 : f32
  %low = arith.constant -3.0e38 : f32
  %table = util.global.load @table : tensor<8x4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %x = linalg.generic {indexing_maps = [#row, #all], iterator_types = [\"parallel\", \"parallel\"]} ins(%tokens : tensor<3xi64>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %table[%i, %j] : tensor<8x4xf32>
    linalg.yield %v : f32
  } -> tensor<3x4xf32>
  %te = tensor.empty() : tensor<4x3xf32>
  %t = linalg.transpose ins(%x : tensor<3x4xf32>) outs(%te : tensor<4x3xf32>) permutation = [1, 0]
  %se = tensor.empty() : tensor<3x3xf32>
  %zero = linalg.fill ins(%z : f32) outs(%se : tensor<3x3xf32>) -> tensor<3x3xf32>
  %s = linalg.matmul ins(%x, %t : tensor<3x4xf32>, tensor<4x3xf32>) outs(%zero : tensor<3x3xf32>) -> tensor<3x3xf32>
  $MASKED
  %re = tensor.empty() : tensor<3xf32>
  %lowest = linalg.fill ins(%low : f32) outs(%re : tensor<3xf32>) -> tensor<3xf32>
  %most = linalg.generic {indexing_maps = [#all, #row], iterator_types = [\"parallel\", \"reduction\"]} ins(%m : tensor<3x3xf32>) outs(%lowest : tensor<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.maximumf %in, %out : f32
    linalg.yield %v : f32
  } -> tensor<3xf32>
  %p = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = [\"parallel\", \"parallel\"]} ins(%m, %most : tensor<3x3xf32>, tensor<3xf32>) outs(%se : tensor<3x3xf32>) {
  ^bb0(%in: f32, %max: f32, %out: f32):
    %d = arith.subf %in, %max : f32
    %v = math.exp %d : f32
    linalg.yield %v : f32
  } -> tensor<3x3xf32>
  return %p : tensor<3x3xf32>
}
";

    #[track_caller]
    fn looks_ahead(masked: &str) -> bool {
        let session = iree::session();
        let text = ATTENTION.replace("$MASKED", masked);
        let module = OwnedModule::from_source(&session, text.as_bytes()).expect("it parses");
        check(&module, &outer_ops(&module), |_| true).is_some()
    }

    const SUM: &str = "%m = arith.addf %s, %mask : tensor<3x3xf32>";

    #[test]
    fn scores_without_a_mask_look_ahead() {
        assert!(looks_ahead(
            "%c = arith.constant dense<0.5> : tensor<3x3xf32>\n%m = arith.mulf %s, %c : tensor<3x3xf32>"
        ));
        // The sum of two scores, as where positions have a product of their own.
        assert!(looks_ahead("%m = arith.addf %s, %s : tensor<3x3xf32>"));
    }

    #[test]
    fn a_computed_mask_is_taken_for_a_causal_one() {
        assert!(!looks_ahead(
            "%m = linalg.generic {indexing_maps = [#all, #all], iterator_types = [\"parallel\", \"parallel\"]} \
             ins(%s : tensor<3x3xf32>) outs(%se : tensor<3x3xf32>) {\n\
             ^bb0(%in: f32, %out: f32):\n\
             %i = linalg.index 0 : index\n%j = linalg.index 1 : index\n\
             %later = arith.cmpi ugt, %j, %i : index\n\
             %v = arith.select %later, %low, %in : f32\nlinalg.yield %v : f32\n} -> tensor<3x3xf32>"
        ));
    }

    #[test]
    fn a_constant_mask_is_read() {
        let constant = |elements: &str| {
            format!("%mask = arith.constant dense<{elements}> : tensor<3x3xf32>\n{SUM}")
        };
        // 0, -1e30 (0xf149f2ca) and 5 (0x40a00000), low byte first.
        let (open, shut) = ("00000000", "caf249f1");
        let causal = format!("\"0x{open}{shut}{shut}{open}{open}{shut}{open}{open}{open}\"");
        assert!(!looks_ahead(&constant(&causal)));
        let ajar = causal.replacen(shut, "0000a040", 1);
        assert!(looks_ahead(&constant(&ajar)));
        assert!(looks_ahead(&constant("0.0")));
    }
}
