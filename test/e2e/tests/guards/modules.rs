//! Modules that show a fault of IREE when their guard is gone.

/// Two computations that drafter and target have in common: IREE compiles each
/// once, for both devices.
pub const IN_COMMON: &str = "
func.func @twice(%x: tensor<8x4xi64>, %y: tensor<6xi64>) -> (tensor<8x4xi64>, tensor<6xi64>) {
  %a = flow.tensor.transfer %x : tensor<8x4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<8x4xi64>
  %c = flow.tensor.transfer %b : tensor<8x4xi64> to #hal.device.promise<@target>
  %d = arith.addi %c, %c : tensor<8x4xi64>
  %p = flow.tensor.transfer %y : tensor<6xi64> to #hal.device.promise<@drafter>
  %q = arith.addi %p, %p : tensor<6xi64>
  %r = flow.tensor.transfer %q : tensor<6xi64> to #hal.device.promise<@target>
  %s = arith.addi %r, %r : tensor<6xi64>
  return %d, %s : tensor<8x4xi64>, tensor<6xi64>
}
";

/// One function, called with two values, and then with one twice.
pub const TWICE: &str = "
func.func private @target_0(%a: tensor<4xi64>, %b: tensor<4xi64>) -> tensor<4xi64> attributes {noinline, specplace.role = \"target\"} {
  %0 = arith.addi %a, %a {specplace.role = \"target\"} : tensor<4xi64>
  %1 = arith.subi %0, %b {specplace.role = \"target\"} : tensor<4xi64>
  return %1 : tensor<4xi64>
}
func.func @twice(%x: tensor<4xi64>, %y: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>) {
  %draft = arith.addi %x, %x {specplace.role = \"drafter\"} : tensor<4xi64>
  %v = call @target_0(%draft, %y) : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %w = call @target_0(%draft, %draft) : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  return %v, %w : tensor<4xi64>, tensor<4xi64>
}
";

/// A loop hands on what it was given, behind a marker; the drafter reads both.
pub const UNCHANGED: &str = "
func.func @unchanged(%x: tensor<4xi64>, %n: index) -> tensor<4xi64> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r = scf.for %i = %zero to %n step %one iter_args(%now = %x) -> (tensor<4xi64>) {
    %p = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    scf.yield %p : tensor<4xi64>
  }
  %p = flow.tensor.transfer %x : tensor<4xi64> to #hal.device.promise<@drafter>
  %d = arith.muli %r, %p : tensor<4xi64>
  %t = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@target>
  %v = arith.muli %t, %t : tensor<4xi64>
  return %v : tensor<4xi64>
}
";

/// Control chooses by elements what the drafter reads, and the target.
pub const CHOSEN: &str = "
func.func @chosen(%x: tensor<4xi64>, %y: tensor<4xi64>) -> tensor<4xi64> {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : i64
  %first = tensor.extract %x[%zero] : tensor<4xi64>
  %is_small = arith.cmpi slt, %first, %three : i64
  %other = tensor.extract %y[%zero] : tensor<4xi64>
  %is_other = arith.cmpi slt, %other, %three : i64
  %chosen = arith.select %is_small, %x, %y : tensor<4xi64>
  %p = flow.tensor.transfer %chosen : tensor<4xi64> to #hal.device.promise<@drafter>
  %d = arith.addi %p, %p : tensor<4xi64>
  %drafted = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
  %again = arith.select %is_other, %drafted, %x : tensor<4xi64>
  %t = flow.tensor.transfer %again : tensor<4xi64> to #hal.device.promise<@target>
  %v = arith.muli %t, %t : tensor<4xi64>
  return %v : tensor<4xi64>
}
";

/// A loop carries what the drafter made, and nobody reads it. A marker hides
/// that from MLIR, but not from IREE.
pub const UNREAD: &str = "
func.func @unread(%x: tensor<4xi64>, %n: i64) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %p = flow.tensor.transfer %x : tensor<4xi64> to #hal.device.promise<@drafter>
  %d = arith.addi %p, %p : tensor<4xi64>
  %drafted = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
  %r:3 = scf.while (%kept = %drafted, %now = %x, %i = %zero)
      : (tensor<4xi64>, tensor<4xi64>, i64) -> (tensor<4xi64>, tensor<4xi64>, i64) {
    %more = arith.cmpi slt, %i, %n : i64
    scf.condition(%more) %kept, %now, %i : tensor<4xi64>, tensor<4xi64>, i64
  } do {
  ^bb0(%kept: tensor<4xi64>, %now: tensor<4xi64>, %i: i64):
    %same = flow.tensor.transfer %kept : tensor<4xi64> to #hal.device.promise<@control>
    %t = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@target>
    %v = arith.muli %t, %t : tensor<4xi64>
    %next = flow.tensor.transfer %v : tensor<4xi64> to #hal.device.promise<@control>
    %j = arith.addi %i, %one : i64
    scf.yield %same, %next, %j : tensor<4xi64>, tensor<4xi64>, i64
  }
  return %r#1 : tensor<4xi64>
}
";

/// A choice within another with the same condition, so that the drafter never
/// drafts there.
pub const CHOSEN_AGAIN: &str = "
func.func @chosen_again(%x: tensor<4xi64>) -> tensor<4xi64> {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : i64
  %first = tensor.extract %x[%zero] : tensor<4xi64>
  %is_small = arith.cmpi slt, %first, %three : i64
  %chosen = scf.if %is_small -> (tensor<4xi64>) {
    scf.yield %x : tensor<4xi64>
  } else {
    %again = tensor.extract %x[%zero] : tensor<4xi64>
    %is_still_small = arith.cmpi slt, %again, %three : i64
    %drafted = scf.if %is_still_small -> (tensor<4xi64>) {
      %p = flow.tensor.transfer %x : tensor<4xi64> to #hal.device.promise<@drafter>
      %d = arith.addi %p, %p : tensor<4xi64>
      %drafted = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
      scf.yield %drafted : tensor<4xi64>
    } else {
      scf.yield %x : tensor<4xi64>
    }
    scf.yield %drafted : tensor<4xi64>
  }
  %t = flow.tensor.transfer %chosen : tensor<4xi64> to #hal.device.promise<@target>
  %v = arith.muli %t, %t : tensor<4xi64>
  return %v : tensor<4xi64>
}
";

/// What crosses to the drafter's second part comes out in another shape, and
/// nothing else is done with it.
pub const RESHAPED: &str = "
func.func @reshaped(%x: tensor<4xi64>) -> (tensor<2x2xi64>, tensor<4xi64>) {
  %p = flow.tensor.transfer %x : tensor<4xi64> to #hal.device.promise<@drafter>
  %d = arith.addi %p, %p : tensor<4xi64>
  %drafted = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
  %c = arith.subi %drafted, %x : tensor<4xi64>
  %q = flow.tensor.transfer %c : tensor<4xi64> to #hal.device.promise<@drafter>
  %e = tensor.expand_shape %q [[0, 1]] output_shape [2, 2] : tensor<4xi64> into tensor<2x2xi64>
  %shaped = flow.tensor.transfer %e : tensor<2x2xi64> to #hal.device.promise<@control>
  %s = arith.addi %shaped, %shaped : tensor<2x2xi64>
  %t = flow.tensor.transfer %drafted : tensor<4xi64> to #hal.device.promise<@target>
  %v = arith.muli %t, %t : tensor<4xi64>
  return %s, %v : tensor<2x2xi64>, tensor<4xi64>
}
";

/// Control hands the drafter one number twice.
pub const SAME_NUMBERS: &str = "
func.func @pair(%i: i64) -> tensor<2xi64> {
  %t = tensor.from_elements %i, %i : tensor<2xi64>
  %a = flow.tensor.transfer %t : tensor<2xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<2xi64>
  %c = flow.tensor.transfer %b : tensor<2xi64> to #hal.device.promise<@target>
  %d = arith.addi %c, %c : tensor<2xi64>
  return %d : tensor<2xi64>
}
";

/// The drafter makes something, and the target reads it.
pub const HAND_OVER: &str = "
func.func @hand_over(%t: tensor<4xi64>) -> tensor<4xi64> {
  %a = flow.tensor.transfer %t : tensor<4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<4xi64>
  %c = flow.tensor.transfer %b : tensor<4xi64> to #hal.device.promise<@target>
  %d = arith.muli %c, %c : tensor<4xi64>
  return %d : tensor<4xi64>
}
";

/// Drafter and target read one parameter.
pub const SHARED_WEIGHT: &str = "
util.global private @w = #flow.parameter.named<\"model\"::\"shared\"> : tensor<4xi64>
func.func @both(%t: tensor<4xi64>) -> tensor<4xi64> {
  %w = util.global.load @w : tensor<4xi64>
  %a = flow.tensor.transfer %t : tensor<4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %w : tensor<4xi64>
  %c = flow.tensor.transfer %b : tensor<4xi64> to #hal.device.promise<@target>
  %d = arith.muli %c, %w : tensor<4xi64>
  return %d : tensor<4xi64>
}
";

/// A loop that carries a tensor, and whose condition is carried beside it:
/// IREE does not compile it, on one device either.
pub const CARRIES_A_TENSOR: &str = "
func.func @carry(%t: tensor<4xi64>, %n: i64) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %first = arith.cmpi slt, %zero, %n : i64
  %r:2 = scf.while (%c = %first, %a = %t, %i = %zero) : (i1, tensor<4xi64>, i64) -> (tensor<4xi64>, i64) {
    scf.condition(%c) %a, %i : tensor<4xi64>, i64
  } do {
  ^bb0(%a: tensor<4xi64>, %i: i64):
    %p = flow.tensor.transfer %a : tensor<4xi64> to #hal.device.promise<@drafter>
    %d = arith.addi %p, %p : tensor<4xi64>
    %q = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
    %j = arith.addi %i, %one : i64
    %go = arith.cmpi slt, %j, %n : i64
    scf.yield %go, %q, %j : i1, tensor<4xi64>, i64
  }
  %x = flow.tensor.transfer %r#0 : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.muli %x, %x : tensor<4xi64>
  return %y : tensor<4xi64>
}
";

