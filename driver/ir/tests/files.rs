//! Files that cannot be read or written, and what is left behind: nothing.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use common::{MODULE, PAIR, folder, names, specplace};
use predicates::prelude::*;
use predicates::str::contains;

/// The arguments of a placement from `input` to `output`.
fn place<'a>(input: &'a str, output: &'a str) -> [&'a str; 5] {
    [input, "-o", output, "--alpha", "0.9"]
}

#[test]
fn input_that_is_not_there() {
    let folder = folder();
    fs::write(folder.path().join("empty.mlir"), "").unwrap();
    for (input, parts) in [
        ("none.mlir", ["none.mlir", "No such file"]),
        (".", ["directory", "help"]),
        ("empty.mlir", ["empty.mlir", "is empty"]),
    ] {
        for part in parts {
            specplace()
                .current_dir(&folder)
                .args(place(input, "out.mlir"))
                .assert()
                .code(2)
                .stderr(contains(part));
        }
    }
    specplace()
        .current_dir(&folder)
        .args(place("-", "out.mlir"))
        .write_stdin("")
        .assert()
        .code(2)
        .stderr(contains("<stdin> is empty"));
    assert_eq!(names(folder.path()), ["empty.mlir", "in.mlir"]);
}

#[test]
fn text_that_is_no_ir_is_shown_with_a_caret() {
    let folder = folder();
    let text = "func.func @main() {\n  %0 = arith.constnat 1 : i32\n  return\n}\n";
    fs::write(folder.path().join("bad.mlir"), text).unwrap();
    specplace()
        .current_dir(&folder)
        .args(place("bad.mlir", "out.mlir"))
        .assert()
        .code(2)
        .stderr(contains("bad.mlir:2:8: error:"))
        .stderr(contains("2 |   %0 = arith.constnat 1 : i32"))
        .stderr(contains("^^^"))
        .stderr(contains("help"));
    // The same from a pipe, whose lines are shown too.
    specplace()
        .current_dir(&folder)
        .args(place("-", "out.mlir"))
        .write_stdin(text)
        .assert()
        .code(2)
        .stderr(contains("<stdin>:2:8: error:"))
        .stderr(contains("2 |   %0 = arith.constnat 1 : i32"));
    assert_eq!(names(folder.path()), ["bad.mlir", "in.mlir"]);
}

#[test]
fn damaged_bytecode_and_noise() {
    let folder = folder();
    fs::write(folder.path().join("a.mlirbc"), b"ML\xefR\x0d\x00\x00").unwrap();
    fs::write(folder.path().join("b.mlir"), b"\x00\xff\xfe\x80\x00{{{{").unwrap();
    fs::write(folder.path().join("c.mlir.gz"), b"\x1f\x8b\x08\x00\x01").unwrap();
    for input in ["a.mlirbc", "b.mlir", "c.mlir.gz"] {
        specplace()
            .current_dir(&folder)
            .args(place(input, "out.mlir"))
            .assert()
            .code(2)
            .stderr(contains("error:"))
            .stderr(contains("panicked").not());
    }
    assert!(!folder.path().join("out.mlir").exists());
}

#[test]
fn output_that_cannot_be_written() {
    let folder = folder();
    for (output, parts) in [
        ("no/such/out.mlir", ["no/such", "does not exist"]),
        (".", ["directory", "name a file"]),
        ("in.mlir/out.mlir", ["in.mlir", "Not a directory"]),
        ("/proc/out.mlir", ["/proc/out.mlir", "cannot write"]),
    ] {
        for part in parts {
            specplace()
                .current_dir(&folder)
                .args(place("in.mlir", output))
                .assert()
                .code(2)
                .stderr(contains(part));
        }
    }
    assert_eq!(names(folder.path()), ["in.mlir"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("in.mlir")).unwrap(),
        MODULE
    );
}

#[test]
fn round_trips_of_opt() {
    let folder = folder();
    let opt = |arguments: &[&str]| {
        let mut command = specplace();
        command
            .current_dir(&folder)
            .args(["opt", "--pass", "resolve-markers"])
            .args(arguments);
        command
    };
    opt(&["in.mlir"])
        .assert()
        .success()
        .stdout(contains("arith.addf"));
    opt(&["-"])
        .write_stdin(MODULE)
        .assert()
        .success()
        .stdout(contains("arith.addf"));
    opt(&["in.mlir", "--emit-bytecode", "-o", "b.mlirbc"])
        .assert()
        .success()
        .stdout("");
    opt(&["b.mlirbc"])
        .assert()
        .success()
        .stdout(contains("arith.addf"));
    // In place, since OUT is written beside IN and renamed.
    opt(&["in.mlir", "-o", "in.mlir"]).assert().success();
    opt(&["in.mlir"])
        .assert()
        .success()
        .stdout(contains("arith.addf"));
    // A name that is no UTF-8, through the launcher and to the file.
    let odd = std::ffi::OsString::from_vec(b"odd\xff.mlir".to_vec());
    fs::copy(folder.path().join("in.mlir"), folder.path().join(&odd)).unwrap();
    opt(&[])
        .arg(&odd)
        .assert()
        .success()
        .stdout(contains("arith.addf"));
}

#[test]
fn devices_are_written_to_and_not_replaced() {
    let folder = folder();
    let opt = |output: &str| {
        let mut command = specplace();
        command.current_dir(&folder).args([
            "opt",
            "--pass",
            "resolve-markers",
            "in.mlir",
            "-o",
            output,
        ]);
        command
    };
    opt("/dev/null").assert().success();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    opt("/dev/full")
        .assert()
        .code(2)
        .stderr(contains("No space left on device"));
    assert_eq!(names(folder.path()), ["in.mlir"]);
}

