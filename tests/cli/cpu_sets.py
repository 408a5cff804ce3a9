"""The instruction sets that programs can be told to use on this machine."""

import re
import subprocess


def cpu_sets(mdrun):
    """["cpu:sse2", "cpu:avx2", ...], the widest vectors last, as mdrun itself names them when it is
    asked for one that does not exist. Each is a value of every program's --device."""
    done = subprocess.run([mdrun, "--device=cpu:none", "--steps", "0", "--out", "none", "-"],
                          input="1\n\nH 0 0 0\n", stderr=subprocess.PIPE, text=True, timeout=600)
    if done.returncode != 4:
        raise RuntimeError(f"{mdrun} --device=cpu:none: expected status 4, found "
                           f"{done.returncode}: {done.stderr}")
    return re.findall(r"cpu:\w+", done.stderr.partition("can run")[2])
