// Attention whose mask leaves later positions open: the two files are compressed, and
// the warning is about the target's.
// RUN: specplace assemble --target %data/cases/noncausal/noncausal.mlir.gz \
// RUN:   --drafter %data/zoo/llama/drafter.mlir.gz -o %t.mlir 2>&1 | FileCheck %s
// CHECK: noncausal.mlir.gz:{{[0-9]+}}:{{[0-9]+}}: warning: the target looks at later positions: its attention has no mask that keeps it from them
// CHECK: = help: verifying several tokens in one pass is right only if no position depends on a later one
// CHECK: noncausal.mlir.gz:{{.*}}: remark: target @main: logits at
// CHECK: llama/drafter.mlir.gz:{{.*}}: remark: drafter @main: logits at

// The models of the zoo have causal masks, as constants and as comparisons of positions.
// RUN: specplace assemble --target %data/zoo/llama/target.mlir.gz \
// RUN:   --drafter %data/zoo/llama_t5/drafter.mlir.gz -o %t.mlir 2>&1 | FileCheck %s --check-prefix=CAUSAL
// CAUSAL-NOT: later positions
// CAUSAL: wrote
