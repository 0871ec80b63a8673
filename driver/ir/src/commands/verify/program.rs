//! Running compiled programs on their devices.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use diagnostics::Failure;
use passes::values::Port;
use tools::values::Value;
use tools::{Tool, prefixed};

/// A program on its devices.
pub struct Program<'a> {
    tool: &'a Tool,
    path: &'a Path,
    /// `--device=…` and what goes with it, and the weights.
    flags: Vec<String>,
    scratch: PathBuf,
}

impl<'a> Program<'a> {
    /// A program, run with these flags; results pass through `scratch`.
    pub fn new(tool: &'a Tool, path: &'a Path, flags: Vec<String>, scratch: &Path) -> Self {
        Self {
            tool,
            path,
            flags,
            scratch: scratch.to_path_buf(),
        }
    }

    /// Calls a function, and gives its results and what was printed on stderr.
    /// A device that was lost is tried again.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 1 with what the program said, if it failed.
    pub fn call(
        &self,
        function: &str,
        inputs: &[String],
        results: &[Port],
    ) -> Result<(Vec<Value>, String), Failure> {
        let mut arguments: Vec<OsString> = vec![
            prefixed("--module=", self.path),
            format!("--function={function}").into(),
        ];
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments.extend(inputs.iter().map(|each| format!("--input={each}").into()));
        let path = |at: usize| self.scratch.join(format!("result{at}.bin"));
        for at in 0..results.len() {
            arguments.push(prefixed("--output=@", &path(at)));
        }
        let (done, _) = self.tool.run_well(&arguments)?;
        let mut values = Vec::new();
        for (at, port) in results.iter().enumerate() {
            values.push(Value::read(&path(at), &port.shape, &port.element)?);
            // What a later run does not write must not pass for its own.
            let _ = fs::remove_file(path(at));
        }
        Ok((values, done.stderr))
    }
}

/// The flags with which a program of one device of OUT runs on that device: the
/// `--device` of its kind with this ordinal, and whatever is about no device.
pub fn flags_of_device(run_flags: &[String], kind: &str, ordinal: u32) -> Vec<String> {
    let device = |flag: &&String| flag.starts_with("--device=");
    let of_kind = run_flags.iter().filter(device).filter(|flag| {
        let name = flag.trim_start_matches("--device=");
        let driver = name.split([':', '=']).next().unwrap_or(name);
        driver == kind || driver.starts_with(&format!("{kind}-"))
    });
    let own = of_kind
        .clone()
        .nth(ordinal as usize)
        .or(of_kind.clone().next_back());
    let others = run_flags.iter().filter(|flag| !device(flag));
    own.into_iter().chain(others).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_found_by_its_kind_and_ordinal() {
        let flags = [
            "--device=vulkan",
            "--device=local-task",
            "--device=local-sync",
            "--x=1",
        ]
        .map(str::to_owned);
        assert_eq!(
            flags_of_device(&flags, "local", 1),
            ["--device=local-sync", "--x=1"]
        );
        assert_eq!(
            flags_of_device(&flags, "vulkan", 0),
            ["--device=vulkan", "--x=1"]
        );
    }
}
