#!/bin/sh
# one_by_one.sh IN FOLDER DECISIONS...: runs all passes on IN at once, and each in a
# process of its own on what the one before it has printed. Both leave the same.
set -e
in=$1
folder=$2
shift 2
mkdir -p "$folder"
passes=$(specplace opt --list | cut -d ' ' -f 1)
specplace opt --pass "$(echo $passes | tr ' ' ',')" "$in" -o "$folder/at_once.mlir" "$@"
cp "$in" "$folder/one_by_one.mlir"
for pass in $passes; do
    specplace opt --pass "$pass" "$folder/one_by_one.mlir" -o "$folder/one_by_one.mlir" "$@"
done
diff "$folder/at_once.mlir" "$folder/one_by_one.mlir"
