//! What a forward pass has to look like, and what is said where it does not.

use cost::{Role, counted};
use dialects::ir::{Op, Type, Value};
use dialects::vocabulary::{FUNC, GLOBAL_LOAD, GLOBAL_STORE, TRANSFER, UTIL_FUNC};
use dialects::{Diagnostic, Module, Place};

use crate::names::model_role_in;
use crate::structure::{is_control_flow, is_function, is_pure};

/// A forward pass whose interface was checked.
#[derive(Clone, Debug)]
pub struct Forward<'m> {
    /// Its function, lowered, with one block.
    pub function: Op<'m>,
    /// Its name, as the user knows it.
    pub name: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// Tokens in its row.
    pub length: u64,
    /// Tokens in its vocabulary.
    pub vocabulary: u64,
    /// Bits of its token type.
    pub token_bits: u32,
    /// The type of a logit: `f32`, say.
    pub logit: String,
}

impl Forward<'_> {
    /// A note that points at it.
    pub fn note(&self, role: Role, what: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::note(format!("{role} @{}: {what}", self.name)).at(self.place.clone())
    }
}

/// The function that `name` means, or the only one that can be meant.
///
/// # Errors
///
/// There is none of that name, or several could be meant.
pub fn choose<'m>(
    module: &'m Module<'_>,
    role: Role,
    file: &str,
    name: Option<&str>,
) -> Result<Op<'m>, Vec<Diagnostic>> {
    let all: Vec<Op> = module
        .body()
        .ops()
        .into_iter()
        .filter(|op| is_function(*op) && op.has_body())
        .collect();
    let public: Vec<Op> = all.iter().copied().filter(|op| op.is_public()).collect();
    let listed = |ops: &[Op]| -> String {
        let names: Vec<String> = ops
            .iter()
            .filter_map(|op| op.symbol_name())
            .map(|name| format!("@{name}"))
            .collect();
        names.join(", ")
    };
    let found = match name {
        Some(name) => all
            .iter()
            .copied()
            .find(|op| op.symbol_name().as_deref() == Some(name))
            .ok_or_else(|| {
                vec![
                    Diagnostic::error(format!("{file} has no function @{name}"))
                        .at(module.op().location().place())
                        .help(format!("it has {}", listed(&all))),
                ]
            })?,
        None => {
            let spoken: Vec<Op> = public
                .iter()
                .copied()
                .filter(|op| op.symbol_name().and_then(|name| model_role_in(&name)) == Some(role))
                .collect();
            match (public.as_slice(), spoken.as_slice()) {
                ([only], _) | (_, [only]) => *only,
                ([], _) => {
                    return Err(vec![
                        Diagnostic::error(format!("{file} has no function with a body"))
                            .at(module.op().location().place())
                            .help("give a module with a forward pass from tokens to logits"),
                    ]);
                }
                _ => {
                    return Err(vec![
                        Diagnostic::error(format!("which function of {file} is the {role}?"))
                            .at(module.op().location().place())
                            .offending(listed(&public))
                            .help(format!("say it: --{role} {file}@FUNCTION")),
                    ]);
                }
            }
        }
    };
    if found.is(UTIL_FUNC) {
        return Err(vec![
            Diagnostic::error(format!(
                "@{} is no longer as it was exported: IREE's input phase has wrapped it",
                found.symbol_name().unwrap_or_default()
            ))
            .at(found.location().place())
            .offending(found.summary())
            .help("give the module as the exporter wrote it, before iree-compile"),
        ]);
    }
    Ok(found)
}

/// What a forward pass must not hold before it is lowered: tensors that are
/// changed in place, which is how an exporter writes a cache.
///
/// # Errors
///
/// The first operation that changes one.
pub fn refuse_state(function: Op<'_>, role: Role) -> Result<(), Vec<Diagnostic>> {
    for op in function.nested() {
        let writes = op.is(GLOBAL_STORE) || op.is("torch.overwrite.tensor.contents");
        if writes {
            return Err(vec![
                state(
                    role,
                    function,
                    format!("the {role} keeps state between calls, such as a KV cache"),
                )
                .at(op.location().place())
                .offending(op.summary()),
            ]);
        }
    }
    Ok(())
}

fn state(role: Role, function: Op<'_>, what: String) -> Diagnostic {
    Diagnostic::error(what)
        .with_note(
            Diagnostic::note(format!(
                "{role} @{}",
                function.symbol_name().unwrap_or_default()
            ))
            .at(function.location().place()),
        )
        .help(
            "specplace assembles forward passes without state for now: export the model without \
             its cache (use_cache=False), tokens in, logits out",
        )
}

