//! The computations as MLIR.
//!
//! `$T` is the type, `$S` the one that its products are summed in, `$I` that of row
//! numbers; `$ADD`, `$MUL`,
//! `$MAX`, `$ABOVE` and `$FROM` are the operations of its sort, and `$ZERO` and
//! `$LEAST` its values.

use cost::workload::DType;

use super::Kind;

/// The function of a computation in a type, with row numbers in the type `places`.
pub fn of(kind: Kind, dtype: DType, places: DType) -> String {
    let t = dtype.as_str();
    let float = dtype.is_float();
    // Quantised models multiply bytes and add words.
    let (sum, extend) = match (kind, dtype) {
        (Kind::Matmul | Kind::Conv1d | Kind::Conv2d | Kind::Depthwise, DType::I8) => ("i32", true),
        _ => (t, false),
    };
    let least = match dtype {
        DType::F16 => "0xFC00",
        DType::BF16 => "0xFF80",
        DType::I8 => "-128",
        DType::I32 => "-2147483648",
        DType::I64 => "-9223372036854775808",
        _ => "0xFF800000",
    };
    let [add, mul, max, above, from] = if float {
        [
            "arith.addf",
            "arith.mulf",
            "arith.maximumf",
            "arith.cmpf ogt,",
            "arith.cmpf oge,",
        ]
    } else {
        [
            "arith.addi",
            "arith.muli",
            "arith.maxsi",
            "arith.cmpi sgt,",
            "arith.cmpi sge,",
        ]
    };
    let (template, tokens) = match kind {
        Kind::Elementwise => (ELEMENTWISE, ""),
        Kind::Matmul => (MATMUL, ""),
        Kind::Attention => (ATTENTION, "16"),
        Kind::AttentionOne => (ATTENTION, "1"),
        Kind::Lookup => (LOOKUP, ""),
        Kind::Conv1d => (CONV1D, ""),
        Kind::Conv2d => (CONV2D, ""),
        Kind::Depthwise => (DEPTHWISE, ""),
        Kind::Sort => (SORT, ""),
        Kind::Scatter => (SCATTER, ""),
        Kind::Gather => (GATHER, ""),
        Kind::Sum => (SUM, ""),
        Kind::Max => (MAX, ""),
        Kind::Argmax => (ARGMAX, ""),
    };
    let widen_to = |wide: &str, name: &str, from: &str| match (extend, float) {
        _ if t == wide => format!("{name} = arith.addf {from}, %zf : f32"),
        (true, _) => format!("{name} = arith.extsi {from} : {t} to {wide}"),
        _ => format!("{name} = arith.extf {from} : {t} to {wide}"),
    };
    let narrow = if dtype == DType::F32 {
        "%v = arith.addf %wide, %zf : f32".to_owned()
    } else {
        format!("%v = arith.truncf %wide : f32 to {t}")
    };
    // A product of bytes is one of words.
    let product = if extend {
        format!(
            "{}\n    {}\n    %p = arith.muli %aw, %bw : i32",
            widen_to("i32", "%aw", "%a"),
            widen_to("i32", "%bw", "%b")
        )
    } else {
        format!("%p = {mul} %a, %b : {t}")
    };
    template
        .replace("$NAME", &kind.function_name())
        .replace("$PRODUCT", &product)
        .replace("$WIDEN", &widen_to("f32", "%wide", "%in"))
        .replace("$NARROW", &narrow)
        .replace("$ADD", add)
        .replace("$MUL", mul)
        .replace("$MAX", max)
        .replace("$ABOVE", above)
        .replace("$FROM", from)
        .replace("$ZERO", if float { "0.0" } else { "0" })
        .replace("$LEAST", least)
        .replace("$I", places.as_str())
        .replace("$N", tokens)
        .replace("$S", sum)
        .replace("$T", t)
}

const ELEMENTWISE: &str = "\
func.func @$NAME(%a: tensor<16x32x$T>, %b: tensor<16x32x$T>) -> tensor<16x32x$T> {
  %p = $MUL %a, %b : tensor<16x32x$T>
  %r = $ADD %p, %a : tensor<16x32x$T>
  return %r : tensor<16x32x$T>
}
";

const MATMUL: &str = "\
func.func @$NAME(%a: tensor<16x32x$T>, %b: tensor<32x16x$T>) -> tensor<16x16x$S> {
  %z = arith.constant $ZERO : $S
  %e = tensor.empty() : tensor<16x16x$S>
  %f = linalg.fill ins(%z : $S) outs(%e : tensor<16x16x$S>) -> tensor<16x16x$S>
  %r = linalg.matmul ins(%a, %b : tensor<16x32x$T>, tensor<32x16x$T>) outs(%f : tensor<16x16x$S>) -> tensor<16x16x$S>
  return %r : tensor<16x16x$S>
}
";

