//! One check on one unit: compiled, run, compared.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use cost::Platform;
use cost::platform::ProcessingUnit;
use cost::workload::DType;
use diagnostics::Failure;
use serde::Serialize;
use tools::{Tool, Trouble};

use super::checks::{Kind, error, places, printed};

/// No compilation of these takes nearly as long.
const COMPILE_LIMIT: Duration = Duration::from_secs(120);

/// No run of them does.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// A device that is lost so often is no device.
const ATTEMPTS: usize = 3;

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// The right result.
    Ok,
    /// A wrong one.
    Wrong {
        /// How far off, by the largest value.
        error: f64,
    },
    /// iree-compile refuses or crashes.
    DoesNotCompile {
        /// What it said first.
        said: String,
    },
    /// The driver lost its device every time.
    LostDevice,
    /// It did not end.
    TooLong,
    /// The program fails.
    Fails {
        /// What was said.
        said: String,
    },
    /// It is not known: there is no such device here, or it is another
    /// machine's.
    NotHere {
        /// What was said.
        said: String,
    },
}

impl Outcome {
    /// Whether the unit is known not to be able to do this.
    pub fn is_bad(&self) -> bool {
        !matches!(self, Self::Ok | Self::NotHere { .. })
    }

    /// A word or two for the table.
    pub fn short(&self) -> String {
        match self {
            Self::Ok => "ok".into(),
            Self::Wrong { error } if *error < 10.0 => format!("WRONG ({:.0} %)", error * 100.0),
            Self::Wrong { .. } => "WRONG".into(),
            Self::DoesNotCompile { .. } => "does not compile".into(),
            Self::LostDevice => "LOST DEVICE".into(),
            Self::TooLong => "TOO LONG".into(),
            Self::Fails { .. } => "FAILS".into(),
            Self::NotHere { .. } => "not here".into(),
        }
    }

    /// What a tool said about it.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::DoesNotCompile { said } | Self::Fails { said } | Self::NotHere { said } => {
                Some(said)
            }
            _ => None,
        }
    }
}

/// What a unit's checks need.
pub struct Bench<'a> {
    /// iree-compile.
    pub compiler: &'a Tool,
    /// iree-run-module.
    pub runner: &'a Tool,
    /// Where files go.
    pub folder: &'a Path,
    /// The machine.
    pub platform: &'a Platform,
    /// The Vulkan driver that computes on the CPU, where there is no other: it has
    /// nothing to say of code for a GPU by name.
    pub software: Option<&'a str>,
}

impl Bench<'_> {
    /// All checks of one type. They are compiled together, and one by one only
    /// if that fails: starting iree-compile takes most of the time.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when a program cannot be started or a file not be written.
    pub fn check(
        &self,
        unit: &ProcessingUnit,
        dtype: DType,
    ) -> Result<Vec<(Kind, Outcome)>, Failure> {
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| kind.is_for(dtype))
            .collect();
        let together = self.compile(unit, dtype, &kinds)?;
        kinds
            .iter()
            .map(|kind| {
                let compiled = match &together {
                    Ok(()) => Ok(()),
                    Err(_) => self.compile(unit, dtype, &[*kind])?,
                };
                let outcome = match compiled {
                    Ok(()) => self.run(unit, dtype, *kind)?,
                    Err(outcome) => outcome,
                };
                Ok((*kind, outcome))
            })
            .collect()
    }

    fn compile(
        &self,
        unit: &ProcessingUnit,
        dtype: DType,
        kinds: &[Kind],
    ) -> Result<Result<(), Outcome>, Failure> {
        let module: String = {
            let places = places(unit.has_narrow_words());
            kinds
                .iter()
                .map(|kind| kind.function(dtype, places))
                .collect()
        };
        let source = self.folder.join("check.mlir");
        fs::write(&source, module)
            .map_err(|error| Failure::io(format!("cannot write {}", source.display()), &error))?;
        let mut arguments: Vec<OsString> = vec![
            source.into(),
            "-o".into(),
            self.program().into(),
            // Alone, it is the first of its kind.
            format!("--iree-hal-target-device={}", unit.iree.alias).into(),
        ];
        let flags = [
            &self.platform.compile_flags,
            &unit.iree.compile_flags,
            &unit.iree.module_flags,
        ];
        arguments.extend(flags.into_iter().flatten().map(OsString::from));
        let done = self.compiler.run(&arguments, Some(COMPILE_LIMIT))?;
        if done.well() {
            return Ok(Ok(()));
        }
        Ok(Err(match done.trouble() {
            Trouble::TooLong => Outcome::TooLong,
            _ => Outcome::DoesNotCompile {
                said: done.first_error(),
            },
        }))
    }

    /// Code that is made for a GPU by name, tried on a driver without one. IREE
    /// counts on the width of its subgroups, and lavapipe's are others.
    fn stranger(&self, unit: &ProcessingUnit) -> Option<String> {
        let software = self.software.filter(|_| unit.iree.alias == "vulkan")?;
        let mut flags = unit.iree.compile_flags.iter();
        let target = flags.find_map(|flag| flag.strip_prefix("--iree-vulkan-target="))?;
        Some(format!(
            "made for {target}, and wrong on {software}, which is another device"
        ))
    }

    fn program(&self) -> std::path::PathBuf {
        self.folder.join("check.vmfb")
    }

    fn run(&self, unit: &ProcessingUnit, dtype: DType, kind: Kind) -> Result<Outcome, Failure> {
        let mut program = OsString::from("--module=");
        program.push(self.program());
        let mut arguments = vec![
            program,
            format!("--device={}", unit.iree.runtime_device).into(),
            format!("--function={}", kind.function_name()).into(),
            "--output_max_element_count=65536".into(),
        ];
        arguments.extend(unit.iree.runtime_flags.iter().map(OsString::from));
        let places = places(unit.has_narrow_words());
        arguments.extend(kind.inputs(dtype, places).into_iter().map(OsString::from));
        for _ in 0..ATTEMPTS {
            let done = self.runner.run(&arguments, Some(RUN_LIMIT))?;
            if done.well() {
                let outcome = compared(&done.stdout, dtype, kind);
                return Ok(match (&outcome, self.stranger(unit)) {
                    (Outcome::Wrong { .. }, Some(said)) => Outcome::NotHere { said },
                    _ => outcome,
                });
            }
            match done.trouble() {
                Trouble::LostDevice => {}
                Trouble::TooLong => return Ok(Outcome::TooLong),
                // Code of another processor is refused as a device that does
                // not fit.
                Trouble::NoDevice | Trouble::WrongDevices => {
                    return Ok(Outcome::NotHere {
                        said: done.first_error(),
                    });
                }
                Trouble::NoParameters | Trouble::Other => {
                    return Ok(Outcome::Fails {
                        said: done.first_error(),
                    });
                }
            }
        }
        Ok(Outcome::LostDevice)
    }
}

fn compared(stdout: &str, dtype: DType, kind: Kind) -> Outcome {
    let error = printed(stdout).map_or(f64::INFINITY, |result| error(&result, &kind.expected()));
    if error <= kind.tolerance(dtype) {
        Outcome::Ok
    } else {
        Outcome::Wrong { error }
    }
}
