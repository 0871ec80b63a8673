//! From the command line to a question for the cost model.

use std::collections::BTreeMap;
use std::path::Path;

use cost::explore::{ExploreError, Rate};
use cost::platform::parse_variant;
use cost::search::{GammaChoice, check_positions};
use cost::speedup::{alpha_of_accepted_per_draft, parse_alpha};
use cost::workload::DraftLengthForm;
use cost::{Partition, Platform, Request, Workload};
use diagnostics::{Diagnostic, Failure};
use files::{acceptance, platform, profile};
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
    let rate = rate(args)?;
    rate.map(|rate| question(args, rate)).transpose()
}

/// The same at one of the [`rates`].
///
/// # Errors
///
/// As [`build`].
pub fn question(args: &DecisionArgs, rate: Rate) -> Result<Request, Failure> {
    let release = version::installed().map(|version| version.release());
    let platform = load_platform(&args.platform, args.trust_platform)?.under(release);
    let profile = match &args.profile {
        Some(path) => Some(profile::load(text_of(path)?)?),
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
    // The search checks this, and names, as well: here what is wrong is found before IN is read,
    // and is wrong usage rather than a pass that fails.
    check_positions(model, rate.per_position.as_deref())?;
    let forbidden = args.forbid.iter().flat_map(|pins| &pins.0);
    let request = Request {
        variant: args.variant.as_deref().map(parse_variant).transpose()?,
        profile,
        alpha_source: rate.source,
        per_position: rate.per_position,
        pins: pins_of(args)?,
        forbid: forbidden.map(|pin| (pin.role, pin.unit.clone())).collect(),
        gamma,
        model,
        ..Request::new(nothing_yet(), platform, rate.alpha)
    };
    request.check_names()?;
    Ok(request)
}

/// The platform of this name or file.
///
/// # Errors
///
/// A [`Failure`] of status 2: there is no such platform, its file is wrong, or it has flags that
/// only a trusted one may have.
pub fn load_platform(given: &str, is_trusted: bool) -> Result<Platform, Failure> {
    let platform = if is_trusted {
        platform::load_trusted(given)
    } else {
        platform::load(given)
    };
    Ok(platform?)
}

/// The path of a file that `files` reads.
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

/// The acceptance rate to decide with, if one is given.
fn rate(args: &DecisionArgs) -> Result<Option<Rate>, Failure> {
    if let Some(text) = &args.alpha {
        return of_alpha(text).map(Some);
    }
    if let Some(text) = &args.accepted_per_draft {
        return converted(text, args).map(Some);
    }
    let selected = args.acceptance.as_deref().map(acceptance::load);
    Ok(selected.transpose()?.map(Rate::from))
}

/// The acceptance rates to explore: those of `--alpha 0.9,0.17`, or of every task of an acceptance
/// file that names none.
///
/// # Errors
///
/// A [`Failure`] of status 2: there is none, or it is no probability.
pub fn rates(args: &DecisionArgs) -> Result<Vec<Rate>, Failure> {
    if let Some(list) = &args.alpha {
        return list.split(',').map(of_alpha).collect();
    }
    if let Some(text) = &args.accepted_per_draft {
        return converted(text, args).map(|rate| vec![rate]);
    }
    let Some(given) = &args.acceptance else {
        return Err(ExploreError::NoRate.into());
    };
    let selected = acceptance::load_all(given)?;
    Ok(selected.into_iter().map(Rate::from).collect())
}

fn of_alpha(text: &str) -> Result<Rate, Failure> {
    Ok(Rate {
        alpha: parse_alpha(text)?,
        source: format!("--alpha {}", text.trim()),
        per_position: None,
    })
}

/// `--accepted-per-draft` as α, and where it comes from.
///
/// # Errors
///
/// A [`Failure`] of status 2: it is no probability, or nothing says how many
/// tokens a round drafted when it was measured.
fn converted(text: &str, args: &DecisionArgs) -> Result<Rate, Failure> {
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
    Ok(Rate {
        alpha,
        source: format!("--accepted-per-draft {text} of {drafted} drafted, by Eq. 1"),
        per_position: None,
    })
}

fn pins_of(args: &DecisionArgs) -> Result<BTreeMap<Partition, String>, Failure> {
    let mut pins = BTreeMap::new();
    for pin in args.pin.iter().flat_map(|pins| &pins.0) {
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
