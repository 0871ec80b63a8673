//! Merging of functions that are the same but for their names.

use std::collections::HashMap;

use dialects::Module;
use dialects::ir::{Attribute, Op};

use super::is_outlined;

/// Keeps the first of every set of identical outlined functions and calls it
/// in place of the others.
pub fn merge_identical(module: &Module<'_>) {
    let outlined: Vec<Op> = module
        .body()
        .ops()
        .into_iter()
        .filter(|op| is_outlined(*op))
        .collect();
    // Printing is what comparing costs, so that only functions that agree in
    // type and size are printed.
    let mut alike: HashMap<(String, usize), Vec<Op>> = HashMap::new();
    for function in &outlined {
        let r#type = function
            .attribute("function_type")
            .map(|each| each.to_string())
            .unwrap_or_default();
        let size = function.nested().len();
        alike.entry((r#type, size)).or_default().push(*function);
    }
    let mut replaced: HashMap<String, String> = HashMap::new();
    let mut gone = Vec::new();
    for candidates in alike.into_values().filter(|each| each.len() > 1) {
        let mut kept: HashMap<String, String> = HashMap::new();
        for function in candidates {
            let name = function.symbol_name().unwrap_or_default();
            let text =
                function
                    .to_generic_text()
                    .replacen(&format!("sym_name = \"{name}\""), "", 1);
            match kept.get(&text) {
                Some(first) => {
                    replaced.insert(name, first.clone());
                    gone.push(function);
                }
                None => {
                    kept.insert(text, name);
                }
            }
        }
    }
    if replaced.is_empty() {
        return;
    }
    for op in module.op().nested() {
        if op.is("func.call")
            && let Some(callee) = op.attribute("callee").and_then(|each| each.as_symbol())
            && let Some(first) = replaced.get(&callee)
        {
            op.set_attribute("callee", Attribute::symbol(module.session(), first));
        }
    }
    for function in gone {
        function.erase();
    }
}
