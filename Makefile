# Everything sets itself up: `make test` on a fresh clone is enough.

.DEFAULT_GOAL := help
SHELL := /bin/bash

export CARGO_TARGET_DIR ?= $(CURDIR)/target
# The bindings' tests load IREE's library by its own name.
export LD_LIBRARY_PATH := $(CURDIR)/.toolchain/lib$(if $(LD_LIBRARY_PATH),:$(LD_LIBRARY_PATH))
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# What make test-gpu tests on.
PLATFORM ?= examples/platforms/cuda.yaml

.PHONY: help setup build test prove test-gpu test-newest test-oldest test-edge demo paper bench fmt lint deny clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Debian packages, virtual environment, links (once; then nothing)
	@toolchain/setup

build: setup ## build the release binaries
	@cargo build --release --workspace

test: setup ## unit, lit and end-to-end tests, few repetitions
	@test/run short

prove: setup ## every end-to-end case 20 or 100 times; log and table in out/
	@test/run prove

test-gpu: setup ## end-to-end tests on a GPU of this machine: PLATFORM=file.yaml
	@test/run gpu "$(PLATFORM)"

test-newest: setup ## with the newest IREE on PyPI: what works is told, nothing depends on it
	@test/run newest

test-oldest: setup ## with IREE 3.6.0, the paper's: plans, modules without loops on CPU devices, refusals
	@test/run oldest

test-edge: setup ## the edge target under qemu: Cortex-A55 code, AArch64 runtime
	@toolchain/edge
	@cargo build --workspace
	@cargo test -p specplace-e2e --test edge -- --ignored --nocapture

demo: build ## place an example on two devices, compile it, run it, check it
	@examples/demo

paper: setup ## the paper's tables and figures from examples/paper; report in out/
	@cargo run --quiet -p specplace --example paper -- out/paper.html

bench: build ## time and memory against iree-opt and iree-compile, as ratios
	@.venv/bin/python benches/run.py
	@.venv/bin/python benches/compile.py
	@.venv/bin/python benches/overhead.py
	@.venv/bin/python benches/slopes.py

fmt: setup ## format the Rust code
	@cargo fmt --all

lint: setup ## formatting and clippy, warnings being errors
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

deny: ## licences, versions and sources of crates (deny.toml); installs cargo-deny once, which takes minutes
	@toolchain/deny

clean: ## remove what was built, but not what setup installed
	@rm -rf $(CARGO_TARGET_DIR) out
