//! Runs the table of cases; see `e2e::cases`.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use e2e::cases;
use e2e::greedy::{self, Prompt};
use e2e::tools::Tools;

/// What every case shares.
struct Shared {
    tools: Tools,
    reference: Prompt,
    prompts: Vec<Prompt>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let prove = env::var("SPECPLACE_E2E_SERIES").is_ok_and(|series| series == "prove");
    let shared = match share(prove) {
        Ok(shared) => Arc::new(shared),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let (cases, times) = if prove {
        (cases::all(), 20)
    } else {
        (cases::short(), 3)
    };

    let mut trials = vec![
        trial("vulkan-is-there", &shared, vulkan_is_there),
        trial("greedy-reference", &shared, greedy_reference),
    ];
    trials.extend(cases.into_iter().map(|case| {
        trial(&case.to_string(), &shared, move |shared| {
            let outcome = case.run(&shared.tools, times, &shared.reference, &shared.prompts)?;
            println!("{case}: {outcome}");
            Ok(())
        })
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn share(prove: bool) -> Result<Shared> {
    let tools = Tools::find()?;
    let mut prompts = greedy::prompts(&tools.root)?;
    if !prove {
        prompts.truncate(2);
    }
    Ok(Shared {
        reference: greedy::reference(&tools.root)?,
        prompts,
        tools,
    })
}

fn trial(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce(&Shared) -> Result<()> + Send + 'static,
) -> Trial {
    let shared = Arc::clone(shared);
    Trial::test(name, move || {
        run(&shared).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Cases that need Vulkan fail where there is none; this says why.
fn vulkan_is_there(shared: &Shared) -> Result<()> {
    let devices = shared.tools.devices()?;
    ensure!(
        devices.iter().any(|device| device.starts_with("vulkan")),
        "IREE finds no Vulkan device, only {devices:?}: `make setup` installs lavapipe \
         (mesa-vulkan-drivers), which runs on any machine"
    );
    Ok(())
}

/// The reference that all cases are compared with was made by PyTorch: the
/// target alone, compiled for one device, gives the same.
fn greedy_reference(shared: &Shared) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let expected = &shared.reference.greedy;
    let decoded = greedy::decode(
        &shared.tools,
        &shared.reference,
        expected.len(),
        scratch.path(),
    )?;
    ensure!(
        &decoded == expected,
        "greedy decoding on one device gives\n{decoded:?}, PyTorch gave\n{expected:?}"
    );
    Ok(())
}
