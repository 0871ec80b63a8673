//! IREE's compiler inside this process, through its embedding API.
//!
//! A [`Compiler`] is one of IREE's sessions: a context of its own, with flags
//! of its own. An [`Invocation`] takes one module through the phases. Modules
//! come in as bytes rather than as a [`dialects::Module`] that is handed over:
//! iree-compile's flags can only be given to the whole process before the
//! first session exists (see [`set_process_flags`]), they depend on the
//! placement, and the placement is found in a context that is there already.
//! Bytecode in memory carries everything from one context to the other,
//! locations included.

mod raw;
mod said;
mod source;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{crash, library};
use diagnostics::{Diagnostic, Severity};

use raw::*;
use said::{collect, taken};
use source::Pages;

/// A phase of IREE's pipeline, by the name that `--compile-to` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Devices are assigned and resolved.
    Preprocessing,
    /// What is done is in regions of commands, each on its device.
    Stream,
    /// Ready to be written as a program.
    End,
}

impl Phase {
    fn name(self) -> &'static CStr {
        match self {
            Phase::Preprocessing => c"preprocessing",
            Phase::Stream => c"stream",
            Phase::End => c"end",
        }
    }
}

/// The backends this IREE was built with: `llvm-cpu`, `vulkan-spirv` …
pub fn target_backends() -> Vec<String> {
    unsafe extern "C" fn add(name: *const c_char, data: *mut c_void) {
        // SAFETY: `data` is the list below, which nothing else uses during
        // the call, and the name is a C string that lives through it.
        unsafe { (*data.cast::<Vec<String>>()).push(text(name)) }
    }
    library::initialize();
    let mut names: Vec<String> = Vec::new();
    // SAFETY: the callback is only used during the call, with that list.
    unsafe {
        ireeCompilerEnumerateRegisteredHALTargetBackends(add, ptr::from_mut(&mut names).cast());
    }
    names.sort();
    names
}

/// Gives this process iree-compile's flags, all of them: a session by itself
/// knows only most ([`Compiler::set_flag`]). Every session made from then on
/// has them. `program` is what complaints begin with.
///
/// IREE itself answers flags that it does not know, or `--help`, and ends the
/// process then; its status is made `status`.
///
/// # Errors
///
/// A flag that holds a NUL; a second call, which IREE does not allow.
pub fn set_process_flags(program: &str, flags: &[String], status: u8) -> Result<(), String> {
    static GIVEN: AtomicBool = AtomicBool::new(false);
    library::initialize();
    let arguments: Vec<CString> = std::iter::once(program)
        .chain(flags.iter().map(String::as_str))
        .map(c_string)
        .collect::<Result<_, _>>()?;
    let count = c_int::try_from(arguments.len()).map_err(|error| error.to_string())?;
    if GIVEN.swap(true, Ordering::SeqCst) {
        return Err("IREE's flags can be set once in a process".to_owned());
    }
    // Options may go on pointing into what they were parsed from.
    let arguments: &'static [CString] = Vec::leak(arguments);
    let mut pointers: Vec<*const c_char> = arguments.iter().map(|each| each.as_ptr()).collect();
    pointers.push(ptr::null());
    let pointers: &'static [*const c_char] = Vec::leak(pointers);
    crash::ending_with(status, || {
        // SAFETY: the library is initialised, this is the only call, and the
        // arguments are C strings that live as long as the process.
        unsafe {
            ireeCompilerSetupGlobalCL(
                count,
                pointers.as_ptr(),
                c"specplace, with IREE's compiler\n".as_ptr(),
                false,
            );
        }
    });
    Ok(())
}

/// One of IREE's sessions.
pub struct Compiler {
    raw: *mut RawSession,
}

impl Compiler {
    /// A session with the process's flags, or IREE's defaults.
    pub fn new() -> Self {
        library::initialize();
        // SAFETY: the library is initialised; the session is destroyed once,
        // when this is dropped.
        let raw = unsafe { ireeCompilerSessionCreate() };
        Self { raw }
    }

