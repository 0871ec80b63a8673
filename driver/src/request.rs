//! From the command line to a question for the cost model.

use std::collections::BTreeMap;
use std::path::Path;

use cost::platform::Variant;
use cost::profile::Profile;
use cost::search::{CostModel, GammaChoice, parse_variant};
use cost::speedup::{alpha_of_accepted_per_draft, parse_alpha};
use cost::workload::DraftLengthForm;
use cost::{Partition, Platform, Request, Workload, acceptance};
use diagnostics::{Diagnostic, Failure};
use tools::version;

use crate::args::{DecisionArgs, Gamma};

/// What the user asks the cost model, with the files read; the module's own
/// demands are still empty. `None` without an acceptance rate.
///
/// # Errors
///
/// A [`Failure`] of status 2 for everything that is wrong before a module is
/// even looked at.
pub fn build(args: &DecisionArgs) -> Result<Option<Request>, Failure> {
    let Some((alpha, alpha_source, per_position)) = acceptance_of(args)? else {
        return Ok(None);
    };
    let release = version::installed().map(|version| version.release());
    let platform = load_platform(&args.platform, args.trust_platform)?.under(release);
    let pins = pins_of(args, &platform)?;
    let mut forbid = std::collections::BTreeSet::new();
    for pin in args.forbid.iter().flat_map(|pins| &pins.0) {
        platform.expect_pu(&pin.unit, &format!("--forbid {}={}", pin.role, pin.unit))?;
        forbid.insert((pin.role, pin.unit.clone()));
    }
    let profile = match &args.profile {
        Some(path) => Some(Profile::load(text_of(path)?)?),
        None => None,
    };
    let gamma = match (args.gamma, args.max_gamma) {
        (Gamma::Fixed(gamma), Some(max)) if gamma > max => {
            return Err(Failure::usage(Diagnostic::error(format!(
                "--gamma {gamma} is greater than --max-gamma {max}"
            ))));
        }
        (Gamma::Fixed(gamma), _) => GammaChoice::Fixed(gamma),
        (Gamma::Auto, Some(max)) => GammaChoice::Auto { max },
        (Gamma::Auto, None) => GammaChoice::default(),
    };
    let model = args.cost_model.parse()?;
    check_positions(model, per_position.as_deref())?;
    Ok(Some(Request {
        variant: variant_of(args, &platform)?,
        profile,
        alpha_source,
        per_position,
        pins,
        forbid,
        gamma,
        model,
        ..Request::new(nothing_yet(), platform, alpha)
    }))
}

/// The platform of this name or file.
///
/// # Errors
///
/// A [`Failure`] of status 2: there is no such platform, its file is wrong, or it has flags that
/// only a trusted one may have.
pub fn load_platform(given: &str, is_trusted: bool) -> Result<Platform, Failure> {
    let platform = if is_trusted {
        Platform::load_trusted(given)
    } else {
        Platform::load(given)
    };
    Ok(platform?)
}

/// The path of a file that `cost` reads.
///
/// # Errors
///
/// A [`Failure`] of status 2 for a name that is not UTF-8.
pub fn text_of(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::usage(Diagnostic::error(format!(
            "cannot read {}: its name is not UTF-8",
            path.display()
        )))
    })
}

/// The search checks this as well; here it is found before IN is read, and is
/// wrong usage rather than a pass that fails.
///
/// # Errors
///
/// A [`Failure`] of status 2: the model wants what is not known.
pub fn check_positions(model: CostModel, known: Option<&[f64]>) -> Result<(), Failure> {
    if !model.per_position || known.is_some_and(|known| !known.is_empty()) {
        return Ok(());
    }
    Err(Failure::usage(
        Diagnostic::error("`--cost-model per-position` needs acceptance rates by position")
            .help("give --acceptance FILE[:TASK] with a histogram"),
    ))
}

type Acceptance = (f64, String, Option<Vec<f64>>);

fn acceptance_of(args: &DecisionArgs) -> Result<Option<Acceptance>, Failure> {
    if let Some(text) = &args.alpha {
        return Ok(Some((parse_alpha(text)?, format!("--alpha {text}"), None)));
    }
    if let Some(text) = &args.accepted_per_draft {
        let (alpha, source) = converted(text, args)?;
        return Ok(Some((alpha, source, None)));
    }
    match &args.acceptance {
        Some(file) => {
            let selected = acceptance::load(file)?;
            Ok(Some((selected.alpha, selected.how, selected.per_position)))
        }
        None => Ok(None),
    }
}