/// A loop that carries three counters and, as its fourth, its condition.
pub const COUNTS: &str = "
func.func @count(%t: tensor<4xi64>, %n: i64) -> (tensor<4xi64>, i64, i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %first = arith.cmpi slt, %zero, %n : i64
  %r:4 = scf.while (%a = %n, %b = %n, %i = %zero, %go = %first, %now = %t)
      : (i64, i64, i64, i1, tensor<4xi64>) -> (i64, i64, i64, tensor<4xi64>) {
    scf.condition(%go) %b, %a, %i, %now : i64, i64, i64, tensor<4xi64>
  } do {
  ^bb0(%b: i64, %a: i64, %i: i64, %now: tensor<4xi64>):
    %p = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %d = arith.addi %p, %p : tensor<4xi64>
    %q = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
    %j = arith.addi %i, %one : i64
    %more = arith.cmpi slt, %j, %n : i64
    %aa = arith.addi %a, %a : i64
    %bb = arith.addi %b, %a : i64
    scf.yield %aa, %bb, %j, %more, %q : i64, i64, i64, i1, tensor<4xi64>
  }
  %x = flow.tensor.transfer %r#3 : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.muli %x, %x : tensor<4xi64>
  return %y, %r#0, %r#2 : tensor<4xi64>, i64, i64
}
";

