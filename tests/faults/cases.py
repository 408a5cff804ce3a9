"""The command lines that are run over and over, short and of all kinds."""

import os
import shutil
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TINY = ["--model", "ultra-tiny", "--threads", "1"]
RUN = ["benzene.xyz", *TINY, "--steps", "8", "--every", "4"]
CRYSTAL = ["crystal.xyz", "--model", "ultra-tiny", "--threads", "2", "--steps", "2", "--every", "1"]
LEARN = ["frames.xyz", "--valid", "frames.xyz", "--size", "ultra-tiny", "--batch", "2", "--threads",
         "1", "--out", "m.h5", "--log", "m.csv"]
SUITE = ["--model", "ultra-tiny", "--quick", "--json", "new.json", "--html", "new.html"]
OLD = {"t.json": '{"old": true}', "v.svg": "old </svg>", "new.json": "{}"}


class Case:
    """A command line in a folder of its own.
    needs      names of files that are there before, made by prepare() or those of OLD
    check      a command line that must succeed afterwards whatever happened, after each program's
               name: an earlier checkpoint is still good"""

    def __init__(self, name, program, arguments, needs, check=None, slow=False):
        self.name, self.program, self.arguments = name, program, arguments
        self.needs, self.check, self.slow = needs.split(), check, slow


DRY = ["--dry-run", "--quiet", "--restart", "run.checkpoint"]
CASES = [
    Case("xyz", "mdrun", [*RUN, "--out", "t.xyz", "--log", "t.csv", "--json", "t.json"],
         "benzene.xyz t.json"),
    Case("h5md", "mdrun", [*RUN, "--out", "t.h5md", "--log", "t.csv"], "benzene.xyz"),
    Case("replicas", "mdrun", [*RUN, "--replicas", "2", "--thermostat", "rescaling", "--out",
                               "t.h5md", "--log", "t.csv", "--json", "t.json"], "benzene.xyz"),
    Case("checkpoint", "mdrun", [*RUN, "--out", "t.xyz", "--log", "t.csv", "--checkpoint",
                                 "run.checkpoint"], "benzene.xyz run.checkpoint"),
    Case("checkpoints", "mdrun", [*RUN, "--out", "t.xyz", "--log", "t.csv", "--checkpoint",
                                  "run.checkpoint", "--checkpoint-every", "0.000001"],
         "benzene.xyz"),
    Case("restart", "mdrun", ["--restart", "run.checkpoint", "--steps", "12"],
         "benzene.xyz run.xyz run.csv run.checkpoint", check=["mdrun", *DRY]),
    Case("restart-h5md", "mdrun", ["--restart", "run5.checkpoint", "--steps", "12"],
         "benzene.xyz run5.h5md run5.csv run5.checkpoint",
         check=["mdrun", *DRY[:-1], "run5.checkpoint"]),
    Case("minimize", "mdrun", [*RUN, "--minimize", "--fmax", "1", "--thermostat", "langevin",
                               "--out", "none", "--log", "t.csv"], "benzene.xyz"),
    Case("dry-run", "mdrun", [*RUN, "--dry-run"], "benzene.xyz"),
    Case("threads", "mdrun", [*CRYSTAL, "--out", "t.xyz"], "crystal.xyz"),
    Case("svg", "mdvalidate", ["frames.xyz", *TINY, "--csv", "v.csv", "--json", "v.json", "--plot",
                               "v.svg"], "frames.xyz v.svg"),
    Case("set", "mdvalidate", ["set.h5", *TINY, "--json", "v.json", "--plot", "v.png"], "set.h5"),
    Case("learn", "mdtrain", [*LEARN, "--steps", "2"], "frames.xyz"),
    Case("resume", "mdtrain", [*LEARN, "--steps", "4", "--resume"],
         "frames.xyz m.h5 m.csv m.checkpoint", check=["mdtrain", *LEARN, "--steps", "4", "--resume",
                                                "--quiet"]),
    Case("page", "mdbench", ["page", "old.json", "new.html"], "old.json"),
    Case("compare", "mdbench", ["compare", "old.json", "old.json"], "old.json"),
    Case("drift", "mdbench", ["drift", *SUITE], "new.json", slow=True),
    Case("m6", "mdbench", ["m6", *SUITE], "", slow=True),
    Case("load", "mdbench", ["load", *SUITE], "", slow=True),
    Case("sizes", "mdbench", ["sizes", *SUITE, "--max-atoms", "50"], "", slow=True),
]


def environment(folder):
    """Nothing of the user's own: fonts are looked for at home."""
    return dict(os.environ, OMP_NUM_THREADS="2", HOME=folder, XDG_CACHE_HOME=folder, NO_COLOR="1")


def prepare(programs, store):
    """All files that cases need, into one folder."""
    def run(program, *arguments):
        subprocess.run([os.path.join(programs, program), *arguments, "--quiet"], cwd=store,
                       env=environment(store), check=True, stderr=subprocess.DEVNULL)
    shutil.copy(os.path.join(ROOT, "structures", "benzene.xyz"), store)
    shutil.copy(os.path.join(ROOT, "structures", "benzene_crystal.xyz"),
                os.path.join(store, "crystal.xyz"))
    shutil.copy(os.path.join(ROOT, "reference", "clusters_test.h5"), os.path.join(store, "set.h5"))
    run("mdrun", *RUN, "--out", "run.xyz", "--log", "run.csv", "--checkpoint", "run.checkpoint")
    run("mdrun", *RUN, "--replicas", "2", "--out", "run5.h5md", "--log", "run5.csv", "--checkpoint",
        "run5.checkpoint")
    run("mdrun", *RUN, "--out", "frames.xyz", "--log", "none")
    run("mdtrain", *LEARN, "--steps", "2")
    run("mdbench", "drift", "--model", "ultra-tiny", "--quick", "--json", "old.json")
    for name, content in OLD.items():
        with open(os.path.join(store, name), "w", encoding="utf-8") as file:
            file.write(content)