/// Checks the interface of a lowered forward pass.
///
/// # Errors
///
/// Everything that is wrong with it, each with what was expected.
pub fn check<'m>(function: Op<'m>, role: Role) -> Result<Forward<'m>, Vec<Diagnostic>> {
    let name = function.symbol_name().unwrap_or_default();
    let place = function.location().place();
    let fail = |what: String, help: &str| {
        Diagnostic::error(format!("{role} @{name}: {what}"))
            .at(place.clone())
            .help(help)
    };
    let signature = function
        .attribute("function_type")
        .and_then(|each| each.as_type())
        .and_then(Type::as_function);
    let Some((inputs, results)) = signature.filter(|_| function.is(FUNC)) else {
        return Err(vec![fail(
            "it is no function on tensors".to_owned(),
            "give a forward pass from tokens [1,S] to logits [1,S,V]",
        )]);
    };
    let cache = inputs.iter().find_map(|input| {
        Some((
            input,
            *results
                .iter()
                .enumerate()
                .find(|(index, result)| is_cache(*input, **result, *index))?
                .1,
        ))
    });
    if let Some((taken, returned)) = cache {
        let passed = if *taken == returned {
            format!("takes and returns {taken}")
        } else {
            format!("takes {taken} and returns {returned}")
        };
        return Err(vec![
            state(
                role,
                function,
                format!("the {role} {passed}, as a KV cache is passed"),
            )
            .at(place),
        ]);
    }
    let mut errors = Vec::new();
    let tokens = match inputs.as_slice() {
        [tokens] => token_row(*tokens, &fail, &mut errors),
        _ => {
            errors.push(fail(
                format!("it takes {} inputs, not tokens alone", inputs.len()),
                "export a forward pass of the tokens alone: masks, positions and the like inside \
                 it, padding after the tokens",
            ));
            None
        }
    };
    let logits = match results.as_slice() {
        [logits] => logit_rows(*logits, &fail, &mut errors),
        _ => {
            errors.push(fail(
                format!("it returns {} results, not logits alone", results.len()),
                "return the logits alone (of a Hugging Face model: model(tokens, \
                 use_cache=False).logits)",
            ));
            None
        }
    };
    if let (Some((length, _)), Some((rows, _, _))) = (tokens, &logits)
        && length != *rows
    {
        errors.push(fail(
            format!(
                "it makes logits for {} of {length} tokens",
                counted(*rows, "position")
            ),
            "return the logits of every position",
        ));
    }
    errors.extend(unsuitable(function, role));
    match (tokens, logits) {
        (Some((length, token_bits)), Some((_, vocabulary, logit))) if errors.is_empty() => {
            Ok(Forward {
                function,
                name,
                place,
                length,
                vocabulary,
                token_bits,
                logit,
            })
        }
        _ => Err(errors),
    }
}

/// Whether a pass hands `input` on as `result`, its result number `index`: as
/// it is, or longer by the rows of this call. The first result is the logits,
/// which may well look like embeddings, longer in one direction.
fn is_cache(input: Type<'_>, result: Type<'_>, index: usize) -> bool {
    if !input.is_tensor() || !input.element().is_float() {
        return false;
    }
    if input == result {
        return true;
    }
    let (Some(before), Some(after)) = (input.shape(), result.shape()) else {
        return false;
    };
    index > 0
        && result.is_tensor()
        && input.element() == result.element()
        && before.len() == after.len()
        && before.iter().zip(&after).filter(|(a, b)| a != b).count() == 1
}

type Fail<'a> = &'a dyn Fn(String, &str) -> Diagnostic;

fn token_row(tokens: Type<'_>, fail: Fail<'_>, errors: &mut Vec<Diagnostic>) -> Option<(u64, u32)> {
    let export = "export it with tokens of type int64 or int32 in one row of a fixed length, [1,S]";
    let bits = tokens.element().bit_width();
    if !tokens.is_tensor() || !tokens.element().is_integer() || !matches!(bits, Some(32 | 64)) {
        errors.push(fail(
            format!("its input is {tokens}, not a row of integer tokens"),
            export,
        ));
        return None;
    }
    let Some([batch, length]) = sizes(tokens) else {
        errors.push(fail(
            format!("its tokens are {tokens}, not one row [1,S]"),
            export,
        ));
        return None;
    };
    let (Some(batch), Some(length)) = (batch, length) else {
        errors.push(dynamic(tokens, fail));
        return None;
    };
    if batch != 1 {
        errors.push(fail(
            format!("its batch is {batch} rows, {tokens}"),
            "export it for a batch of one: tokens [1,S]",
        ));
        return None;
    }
    if length < 2 {
        errors.push(fail(
            format!("its row is {} long", counted(length, "token")),
            "export it for a row that has room for a prompt and what follows it",
        ));
        return None;
    }
    Some((length, bits?))
}

