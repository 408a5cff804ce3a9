"""The shared library shows the functions of schnell.h and nothing else, whatever is linked into it.

    python3 exported.py NM libschnell.so schnell.h
"""

import re
import subprocess
import sys


def main(nm, library, header):
    lines = subprocess.run([nm, "--dynamic", "--defined-only", library], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    shown = {line.split()[-1].split("@")[0] for line in lines}
    with open(header, encoding="utf-8") as file:
        declared = set(re.findall(r"^(?:SCH_API|SCH_CHECKED) [^(;]*?\b(sch_\w+)\(", file.read(),
                                  re.MULTILINE))
    assert len(declared) > 50, f"expected the functions of {header}, found {declared}"
    for what, names in (("shown but not declared", shown - declared),
                        ("declared but not shown", declared - shown)):
        if names:
            print(f"{what}: {' '.join(sorted(names))}", file=sys.stderr)
    return int(shown != declared)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