/// A loop whose carried values start as one and the same.
pub const STARTS_ALIKE: &str = "
func.func @carry(%t: tensor<4xi64>, %n: index) -> (tensor<4xi64>, tensor<4xi64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %start = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi64>
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%last = %start, %sum = %start)
      -> (tensor<4xi64>, tensor<4xi64>) {
    %p = flow.tensor.transfer %t : tensor<4xi64> to #hal.device.promise<@drafter>
    %d = arith.addi %p, %p : tensor<4xi64>
    %c = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
    %new = arith.addi %last, %c : tensor<4xi64>
    %next = arith.addi %sum, %last : tensor<4xi64>
    scf.yield %new, %next : tensor<4xi64>, tensor<4xi64>
  }
  %x = flow.tensor.transfer %r#0 : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.muli %x, %x : tensor<4xi64>
  return %y, %r#1 : tensor<4xi64>, tensor<4xi64>
}
";

/// A conditional of which one side is a value from outside; its result and that
/// value are then read together.
pub const CHOOSES: &str = "
func.func @choose(%t: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>) {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : i64
  %first = tensor.extract %t[%zero] : tensor<4xi64>
  %small = arith.cmpi slt, %first, %three : i64
  %r = scf.if %small -> (tensor<4xi64>) {
    scf.yield %t : tensor<4xi64>
  } else {
    %p = flow.tensor.transfer %t : tensor<4xi64> to #hal.device.promise<@drafter>
    %d = arith.addi %p, %p : tensor<4xi64>
    %q = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
    scf.yield %q : tensor<4xi64>
  }
  %x = flow.tensor.transfer %r : tensor<4xi64> to #hal.device.promise<@target>
  %z = flow.tensor.transfer %t : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.muli %x, %z : tensor<4xi64>
  return %r, %y : tensor<4xi64>, tensor<4xi64>
}
";

