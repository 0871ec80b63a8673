//! Odd places to write to, tools that hang, signals and limits: OUT is whole or not
//! there, nothing else is touched, and everything ends.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;

use common::{PAIR, PROGRAM, folder, names, specplace};

const DECISION: [&str; 4] = ["--alpha", "0.9", "--platform", "two-cpus"];

/// A folder with `pair.mlir` in it and nothing else.
fn pair() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pair.mlir"), PAIR).unwrap();
    folder
}

/// `specplace pair.mlir -o OUT`, quietly.
fn place(folder: &Path, out: &str) -> assert_cmd::Command {
    let mut command = specplace();
    command
        .current_dir(folder)
        .args(["pair.mlir", "-q", "-o", out])
        .args(DECISION)
        .timeout(Duration::from_secs(60));
    command
}

/// The same for a shell, which has limits or streams of its own.
fn in_shell(folder: &Path, script: &str) -> process::Output {
    process::Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        .env("SPECPLACE", common::program())
        .env("VIRTUAL_ENV", common::repository().join(".venv"))
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("SPECPLACE_IREE_LIBRARY")
        .output()
        .unwrap()
}

fn make_fifo(path: &Path) {
    let made = process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_descriptor_is_written_to_whatever_it_is() {
    let folder = pair();
    let at = |name: &str| folder.path().join(name);
    symlink("/proc/self/fd/1", at("link")).unwrap();
    let script = "echo before > got; \
                  $SPECPLACE pair.mlir -o link -q --alpha 0.9 --platform two-cpus >> got && echo after >> got; \
                  (exec 3> gone; rm gone; $SPECPLACE pair.mlir -o link -q --alpha 0.9 >&3) && echo done >> got";
    let run = in_shell(folder.path(), script);
    assert!(run.stderr.is_empty(), "{run:?}");
    let got = fs::read_to_string(at("got")).unwrap();
    assert!(got.starts_with("before\nmodule"), "{got}");
    assert!(got.ends_with("}\nafter\ndone\n"), "{got}");
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    assert_eq!(names(folder.path()), ["got", "link", "pair.mlir"]);
}

#[test]
fn links_are_followed_to_what_is_not_there_yet() {
    let folder = pair();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    symlink("sub/out.mlir", at("one.mlir")).unwrap();
    symlink("one.mlir", at("two.mlir")).unwrap();
    place(folder.path(), "two.mlir").assert().success();
    assert!(fs::symlink_metadata(at("two.mlir")).unwrap().is_symlink());
    assert_eq!(names(&at("sub")), ["out.mlir"]);
    assert!(
        at("two.plan.json").is_file(),
        "beside the name that was given"
    );
    // By another name it is the same file.
    place(folder.path(), "one.mlir")
        .args(["--plan-out", "sub/out.mlir"])
        .assert()
        .code(2)
        .stderr(contains("would be written twice"));

    symlink("loop.mlir", at("loop.mlir")).unwrap();
    place(folder.path(), "loop.mlir")
        .assert()
        .code(2)
        .stderr(contains(
            "cannot write loop.mlir: Too many levels of symbolic links",
        ));
    assert!(fs::symlink_metadata(at("loop.mlir")).unwrap().is_symlink());
}

#[test]
fn a_pipe_that_someone_reads() {
    let folder = pair();
    let pipe = folder.path().join("pipe");
    make_fifo(&pipe);
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut text = String::new();
            File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    place(folder.path(), "pipe").assert().success();
    assert!(reader.join().unwrap().contains("@both"));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(names(folder.path()), ["pair.mlir", "pipe"]);
}

#[test]
fn flags_are_read_twice_and_so_from_no_pipe() {
    let folder = folder();
    fs::write(folder.path().join("out.vmfb"), PROGRAM).unwrap();
    make_fifo(&folder.path().join("out.run.flags"));
    let library = iree_with(folder.path(), "iree-dump-module", DUMP);
    specplace()
        .current_dir(&folder)
        .env("SPECPLACE_IREE_LIBRARY", &library)
        .args(["run", "out.vmfb", "--tokens", "1"])
        .timeout(Duration::from_secs(60))
        .assert()
        .code(2)
        .stderr(contains("cannot read out.run.flags: it is no file"));
}

/// Beside OUT, in the same set, or elsewhere, or nowhere.
#[test]
fn the_plan_is_a_file_of_its_own() {
    let folder = pair();
    let at = |name: &str| folder.path().join(name);
    // What cannot be written keeps all of them away.
    fs::create_dir(at("out.plan.json")).unwrap();
    place(folder.path(), "out.mlir")
        .assert()
        .code(2)
        .stderr(contains("cannot write out.plan.json: is a directory"));
    assert_eq!(names(folder.path()), ["out.plan.json", "pair.mlir"]);
    fs::remove_dir(at("out.plan.json")).unwrap();
    place(folder.path(), "out.mlir")
        .args(["--plan-out", "other.json"])
        .assert()
        .success();
    place(folder.path(), "-").assert().success();
    place(folder.path(), "/dev/null").assert().success();
    let files = [
        "other.json",
        "out.flags",
        "out.mlir",
        "out.run.flags",
        "pair.mlir",
    ];
    assert_eq!(names(folder.path()), files);
    place(folder.path(), "-")
        .args(["--plan-out", "piped.json"])
        .assert()
        .success();
    assert!(at("piped.json").is_file());
    // A plan is read twice by none, and yet from no pipe, which would be waited for.
    fs::write(at("out.vmfb"), PROGRAM).unwrap();
    make_fifo(&at("out.plan.json"));
    let library = iree_with(&folder.path().join("fake"), "iree-dump-module", DUMP);
    specplace()
        .current_dir(&folder)
        .env("SPECPLACE_IREE_LIBRARY", &library)
        .args(["run", "out.vmfb", "--tokens", "1"])
        .timeout(Duration::from_secs(60))
        .assert()
        .code(2)
        .stderr(contains("cannot read out.plan.json: it is no file"));
}

#[test]
fn compiling_takes_no_name_of_the_users() {
    let folder = pair();
    fs::write(folder.path().join("out.placed.mlir"), "mine").unwrap();
    for out in ["out.vmfb", "/dev/null"] {
        specplace()
            .current_dir(&folder)
            .args(["compile", "pair.mlir", "-q", "-o", out])
            .args(DECISION)
            .assert()
            .success();
        let kept = fs::read_to_string(folder.path().join("out.placed.mlir"));
        assert_eq!(kept.unwrap(), "mine");
    }
    let expected = [
        "out.placed.mlir",
        "out.plan.json",
        "out.run.flags",
        "out.vmfb",
        "pair.mlir",
    ];
    assert_eq!(names(folder.path()), expected);
}

/// iree-dump-module, as it tells of a program.
const DUMP: &str = "echo 'Exported Functions:'
echo '  [  0] generate(!vm.ref<?>, !vm.ref<?>) -> (!vm.ref<?>, !vm.ref<?>)'
echo '        iree.abi.declaration: sync func @generate(%input0: tensor<1x8xi64>, %input1: tensor<i64>) -> (%output0: tensor<1x8xi64>, %output1: tensor<i64>)'";

/// IREE with a program of our own in place of one of its.
fn iree_with(folder: &Path, tool: &str, script: &str) -> PathBuf {
    let packages = folder.join("iree");
    let library = packages.join("compiler/_mlir_libs");
    let runtime = packages.join("_runtime_libs");
    fs::create_dir_all(&library).unwrap();
    fs::create_dir_all(&runtime).unwrap();
    let name = "libIREECompiler.so";
    let real = common::repository()
        .join(".toolchain/lib")
        .join(name)
        .canonicalize()
        .unwrap();
    if !library.join(name).exists() {
        symlink(real, library.join(name)).unwrap();
    }
    let place = if tool == "iree-compile" {
        &library
    } else {
        &runtime
    };
    let program = place.join(tool);
    fs::write(&program, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    library
}

#[test]
fn a_tool_that_hangs_is_ended() {
    let folder = pair();
    place(folder.path(), "out.mlir").assert().success();
    let library = iree_with(folder.path(), "iree-compile", "echo so far >&2; sleep 600");
    for verb in [
        &["verify-placement", "out.mlir"][..],
        &[
            "pair.mlir",
            "-o",
            "other.mlir",
            "--alpha",
            "0.9",
            "--verify=placement",
        ],
        &["pair.mlir", "-o", "other.mlir", "--alpha", "0.9", "--probe"],
    ] {
        let started = Instant::now();
        specplace()
            .current_dir(&folder)
            .args(verb)
            .args(["-q", "--tool-limit", "1"])
            .env("SPECPLACE_IREE_LIBRARY", &library)
            .assert()
            .code(1)
            .stderr(contains(
                "error: iree-compile was ended after 1 s, which is the limit",
            ))
            .stderr(contains("so far"))
            .stderr(contains("--tool-limit SECONDS"));
        assert!(started.elapsed() < Duration::from_secs(30));
    }
    assert!(!folder.path().join("other.mlir").exists());

    fs::write(folder.path().join("out.vmfb"), PROGRAM).unwrap();
    let library = iree_with(
        &folder.path().join("runtime"),
        "iree-run-module",
        "sleep 600",
    );
    iree_with(&folder.path().join("runtime"), "iree-dump-module", DUMP);
    specplace()
        .current_dir(&folder)
        .args(["run", "out.vmfb", "--tokens", "1", "--tool-limit", "1"])
        .env("SPECPLACE_IREE_LIBRARY", &library)
        .assert()
        .code(1)
        .stderr(contains("error: iree-run-module was ended after 1 s"))
        .stderr(contains("it said nothing"));
}

/// Whether a process is there and no zombie.
fn is_running(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

/// Starts the proof of placement with a tool that hangs, and sends a signal to specplace
/// alone; gives how that ended, what it said, and the tool's processes.
fn signalled(folder: &Path, signal: &str) -> (process::Output, String) {
    place(folder, "out.mlir").assert().success();
    let mark = folder.join("mark");
    let script = format!(
        "sleep 20 & echo $$ $! > {0}.part; mv {0}.part {0}; wait",
        mark.display()
    );
    let library = iree_with(folder, "iree-compile", &script);
    let mut child = process::Command::new("env")
        .arg("--default-signal=TERM")
        .arg(common::program())
        .args(["verify-placement", "out.mlir"])
        .current_dir(folder)
        .env("SPECPLACE_IREE_LIBRARY", &library)
        .env_remove("LD_LIBRARY_PATH")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !mark.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        assert!(started.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(10));
    }
    let kill = format!("kill -{signal} {}", child.id());
    let killed = process::Command::new("sh").args(["-c", &kill]).status();
    assert!(killed.unwrap().success());
    let ended = child.wait_with_output().unwrap();
    (ended, fs::read_to_string(&mark).unwrap())
}

#[test]
fn what_was_started_ends_with_us() {
    let folder = pair();
    let (ended, ids) = signalled(folder.path(), "TERM");
    assert_eq!(ended.status.signal(), Some(15));
    let since = Instant::now();
    while ids.split_whitespace().any(is_running) {
        assert!(since.elapsed() < Duration::from_secs(10), "{ids}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Wherever it is: a place that nobody thought of, too.
#[test]
fn a_crash_anywhere_is_a_message() {
    let folder = pair();
    let (ended, _) = signalled(folder.path(), "SEGV");
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("error: IREE crashed in specplace verify-placement"),
        "{said}"
    );
}

/// A signal while files are put into place leaves all of them, or none.
#[test]
fn files_come_together() {
    for which in 1..=4 {
        let folder = pair();
        let strace = process::Command::new("strace")
            .args([
                "-f",
                "-o",
                "/dev/null",
                "-e",
                "trace=rename,renameat,renameat2",
            ])
            .args([
                "-e",
                &format!("inject=rename,renameat,renameat2:signal=SIGTERM:when={which}"),
            ])
            .args(["env", "--default-signal=TERM"])
            .arg(common::program())
            .args(["pair.mlir", "-q", "-o", "out.mlir"])
            .args(DECISION)
            .current_dir(&folder)
            .env("VIRTUAL_ENV", common::repository().join(".venv"))
            .env_remove("LD_LIBRARY_PATH")
            .env_remove("SPECPLACE_IREE_LIBRARY")
            .output();
        match strace {
            Ok(run) if !run.stderr.is_empty() => {
                eprintln!("SKIPPED: strace does not work here: {run:?}");
                return;
            }
            Err(error) => {
                eprintln!("SKIPPED: there is no strace: {error}");
                return;
            }
            Ok(_) => {}
        }
        let found = names(folder.path());
        let all = [
            "out.flags",
            "out.mlir",
            "out.plan.json",
            "out.run.flags",
            "pair.mlir",
        ];
        assert!(found == all || found == ["pair.mlir"], "{which}: {found:?}");
    }
}

#[test]
fn a_limit_on_files_is_a_message() {
    let folder = pair();
    let script = "ulimit -f 1; $SPECPLACE pair.mlir -o out.mlir -q --alpha 0.9; echo status $?";
    let run = in_shell(folder.path(), script);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(String::from_utf8_lossy(&run.stdout), "status 2\n", "{said}");
    assert!(
        said.contains("File too large") && said.contains("ulimit -f"),
        "{said}"
    );
    assert_eq!(names(folder.path()), ["pair.mlir"]);
}

#[test]
fn a_small_stack() {
    let folder = pair();
    for (limit, status) in [("-S -s 64", 0), ("-s 64", 2)] {
        let script = format!(
            "ulimit {limit}; $SPECPLACE pair.mlir -o out.mlir -q --alpha 0.9; echo status $?"
        );
        let run = in_shell(folder.path(), &script);
        let out = String::from_utf8_lossy(&run.stdout);
        assert_eq!(out, format!("status {status}\n"), "{run:?}");
        let said = String::from_utf8_lossy(&run.stderr);
        let is_told = said.contains("the stack is limited to 64 KiB");
        assert_eq!(is_told, status == 2, "{said}");
    }
}

#[test]
fn what_is_no_text_is_told() {
    let folder = pair();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("blank.mlir"), "\n   \n\n").unwrap();
    fs::write(at("nul.mlir"), [0; 5000]).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(
        File::create(at("bomb.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..1100 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap();
    for (name, text) in [
        ("blank.mlir", "error: blank.mlir is empty"),
        ("nul.mlir", "error: nul.mlir holds zeros and nothing else"),
        ("bomb.gz", "error: bomb.gz grows to more than"),
    ] {
        specplace()
            .current_dir(&folder)
            .args([name, "-o", "out.mlir", "--alpha", "0.9"])
            .assert()
            .code(2)
            .stderr(contains(text))
            .stderr(contains("= help: "));
    }
    specplace()
        .current_dir(&folder)
        .args([
            "pair.mlir",
            "-o",
            "out.mlir",
            "--alpha",
            "0.9",
            "--platform",
            "/dev/zero",
        ])
        .timeout(Duration::from_secs(60))
        .assert()
        .code(2)
        .stderr(contains(
            "error: cannot read /dev/zero: it is larger than 64 MiB",
        ));
    specplace()
        .current_dir(&folder)
        .args(["compile", "pair.mlir", "-o", "out.vmfb", "-q"])
        .args(DECISION)
        .env("TMPDIR", "/not/there")
        .assert()
        .code(2)
        .stderr(contains(
            "error: cannot make a folder in /not/there: No such file",
        ))
        .stderr(contains("help: set TMPDIR"));
    assert!(!at("out.mlir").exists());
    assert!(predicate::path::missing().eval(&at("out.vmfb")));
}
