//! What IREE's code for SPIR-V computes wrongly is exact in OUT: each form on the GPU,
//! beside the same on a CPU.

use std::fs;

use anyhow::{Result, ensure};
use e2e::process;
use e2e::tools::{COMPILE_LIMIT, Tools};

/// Places a module with drafter and GPU, and has its values proven.
fn is_exact(text: &str) -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let specplace = |words: &str| {
        let words = process::words(words);
        process::run(&tools.specplace, &words, scratch.path(), COMPILE_LIMIT)?.success()
    };
    fs::write(scratch.path().join("in.mlir"), text)?;
    specplace(
        "in.mlir -o out.mlir --alpha 0.7 --gamma 1 --platform reference \
         --pin drafter=gpu,target=cpu,control=cpu -q",
    )?;
    let said = specplace("verify out.mlir --runs 1")?.stderr;
    ensure!(
        said.contains("values proven") && said.contains("@drafter_0"),
        "{said}\n{text}"
    );
    Ok(())
}

/// A function that gives its first argument to the drafter, which does `body` to
/// `%p` and has `%d`; the target squares that.
fn drafted(given: &str, more: &str, body: &str, made: &str) -> String {
    format!(
        "func.func @forms(%x: {given}{more}) -> {made} {{
  %p = flow.tensor.transfer %x : {given} to #hal.device.promise<@drafter>
{body}
  %t = flow.tensor.transfer %d : {made} to #hal.device.promise<@target>
  %v = arith.mulf %t, %t : {made}
  return %v : {made}
}}
"
    )
}

/// A depthwise convolution, channels first, as Torch lowers `conv1d(groups=C)`.
fn depthwise(channels: usize, length: usize, window: usize) -> String {
    let made = length + 1 - window;
    let (given, filter) = (
        format!("tensor<1x{channels}x{length}x1xf32>"),
        format!("tensor<{channels}x{window}x1xf32>"),
    );
    let result = format!("tensor<1x{channels}x{made}x1xf32>");
    let body = format!(
        "  %none = tensor.empty() : {result}
  %begin = linalg.broadcast ins(%b : tensor<{channels}xf32>) outs(%none : {result}) dimensions = [0, 2, 3]
  %d = linalg.depthwise_conv_2d_nchw_chw {{dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}}
    ins(%p, %w : {given}, {filter}) outs(%begin : {result}) -> {result}"
    );
    let more = format!(", %w: {filter}, %b: tensor<{channels}xf32>");
    drafted(&given, &more, &body, &result)
}

#[test]
fn depthwise_convolutions_of_any_number_of_channels() -> Result<()> {
    for (channels, length, window) in [(80, 46, 4), (96, 42, 3), (32, 19, 4), (128, 43, 4)] {
        is_exact(&depthwise(channels, length, window))?;
    }
    Ok(())
}

/// A causal mask of `LENGTH` positions, in the form that `mask` gives as `%mask`.
const LENGTH: usize = 40;

fn masked(mask: &str) -> String {
    let kind = format!("tensor<4x{LENGTH}x{LENGTH}xf32>");
    let body = format!(
        "{mask}
  %least = arith.constant -3.0 : f32
  %none = tensor.empty() : {kind}
  %d = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
      iterator_types = [\"parallel\", \"parallel\", \"parallel\"]}} ins(%p, %mask : {kind}, tensor<{LENGTH}x{LENGTH}xi1>) outs(%none : {kind}) {{
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %least : f32
    linalg.yield %s : f32
  }} -> {kind}"
    );
    drafted(&kind, "", &body, &kind)
}

/// A causal mask of so many rows and columns, each element written by `write`.
fn causal(length: usize, write: impl Fn(bool) -> String) -> String {
    let row = |row| -> Vec<String> { (0..length).map(|column| write(column <= row)).collect() };
    let rows: Vec<String> = (0..length)
        .map(|at| format!("[{}]", row(at).join(", ")))
        .collect();
    format!("dense<[{}]>", rows.join(", "))
}