    /// Gives this session a flag.
    ///
    /// # Errors
    ///
    /// What IREE says: the flag is unknown to sessions, or its value is wrong.
    pub fn set_flag(&mut self, flag: &str) -> Result<(), String> {
        let flag = c_string(flag)?;
        let arguments = [flag.as_ptr()];
        // SAFETY: the session is alive, and the argument lives through the
        // call, which copies what it keeps.
        unsafe { outcome(ireeCompilerSessionSetFlags(self.raw, 1, arguments.as_ptr())) }
    }

    /// Reads a module, text or bytecode; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// What IREE says about it.
    pub fn read(&self, name: &str, module: &[u8]) -> Result<Invocation<'_>, Vec<Diagnostic>> {
        let name = c_string(name).map_err(|text| vec![Diagnostic::error(text)])?;
        let said: Box<Mutex<Vec<Diagnostic>>> = Box::default();
        // SAFETY: the session is alive by the borrow; the list that the
        // callback gets lives in a box as long as the invocation does.
        let raw = unsafe {
            let raw = ireeCompilerInvocationCreate(self.raw);
            let data = ptr::from_ref::<Mutex<_>>(&said).cast_mut().cast();
            ireeCompilerInvocationEnableCallbackDiagnostics(raw, 0, collect, data);
            raw
        };
        let mut invocation = Invocation {
            raw,
            source: ptr::null_mut(),
            said,
            phase: None,
            _bytes: Pages::holding(module),
            session: PhantomData,
        };
        let bytes = &invocation._bytes;
        // SAFETY: the pages hold the module and a NUL after it, and live as
        // long as the invocation, which destroys the source before them.
        let parsed = unsafe {
            outcome(ireeCompilerSourceWrapBuffer(
                self.raw,
                name.as_ptr(),
                bytes.start().cast(),
                bytes.length() + 1,
                true,
                &mut invocation.source,
            ))
            .map_err(|text| vec![Diagnostic::error(text)])?;
            ireeCompilerInvocationParseSource(invocation.raw, invocation.source)
        };
        invocation.finished(parsed, "IREE could not read the module")?;
        Ok(invocation)
    }
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        // SAFETY: made by SessionCreate and destroyed here only; invocations
        // borrow it, so that there are none any more.
        unsafe { ireeCompilerSessionDestroy(self.raw) }
    }
}

/// A module on its way through IREE's pipeline.
pub struct Invocation<'c> {
    raw: *mut RawInvocation,
    source: *mut RawSource,
    said: Box<Mutex<Vec<Diagnostic>>>,
    /// What was reached; none at the start.
    phase: Option<Phase>,
    _bytes: Pages,
    session: PhantomData<&'c Compiler>,
}

impl Invocation<'_> {
    /// Has the IR after each phase written to files in `folder`, which must
    /// exist.
    ///
    /// # Errors
    ///
    /// A path with a NUL in it.
    pub fn dump_phases_to(&mut self, folder: &Path) -> Result<(), String> {
        let folder = c_string(&folder.to_string_lossy())?;
        // SAFETY: the invocation is alive; the path is copied.
        unsafe { ireeCompilerInvocationSetDumpCompilationPhasesTo(self.raw, folder.as_ptr()) }
        Ok(())
    }

    /// Takes the module from the phase where it is to the end of `phase`, which
    /// must come later. Warnings and remarks are returned.
    ///
    /// # Errors
    ///
    /// What IREE says; the module is then of no more use.
    pub fn compile_to(&mut self, phase: Phase) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        // SAFETY: the invocation is alive and holds a module; the name is
        // copied.
        let done = unsafe {
            let from = self.phase.map_or(c"start", Phase::name);
            ireeCompilerInvocationSetCompileFromPhase(self.raw, from.as_ptr());
            ireeCompilerInvocationSetCompileToPhase(self.raw, phase.name().as_ptr());
            ireeCompilerInvocationPipeline(self.raw, STANDARD_PIPELINE)
        };
        self.phase = Some(phase);
        self.finished(done, "IREE could not compile the module")
    }

    fn finished(&self, well: bool, otherwise: &str) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let mut said = taken(&self.said);
        if well {
            return Ok(said);
        }
        if !said.iter().any(|each| each.severity == Severity::Error) {
            said.push(Diagnostic::error(otherwise));
        }
        Err(said)
    }

    /// The IR as it is now, as text.
    ///
    /// # Errors
    ///
    /// What IREE says.
    pub fn ir(&self) -> Result<String, String> {
        let output = Output::in_memory()?;
        // SAFETY: invocation and output are alive.
        unsafe { outcome(ireeCompilerInvocationOutputIR(self.raw, output.raw))? };
        Ok(String::from_utf8_lossy(&output.bytes()?).into_owned())
    }

    /// The IR as it is now, as bytecode.
    ///
    /// # Errors
    ///
    /// What IREE says.
    pub fn bytecode(&self) -> Result<Vec<u8>, String> {
        const NEWEST: c_int = -1;
        let output = Output::in_memory()?;
        // SAFETY: as above.
        unsafe {
            outcome(ireeCompilerInvocationOutputIRBytecode(
                self.raw, output.raw, NEWEST,
            ))?;
        }
        output.bytes()
    }

    /// Writes the program that [`Phase::End`] left to `path`. On failure the
    /// file is gone.
    ///
    /// # Errors
    ///
    /// What IREE says: the file cannot be written, or the module not be
    /// serialised.
    pub fn write_program(&self, path: &Path) -> Result<(), Vec<Diagnostic>> {
        let fail = |text: String| {
            let mut said = taken(&self.said);
            said.push(Diagnostic::error(text));
            said
        };
        let output = Output::file(path).map_err(fail)?;
        // SAFETY: invocation and output are alive. A file that is not kept is
        // removed with its output.
        unsafe {
            outcome(ireeCompilerInvocationOutputVMBytecode(self.raw, output.raw)).map_err(fail)?;
            ireeCompilerOutputKeep(output.raw);
        }
        Ok(())
    }
}

