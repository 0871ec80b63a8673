//! Running other programs: each ends at a limit of time, and none outlives this
//! process by a signal that can be caught.
//!
//! A program gets a process group of its own, so that what it starts in turn is
//! ended with it: a wrapper's interpreter, a compiler's linker, a helper that
//! holds the pipe open. SIGKILL, which no program can catch, is what is left: it
//! ends specplace alone.

use std::io::{self, Read, Write};
use std::mem;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::interruption::Running;

/// How often a program that has a limit is looked at.
const TICK: Duration = Duration::from_millis(2);

/// How long what a program printed may take to arrive after its end. Only what
/// left the group on purpose can still hold the pipe then.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a program did.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended; none when it was ended at its limit.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Runs a program to its end, or to its limit, with `input` as its standard input.
///
/// # Errors
///
/// Those of starting it and waiting for it.
pub fn run(
    mut command: Command,
    input: Option<&[u8]>,
    limit: Option<Duration>,
) -> io::Result<Ended> {
    let started = Instant::now();
    command
        .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    thread::scope(|scope| {
        let mut group = Group::start(&mut command)?;
        // It reads while it may already complain, so that all three go on beside
        // each other. What it does not want to read any more is its own affair.
        if let (Some(mut stdin), Some(input)) = (group.child.stdin.take(), input) {
            scope.spawn(move || stdin.write_all(input));
        }
        let stdout = Drained::of(group.child.stdout.take());
        let stderr = Drained::of(group.child.stderr.take());
        let is_over = wait(group.leader, limit)?;
        let status = group.end()?;
        Ok(Ended {
            status: is_over.then_some(status),
            stdout: stdout.all(),
            stderr: stderr.all(),
            elapsed: started.elapsed(),
        })
    })
}

/// A program and what it has started, which end at the latest when this is
/// dropped.
struct Group {
    child: Child,
    leader: Pid,
    running: Option<Running>,
}

impl Group {
    fn start(command: &mut Command) -> io::Result<Self> {
        let (child, running) = Running::start(|| command.spawn())?;
        Ok(Self {
            leader: Pid::from_child(&child),
            child,
            running: Some(running),
        })
    }

    /// Ends what is left of it. The leader's number is nobody else's until it
    /// was waited for, and so the group's.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if self.running.is_some() {
            // There is nothing left, as a rule.
            let _ = kill_process_group(self.leader, Signal::KILL);
            self.running = None;
        }
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // On the way out of an error already.
        let _ = self.end();
    }
}

/// Waits for the end of a program, which is not asked for its status yet; gives
/// whether that came before the limit.
fn wait(leader: Pid, limit: Option<Duration>) -> Result<bool, Errno> {
    let started = Instant::now();
    let is_over = |how: WaitIdOptions| {
        let how = how | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        retry_on_intr(|| waitid(WaitId::Pid(leader), how))
    };
    let Some(limit) = limit else {
        return is_over(WaitIdOptions::empty()).map(|_| true);
    };
    loop {
        if is_over(WaitIdOptions::NOHANG)?.is_some() {
            return Ok(true);
        }
        if started.elapsed() >= limit {
            return Ok(false);
        }
        thread::sleep(TICK);
    }
}

/// What comes out of a pipe, read beside everything else.
struct Drained {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

impl Drained {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (at_end, end) = mpsc::channel();
        let into = Arc::clone(&bytes);
        thread::spawn(move || {
            // What was read until an error is still worth showing.
            let _ = pipe.map(|pipe| copy(pipe, &into));
            let _ = at_end.send(());
        });
        Self { bytes, end }
    }

    /// All that came until the pipe was closed, or until patience ended.
    fn all(self) -> Vec<u8> {
        let _ = self.end.recv_timeout(PATIENCE);
        mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn copy(mut from: impl Read, into: &Mutex<Vec<u8>>) -> io::Result<()> {
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        into.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(piece.iter().take(read));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    fn soon() -> Option<Duration> {
        Some(Duration::from_millis(200))
    }

    #[test]
    fn what_is_printed_comes_whole() {
        let much = vec![b'x'; 1 << 20];
        let ended = run(shell("cat; echo b >&2; exit 3"), Some(&much), None).unwrap();
        assert_eq!(ended.status.unwrap().code(), Some(3));
        assert_eq!((ended.stdout, ended.stderr), (much, b"b\n".to_vec()));
    }

    #[test]
    fn input_that_nobody_reads_is_no_error() {
        let much = vec![b'x'; 1 << 20];
        let ended = run(shell("exit 0"), Some(&much), soon()).unwrap();
        assert!(ended.status.unwrap().success());
    }

    #[test]
    fn limits_hold_for_what_a_program_starts() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        // The shell waits, its child would leave a mark.
        let script = format!("(sleep 1; touch {}) & wait", mark.display());
        let ended = run(shell(&script), None, soon()).unwrap();
        assert!(ended.status.is_none());
        assert!(ended.elapsed < Duration::from_secs(1), "{ended:?}");
        thread::sleep(Duration::from_millis(1200));
        assert!(!mark.exists());
    }

    /// A helper in the background, which would keep its reader waiting.
    #[test]
    fn a_pipe_that_a_child_holds_is_given_up() {
        for limit in [None, Some(Duration::from_secs(20))] {
            let ended = run(shell("sleep 30 & echo a"), None, limit).unwrap();
            assert!(ended.elapsed < Duration::from_secs(10), "{ended:?}");
            assert_eq!(ended.stdout, b"a\n");
            assert!(ended.status.unwrap().success());
        }
    }
}