/// An argument that is returned twice.
pub const RETURNS_TWICE: &str = "
func.func @twice(%t: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>, tensor<4xi64>) {
  %p = flow.tensor.transfer %t : tensor<4xi64> to #hal.device.promise<@drafter>
  %d = arith.addi %p, %p : tensor<4xi64>
  %x = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.muli %x, %x : tensor<4xi64>
  return %t, %t, %y : tensor<4xi64>, tensor<4xi64>, tensor<4xi64>
}
";

/// The target sorts what the drafter made, and then the order that came out:
/// two sorts of the same indices, both of which are returned.
pub const SORTS_SHARE_AN_IOTA: &str = "
#m = affine_map<(d0, d1) -> (d0, d1)>
func.func @sort_twice(%tokens: tensor<1x8xi64>) -> (tensor<1x8xi64>, tensor<1x8xi64>) {
  %d = arith.sitofp %tokens {specplace.role = \"drafter\"} : tensor<1x8xi64> to tensor<1x8xf32>
  %draft = arith.fptosi %d {specplace.role = \"drafter\"} : tensor<1x8xf32> to tensor<1x8xi64>
  %x = arith.sitofp %draft {specplace.role = \"target\"} : tensor<1x8xi64> to tensor<1x8xf32>
  %e = tensor.empty() : tensor<1x8xi64>
  %iota = linalg.generic {indexing_maps = [#m], iterator_types = [\"parallel\", \"parallel\"]} outs(%e : tensor<1x8xi64>) attrs = {specplace.role = \"target\"} {
  ^bb0(%o: i64):
    %i = linalg.index 1 : index
    %v = arith.index_cast %i : index to i64
    linalg.yield %v : i64
  } -> tensor<1x8xi64>
  %a:2 = iree_linalg_ext.sort {specplace.role = \"target\"} dimension(1) outs(%x, %iota : tensor<1x8xf32>, tensor<1x8xi64>) {
  ^bb0(%p: f32, %q: f32, %r: i64, %s: i64):
    %c = arith.cmpf olt, %p, %q : f32
    iree_linalg_ext.yield %c : i1
  } -> tensor<1x8xf32>, tensor<1x8xi64>
  %y = arith.sitofp %a#1 {specplace.role = \"target\"} : tensor<1x8xi64> to tensor<1x8xf32>
  %b:2 = iree_linalg_ext.sort {specplace.role = \"target\"} dimension(1) outs(%y, %iota : tensor<1x8xf32>, tensor<1x8xi64>) {
  ^bb0(%p: f32, %q: f32, %r: i64, %s: i64):
    %c = arith.cmpf olt, %p, %q : f32
    iree_linalg_ext.yield %c : i1
  } -> tensor<1x8xf32>, tensor<1x8xi64>
  return %a#1, %b#1 : tensor<1x8xi64>, tensor<1x8xi64>
}
";

/// The target multiplies by the squares of a weight of i8, transposed, as
/// integers of 32 bits.
pub const WIDENED_WEIGHT: &str = "
util.global private @w = #flow.parameter.named<\"model\"::\"target.w\"> : tensor<256x256xi8>
func.func @multiply(%x: tensor<4x256xi32>) -> tensor<4x256xi32> {
  %p = flow.tensor.transfer %x : tensor<4x256xi32> to #hal.device.promise<@drafter>
  %d = arith.muli %p, %p : tensor<4x256xi32>
  %t = flow.tensor.transfer %d : tensor<4x256xi32> to #hal.device.promise<@target>
  %w = util.global.load @w : tensor<256x256xi8>
  %wide = arith.extsi %w : tensor<256x256xi8> to tensor<256x256xi32>
  %square = arith.muli %wide, %wide : tensor<256x256xi32>
  %te = tensor.empty() : tensor<256x256xi32>
  %across = linalg.transpose ins(%square : tensor<256x256xi32>) outs(%te : tensor<256x256xi32>) permutation = [1, 0]
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x256xi32>
  %z = linalg.fill ins(%zero : i32) outs(%e : tensor<4x256xi32>) -> tensor<4x256xi32>
  %r = linalg.matmul ins(%t, %across : tensor<4x256xi32>, tensor<256x256xi32>) outs(%z : tensor<4x256xi32>) -> tensor<4x256xi32>
  return %r : tensor<4x256xi32>
}
";

/// Depthwise convolutions, channels before positions, as Torch writes them.
pub const DEPTHWISE: &str = "
func.func @convolve(%x: tensor<1x80x43xf32>, %w: tensor<80x4xf32>) -> tensor<1x80x37xf32> {
  %zero = arith.constant 0.0 : f32
  %p = flow.tensor.transfer %x : tensor<1x80x43xf32> to #hal.device.promise<@drafter>
  %none = tensor.empty() : tensor<1x80x40xf32>
  %begin = linalg.fill ins(%zero : f32) outs(%none : tensor<1x80x40xf32>) -> tensor<1x80x40xf32>
  %d = linalg.depthwise_conv_1d_ncw_cw {dilations = dense<1> : vector<1xi64>, strides = dense<1> : vector<1xi64>}
    ins(%p, %w : tensor<1x80x43xf32>, tensor<80x4xf32>) outs(%begin : tensor<1x80x40xf32>) -> tensor<1x80x40xf32>
  %t = flow.tensor.transfer %d : tensor<1x80x40xf32> to #hal.device.promise<@target>
  %none2 = tensor.empty() : tensor<1x80x37xf32>
  %begin2 = linalg.fill ins(%zero : f32) outs(%none2 : tensor<1x80x37xf32>) -> tensor<1x80x37xf32>
  %v = linalg.depthwise_conv_1d_ncw_cw {dilations = dense<1> : vector<1xi64>, strides = dense<1> : vector<1xi64>}
    ins(%t, %w : tensor<1x80x40xf32>, tensor<80x4xf32>) outs(%begin2 : tensor<1x80x37xf32>) -> tensor<1x80x37xf32>
  return %v : tensor<1x80x37xf32>
}
";
