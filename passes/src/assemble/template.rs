//! The loop around two forward passes, as text: `loop.mlir` with types and
//! sizes filled in.

use std::collections::BTreeSet;

use dialects::vocabulary::DRAFT_LENGTH;

use super::interface::Forward;

const LOOP: &str = include_str!("loop.mlir");

/// The name under which the loop calls the target's forward pass.
pub const TARGET_FORWARD: &str = "specplace.target_forward";
/// The name under which the loop calls the drafter's forward pass.
pub const DRAFTER_FORWARD: &str = "specplace.drafter_forward";
/// What computes a draft, the drafter's.
pub const DRAFT: &str = "specplace.draft";
/// What computes the target's own tokens, the target's.
pub const VERIFY: &str = "specplace.verify";

/// What the loop depends on beside the two interfaces.
pub struct Shape<'a> {
    /// The largest draft length, at least 1 and less than the row's length.
    pub max_gamma: u64,
    /// The tokens that end a sequence.
    pub eos: &'a [u64],
    /// Whether acceptance may be imposed.
    pub impose: bool,
}

/// The text of a module with the loop, in which the two forward passes are
/// declared but not defined.
pub fn text(target: &Forward<'_>, drafter: &Forward<'_>, shape: &Shape<'_>) -> String {
    let length = target.length;
    let rows = shape.max_gamma + 1;
    let row = format!("tensor<1x{length}xi64>");
    let narrow = [target, drafter].map(|each| each.token_bits == 32);
    let features: BTreeSet<&str> = [
        ("eos", !shape.eos.is_empty()),
        ("imposed", shape.impose),
        ("target_i32", narrow[0]),
        ("drafter_i32", narrow[1]),
        ("narrow", narrow[0] || narrow[1]),
    ]
    .into_iter()
    .filter_map(|(name, on)| on.then_some(name))
    .collect();
    let imposed = |text: String| if shape.impose { text } else { String::new() };
    // Longer names first: one may begin with another.
    let values = [
        (
            "$EXTRA_PARAMETERS",
            imposed(format!(
                ", %reference: {row}, %acceptance: {row}, %mode: tensor<i64>"
            )),
        ),
        (
            "$EXTRA_ARGUMENTS",
            imposed(", %reference, %acceptance, %mode".to_owned()),
        ),
        (
            "$EXTRA_TYPES",
            imposed(format!(", {row}, {row}, tensor<i64>")),
        ),
        ("$FORCED_PARAMETERS", imposed(format!(", %forced: {row}"))),
        ("$FORCED_TARGETS", imposed(", %forced#1".to_owned())),
        ("$FORCED_DRAFTS", imposed(", %forced#0".to_owned())),
        ("$FORCED_TYPES", imposed(format!(", {row}"))),
        ("$TARGET_FORWARD", TARGET_FORWARD.to_owned()),
        ("$TARGET_LOWEST", lowest(&target.logit).to_owned()),
        ("$TARGET_LOGIT", target.logit.clone()),
        ("$TARGET_TOKEN", format!("i{}", target.token_bits)),
        ("$DRAFTER_FORWARD", DRAFTER_FORWARD.to_owned()),
        ("$DRAFTER_LOWEST", lowest(&drafter.logit).to_owned()),
        ("$DRAFTER_LOGIT", drafter.logit.clone()),
        ("$DRAFTER_TOKEN", format!("i{}", drafter.token_bits)),
        ("$DRAFT_LENGTH", DRAFT_LENGTH.to_owned()),
        ("$LAST_POSITION", (length - 1).to_string()),
        ("$LAST_TOKEN", (target.vocabulary - 1).to_string()),
        ("$LAST_OWN", (rows - 1).to_string()),
        ("$LATEST", (length - rows).to_string()),
        ("$IS_EOS", is_eos(shape.eos)),
        ("$GAMMA", shape.max_gamma.to_string()),
        ("$H", rows.to_string()),
        ("$R", rows.to_string()),
        ("$S", length.to_string()),
        ("$V", target.vocabulary.to_string()),
    ];
    let mut text: String = LOOP
        .lines()
        .filter_map(|line| chosen(line, &features))
        .flat_map(|line| [line, "\n"])
        .collect();
    for (name, value) in values {
        text = text.replace(name, &value);
    }
    text
}

/// The line without the feature it depends on, if the features have it so.
fn chosen<'a>(line: &'a str, features: &BTreeSet<&str>) -> Option<&'a str> {
    let wanted = match line.as_bytes().first() {
        Some(b'?') => true,
        Some(b'!') => false,
        _ => return Some(line),
    };
    let rest = &line[1..];
    let end = rest.find([' ', '$']).unwrap_or(rest.len());
    let (feature, line) = rest.split_at(end);
    (features.contains(feature) == wanted).then_some(line)
}

/// Operations that tell whether %right ends the sequence, as %is_eos.
fn is_eos(tokens: &[u64]) -> String {
    let mut lines = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        lines.push(format!(
            "      %eos_token_{at} = arith.constant {token} : i64"
        ));
        let name = if at + 1 == tokens.len() && at == 0 {
            "is_eos".to_owned()
        } else {
            format!("is_eos_{at}")
        };
        lines.push(format!(
            "      %{name} = arith.cmpi eq, %right, %eos_token_{at} : i64"
        ));
        if at > 0 {
            let before = if at == 1 {
                "is_eos_0".to_owned()
            } else {
                format!("any_eos_{}", at - 1)
            };
            let any = if at + 1 == tokens.len() {
                "is_eos".to_owned()
            } else {
                format!("any_eos_{at}")
            };
            lines.push(format!(
                "      %{any} = arith.ori %{before}, %is_eos_{at} : i1"
            ));
        }
    }
    lines.join("\n")
}

/// Minus infinity.
fn lowest(float: &str) -> &'static str {
    match float {
        "f16" => "0xFC00",
        "bf16" => "0xFF80",
        "f64" => "0xFFF0000000000000",
        _ => "0xFF800000",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_features() {
        let features = BTreeSet::from(["eos"]);
        assert_eq!(chosen("  plain", &features), Some("  plain"));
        assert_eq!(chosen("?eos  with", &features), Some("  with"));
        assert_eq!(chosen("!eos  without", &features), None);
        assert_eq!(chosen("?imposed  with", &features), None);
        assert_eq!(chosen("!imposed  without", &features), Some("  without"));
        assert_eq!(chosen("?eos$IS_EOS", &features), Some("$IS_EOS"));
    }

    #[test]
    fn any_of_several_tokens_ends_a_sequence() {
        assert!(!is_eos(&[7]).contains("ori"));
        for tokens in [&[7][..], &[7, 8], &[7, 8, 9]] {
            let text = is_eos(tokens);
            assert_eq!(text.matches("%is_eos =").count(), 1, "{text}");
            assert_eq!(text.matches("arith.ori").count(), tokens.len() - 1);
        }
    }
}
