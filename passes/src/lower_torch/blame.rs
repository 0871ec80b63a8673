//! Whose fault it is that lowering failed. IREE names the first operation that
//! is left, which often is a constant: it was not lowered because nobody
//! lowered the operation that uses it.

use dialects::ir::{Op, Walk};
use dialects::{Diagnostic, Module};

/// Operations that hand values on: they are left where their users are.
const CARRIERS: [&str; 4] = [
    "torch.constant.",
    "torch.vtensor.literal",
    "torch.prim.ListConstruct",
    "torch_c.",
];

/// Ends of the bodies of control flow, which is at fault itself.
const ENDS: [&str; 2] = ["torch.prim.Loop.condition", "torch.prim.If.yield"];

/// Python's operators, which Torch exports under names of their own, and the
/// functions that do the same and are lowered.
const PYTHON_OPERATORS: [(&str, &str, &str); 5] = [
    ("__and__", "&", "torch.bitwise_and"),
    ("__or__", "|", "torch.bitwise_or"),
    ("__xor__", "^", "torch.bitwise_xor"),
    ("__lshift__", "<<", "torch.bitwise_left_shift"),
    ("__rshift__", ">>", "torch.bitwise_right_shift"),
];

/// What `topk` is asked for in its last operand.
const TOPK: &str = "torch.aten.topk";

/// What Torch writes where a model converts types: it has no result.
const ASSERTION: &str = "torch.aten._assert_tensor_metadata";

/// What IREE said, with the operations at fault in place of those that it named,
/// and the next step for each. `module` is as the failed pass left it.
pub(super) fn explained(module: &Module<'_>, said: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = Vec::new();
    for diagnostic in said {
        let Some(name) = named(&diagnostic.message) else {
            // IREE brings a module to canonical form many times, and each time an
            // operation may be refused.
            let is_repeated = told.iter().any(|earlier| {
                (earlier.severity, &earlier.message, &earlier.place)
                    == (diagnostic.severity, &diagnostic.message, &diagnostic.place)
            });
            if !is_repeated {
                told.push(diagnostic);
            }
            continue;
        };
        let at_fault = at_fault(module, &diagnostic, name);
        if at_fault.is_empty() {
            let help = next_step(name);
            told.push(match diagnostic.help {
                Some(_) => diagnostic,
                None => diagnostic.help(help),
            });
        }
        for op in at_fault {
            let blamed = refusal(op);
            // It is told once, whatever was left because of it.
            if !told.contains(&blamed) {
                told.push(blamed);
            }
        }
    }
    told
}

fn refusal(op: Op<'_>) -> Diagnostic {
    let unsorted = op.is(TOPK) && is_false(op, 4);
    let (what, help) = if unsorted {
        (
            " with sorted=False",
            "give it sorted=True: the elements are the same, in order".to_owned(),
        )
    } else if op.is(ASSERTION) {
        (
            "",
            "it checks, and computes nothing: leave it out at export, with \
             table[torch.ops.aten._assert_tensor_metadata.default] = lambda *_, **__: None \
             for .run_decompositions(table)"
                .to_owned(),
        )
    } else {
        ("", next_step(op.name()))
    };
    Diagnostic::error(format!(
        "IREE's Torch lowering does not take '{}'{what}",
        op.name()
    ))
    .at(op.location().place())
    .offending(op.summary())
    .help(help)
}

/// The operation that IREE says it could not legalize.
fn named(message: &str) -> Option<&str> {
    let name = message.split('\'').nth(1)?;
    (message.starts_with("failed to legalize") && name.starts_with("torch")).then_some(name)
}

