#!/bin/sh
# Make and label the frames of all classes and splits; call it again to go on after a stop.
#
#     models/organic/sample_all.sh PYTHON FOLDER [ROUNDS]
#
# PYTHON is that of the virtual environment. Each round adds shards to every class, so that after
# any round there is a balanced set of frames.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 PYTHON FOLDER [ROUNDS]" >&2
    exit 2
fi
python=$1
data=$2
rounds=${3:-10}
here=$(dirname "$0")
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

sample() { # SPLIT CLASS SHARDS
    "$python" "$here/sample.py" "$2" --data "$data" --split "$1" --shards "0:$3"
}

[ -e "$data/molecules.csv" ] || "$python" "$here/molecules.py" "$data/molecules.csv"
round=1
while [ "$round" -le "$rounds" ]; do
    sample train molecules $((20 * round))
    sample train common $((8 * round))
    sample train dimers $((12 * round))
    sample train clusters $((12 * round))
    sample train liquids $((6 * round))
    sample train crystals $((10 * round))
    for split in valid test; do
        sample $split molecules $((2 * round))
        sample $split dimers "$round"
        sample $split clusters "$round"
        sample $split liquids "$round"
        sample $split crystals "$round"
    done
    round=$((round + 1))
done
