# The functions of HDF5 that a library calls, a line HDF5_CALL(number, name) each.
#     hdf5_calls.sh NM LIBRARY OUT
"$1" -D --undefined-only "$2" |
    awk '{ sub(/@.*/, "", $2) }
         $2 ~ /^H5/ && $2 !~ /_g$/ { printf "HDF5_CALL(%d, %s)\n", n++, $2 }' > "$3"
