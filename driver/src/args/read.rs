//! Reading the command line, and what is said where it cannot be read.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process;

use anstream::ColorChoice;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use diagnostics::Failure;

use super::{Cli, DecisionArgs, Verb};
use crate::printer::Printer;

impl Cli {
    /// Reads the process's arguments; ends the process, with status 2, when
    /// they are wrong, and with 0 after `--help` and `--version`.
    pub fn parse_or_exit() -> Self {
        let arguments: Vec<OsString> = env::args_os().collect();
        match Self::of(&arguments) {
            Ok(cli) => cli,
            Err(error) => end(&error),
        }
    }

    fn of(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let read = || {
            let cli = Self::try_parse_from(arguments)?;
            cli.check()?;
            Ok(cli)
        };
        read().map_err(|error| mistyped(arguments).unwrap_or(error))
    }

    /// What clap cannot be told in attributes.
    fn check(&self) -> Result<(), clap::Error> {
        let place = &self.place;
        let error = |kind, text: &str| Err(Self::command().error(kind, text));
        const NO_RATE: &str = "the plan depends on how often the target accepts a drafted token: give --alpha A (from 0 \
                               to 1), or --acceptance FILE[:TASK]; accepted / drafted tokens, as servers print them, go to \
                               --accepted-per-draft X --drafted N";
        let rated = |decision: &DecisionArgs| {
            decision.alpha.is_some()
                || decision.acceptance.is_some()
                || decision.accepted_per_draft.is_some()
        };
        if let Some(Verb::Compile(compile)) = &self.verb
            && !rated(&compile.decision)
        {
            return error(ErrorKind::MissingRequiredArgument, NO_RATE);
        }
        if self.verb.is_some() {
            // Flags of --color and --quiet may stand before a verb, so that clap
            // lets all others stand there too.
            if place.input.is_some()
                || place.output.output.is_some()
                || place.decision.alpha.is_some()
            {
                return error(
                    ErrorKind::ArgumentConflict,
                    "IN, -o and --alpha belong to placing a module, and a verb follows them; a file with the name of a \
                     verb is written ./opt",
                );
            }
        } else if !rated(&place.decision) {
            return error(ErrorKind::MissingRequiredArgument, NO_RATE);
        }
        Ok(())
    }
}

/// What to say instead if what clap took for IN was meant to be a verb.
fn mistyped(arguments: &[OsString]) -> Option<clap::Error> {
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let word = loop {
        match words.next()? {
            // The flag that may stand before a verb and has a value.
            "--color" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            word => break word,
        }
    };
    let is_file = word.contains(['.', '/']) || Path::new(word).exists();
    let mut command = Cli::command();
    let verbs: Vec<&str> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    if is_file || verbs.contains(&word) {
        return None;
    }
    let known = cost::closest(word, verbs)?;
    let text = format!("there is no verb `{word}`: did you mean `specplace {known}`?");
    Some(command.error(ErrorKind::InvalidSubcommand, text))
}

/// Prints what clap says, which it may not have been able to, and ends the
/// process.
fn end(said: &clap::Error) -> ! {
    let printed = said.print().and_then(|()| io::stdout().flush());
    if let (false, Err(error)) = (said.use_stderr(), printed)
        // Who pipes help into `head` has seen enough.
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let failure = Failure::io("cannot write to standard output", &error);
        Printer::new(ColorChoice::Auto, false).messages(&failure.messages);
        process::exit(failure.status.code().into());
    }
    process::exit(said.exit_code());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Cli::of(&words)
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_plain_form() {
        let cli = parse(
            "specplace in.mlir -o out.mlir --alpha 0.9 --pin drafter=gpu,target=cpu --pin host=cpu",
        )
        .unwrap();
        assert!(cli.verb.is_none());
        assert_eq!(cli.place.decision.alpha.as_deref(), Some("0.9"));
        let pins: Vec<_> = cli
            .place
            .decision
            .pin
            .iter()
            .flat_map(|pins| &pins.0)
            .collect();
        assert_eq!(pins.len(), 3);
        assert_eq!(pins[2].role, cost::Partition::CONTROL);
    }

    #[test]
    fn exactly_one_acceptance() {
        assert!(parse("specplace in.mlir -o out.mlir").is_err());
        assert!(parse("specplace in.mlir -o out.mlir --alpha 0.5 --acceptance a.yaml").is_err());
        assert!(parse("specplace in.mlir -o out.mlir --acceptance a.yaml:code").is_ok());
        assert!(
            parse("specplace in.mlir -o out.mlir --alpha -0.5").is_ok(),
            "refused later, by name"
        );
    }

    #[test]
    fn verbs_that_are_mistyped() {
        for (line, verb) in [
            ("specplace doctr", "doctor"),
            ("specplace verify-placment pl.mlir", "verify-placement"),
            ("specplace --color never explor --alpha 0.9", "explore"),
            (
                "specplace complie in.mlir -o out.vmfb --alpha 0.9",
                "compile",
            ),
        ] {
            let said = parse(line).unwrap_err().to_string();
            let meant = format!("did you mean `specplace {verb}`?");
            assert!(said.contains(&meant), "{said}");
        }
        // What may be IN is IN, and a verb's own mistakes are its own.
        for line in [
            "specplace doctr.mlir",
            "specplace module",
            "specplace compile",
        ] {
            let said = parse(line).unwrap_err().to_string();
            assert!(!said.contains("did you mean"), "{said}");
        }
        let help = parse("specplace help").unwrap_err();
        assert_eq!(help.kind(), ErrorKind::DisplayHelp);
        assert!(
            parse("specplace help run")
                .unwrap_err()
                .to_string()
                .contains("OUT.vmfb")
        );
    }

    #[test]
    fn verbs_need_nothing_of_the_plain_form() {
        assert!(parse("specplace opt --pass a,b in.mlir").is_ok());
        assert!(parse("specplace opt --list").is_ok());
        assert!(parse("specplace compile in.mlir -o x.vmfb").is_err());
        let line = "specplace compile in.mlir -o x.vmfb --alpha 0.9 -- --iree-opt-level=O3 -x";
        match parse(line).unwrap().verb {
            Some(Verb::Compile(args)) => assert_eq!(args.iree_flags.len(), 2),
            other => panic!("{other:?}"),
        }
        assert!(parse("specplace opt in.mlir").is_err());
        assert!(parse("specplace platforms").is_ok());
        assert!(parse("specplace assemble --target a --drafter b@f -o c --eos 1,2").is_ok());
        assert!(parse("specplace assemble --target a -o c").is_err());
        assert!(parse("specplace assemble --target a --drafter b -o c --max-gamma 0").is_err());
        assert!(parse("specplace verify-placement out.mlir --with-iree -q").is_ok());
        assert!(parse("specplace in.mlir -o out.mlir --alpha 1 opt --list").is_err());
        assert!(parse("specplace --color never verify-placement out.mlir --with-iree").is_ok());
    }
}
