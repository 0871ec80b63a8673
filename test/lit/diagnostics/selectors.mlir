// What is named on the command line and is nowhere in the module would decide
// nothing: it is an error, or a warning where the module says enough itself.

// RUN: rm -rf %t && mkdir %t
// RUN: cd %t

// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --drafter @smal --target @big 2>&1 | FileCheck %s --check-prefix=FUNCTION
// RUN: not test -e out.mlir
// FUNCTION: error: --drafter @smal names no function or global of the module
// FUNCTION: help: did you mean @small?

// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --drafter draft. --target nothing 2>&1 | FileCheck %s --check-prefix=PREFIX
// PREFIX: error: --target nothing names nothing: no parameter or global begins with it
// PREFIX: help: there are draft.w, goal.w
// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --drafter draft. --target gaol.w 2>&1 | FileCheck %s --check-prefix=MEANT
// MEANT: error: --target gaol.w names nothing
// MEANT: help: did you mean goal.w?

// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --drafter @small --target @small 2>&1 | FileCheck %s --check-prefix=SAME
// SAME: error: --drafter and --target both name @small
// SAME: help: give each model a function, or a prefix of its weights' names, of its own

// RUN: specplace %s -o out.mlir --alpha 0.9 --drafter @small --target @big --role gpu=target 2>&1 | FileCheck %s --check-prefix=ROLE
// ROLE: warning: --role gpu=target decides nothing: the module does not name gpu
// ROLE: help: no value of it is placed by name

// What each form does select.
// RUN: specplace %s -o out.mlir --alpha 0.9 --drafter draft. --target goal. 2>&1 | FileCheck %s --check-prefix=GIVEN
// RUN: specplace %s -o out.mlir --alpha 0.9 --drafter model::draft. --target @b 2>&1 | FileCheck %s --check-prefix=GIVEN
// RUN: specplace %s -o out.mlir --alpha 0.9 --drafter @small --target @big 2>&1 | FileCheck %s --check-prefix=GIVEN
// GIVEN-NOT: error
// GIVEN:     remark: drafter: {{[0-9]}} operations
// GIVEN-NOT: warning
util.global private @a = #flow.parameter.named<"model"::"draft.w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"model"::"goal.w"> : tensor<4xf32>
func.func @small(%x: tensor<4xf32>) -> tensor<4xi64> {
  %w = util.global.load @a : tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  %1 = arith.fptosi %0 : tensor<4xf32> to tensor<4xi64>
  return %1 : tensor<4xi64>
}
func.func @big(%x: tensor<4xf32>) -> tensor<4xi64> {
  %w = util.global.load @b : tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  %1 = arith.fptosi %0 : tensor<4xf32> to tensor<4xi64>
  return %1 : tensor<4xi64>
}