impl Drop for Invocation<'_> {
    fn drop(&mut self) {
        // SAFETY: both were made for this invocation and are destroyed here
        // only; destroying no source (null) is allowed.
        unsafe {
            ireeCompilerInvocationDestroy(self.raw);
            ireeCompilerSourceDestroy(self.source);
        }
    }
}

/// Where the API writes to.
struct Output {
    raw: *mut RawOutput,
}

impl Output {
    fn in_memory() -> Result<Self, String> {
        let mut output = Self {
            raw: ptr::null_mut(),
        };
        // SAFETY: the pointer is written to before it is read.
        unsafe { outcome(ireeCompilerOutputOpenMembuffer(&mut output.raw))? };
        Ok(output)
    }

    fn file(path: &Path) -> Result<Self, String> {
        let path = c_string(&path.to_string_lossy())?;
        let mut output = Self {
            raw: ptr::null_mut(),
        };
        // SAFETY: as above; the path is copied.
        unsafe { outcome(ireeCompilerOutputOpenFile(path.as_ptr(), &mut output.raw))? };
        Ok(output)
    }
}

impl Output {
    /// A copy of what was written to memory.
    fn bytes(&self) -> Result<Vec<u8>, String> {
        let (mut contents, mut size) = (ptr::null_mut(), 0);
        // SAFETY: the output is alive; what was mapped stays mapped as long as
        // it is, and is copied before that ends.
        unsafe {
            outcome(ireeCompilerOutputMapMemory(
                self.raw,
                &mut contents,
                &mut size,
            ))?;
            let size = usize::try_from(size).map_err(|error| error.to_string())?;
            if contents.is_null() || size == 0 {
                return Ok(Vec::new());
            }
            Ok(std::slice::from_raw_parts(contents.cast::<u8>(), size).to_vec())
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: made by the API, also when it failed, and destroyed once;
        // null is allowed.
        unsafe { ireeCompilerOutputDestroy(self.raw) }
    }
}

fn c_string(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| format!("`{}` has a NUL in it", text.replace('\0', "\\0")))
}

/// # Safety
///
/// `error` is null, or an error of the API that nothing else destroys.
unsafe fn outcome(error: *mut RawError) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: by the caller's promise; the message is copied before the error
    // goes.
    unsafe {
        let message = text(ireeCompilerErrorGetMessage(error));
        ireeCompilerErrorDestroy(error);
        Err(message)
    }
}

/// # Safety
///
/// `raw` is null or a C string.
unsafe fn text(raw: *const c_char) -> String {
    if raw.is_null() {
        return String::new();
    }
    // SAFETY: by the caller's promise.
    unsafe { CStr::from_ptr(raw) }
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests;
