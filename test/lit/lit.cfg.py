"""lit over test/lit: one file per pass and per diagnostic.

The program under test is $SPECPLACE (test/run sets it), or the debug build.
Everything else lies where toolchain/setup put it.
"""

import os

import lit.formats

root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
target = os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target"))
specplace = os.environ.get("SPECPLACE", os.path.join(target, "debug", "specplace"))
if not os.access(specplace, os.X_OK):
    lit_config.fatal(f"there is no {specplace}: run `make test`, or `cargo build` first")

config.name = "specplace"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(root, "out", "lit")

# Tools are found by PATH: specplace, FileCheck, not, split-file, iree-opt …
# IREE's programs themselves, not the wrappers in .venv/bin that start Python
# first.
packages = os.path.join(root, ".venv/lib/python3.11/site-packages/iree")
config.environment["PATH"] = os.pathsep.join(
    [
        os.path.dirname(specplace),
        os.path.join(packages, "compiler/_mlir_libs"),
        os.path.join(packages, "_runtime_libs"),
        "/usr/lib/llvm-22/bin",
        os.environ.get("PATH", ""),
    ]
)
config.substitutions += [
    # Real modules: %examples/pair, %data.
    ("%examples", os.path.join(root, "examples")),
    ("%data", os.path.join(root, "test", "data")),
    ("%venv", os.path.join(root, ".venv")),
]
