#!/bin/sh
# rooms.sh ROOT: every pass has its file, its lit test and its heading. Reads
# the output of `specplace opt --list`.
root=$1
missing=0
passes=0
while read -r pass _; do
  passes=$((passes + 1))
  file=$(echo "$pass" | tr - _)
  for room in "passes/src/$file.rs" "test/lit/$file.mlir"; do
    [ -f "$root/$room" ] || { echo "$pass has no $room"; missing=1; }
  done
  grep -qx "### $pass" "$root/ARCHITECTURE.md" || { echo "$pass has no heading in ARCHITECTURE.md"; missing=1; }
done
[ "$passes" -gt 0 ] || { echo "no passes were listed"; exit 1; }
exit $missing