const CONV1D: &str = "\
func.func @$NAME(%x: tensor<1x4x18x$T>, %w: tensor<6x4x3x$T>) -> tensor<1x6x16x$S> {
  %z = arith.constant $ZERO : $S
  %e = tensor.empty() : tensor<1x6x16x$S>
  %f = linalg.fill ins(%z : $S) outs(%e : tensor<1x6x16x$S>) -> tensor<1x6x16x$S>
  %r = linalg.conv_1d_ncw_fcw {dilations = dense<1> : vector<1xi64>, strides = dense<1> : vector<1xi64>} ins(%x, %w : tensor<1x4x18x$T>, tensor<6x4x3x$T>) outs(%f : tensor<1x6x16x$S>) -> tensor<1x6x16x$S>
  return %r : tensor<1x6x16x$S>
}
";

const CONV2D: &str = "\
func.func @$NAME(%x: tensor<1x4x10x10x$T>, %w: tensor<6x4x3x3x$T>) -> tensor<1x6x8x8x$S> {
  %z = arith.constant $ZERO : $S
  %e = tensor.empty() : tensor<1x6x8x8x$S>
  %f = linalg.fill ins(%z : $S) outs(%e : tensor<1x6x8x8x$S>) -> tensor<1x6x8x8x$S>
  %r = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%x, %w : tensor<1x4x10x10x$T>, tensor<6x4x3x3x$T>) outs(%f : tensor<1x6x8x8x$S>) -> tensor<1x6x8x8x$S>
  return %r : tensor<1x6x8x8x$S>
}
";

const DEPTHWISE: &str = "\
func.func @$NAME(%x: tensor<1x4x10x10x$T>, %w: tensor<4x3x3x$T>) -> tensor<1x4x8x8x$S> {
  %z = arith.constant $ZERO : $S
  %e = tensor.empty() : tensor<1x4x8x8x$S>
  %f = linalg.fill ins(%z : $S) outs(%e : tensor<1x4x8x8x$S>) -> tensor<1x4x8x8x$S>
  %r = linalg.generic {indexing_maps = [affine_map<(n, c, i, j, k, l) -> (n, c, i + k, j + l)>, affine_map<(n, c, i, j, k, l) -> (c, k, l)>, affine_map<(n, c, i, j, k, l) -> (n, c, i, j)>], iterator_types = [\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\", \"reduction\"]} ins(%x, %w : tensor<1x4x10x10x$T>, tensor<4x3x3x$T>) outs(%f : tensor<1x4x8x8x$S>) {
  ^bb0(%a: $T, %b: $T, %out: $S):
    $PRODUCT
    %v = $ADD %out, %p : $S
    linalg.yield %v : $S
  } -> tensor<1x4x8x8x$S>
  return %r : tensor<1x4x8x8x$S>
}
";

/// Where the two largest values of each row are, as Torch's `topk` is lowered: how
/// a router chooses among eight experts.
const SORT: &str = "\
func.func @$NAME(%x: tensor<63x8x$T>) -> tensor<63x2x$I> {
  %e = tensor.empty() : tensor<63x8x$I>
  %places = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]} outs(%e : tensor<63x8x$I>) {
  ^bb0(%out: $I):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to $I
    linalg.yield %i : $I
  } -> tensor<63x8x$I>
  %r:2 = iree_linalg_ext.sort dimension(1) outs(%x, %places : tensor<63x8x$T>, tensor<63x8x$I>) {
  ^bb0(%a: $T, %b: $T, %i: $I, %j: $I):
    %first = $FROM %a, %b : $T
    iree_linalg_ext.yield %first : i1
  } -> tensor<63x8x$T>, tensor<63x8x$I>
  %o = tensor.extract_slice %r#1[0, 0] [63, 2] [1, 1] : tensor<63x8x$I> to tensor<63x2x$I>
  return %o : tensor<63x2x$I>
}
";

const SCATTER: &str = "\
func.func @$NAME(%x: tensor<32x16x$T>, %i: tensor<8x1x$I>, %rows: tensor<8x16x$T>) -> tensor<32x16x$T> {
  %r = iree_linalg_ext.scatter dimension_map = [0] unique_indices(true) ins(%rows, %i : tensor<8x16x$T>, tensor<8x1x$I>) outs(%x : tensor<32x16x$T>) {
  ^bb0(%new: $T, %old: $T):
    iree_linalg_ext.yield %new : $T
  } -> tensor<32x16x$T>
  return %r : tensor<32x16x$T>
}
";

