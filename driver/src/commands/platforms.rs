//! `specplace platforms`: what there is to place on, for a user who has not
//! yet decided for a machine.

use cost::Platform;
use cost::platform::Method;
use diagnostics::Failure;
use files::platform::{BUILTIN_NAMES, load, load_trusted, to_json, to_yaml};

use crate::args::PlatformsArgs;
use crate::printer::to_stdout;

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`] of status 2: there is no such platform, or its file is wrong.
pub fn run(args: &PlatformsArgs) -> Result<(), Failure> {
    let text = match &args.name {
        None => list()?,
        Some(name) => {
            // It is only shown.
            let platform = load_trusted(name)?;
            if args.json {
                json(&platform)?
            } else {
                yaml(&platform)?
            }
        }
    };
    to_stdout(text.as_bytes())
        .map_err(|error| Failure::io("cannot write to standard output", &error))?;
    Ok(())
}

fn list() -> Result<String, Failure> {
    let mut text = String::new();
    for name in BUILTIN_NAMES {
        let platform = load(name)?;
        text.push_str(&format!("{name:<12} {}\n", platform.description));
    }
    text.push_str("\nA file works as well: --platform board.yaml (examples/platforms holds some to begin with)\n");
    Ok(text)
}

/// The platform as a file for `--platform`, with a summary above it.
fn yaml(platform: &Platform) -> Result<String, Failure> {
    let summary: String = summary(platform)
        .lines()
        .map(|line| format!("# {line}").trim_end().to_owned() + "\n")
        .collect();
    Ok(format!("{summary}\n{}", to_yaml(platform)?))
}

/// The same as JSON, which is YAML as well.
fn json(platform: &Platform) -> Result<String, Failure> {
    Ok(to_json(platform)? + "\n")
}

fn summary(platform: &Platform) -> String {
    let mut text = format!(
        "{} ({})\n{}\n\n",
        platform.name, platform.origin, platform.description
    );
    for pu in &platform.pus {
        let dtypes: Vec<&str> = pu.dtypes.iter().map(|dtype| dtype.as_str()).collect();
        text.push_str(&format!(
            "{:<8} {} {}, memory {}, IREE device {} (--device={})\n         types: {}\n",
            pu.name,
            pu.resources(),
            pu.resource,
            pu.memory,
            pu.iree.device(),
            pu.iree.runtime_device,
            dtypes.join(" ")
        ));
        for entry in &pu.cannot {
            text.push_str(&format!("         cannot: {entry}\n"));
        }
    }
    text.push_str(&format!("\ncontrol runs on {}\n", platform.control));
    for link in &platform.links {
        let [a, b] = &link.between;
        text.push_str(&format!(
            "{a} - {b}: {:.1} us, {:.1} GB/s{}{}{}\n",
            link.latency.value * 1e6,
            link.bandwidth.value / 1e9,
            if link.unified_memory {
                ", unified memory"
            } else {
                ""
            },
            if platform.allows(a, b, Method::SharedBuffer) && platform.can_share(link) {
                format!(", buffers on {}", platform.crossing_owner(a, b))
            } else {
                String::new()
            },
            match &link.methods {
                Some(methods) => {
                    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
                    format!(", crossed by {} only", names.join(", "))
                }
                None => String::new(),
            }
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given() {
        for name in BUILTIN_NAMES {
            let platform = load(name).unwrap();
            for text in [yaml(&platform).unwrap(), json(&platform).unwrap()] {
                let mut read = files::platform::from_yaml("shown.yaml", &text).unwrap();
                read.origin.clone_from(&platform.origin);
                assert_eq!(read, platform, "{text}");
            }
        }
    }
}
