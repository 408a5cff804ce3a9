#!/bin/sh
# Train a model on the sets that write_sets.py made; call it again to go on after a stop.
#
#     models/organic/train.sh MDTRAIN FOLDER OUT.h5 [OPTIONS of mdtrain]
#
# A run goes on only with the sets that it began with: for newer ones name another OUT.h5, and
# --init with the older model.
set -eu

if [ $# -lt 3 ]; then
    echo "usage: $0 MDTRAIN FOLDER OUT.h5 [OPTIONS]" >&2
    exit 2
fi
mdtrain=$1
sets=$2/sets
out=$3
shift 3

# Frames of liquids are few and large; the frames of one class are drawn this much more often.
for set in "$sets"/train-*.h5; do
    case $set in
    */train-liquids.h5) weight=6 ;;
    */train-crystals.h5) weight=2 ;;
    *) weight=1 ;;
    esac
    set -- "$@" "$set:$weight"
done
for set in "$sets"/valid-*.h5; do
    set -- "$@" --valid "$set"
done
exec "$mdtrain" "$@" --out "$out" --log "${out%.h5}.csv" --resume