const GATHER: &str = "\
func.func @$NAME(%x: tensor<32x16x$T>, %ids: tensor<63x1x$I>) -> tensor<63x16x$T> {
  %e = tensor.empty() : tensor<63x16x$T>
  %flat = tensor.collapse_shape %ids [[0, 1]] : tensor<63x1x$I> into tensor<63x$I>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]} ins(%flat : tensor<63x$I>) outs(%e : tensor<63x16x$T>) {
  ^bb0(%id: $I, %out: $T):
    %i = arith.index_cast %id : $I to index
    %j = linalg.index 1 : index
    %v = tensor.extract %x[%i, %j] : tensor<32x16x$T>
    linalg.yield %v : $T
  } -> tensor<63x16x$T>
  return %r : tensor<63x16x$T>
}
";

const SUM: &str = "\
func.func @$NAME(%x: tensor<16x32x$T>) -> tensor<16x1x$T> {
  %z = arith.constant $ZERO : $T
  %e = tensor.empty() : tensor<16x$T>
  %f = linalg.fill ins(%z : $T) outs(%e : tensor<16x$T>) -> tensor<16x$T>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]} ins(%x : tensor<16x32x$T>) outs(%f : tensor<16x$T>) {
  ^bb0(%in: $T, %out: $T):
    %v = $ADD %in, %out : $T
    linalg.yield %v : $T
  } -> tensor<16x$T>
  %o = tensor.expand_shape %r [[0, 1]] output_shape [16, 1] : tensor<16x$T> into tensor<16x1x$T>
  return %o : tensor<16x1x$T>
}
";

const MAX: &str = "\
func.func @$NAME(%x: tensor<16x32x$T>) -> tensor<16x1x$T> {
  %z = arith.constant $LEAST : $T
  %e = tensor.empty() : tensor<16x$T>
  %f = linalg.fill ins(%z : $T) outs(%e : tensor<16x$T>) -> tensor<16x$T>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]} ins(%x : tensor<16x32x$T>) outs(%f : tensor<16x$T>) {
  ^bb0(%in: $T, %out: $T):
    %v = $MAX %in, %out : $T
    linalg.yield %v : $T
  } -> tensor<16x$T>
  %o = tensor.expand_shape %r [[0, 1]] output_shape [16, 1] : tensor<16x$T> into tensor<16x1x$T>
  return %o : tensor<16x1x$T>
}
";

const ARGMAX: &str = "\
func.func @$NAME(%x: tensor<16x32x$T>) -> tensor<16x1x$I> {
  %least = arith.constant $LEAST : $T
  %c0 = arith.constant 0 : $I
  %e = tensor.empty() : tensor<16x$T>
  %low = linalg.fill ins(%least : $T) outs(%e : tensor<16x$T>) -> tensor<16x$T>
  %ie = tensor.empty() : tensor<16x$I>
  %none = linalg.fill ins(%c0 : $I) outs(%ie : tensor<16x$I>) -> tensor<16x$I>
  %r:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]} ins(%x : tensor<16x32x$T>) outs(%low, %none : tensor<16x$T>, tensor<16x$I>) {
  ^bb0(%in: $T, %best: $T, %at: $I):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to $I
    %m = $MAX %in, %best : $T
    %better = $ABOVE %in, %best : $T
    %a = arith.select %better, %i, %at : $I
    linalg.yield %m, %a : $T, $I
  } -> (tensor<16x$T>, tensor<16x$I>)
  %o = tensor.expand_shape %r#1 [[0, 1]] output_shape [16, 1] : tensor<16x$I> into tensor<16x1x$I>
  return %o : tensor<16x1x$I>
}
";

