//! The functions of IREE's embedding API that we call, as its header declares
//! them (`iree/compiler/embedding_api.h`).

use std::ffi::{c_char, c_int, c_void};

/// What the API hands out; only ever seen behind pointers.
#[repr(C)]
pub(super) struct Opaque {
    _private: [u8; 0],
}

pub(super) type RawError = Opaque;
pub(super) type RawSession = Opaque;
pub(super) type RawInvocation = Opaque;
pub(super) type RawSource = Opaque;
pub(super) type RawOutput = Opaque;

pub(super) type OnDiagnostic = unsafe extern "C" fn(c_int, *const c_char, usize, *mut c_void);
pub(super) type OnName = unsafe extern "C" fn(*const c_char, *mut c_void);

/// From a module to a program: the whole pipeline between two phases.
pub(super) const STANDARD_PIPELINE: c_int = 0;

unsafe extern "C" {
    pub(super) fn ireeCompilerErrorDestroy(error: *mut RawError);
    pub(super) fn ireeCompilerErrorGetMessage(error: *mut RawError) -> *const c_char;
    pub(super) fn ireeCompilerSetupGlobalCL(
        argc: c_int,
        argv: *const *const c_char,
        banner: *const c_char,
        install_signal_handlers: bool,
    );
    pub(super) fn ireeCompilerEnumerateRegisteredHALTargetBackends(
        callback: OnName,
        data: *mut c_void,
    );
    pub(super) fn ireeCompilerSessionCreate() -> *mut RawSession;
    pub(super) fn ireeCompilerSessionDestroy(session: *mut RawSession);
    pub(super) fn ireeCompilerSessionSetFlags(
        session: *mut RawSession,
        argc: c_int,
        argv: *const *const c_char,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerInvocationCreate(session: *mut RawSession) -> *mut RawInvocation;
    pub(super) fn ireeCompilerInvocationDestroy(invocation: *mut RawInvocation);
    pub(super) fn ireeCompilerInvocationEnableCallbackDiagnostics(
        invocation: *mut RawInvocation,
        flags: c_int,
        callback: OnDiagnostic,
        data: *mut c_void,
    );
    pub(super) fn ireeCompilerInvocationParseSource(
        invocation: *mut RawInvocation,
        source: *mut RawSource,
    ) -> bool;
    pub(super) fn ireeCompilerInvocationSetCompileToPhase(
        invocation: *mut RawInvocation,
        phase: *const c_char,
    );
    pub(super) fn ireeCompilerInvocationSetCompileFromPhase(
        invocation: *mut RawInvocation,
        phase: *const c_char,
    );
    pub(super) fn ireeCompilerInvocationSetDumpCompilationPhasesTo(
        invocation: *mut RawInvocation,
        path: *const c_char,
    );
    pub(super) fn ireeCompilerInvocationPipeline(
        invocation: *mut RawInvocation,
        pipeline: c_int,
    ) -> bool;
    pub(super) fn ireeCompilerInvocationOutputIR(
        invocation: *mut RawInvocation,
        output: *mut RawOutput,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerInvocationOutputIRBytecode(
        invocation: *mut RawInvocation,
        output: *mut RawOutput,
        version: c_int,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerInvocationOutputVMBytecode(
        invocation: *mut RawInvocation,
        output: *mut RawOutput,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerSourceWrapBuffer(
        session: *mut RawSession,
        name: *const c_char,
        buffer: *const c_char,
        length: usize,
        is_null_terminated: bool,
        source: *mut *mut RawSource,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerSourceDestroy(source: *mut RawSource);
    pub(super) fn ireeCompilerOutputOpenFile(
        path: *const c_char,
        output: *mut *mut RawOutput,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerOutputOpenMembuffer(output: *mut *mut RawOutput) -> *mut RawError;
    pub(super) fn ireeCompilerOutputMapMemory(
        output: *mut RawOutput,
        contents: *mut *mut c_void,
        size: *mut u64,
    ) -> *mut RawError;
    pub(super) fn ireeCompilerOutputKeep(output: *mut RawOutput);
    pub(super) fn ireeCompilerOutputDestroy(output: *mut RawOutput);
}
