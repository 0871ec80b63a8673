//! Runs the table of cases; see `e2e::cases`.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use e2e::case::Reference;
use e2e::cases;
use e2e::greedy::{self, Forwards};
use e2e::module::Module;
use e2e::tools::Tools;

/// What every case shares.
struct Shared {
    tools: Tools,
    reference: Reference,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let prove = env::var("SPECPLACE_E2E_SERIES").is_ok_and(|series| series == "prove");
    let (cases, times) = if prove {
        (cases::all(), 20)
    } else {
        (cases::short(), 3)
    };
    let shared = if arguments.list { None } else { Some(share()) };
    let shared = match shared.transpose() {
        Ok(shared) => Arc::new(shared),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };

    let mut trials = vec![
        trial("vulkan-is-there", &shared, vulkan_is_there),
        trial("greedy-reference", &shared, greedy_reference),
    ];
    trials.extend(cases.into_iter().map(|case| {
        trial(&case.to_string(), &shared, move |shared| {
            let outcome = case.run(&shared.tools, times, &shared.reference)?;
            println!("{case}: {outcome}");
            Ok(())
        })
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn share() -> Result<Shared> {
    let tools = Tools::find()?;
    let prompt = greedy::reference(&tools.root)?;
    let forwards = Forwards::compile(&tools)?;
    let logits = Module::TwoForwards
        .functions()
        .iter()
        .map(|function| Ok((*function, forwards.logits(function, &prompt.row)?)))
        .collect::<Result<_>>()?;
    drop(forwards);
    Ok(Shared {
        reference: Reference {
            prompts: greedy::prompts(&tools.root)?,
            prompt,
            logits,
        },
        tools,
    })
}

fn trial(
    name: &str,
    shared: &Arc<Option<Shared>>,
    run: impl FnOnce(&Shared) -> Result<()> + Send + 'static,
) -> Trial {
    let shared = Arc::clone(shared);
    Trial::test(name, move || match &*shared {
        Some(shared) => run(shared).map_err(|error| Failed::from(format!("{error:#}"))),
        None => Err(Failed::from("nothing was prepared for a run")),
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
    let prompt = &shared.reference.prompt;
    let decoded = Forwards::compile(&shared.tools)?.decode(prompt, prompt.greedy.len())?;
    ensure!(
        decoded == prompt.greedy,
        "greedy decoding on one device gives\n{decoded:?}, PyTorch gave\n{:?}",
        prompt.greedy
    );
    Ok(())
}
