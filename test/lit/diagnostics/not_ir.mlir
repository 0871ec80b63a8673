// IR that does not parse: status 2, file, line and column, the line with a
// caret, and the next step; no OUT, and no flags beside it.

// RUN: split-file %s %t
// RUN: cd %t

// A word that is no operation.
// RUN: %exits 2 specplace misspelt.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck misspelt.mlir --strict-whitespace
// RUN: not test -e out.mlir
// RUN: not test -e out.flags
// RUN: not test -e out.run.flags
//--- misspelt.mlir
func.func @main() {
  %0 = arith.constnat 1 : i32
  return
}
//       CHECK: {{^}}misspelt.mlir:2:8: error: custom op 'arith.constnat' is unknown
//       CHECK: {{^}}2 |   %0 = arith.constnat 1 : i32
//       CHECK: {{^}}  |        ^^^^^^^^^^^^^^
//       CHECK: help: misspelt.mlir is not a module that this IREE can read

// What the verifier refuses is a parse error too.
// RUN: %exits 2 specplace opt --pass identify-roles types.mlir 2>&1 | FileCheck types.mlir
//--- types.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<5xf32> {
  // CHECK: types.mlir:[[#@LINE+1]]:3: error: type of return operand 0
  return %x : tensor<4xf32>
}

// A file that is cut off, from a pipe: stdin has a name and lines, too.
// RUN: head -c 50 misspelt.mlir | sed 's/constnat/constant/' | %exits 2 specplace - -o out.mlir --alpha 0.9 2>&1 | FileCheck cut.txt
// RUN: not test -e out.mlir
//--- cut.txt
CHECK: <stdin>:{{[0-9]+}}:{{[0-9]+}}: error:
CHECK: help: <stdin> is not a module that this IREE can read: was it written by another version, or is it cut off?

// Text that is no IR at all, and no text.
// RUN: %exits 2 specplace prose.txt -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check
// RUN: touch empty.mlir
// RUN: %exits 2 specplace empty.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=EMPTY
// RUN: %exits 2 specplace missing.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=MISSING
// RUN: not test -e out.mlir
//--- prose.txt
Dear compiler,
//--- prose.check
CHECK: prose.txt:1:1: error:
EMPTY: error: empty.mlir is empty
WIDE: error: [[FILE]] is in UTF-16, which MLIR does not read
WIDE: help: convert it: iconv -f UTF-16 -t UTF-8 [[FILE]], or save it as UTF-8
MARKED: error: marked.mlir is in UTF-8 with a byte order mark, which MLIR does not read
MARKED: help: save it as UTF-8 without the mark
CUT: error: cannot decompress cut.mlir.gz: {{.+}}
CUT: help: the file is cut off: copy or compress it once more
MISSING: error: cannot read missing.mlir: No such file or directory

// Text in another encoding, which an editor would show as if it were right, from
// a file, a pipe and compressed; and a file that is cut off.
// RUN: iconv -f UTF-8 -t UTF-16 prose.txt > wide.mlir
// RUN: %exits 2 specplace wide.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=WIDE -DFILE=wide.mlir
// RUN: cat wide.mlir | %exits 2 specplace - -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=WIDE -DFILE="<stdin>"
// RUN: gzip -c wide.mlir > wide.mlir.gz
// RUN: %exits 2 specplace wide.mlir.gz -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=WIDE -DFILE=wide.mlir.gz
// RUN: printf '\357\273\277module {}' > marked.mlir
// RUN: %exits 2 specplace marked.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=MARKED
// RUN: head -c 30 wide.mlir.gz > cut.mlir.gz
// RUN: %exits 2 specplace cut.mlir.gz -o out.mlir --alpha 0.9 2>&1 | FileCheck prose.check --check-prefix=CUT
// RUN: not test -e out.mlir

// A message of MLIR's that is no UTF-8, since a name in it is none.
// RUN: %exits 2 specplace opt --pass identify-roles utf8.mlir 2>&1 | FileCheck utf8.mlir
//--- utf8.mlir
// CHECK: utf8.mlir:[[#@LINE+1]]:1: error: unregistered operation 'arith.
"arith.\F0"() : () -> ()
