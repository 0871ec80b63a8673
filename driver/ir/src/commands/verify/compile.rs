//! The modules of the proof of values, and what IREE makes of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::thread;

use diagnostics::{Diagnostic, Failure, Status};
use iree::crash;
use passes::Settings;
use passes::values::{Options, Probe, Reference, models_of, not_of_this_input, probe, reference};
use specplace_driver::printer::Printer;
use tools::{Scratch, Tool, said, version};

use super::{Subject, draft_length};
use crate::module_file;
use crate::pass_runner::crashed;

/// What iree-compile is told of the reference: the device, and no more.
const REFERENCE_FLAGS: [&str; 3] = [
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
];

/// The module of one device's subgraphs.
pub struct ProbeModule {
    /// The device, and what the subgraphs take and give.
    pub probe: Probe,
    contents: Vec<u8>,
}

/// The modules that are compiled beside OUT.
pub struct Made {
    /// What the reference has.
    pub reference: Reference,
    reference_contents: Vec<u8>,
    /// The probe of each device that a model is on.
    pub probes: BTreeMap<String, ProbeModule>,
    /// The device of each subgraph.
    pub devices: BTreeMap<String, String>,
}

impl Made {
    /// Makes them.
    pub fn of(
        subject: &Subject<'_>,
        settings: Settings,
        printer: &mut Printer,
    ) -> Result<Self, Failure> {
        let session = iree::session();
        let input = &subject.source.input;
        if !input.is_file() {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "{}, which {} was placed from, is not there",
                    input.display(),
                    subject.name.display()
                ))
                .help("say where it is: --reference IN"),
            ));
        }
        let mut planned = module_file::read(&session, input, printer)?;
        let mut alone = module_file::read(&session, input, printer)?;
        let options = Options {
            settings,
            gamma: draft_length(subject.placed),
        };
        let made = crash::saying(
            &crashed("while it lowered IN for the reference"),
            Status::Impossible.code(),
            || reference(&mut planned.lend(), &mut alone.lend(), &options),
        );
        let reference = made.map_err(Failure::impossible)?;
        planned.verify().map_err(Failure::impossible)?;

        let models = models_of(subject.placed);
        if let Some(name) = reference
            .subgraphs
            .keys()
            .find(|name| !models.contains_key(*name))
        {
            return Err(Failure::impossible(vec![not_of_this_input(&format!(
                "OUT has no subgraph @{name}"
            ))]));
        }
        let mut probes = BTreeMap::new();
        for device in models.values() {
            if probes.contains_key(device) {
                continue;
            }
            let session = iree::session();
            let module = iree::read(&session, subject.contents).map_err(Failure::unreadable)?;
            let probe =
                probe(&module, device, &reference.subgraphs).map_err(Failure::impossible)?;
            module.verify().map_err(Failure::impossible)?;
            let made = ProbeModule {
                probe,
                contents: module.to_bytecode(),
            };
            probes.insert(device.clone(), made);
        }
        Ok(Self {
            reference,
            reference_contents: planned.to_bytecode(),
            probes,
            devices: models,
        })
    }
}

/// The compiled programs.
pub struct Programs {
    /// OUT itself.
    pub out: PathBuf,
    /// IN without placement.
    pub reference: PathBuf,
    /// By device.
    pub probes: BTreeMap<String, PathBuf>,
}

/// Where programs lie: in a folder that is kept, or in one that is not.
pub struct Shelf {
    folder: PathBuf,
    scratch: Scratch,
}

