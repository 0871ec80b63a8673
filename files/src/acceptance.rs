//! Reading, checking and choosing from `acceptance.yaml` (see [`cost::acceptance`]).

mod foreign;

use crate::FileError;
use crate::yaml::{Document, Step, slurp};
use cost::acceptance::{Acceptance, Entry, Selected, estimate};
use diagnostics::Place;

/// Stated rates are rounded; this much off the estimate is no contradiction.
const ROUNDING: f64 = 0.005;

/// The entry that `given` names as `FILE[:TASK[/QUANTISATION]]`.
///
/// # Errors
/// As [`from_yaml`] and [`Acceptance::select`] say, and [`FileError::Read`].
pub fn load(given: &str) -> Result<Selected, FileError> {
    let (file, choice) = match given.rsplit_once(':') {
        // A file whose own name holds a colon is still a file.
        Some((file, choice)) if !std::path::Path::new(given).is_file() => (file, Some(choice)),
        _ => (given, None),
    };
    Ok(from_yaml(file, &slurp(file)?)?
        .select(choice)
        .map_err(cost::CostError::from)?)
}

/// As [`load`], but a file that holds several entries, of which `given` names none, gives them all.
///
/// # Errors
/// As [`load`].
pub fn load_all(given: &str) -> Result<Vec<Selected>, FileError> {
    if !std::path::Path::new(given).is_file() {
        return load(given).map(|one| vec![one]);
    }
    let acceptance = from_yaml(given, &slurp(given)?)?;
    let names = acceptance.names();
    let selected = names.iter().map(|name| acceptance.select(Some(name)));
    Ok(selected
        .collect::<Result<_, _>>()
        .map_err(cost::CostError::from)?)
}

/// Reads acceptance rates from text; `file` names it in errors.
///
/// # Errors
/// [`FileError::Wrong`] for unknown keys, rates that are no probabilities, empty histograms,
/// histograms of another length than the draft length says, and stated rates that their own
/// histogram contradicts; and for what vLLM, SGLang and llama.cpp write, with the flags that say
/// the same.
pub fn from_yaml(file: &str, text: &str) -> Result<Acceptance, FileError> {
    let read = || {
        let document = Document::parse(file, text)?;
        Ok((document.read::<Acceptance>()?, document))
    };
    let (mut read, document) = read().map_err(|error: FileError| {
        foreign::recognise(text).map_or(error, |foreign| FileError::Wrong {
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
        return Err(document.wrong(&[Step::Key("tasks")], "the file holds no task", None));
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
                return Err(document.wrong(&path, message, help));
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

#[cfg(test)]
mod tests;
