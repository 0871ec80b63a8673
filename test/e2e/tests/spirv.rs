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

/// Booleans that come from outside, that a loop carries, of which control reads one,
/// and that drafter and target hand to each other.
fn crossing_booleans(rows: usize, columns: usize) -> String {
    let (kind, bits) = (
        format!("tensor<{rows}x{columns}xf32>"),
        format!("tensor<{rows}x{columns}xi1>"),
    );
    let map = "affine_map<(d0, d1) -> (d0, d1)>";
    let both = |count: usize| {
        format!(
            "indexing_maps = [{}], iterator_types = [\"parallel\", \"parallel\"]",
            vec![map; count].join(", ")
        )
    };
    let (two, three) = (both(2), both(3));
    format!(
        "func.func @forms(%x: {kind}, %m: {bits}) -> ({kind}, {bits}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %low = arith.constant 0.25 : f32
  %high = arith.constant 0.75 : f32
  %least = arith.constant -0.5 : f32
  %none = tensor.empty() : {kind}
  %nothing = tensor.empty() : {bits}
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%row = %x, %k = %m) -> ({kind}, {bits}) {{
    %one = tensor.extract %k[%c1, %c2] : {bits}
    %bound = arith.select %one, %low, %high : f32
    %p = flow.tensor.transfer %row : {kind} to #hal.device.promise<@drafter>
    %d = linalg.generic {{{three}}} ins(%p, %k : {kind}, {bits}) outs(%none : {kind}) {{
    ^bb0(%a: f32, %b: i1, %o: f32):
      %s = arith.select %b, %a, %least : f32
      linalg.yield %s : f32
    }} -> {kind}
    %l = linalg.generic {{{two}}} ins(%d : {kind}) outs(%nothing : {bits}) {{
    ^bb0(%a: f32, %o: i1):
      %g = arith.cmpf ogt, %a, %bound : f32
      linalg.yield %g : i1
    }} -> {bits}
    %t = flow.tensor.transfer %d : {kind} to #hal.device.promise<@target>
    %v = linalg.generic {{{three}}} ins(%t, %l : {kind}, {bits}) outs(%none : {kind}) {{
    ^bb0(%a: f32, %b: i1, %o: f32):
      %h = arith.mulf %a, %least : f32
      %s = arith.select %b, %h, %a : f32
      linalg.yield %s : f32
    }} -> {kind}
    %j = linalg.generic {{{two}}} ins(%v : {kind}) outs(%nothing : {bits}) {{
    ^bb0(%a: f32, %o: i1):
      %g = arith.cmpf olt, %a, %bound : f32
      linalg.yield %g : i1
    }} -> {bits}
    scf.yield %v, %j : {kind}, {bits}
  }}
  %q = flow.tensor.transfer %r#0 : {kind} to #hal.device.promise<@target>
  %u = arith.mulf %q, %q : {kind}
  return %u, %r#1 : {kind}, {bits}
}}
"
    )
}

#[test]
fn booleans_that_cross() -> Result<()> {
    for (rows, columns) in [(7, 3), (64, 64), (63, 33)] {
        is_exact(&crossing_booleans(rows, columns))?;
    }
    Ok(())
}