/// `--accepted-per-draft` as α, and where it comes from.
///
/// # Errors
///
/// A [`Failure`] of status 2: it is no probability, or nothing says how many
/// tokens a round drafted when it was measured.
pub fn converted(text: &str, args: &DecisionArgs) -> Result<(f64, String), Failure> {
    let drafted = match (args.drafted, args.gamma) {
        (Some(drafted), _) => drafted,
        (None, Gamma::Fixed(gamma)) if gamma > 0 => gamma,
        (None, _) => {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "`--accepted-per-draft {text}` depends on how many tokens a round drafted when it was measured"
                ))
                .help(
                    "give --drafted N (num_speculative_tokens of the server), or --gamma N to draft as many here",
                ),
            ));
        }
    };
    let rate = parse_alpha(text)?;
    let alpha = alpha_of_accepted_per_draft(rate, drafted);
    Ok((
        alpha,
        format!("--accepted-per-draft {text} of {drafted} drafted, by Eq. 1"),
    ))
}

fn pins_of(
    args: &DecisionArgs,
    platform: &Platform,
) -> Result<BTreeMap<Partition, String>, Failure> {
    let mut pins = BTreeMap::new();
    for pin in args.pin.iter().flat_map(|pins| &pins.0) {
        platform.expect_pu(&pin.unit, &format!("--pin {}={}", pin.role, pin.unit))?;
        if let Some(before) = pins.insert(pin.role, pin.unit.clone()) {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "{} is pinned twice: to {before} and to {}",
                    pin.role, pin.unit
                ))
                .help("give each role once"),
            ));
        }
    }
    Ok(pins)
}

/// Here, too, before the search does.
fn variant_of(args: &DecisionArgs, platform: &Platform) -> Result<Option<Variant>, Failure> {
    let Some(text) = &args.variant else {
        return Ok(None);
    };
    let variant = parse_variant(text)?;
    for (name, count) in &variant {
        let given = format!("--variant {name}={count}");
        let pu = platform.expect_pu(name, &given)?;
        if *count == 0 || *count > pu.resources() {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "`{given}`: {name} has {}",
                    pu.counted(pu.resources())
                ))
                .help(if *count == 0 {
                    format!("to keep the models off it: --forbid drafter={name},target={name}")
                } else {
                    pu.usable()
                }),
            ));
        }
    }
    Ok(Some(variant))
}

/// Stands in until the passes have counted what the module demands.
fn nothing_yet() -> Workload {
    Workload {
        sequence_length: None,
        subgraphs: BTreeMap::new(),
        crossings: Vec::new(),
        draft_length: DraftLengthForm::Absent,
        shared_weights: vec![],
        state: None,
    }
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

    use super::*;

    fn args(alpha: &str) -> DecisionArgs {
        DecisionArgs {
            alpha: Some(alpha.into()),
            platform: "reference".into(),
            cost_model: "eq1".into(),
            ..DecisionArgs::default()
        }
    }

    #[test]
    fn alpha_is_checked() {
        assert!(build(&args("0")).unwrap().is_some());
        assert!(build(&args("1")).unwrap().is_some());
        for wrong in ["-0.1", "1.01", "nan", "inf", "x", ""] {
            let failure = build(&args(wrong)).unwrap_err();
            assert_eq!(failure.status, Status::Usage, "{wrong}");
        }
    }

    #[test]
    fn a_servers_rate_is_converted() {
        let mut args = DecisionArgs {
            alpha: None,
            accepted_per_draft: Some("37.5 %".into()),
            ..args("")
        };
        assert_eq!(build(&args).unwrap_err().status, Status::Usage);
        let alpha = |args: &DecisionArgs| build(args).unwrap().unwrap().alpha;
        args.gamma = Gamma::Fixed(2);
        assert!((alpha(&args) - 0.5).abs() < 1e-12);
        args.drafted = Some(1);
        assert!((alpha(&args) - 0.375).abs() < 1e-12);
        args.accepted_per_draft = Some("1.2".into());
        assert_eq!(build(&args).unwrap_err().status, Status::Usage);
    }

    #[test]
    fn without_a_rate_there_is_no_request() {
        let args = DecisionArgs::default();
        assert!(build(&args).unwrap().is_none());
    }

    #[test]
    fn lengths_agree() {
        let mut args = args("0.5");
        args.gamma = Gamma::Fixed(4);
        args.max_gamma = Some(3);
        assert!(build(&args).is_err());
        args.max_gamma = Some(4);
        assert_eq!(
            build(&args).unwrap().map(|request| request.gamma),
            Some(GammaChoice::Fixed(4))
        );
    }
}