fn logit_rows(
    logits: Type<'_>,
    fail: Fail<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Option<(u64, u64, String)> {
    let export =
        "return logits [1,S,V] as floats (f16, bf16, f32 or f64), before any softmax or argmax";
    let element = logits.element().to_string();
    let known = ["f16", "bf16", "f32", "f64"].contains(&element.as_str());
    let Some([batch, rows, vocabulary]) = sizes(logits).filter(|_| known) else {
        errors.push(fail(format!("its result is {logits}, not logits"), export));
        return None;
    };
    let (Some(batch), Some(rows), Some(vocabulary)) = (batch, rows, vocabulary) else {
        errors.push(dynamic(logits, fail));
        return None;
    };
    if batch != 1 {
        errors.push(fail(
            format!("its batch is {batch} rows of logits, {logits}"),
            "export it for a batch of one: logits [1,S,V]",
        ));
        return None;
    }
    if vocabulary < 2 {
        errors.push(fail(format!("its result is {logits}, not logits"), export));
        return None;
    }
    Some((rows, vocabulary, element))
}

fn dynamic(r#type: Type<'_>, fail: Fail<'_>) -> Diagnostic {
    fail(
        format!("{type} has no fixed shape"),
        "export it for a fixed length, without dynamic_shapes: the row is as long as the text \
         may become",
    )
}

fn sizes<const N: usize>(r#type: Type<'_>) -> Option<[Option<u64>; N]> {
    r#type
        .shape()?
        .into_iter()
        .map(|size| size.and_then(|size| u64::try_from(size).ok()))
        .collect::<Vec<_>>()
        .try_into()
        .ok()
}

/// What a forward pass may not do: anything but compute.
fn unsuitable(function: Op<'_>, role: Role) -> Vec<Diagnostic> {
    let name = function.symbol_name().unwrap_or_default();
    let blocks = function.blocks();
    let [body] = blocks.as_slice() else {
        return vec![
            Diagnostic::error(format!(
                "{role} @{name}: its control flow has no structure (cf)"
            ))
            .at(function.location().place())
            .help("export it without branches on data, or with scf"),
        ];
    };
    let terminator = body.terminator();
    let mut found = Vec::new();
    for op in body.ops() {
        let computes = is_pure(op)
            || op.is(GLOBAL_LOAD)
            || is_control_flow(op)
            || op.is("cf.assert")
            // A marker of a stage; all others are gone.
            || op.is(TRANSFER)
            || Some(op) == terminator;
        if !computes {
            found.push(
                Diagnostic::error(format!(
                    "{role} @{name}: '{}' does more than compute",
                    op.name()
                ))
                .at(op.location().place())
                .offending(op.summary())
                .help("a forward pass that is called again must have no effects but its logits"),
            );
        }
    }
    let dynamic = body
        .ops()
        .into_iter()
        .flat_map(Op::results)
        .map(Value::r#type)
        .find(|each| each.is_tensor() && each.element_count().is_none());
    if let Some(dynamic) = dynamic {
        found.push(
            Diagnostic::error(format!("{role} @{name}: {dynamic} has no fixed shape"))
                .at(function.location().place())
                .help("export it for a fixed length, without dynamic_shapes"),
        );
    }
    found.truncate(3);
    found
}

/// Compares the two passes.
///
/// # Errors
///
/// Each mismatch, with both places.
pub fn compare(target: &Forward<'_>, drafter: &Forward<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    if target.vocabulary != drafter.vocabulary {
        errors.push(
            Diagnostic::error(format!(
                "the vocabularies differ: the target knows {} tokens, the drafter {}",
                target.vocabulary, drafter.vocabulary
            ))
            .with_note(target.note(Role::Target, format_args!("{} tokens", target.vocabulary)))
            .with_note(drafter.note(Role::Drafter, format_args!("{} tokens", drafter.vocabulary)))
            .help(
                "a drafter needs the target's tokenizer; where only the padding of the vocabulary \
                 differs, pad or cut the head of one at export",
            ),
        );
    }
    if target.length != drafter.length {
        errors.push(
            Diagnostic::error(format!(
                "the rows differ in length: the target takes {} tokens, the drafter {}",
                target.length, drafter.length
            ))
            .with_note(target.note(Role::Target, format_args!("[1,{}]", target.length)))
            .with_note(drafter.note(Role::Drafter, format_args!("[1,{}]", drafter.length)))
            .help("export both for the same sequence length"),
        );
    }
    for error in &mut errors {
        error.place.clone_from(&target.place);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// What differs and does no harm.
pub fn differences(target: &Forward<'_>, drafter: &Forward<'_>) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    let mut note = |what: &str, of_target: String, of_drafter: String, why: &str| {
        if of_target != of_drafter {
            remarks.push(
                Diagnostic::remark(format!("{what} differ: {why}"))
                    .at(target.place.clone())
                    .with_note(target.note(Role::Target, of_target))
                    .with_note(drafter.note(Role::Drafter, of_drafter)),
            );
        }
    };
    note(
        "the token types",
        format!("i{}", target.token_bits),
        format!("i{}", drafter.token_bits),
        "the loop holds i64 and converts for the other",
    );
    note(
        "the types of the logits",
        target.logit.clone(),
        drafter.logit.clone(),
        "each model takes the largest of its own, so that only tokens meet",
    );
    remarks
}