#[test]
fn a_mask_of_booleans() -> Result<()> {
    let values = causal(LENGTH, |is_seen| is_seen.to_string());
    is_exact(&masked(&format!(
        "  %mask = arith.constant {values} : tensor<{LENGTH}x{LENGTH}xi1>"
    )))
}

#[test]
fn a_mask_of_bytes_that_is_cut_to_length() -> Result<()> {
    let values = causal(64, |is_seen| u8::from(is_seen).to_string());
    is_exact(&masked(&format!(
        "  %bytes = arith.constant {values} : tensor<64x64xi8>
  %zero = arith.constant 0 : i8
  %bits = tensor.empty() : tensor<64x64xi1>
  %all = linalg.generic {{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]}}
      ins(%bytes : tensor<64x64xi8>) outs(%bits : tensor<64x64xi1>) {{
  ^bb0(%k: i8, %o: i1):
    %c = arith.cmpi ne, %k, %zero : i8
    linalg.yield %c : i1
  }} -> tensor<64x64xi1>
  %mask = tensor.extract_slice %all[0, 0] [{LENGTH}, {LENGTH}] [1, 1] : tensor<64x64xi1> to tensor<{LENGTH}x{LENGTH}xi1>"
    )))
}

/// Whether any of `count` numbers is large, for each of so many rows and columns:
/// kept as booleans, which a choice reads as they are and one reads transposed.
fn chosen_by_any(rows: usize, columns: usize, count: usize) -> String {
    let (all, kind) = (
        format!("tensor<{rows}x{columns}x{count}xf32>"),
        format!("tensor<{rows}x{columns}xf32>"),
    );
    let bits = format!("tensor<{rows}x{columns}xi1>");
    let turned = format!("tensor<{columns}x{rows}xf32>");
    let (same, swapped) = (
        "affine_map<(d0, d1) -> (d0, d1)>",
        "affine_map<(d0, d1) -> (d1, d0)>",
    );
    let parallel = "iterator_types = [\"parallel\", \"parallel\"]";
    let body = format!(
        "  %q = flow.tensor.transfer %y : {kind} to #hal.device.promise<@drafter>
  %false = arith.constant false
  %large = arith.constant 0.9 : f32
  %least = arith.constant -3.0 : f32
  %e = tensor.empty() : {bits}
  %f = linalg.fill ins(%false : i1) outs(%e : {bits}) -> {bits}
  %any = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
      iterator_types = [\"parallel\", \"parallel\", \"reduction\"]}} ins(%p : {all}) outs(%f : {bits}) {{
  ^bb0(%a: f32, %o: i1):
    %g = arith.cmpf ogt, %a, %large : f32
    %h = arith.ori %g, %o : i1
    linalg.yield %h : i1
  }} -> {bits}
  %none = tensor.empty() : {kind}
  %d0 = linalg.generic {{indexing_maps = [{same}, {same}, {same}], {parallel}}} ins(%q, %any : {kind}, {bits}) outs(%none : {kind}) {{
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %least : f32
    linalg.yield %s : f32
  }} -> {kind}
  %turned = tensor.empty() : {turned}
  %d1 = linalg.generic {{indexing_maps = [{swapped}, {swapped}, {same}], {parallel}}} ins(%q, %any : {kind}, {bits}) outs(%turned : {turned}) {{
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %least, %a : f32
    linalg.yield %s : f32
  }} -> {turned}
  %d = linalg.generic {{indexing_maps = [{same}, {swapped}, {same}], {parallel}}} ins(%d0, %d1 : {kind}, {turned}) outs(%none : {kind}) {{
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }} -> {kind}"
    );
    drafted(&all, &format!(", %y: {kind}"), &body, &kind)
}

#[test]
fn booleans_that_are_computed() -> Result<()> {
    for (rows, columns, count) in [(64, 64, 4), (128, 64, 9), (31, 33, 3), (7, 13, 4)] {
        is_exact(&chosen_by_any(rows, columns, count))?;
    }
    Ok(())
}