/// A mask that is a weight of both models.
fn weight_of_booleans(rows: usize, columns: usize) -> String {
    let (kind, bits) = (
        format!("tensor<{rows}x{columns}xf32>"),
        format!("tensor<{rows}x{columns}xi1>"),
    );
    let map = "affine_map<(d0, d1) -> (d0, d1)>";
    let chosen = |name: &str, given: &str, mask: &str| {
        format!(
            "  {name} = linalg.generic {{indexing_maps = [{map}, {map}, {map}], iterator_types = [\"parallel\", \"parallel\"]}}
      ins({given}, {mask} : {kind}, {bits}) outs(%none : {kind}) {{
  ^bb0(%a: f32, %b: i1, %o: f32):
    %s = arith.select %b, %a, %least : f32
    linalg.yield %s : f32
  }} -> {kind}"
        )
    };
    format!(
        "util.global private @m = #flow.parameter.named<\"model\"::\"attn.bias\"> : {bits}
func.func @forms(%x: {kind}) -> {kind} {{
  %m = util.global.load @m : {bits}
  %least = arith.constant -0.5 : f32
  %none = tensor.empty() : {kind}
  %p = flow.tensor.transfer %x : {kind} to #hal.device.promise<@drafter>
{}
  %q = arith.mulf %d, %d : {kind}
  %t = flow.tensor.transfer %q : {kind} to #hal.device.promise<@target>
{}
  %w = arith.addf %v, %v : {kind}
  return %w : {kind}
}}
",
        chosen("%d", "%p", "%m"),
        chosen("%v", "%t", "%m")
    )
}

#[test]
fn weights_that_are_booleans() -> Result<()> {
    for (rows, columns) in [(64, 64), (8, 13), (63, 4)] {
        is_exact(&weight_of_booleans(rows, columns))?;
    }
    Ok(())
}

/// Values for `heads` groups of two heads: a product, transposed and repeated for the
/// heads of each group, as grouped-query attention has them, and doubled.
fn repeated(heads: usize, rows: usize, size: usize) -> String {
    let width = heads * size;
    let (given, weight) = (
        format!("tensor<1x{rows}x32xf32>"),
        format!("tensor<1x32x{width}xf32>"),
    );
    let product = format!("tensor<1x{rows}x{width}xf32>");
    let (split, turned) = (
        format!("tensor<1x{rows}x{heads}x{size}xf32>"),
        format!("tensor<1x{heads}x{rows}x{size}xf32>"),
    );
    let spread = format!("tensor<1x{heads}x2x{rows}x{size}xf32>");
    let made = format!("tensor<1x{}x{rows}x{size}xf32>", 2 * heads);
    let body = format!(
        "  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : {product}
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : {product}) -> {product}
  %product = linalg.batch_matmul ins(%p, %w : {given}, {weight}) outs(%f0 : {product}) -> {product}
  %split = tensor.expand_shape %product [[0], [1], [2, 3]] output_shape [1, {rows}, {heads}, {size}] : {product} into {split}
  %e1 = tensor.empty() : {turned}
  %turned = linalg.transpose ins(%split : {split}) outs(%e1 : {turned}) permutation = [0, 2, 1, 3]
  %e2 = tensor.empty() : {spread}
  %spread = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>],
      iterator_types = [\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"parallel\"]}} ins(%turned : {turned}) outs(%e2 : {spread}) {{
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }} -> {spread}
  %heads = tensor.collapse_shape %spread [[0], [1, 2], [3], [4]] : {spread} into {made}
  %d = arith.addf %heads, %heads : {made}"
    );
    drafted(&given, &format!(", %w: {weight}"), &body, &made)
}

#[test]
fn values_repeated_for_the_heads_of_a_group() -> Result<()> {
    for (heads, rows, size) in [(2, 40, 8), (1, 40, 8), (2, 17, 24), (2, 40, 16)] {
        is_exact(&repeated(heads, rows, size))?;
    }
    Ok(())
}

#[test]
fn rows_less_the_sums_of_columns() -> Result<()> {
    let (given, sums) = ("tensor<2x40x24xf32>", "tensor<2x24xf32>");
    let body = format!(
        "  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : {sums}
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : {sums}) -> {sums}
  %sums = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
      iterator_types = [\"parallel\", \"parallel\", \"reduction\"]}} ins(%p : {given}) outs(%f0 : {sums}) {{
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %o : f32
    linalg.yield %s : f32
  }} -> {sums}
  %e1 = tensor.empty() : {given}
  %less = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
      iterator_types = [\"parallel\", \"parallel\", \"parallel\"]}} ins(%p, %sums : {given}, {sums}) outs(%e1 : {given}) {{
  ^bb0(%a: f32, %s: f32, %o: f32):
    %l = arith.subf %a, %s : f32
    linalg.yield %l : f32
  }} -> {given}
  %d = arith.addf %less, %less : {given}"
    );
    is_exact(&drafted(given, "", &body, given))
}

