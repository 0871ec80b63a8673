//! Where the programs and the modules are.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::platform::Platform;
use crate::process::{self, Finished};

/// No compilation of these small modules takes nearly as long.
pub const COMPILE_LIMIT: Duration = Duration::from_secs(300);

/// No run of them does.
pub const RUN_LIMIT: Duration = Duration::from_secs(120);

/// Names the folder of another IREE's package to test with; the program under
/// test is told by its own variable, `SPECPLACE_IREE_LIBRARY`.
pub const IREE_VARIABLE: &str = "SPECPLACE_E2E_IREE";

/// The package that toolchain/setup installs.
const IREE: &str = ".venv/lib/python3.11/site-packages/iree";

/// The programs under test and the folders they read from.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The checkout.
    pub root: PathBuf,
    /// The program under test.
    pub specplace: PathBuf,
    /// The folder of IREE's package.
    pub iree: PathBuf,
    /// IREE's compiler: the program itself rather than the Python script that
    /// starts it, which would outlive a time limit.
    pub iree_compile: PathBuf,
    /// IREE's runtime, likewise.
    pub iree_run_module: PathBuf,
    /// What cases are placed on.
    pub platform: Platform,
}

impl Tools {
    /// Finds them: `SPECPLACE` names the program under test, otherwise it is
    /// the debug build.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let iree = env::var_os(IREE_VARIABLE).filter(|value| !value.is_empty());
        let iree = root.join(iree.unwrap_or_else(|| IREE.into()));
        let specplace =
            env::var_os("SPECPLACE").map_or_else(|| target.join("debug/specplace"), PathBuf::from);
        let iree_compile = iree.join("compiler/_mlir_libs/iree-compile");
        let iree_run_module = iree.join("_runtime_libs/iree-run-module");
        for (program, how) in [
            (&specplace, "cargo build"),
            (&iree_compile, "make setup"),
            (&iree_run_module, "make setup"),
        ] {
            if !program.is_file() {
                bail!("there is no {}: `{how}` makes it", program.display());
            }
        }
        Ok(Self {
            platform: Platform::find(&root, &specplace)?,
            specplace,
            iree_compile,
            iree_run_module,
            iree,
            root,
        })
    }

    /// The devices that IREE's runtime finds on this machine.
    pub fn devices(&self) -> Result<Vec<String>> {
        let listed: Finished = process::run(
            &self.iree_run_module,
            &["--list_devices".into()],
            &self.root,
            RUN_LIMIT,
        )?
        .success()?;
        Ok(listed.stdout.lines().map(str::to_owned).collect())
    }
}
