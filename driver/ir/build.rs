//! Lets `specplace-ir` be started directly from `target/`, as `cargo run` does:
//! `specplace` finds IREE's library for it otherwise.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bin=specplace-ir=-Wl,-rpath,$ORIGIN/../../.toolchain/lib");
}