impl Shelf {
    /// Uses `kept`, which is made if it is not there.
    pub fn new(kept: Option<&Path>) -> Result<Self, Failure> {
        let scratch = Scratch::new()?;
        let folder = match kept {
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| {
                    Failure::io(format!("cannot make {}", folder.display()), &error)
                })?;
                folder.to_path_buf()
            }
            None => scratch.path().to_path_buf(),
        };
        Ok(Self { folder, scratch })
    }

    /// Where files of this run go.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The file of what is made of `contents` with `flags`: another one for
    /// other contents, flags or releases.
    ///
    /// # Errors
    ///
    /// A response file among the flags that cannot be read.
    fn place(&self, name: &str, contents: &[u8], flags: &[OsString]) -> Result<PathBuf, Failure> {
        let mut hasher = DefaultHasher::new();
        contents.hash(&mut hasher);
        for flag in flags {
            flag.hash(&mut hasher);
            // What a response file holds counts, and not its name alone.
            if let Some(path) = flag.to_str().and_then(|flag| flag.strip_prefix('@')) {
                let held = fs::read(path)
                    .map_err(|error| Failure::io(format!("cannot read {path}"), &error))?;
                held.hash(&mut hasher);
            }
        }
        version::installed()
            .map(|version| version.to_string())
            .hash(&mut hasher);
        Ok(self.folder.join(format!("{:016x}.{name}", hasher.finish())))
    }

    /// What `make` makes of `contents` with `flags`, if it is not there already.
    pub fn text(
        &self,
        name: &str,
        contents: &[u8],
        flags: &[OsString],
        make: impl FnOnce() -> Result<Vec<u8>, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let path = self.place(name, contents, flags)?;
        if let Ok(found) = fs::read(&path) {
            return Ok(found);
        }
        let made = make()?;
        self.put(&path, &made)?;
        Ok(made)
    }

    /// Writes a file whole or not at all.
    fn put(&self, path: &Path, contents: &[u8]) -> Result<(), Failure> {
        specplace_driver::output::write_all(&[specplace_driver::output::Output {
            path: path.to_path_buf(),
            contents: contents.to_vec(),
        }])
    }

    /// Compiles whatever is not there yet, two at a time.
    pub fn compile(&self, subject: &Subject<'_>, made: &Made) -> Result<Programs, Failure> {
        let plain: Vec<OsString> = REFERENCE_FLAGS.map(OsString::from).into();
        let mut jobs: Vec<(String, &[u8], &[OsString])> = vec![
            ("OUT".to_owned(), subject.contents, &subject.compile_flags),
            ("the reference".to_owned(), &made.reference_contents, &plain),
        ];
        for (device, probe) in &made.probes {
            jobs.push((
                format!("the subgraphs on {device}"),
                &probe.contents,
                &subject.compile_flags,
            ));
        }
        let tool = subject.tools.find("iree-compile")?;
        let mut paths = jobs
            .iter()
            .map(|(_, contents, flags)| self.place("vmfb", contents, flags))
            .collect::<Result<Vec<PathBuf>, Failure>>()?;
        if let Some(program) = subject.program {
            program.clone_into(&mut paths[0]);
        }
        let wanted: Vec<usize> = (0..jobs.len()).filter(|at| !paths[*at].is_file()).collect();
        for pair in wanted.chunks(2) {
            let outcomes: Vec<Result<(), Failure>> = thread::scope(|scope| {
                let running: Vec<_> = pair
                    .iter()
                    .map(|at| {
                        let (what, contents, flags) = &jobs[*at];
                        let (tool, path) = (&tool, &paths[*at]);
                        scope.spawn(move || self.compile_one(tool, what, contents, flags, path))
                    })
                    .collect();
                running
                    .into_iter()
                    .map(|each| {
                        each.join().unwrap_or_else(|_| {
                            Err(Failure::impossible(vec![Diagnostic::error(
                                "a compilation was not finished",
                            )]))
                        })
                    })
                    .collect()
            });
            outcomes.into_iter().collect::<Result<(), Failure>>()?;
        }
        let mut paths = paths.into_iter();
        let mut next = || paths.next().unwrap_or_default();
        Ok(Programs {
            out: next(),
            reference: next(),
            probes: made
                .probes
                .keys()
                .map(|device| (device.clone(), next()))
                .collect(),
        })
    }

    fn compile_one(
        &self,
        tool: &Tool,
        what: &str,
        contents: &[u8],
        flags: &[OsString],
        path: &Path,
    ) -> Result<(), Failure> {
        let bytecode = contents.starts_with(specplace_driver::input::BYTECODE);
        let source = path.with_extension(if bytecode { "mlirbc" } else { "mlir" });
        self.put(&source, contents)?;
        // Another name until it is whole: what is there is taken as it is.
        let partial = path.with_extension("part");
        let mut arguments: Vec<OsString> = vec![source.clone().into()];
        arguments.extend(flags.iter().cloned());
        arguments.extend(["-o".into(), partial.clone().into()]);
        let ended = tool.run_in_time(&arguments, None);
        if !ended.as_ref().is_ok_and(|(_, status)| status.success()) {
            let _ = fs::remove_file(&partial);
        }
        let (done, status) = ended?;
        if !status.success() {
            return Err(Failure::impossible(vec![
                Diagnostic::error(format!("iree-compile does not compile {what}"))
                    .with_note(Diagnostic::note(said(&done.first_words()))),
            ]));
        }
        fs::rename(&partial, path)
            .map_err(|error| Failure::io(format!("cannot rename {}", partial.display()), &error))
    }
}