/// Runs `script` in `folder`, where `disk` is a file system of `size` that gets
/// really full, and gives both streams; none where this machine does not let us
/// mount one.
fn on_a_small_disk(folder: &Path, size: &str, script: &str) -> Option<(String, String)> {
    fs::create_dir_all(folder.join("disk")).unwrap();
    let script =
        format!("mount -t tmpfs -o size={size} tmpfs disk || exit 77\n{script}\nls -A disk");
    let run = process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(folder)
        .env("VIRTUAL_ENV", common::repository().join(".venv"))
        .env("SPECPLACE", common::program())
        .env("NO_COLOR", "1")
        .output();
    match run {
        Ok(run) if run.status.success() => Some((
            String::from_utf8_lossy(&run.stdout).into_owned(),
            String::from_utf8_lossy(&run.stderr).into_owned(),
        )),
        other => {
            eprintln!(
                "SKIPPED: this machine does not let us mount a small file system: {other:?}; \
                 /dev/full stands in for it in devices_are_written_to_and_not_replaced"
            );
            None
        }
    }
}

#[test]
fn a_full_disk() {
    let folder = folder();
    let big = format!(
        "util.global private @big = dense<\"0x{}\"> : tensor<32768xi8>\n{MODULE}",
        "5AA5".repeat(16384)
    );
    fs::write(folder.path().join("big.mlir"), big).unwrap();
    let script = "$SPECPLACE opt --pass resolve-markers big.mlir -o disk/out.mlir; echo status $?";
    if let Some((out, err)) = on_a_small_disk(folder.path(), "48k", script) {
        assert_eq!(out, "status 2\n", "{err}");
        assert!(err.contains("No space left on device"), "{err}");
        assert!(err.contains("nothing was written"), "{err}");
    }
    assert!(Path::new("/dev/full").exists());
}

/// Neither the program fits, nor what is kept in case that IREE crashes.
#[test]
fn a_disk_that_is_full_when_the_program_is_written() {
    let folder = folder();
    // More than a page of text.
    let pair = PAIR.replace("@both", &format!("@both{}", "_".repeat(4096)));
    fs::write(folder.path().join("pair.mlir"), pair).unwrap();
    let script = "$SPECPLACE compile pair.mlir -o disk/out.vmfb -q --alpha 0.9 --platform two-cpus \
                  --pin drafter=cpu2,target=cpu,control=cpu; echo status $?; ls disk";
    let kept = format!("TMPDIR=disk {script}");
    for (size, script, what) in [
        ("4k", &*kept, "out.placed.mlir"),
        ("12k", script, "out.vmfb"),
    ] {
        if let Some((out, err)) = on_a_small_disk(folder.path(), size, script) {
            assert_eq!(out, "status 2\n", "{err}");
            let text = format!("{what}: No space left on device");
            assert!(
                err.contains("error: cannot write ") && err.contains("disk/"),
                "{err}"
            );
            assert!(err.contains(&text), "{err}");
        }
    }
}

/// While IREE compiles, the module that a crash leaves behind is already there.
#[test]
fn an_interruption_leaves_nothing() {
    use std::os::unix::process::ExitStatusExt;

    let module = common::repository().join("examples/pair/generate_place.mlir");
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let (folder, kept) = (folder(), tempfile::tempdir().unwrap());
        // A suite in the background may have been told to ignore them.
        let mut child = process::Command::new("env")
            .arg("--default-signal=INT,TERM")
            .arg(common::program())
            .args(["compile", "-o", "out.vmfb", "-q", "--alpha", "0.9"])
            .args(["--platform", "two-cpus"])
            .arg(module.canonicalize().unwrap())
            .current_dir(&folder)
            .env("VIRTUAL_ENV", common::repository().join(".venv"))
            .env("TMPDIR", kept.path())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while !has_placed(kept.path()) {
            assert!(child.try_wait().unwrap().is_none(), "it has ended");
            assert!(started.elapsed() < Duration::from_secs(120));
            thread::sleep(Duration::from_millis(10));
        }
        let kill = format!("kill -{name} {}", child.id());
        let killed = process::Command::new("sh").args(["-c", &kill]).status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        assert_eq!(names(folder.path()), ["in.mlir"]);
        assert!(!has_placed(kept.path()));
    }
}

fn has_placed(kept: &Path) -> bool {
    let folders = fs::read_dir(kept).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join("out.placed.mlir"));
    files.any(|file| file.exists())
}

#[test]
fn a_dialect_that_iree_does_not_know() {
    let folder = folder();
    fs::write(folder.path().join("odd.mlir"), "\"foo.bar\"() : () -> ()\n").unwrap();
    specplace()
        .current_dir(&folder)
        .args(place("odd.mlir", "out.mlir"))
        .assert()
        .code(2)
        .stderr(contains(
            "odd.mlir:1:10: error: this operation is of a dialect",
        ))
        .stderr(contains("1 | \"foo.bar\"()"))
        .stderr(contains("allow-unregistered").not());
}

/// Deeper than any export: the parser recurses as deeply.
#[test]
fn deep_nesting_ends_well() {
    let folder = folder();
    let depth = 3000;
    let deep = format!(
        "func.func @main(%c: i1) {{\n{}{}return\n}}\n",
        "scf.if %c {\n".repeat(depth),
        "}\n".repeat(depth)
    );
    let assert = specplace()
        .current_dir(&folder)
        .args(place("-", "out.mlir"))
        .write_stdin(deep)
        .assert()
        .stderr(contains("panicked").not());
    let code = assert.get_output().status.code();
    assert!(matches!(code, Some(1 | 2)), "{code:?}");
    assert_eq!(names(folder.path()), ["in.mlir"]);
}
