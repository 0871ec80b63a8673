//! Reading and checking `acceptance.yaml`.

use diagnostics::Place;

use super::{Acceptance, Entry, estimate, foreign};
use crate::CostError;
use crate::yaml::{self, Step};

/// Stated rates are rounded; this much off the estimate is no contradiction.
const ROUNDING: f64 = 0.005;

pub(super) fn acceptance(file: &str, text: &str) -> Result<Acceptance, CostError> {
    let mut read: Acceptance = yaml::read(file, text).map_err(|error| {
        foreign::recognise(text).map_or(error, |foreign| CostError::File {
            place: Place {
                file: file.to_owned(),
                line: foreign.line,
                column: 1,
            },
            message: format!("this is {}, and not an acceptance file", foreign.what),
            help: Some(foreign.help),
        })
    })?;
    read.origin = file.into();
    if read.names().is_empty() {
        return Err(yaml::at(
            file,
            text,
            &[Step::Key("tasks")],
            "the file holds no task",
            None,
        ));
    }
    for (task, entries) in &read.tasks {
        for (quantisation, entry) in entries {
            if let Some((key, message, help)) = wrong(entry) {
                let path = [
                    Step::Key("tasks"),
                    Step::Key(task),
                    Step::Key(quantisation),
                    Step::Key(key),
                ];
                return Err(yaml::at(file, text, &path, message, help));
            }
        }
    }
    Ok(read)
}

fn wrong(entry: &Entry) -> Option<(&'static str, String, Option<String>)> {
    let Some(histogram) = &entry.histogram else {
        return entry.alpha.is_none().then(|| {
            (
                "alpha",
                "give a `histogram`, or at least `alpha`".into(),
                None,
            )
        });
    };
    let gamma = histogram.len().saturating_sub(1);
    if let Some(stated) = entry
        .draft_length
        .filter(|stated| u64::from(*stated) != gamma as u64)
    {
        let message = format!(
            "a draft length of {stated} needs {} counts, 0 to {stated} accepted; there are {}",
            u64::from(stated) + 1,
            histogram.len()
        );
        return Some(("histogram", message, None));
    }
    let Some(estimate) = estimate(histogram) else {
        return Some((
            "histogram",
            "no draft was accepted or rejected in these rounds, so they say nothing about α".into(),
            Some("measure with a draft length of at least 1".into()),
        ));
    };
    let stated = entry.alpha.as_ref()?.value;
    if (stated - estimate.alpha).abs() <= ROUNDING {
        return None;
    }
    let help = if (stated - estimate.accepted_per_drafted).abs() <= ROUNDING {
        format!(
            "{stated} is accepted over drafted, which counts drafts that were never looked at; α̂ = accepted / (accepted + rejections) = {:.3}",
            estimate.alpha
        )
    } else {
        "leave out `alpha`: it is estimated from the histogram".into()
    };
    Some((
        "alpha",
        format!("`alpha` says {stated}, the histogram {:.3}", estimate.alpha),
        Some(help),
    ))
}