/// The operations because of which the one named was left; none where IREE
/// named the right one.
fn at_fault<'m>(module: &'m Module<'_>, said: &Diagnostic, name: &str) -> Vec<Op<'m>> {
    if !is_carrier(name) {
        return Vec::new();
    }
    for function in module.body().ops() {
        let mut left = Vec::new();
        let mut users = Vec::new();
        let mut is_here = false;
        function.walk(&mut |op| {
            // Constants that IREE made itself are from no place in the input.
            if op.is(name) && op.location().in_file() == said.place {
                is_here = true;
                users.extend(users_of(op));
            }
            if computes(op) {
                left.push(op);
            }
            Walk::Into
        });
        if is_here {
            // Scalars are the last that are lowered: what computes on tensors
            // and is left was refused, by all passes before.
            let on_tensors: Vec<Op<'_>> = left.into_iter().filter(|op| has_tensors(*op)).collect();
            return if on_tensors.is_empty() {
                users
            } else {
                on_tensors
            };
        }
    }
    Vec::new()
}

/// Whether operations of this name only hand values on.
pub(super) fn is_carrier(name: &str) -> bool {
    CARRIERS.iter().any(|carrier| name.starts_with(carrier))
}

fn users_of(op: Op<'_>) -> Vec<Op<'_>> {
    let results = op.results().into_iter();
    let users = results.flat_map(|result| result.uses().into_iter().map(|each| each.op));
    users.filter(|user| computes(*user)).collect()
}

fn computes(op: Op<'_>) -> bool {
    let name = op.name();
    op.is_of(&["torch"]) && !is_carrier(name) && !ENDS.contains(&name)
}

fn has_tensors(op: Op<'_>) -> bool {
    let values = op.operands().into_iter().chain(op.results());
    values
        .into_iter()
        .any(|value| value.r#type().to_string().starts_with("!torch.vtensor"))
}

fn is_false(op: Op<'_>, operand: usize) -> bool {
    let constant = op.operand(operand).and_then(|value| value.defining_op());
    constant.is_some_and(|constant| {
        constant.is("torch.constant.bool")
            && constant
                .attribute("value")
                .is_some_and(|value| value.to_string() == "false")
    })
}

/// What to do about an operation that is not lowered.
pub(super) fn next_step(name: &str) -> String {
    format!(
        "IREE's Torch lowering does not take this operation, in this form or at all: {}",
        export(name)
    )
}

/// The next step for an operator that has no operation.
pub(super) fn without_operation(name: &str) -> String {
    match name.starts_with("torch.aten.") || name.starts_with("torch.prims.") {
        true => export(name),
        false => "decompose it at export, or use torch.ops.specplace.place and \
                  torch.ops.specplace.draft_length for placement"
            .to_owned(),
    }
}

/// How it is decomposed at export.
fn export(name: &str) -> String {
    let mut parts = name.split('.').skip(1);
    let (Some(namespace @ ("aten" | "prims")), Some(operator)) = (parts.next(), parts.next())
    else {
        return "decompose it at export".to_owned();
    };
    let overload = parts.next().unwrap_or("default");
    let written = PYTHON_OPERATORS
        .iter()
        .find(|(method, ..)| operator == *method)
        .map_or_else(String::new, |(_, operator, function)| {
            format!("write {function}(a, b) for a {operator} b, or ")
        });
    format!(
        "{written}decompose it at export: \
         .run_decompositions(torch._decomp.get_decompositions([torch.ops.{namespace}.{operator}.{overload}])), \
         or by a function of yours where Torch has none"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_taken_from_what_iree_says() {
        let said = "failed to legalize operation 'torch.constant.bool': %0 = 'x'";
        assert_eq!(named(said), Some("torch.constant.bool"));
        assert_eq!(named("failed to legalize operation 'scf.while'"), None);
        assert_eq!(named("'torch.aten.mm' op is odd"), None);
    }

    #[test]
    fn decompositions_are_named_as_torch_names_them() {
        let step = next_step("torch.aten.erfinv");
        assert!(step.contains("[torch.ops.aten.erfinv.default]"), "{step}");
        let step = next_step("torch.aten.__and__.Tensor");
        assert!(
            step.contains("write torch.bitwise_and(a, b) for a & b, or decompose it"),
            "{step}"
        );
        assert!(step.contains("[torch.ops.aten.__and__.Tensor]"), "{step}");
        assert!(next_step("torch.prim.Loop").ends_with("decompose it at export"));
    }
}