/// softmax(x w keysᵀ / 4) keys + x, with the softmax in f32, as models have it that
/// compute in half precision otherwise.
const ATTENTION: &str = "\
func.func @$NAME(%x: tensor<$Nx32x$T>, %w: tensor<32x32x$T>, %keys: tensor<16x32x$T>) -> tensor<$Nx32x$T> {
  %z = arith.constant 0.0 : $T
  %zf = arith.constant 0.0 : f32
  %least = arith.constant -3.0e38 : f32
  %e = tensor.empty() : tensor<$Nx32x$T>
  %zero = linalg.fill ins(%z : $T) outs(%e : tensor<$Nx32x$T>) -> tensor<$Nx32x$T>
  %se = tensor.empty() : tensor<$Nx16x$T>
  %szero = linalg.fill ins(%z : $T) outs(%se : tensor<$Nx16x$T>) -> tensor<$Nx16x$T>
  %te = tensor.empty() : tensor<32x16x$T>
  %fe = tensor.empty() : tensor<$Nx16xf32>
  %re = tensor.empty() : tensor<$Nxf32>
  %rzero = linalg.fill ins(%zf : f32) outs(%re : tensor<$Nxf32>) -> tensor<$Nxf32>
  %rleast = linalg.fill ins(%least : f32) outs(%re : tensor<$Nxf32>) -> tensor<$Nxf32>
  %q = linalg.matmul ins(%x, %w : tensor<$Nx32x$T>, tensor<32x32x$T>) outs(%zero : tensor<$Nx32x$T>) -> tensor<$Nx32x$T>
  %t = linalg.transpose ins(%keys : tensor<16x32x$T>) outs(%te : tensor<32x16x$T>) permutation = [1, 0]
  %s = linalg.matmul ins(%q, %t : tensor<$Nx32x$T>, tensor<32x16x$T>) outs(%szero : tensor<$Nx16x$T>) -> tensor<$Nx16x$T>
  %scaled = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]} ins(%s : tensor<$Nx16x$T>) outs(%fe : tensor<$Nx16xf32>) {
  ^bb0(%in: $T, %out: f32):
    $WIDEN
    %quarter = arith.constant 0.25 : f32
    %v = arith.mulf %wide, %quarter : f32
    linalg.yield %v : f32
  } -> tensor<$Nx16xf32>
  %most = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]} ins(%scaled : tensor<$Nx16xf32>) outs(%rleast : tensor<$Nxf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.maximumf %in, %out : f32
    linalg.yield %v : f32
  } -> tensor<$Nxf32>
  %powers = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]} ins(%scaled, %most : tensor<$Nx16xf32>, tensor<$Nxf32>) outs(%fe : tensor<$Nx16xf32>) {
  ^bb0(%in: f32, %m: f32, %out: f32):
    %d = arith.subf %in, %m : f32
    %v = math.exp %d : f32
    linalg.yield %v : f32
  } -> tensor<$Nx16xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]} ins(%powers : tensor<$Nx16xf32>) outs(%rzero : tensor<$Nxf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %out : f32
    linalg.yield %v : f32
  } -> tensor<$Nxf32>
  %p = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]} ins(%powers, %sums : tensor<$Nx16xf32>, tensor<$Nxf32>) outs(%se : tensor<$Nx16x$T>) {
  ^bb0(%in: f32, %sum: f32, %out: $T):
    %wide = arith.divf %in, %sum : f32
    $NARROW
    linalg.yield %v : $T
  } -> tensor<$Nx16x$T>
  %o = linalg.matmul ins(%p, %keys : tensor<$Nx16x$T>, tensor<16x32x$T>) outs(%zero : tensor<$Nx32x$T>) -> tensor<$Nx32x$T>
  %r = arith.addf %o, %x : tensor<$Nx32x$T>
  return %r : tensor<$Nx32x$T>
}
";

/// The rows of a table by number, and of each where its largest value is: how
/// tokens go into a model and come out of it.
const LOOKUP: &str = "\
func.func @$NAME(%ids: tensor<1x63xi64>, %table: tensor<32x16xf32>) -> tensor<1x63xi64> {
  %z = arith.constant 0 : i64
  %least = arith.constant -3.0e38 : f32
  %flat = tensor.collapse_shape %ids [[0, 1]] : tensor<1x63xi64> into tensor<63xi64>
  %e = tensor.empty() : tensor<63x16xf32>
  %ie = tensor.empty() : tensor<63xi64>
  %fe = tensor.empty() : tensor<63xf32>
  %none = linalg.fill ins(%z : i64) outs(%ie : tensor<63xi64>) -> tensor<63xi64>
  %lowest = linalg.fill ins(%least : f32) outs(%fe : tensor<63xf32>) -> tensor<63xf32>
  %rows = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]} ins(%flat : tensor<63xi64>) outs(%e : tensor<63x16xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %table[%i, %j] : tensor<32x16xf32>
    linalg.yield %v : f32
  } -> tensor<63x16xf32>
  %r:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]} ins(%rows : tensor<63x16xf32>) outs(%lowest, %none : tensor<63xf32>, tensor<63xi64>) {
  ^bb0(%v: f32, %best: f32, %at: i64):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i64
    %better = arith.cmpf ogt, %v, %best : f32
    %b = arith.select %better, %v, %best : f32
    %a = arith.select %better, %i, %at : i64
    linalg.yield %b, %a : f32, i64
  } -> (tensor<63xf32>, tensor<63xi64>)
  %out = tensor.expand_shape %r#1 [[0, 1]] output_shape [1, 63] : tensor<63xi64> into tensor<1x63xi64>
  return %out : tensor<1x63xi64>
}
";