/// Products, a part of them that begins at `low` in a dimension of the middle or the
/// last, and that part inside of zeros at the same place, and padded.
fn sliced(rows: usize, columns: usize, inner: usize, low: usize, size: usize) -> String {
    let (whole, part) = (
        format!("tensor<{rows}x{columns}x{inner}xf32>"),
        format!("tensor<{rows}x{size}x{inner}xf32>"),
    );
    let slice = format!("[0, {low}, 0] [{rows}, {size}, {inner}] [1, 1, 1]");
    let high = columns - low - size;
    let body = format!(
        "  %zero = arith.constant 0.0 : f32
  %two = arith.constant dense<2.0> : {part}
  %squares = arith.mulf %p, %p : {whole}
  %cut = tensor.extract_slice %squares{slice} : {whole} to {part}
  %more = arith.mulf %cut, %two : {part}
  %e = tensor.empty() : {whole}
  %f = linalg.fill ins(%zero : f32) outs(%e : {whole}) -> {whole}
  %put = tensor.insert_slice %more into %f{slice} : {part} into {whole}
  %less = arith.subf %more, %two : {part}
  %padded = tensor.pad %less low[0, {low}, 0] high[0, {high}, 0] {{
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  }} : {part} to {whole}
  %sum = arith.addf %put, %padded : {whole}
  %d = arith.addf %sum, %squares : {whole}"
    );
    drafted(&whole, "", &body, &whole)
}

#[test]
fn slices_that_begin_inside_of_a_vector() -> Result<()> {
    for (rows, columns, inner, low, size) in
        [(64, 44, 1, 2, 40), (2, 1028, 1, 1, 1024), (8, 64, 6, 3, 32)]
    {
        is_exact(&sliced(rows, columns, inner, low, size))?;
    }
    Ok(())
}

/// Heads that are normed by the sums of their elements' squares, and brought to the
/// front.
fn normed(rows: usize, heads: usize, size: usize) -> String {
    let (given, sums) = (
        format!("tensor<{rows}x{heads}x{size}xf32>"),
        format!("tensor<{rows}x{heads}xf32>"),
    );
    let made = format!("tensor<{heads}x{rows}x{size}xf32>");
    let body = format!(
        "  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e0 = tensor.empty() : {sums}
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : {sums}) -> {sums}
  %sums = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
      iterator_types = [\"parallel\", \"parallel\", \"reduction\"]}} ins(%p : {given}) outs(%f0 : {sums}) {{
  ^bb0(%a: f32, %o: f32):
    %q = arith.mulf %a, %a : f32
    %s = arith.addf %q, %o : f32
    linalg.yield %s : f32
  }} -> {sums}
  %e1 = tensor.empty() : {given}
  %normed = linalg.generic {{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
      iterator_types = [\"parallel\", \"parallel\", \"parallel\"]}} ins(%p, %sums : {given}, {sums}) outs(%e1 : {given}) {{
  ^bb0(%a: f32, %s: f32, %o: f32):
    %more = arith.addf %s, %one : f32
    %n = arith.divf %a, %more : f32
    linalg.yield %n : f32
  }} -> {given}
  %e2 = tensor.empty() : {made}
  %heads = linalg.transpose ins(%normed : {given}) outs(%e2 : {made}) permutation = [1, 0, 2]
  %d = arith.addf %heads, %heads : {made}"
    );
    drafted(&given, "", &body, &made)
}

#[test]
fn heads_that_are_normed_and_brought_to_the_front() -> Result<()> {
    for (rows, heads, size) in [(40, 2, 16), (8, 8, 64)] {
        is_exact(&normed(rows, heads, size))?;
    }
    Ok(())
}
