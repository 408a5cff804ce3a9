"""mdrun killed by SIGKILL at random moments, and what it leaves each time.

    python3 kill.py MDRUN [--kills 200] [--seed 1] [--setup NAME ...]

Runs are killed, gone on with from their checkpoint and killed again, ten times, and then end. After
each kill
  - the last checkpoint loads, and the one before it;
  - the XYZ file and the log are, byte for byte, the beginning of those of an unbroken run;
  - h5py opens the H5MD file, no series is shorter than the positions, and each frame is that of the
    unbroken run, to the bit;
and at the end all outputs are those of the unbroken run. H5MD needs h5py; without it the status
is 77. A line for each set-up says how much was lost: frames that the log tells of and the
trajectory has not, where the run came as far as to write to both.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

try:
    import h5py
except ImportError:
    h5py = None

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BENZENE = os.path.realpath(os.path.join(ROOT, "structures", "benzene.xyz"))
SKIPPED = 77
LIVES = 10  # of a run, until it may end
LONGEST = 0.4  # seconds that a life lasts at most, beside the start
PATIENCE = 900  # seconds for anything else
CHECKPOINT = "run.chk"

# The suffix of the trajectory, steps of the unbroken run, other options.
SETUPS = {
    "xyz": (".xyz", 20000, ["--checkpoint-every", "0.0005"]),
    "h5md": (".h5md", 20000, ["--checkpoint-every", "0.005"]),
    "replicas": (".h5md", 600, ["--replicas", "64", "--checkpoint-every", "0.005"]),
    "checkpoints": (".h5md", 20000, ["--replicas", "2", "--checkpoint-every", "0.00001"]),
}


class Fault(Exception):
    """What a killed program must not leave."""


def require(condition, message):
    if not condition:
        raise Fault(message)


class Campaign:
    def __init__(self, mdrun, setup, kills, seed, folder):
        self.mdrun, self.folder = mdrun, folder
        self.random = random.Random(f"{setup} {seed}")
        self.suffix, self.steps, self.options = SETUPS[setup]
        self.steps = self.steps * min(kills, LIVES) // LIVES
        self.kills = self.ends = self.early = 0
        self.wrote = False  # this life, to the log
        self.lost = []  # frames, of each kill
        begin = time.monotonic()
        self.mdrun_ends(*self.arguments("whole"), "--checkpoint", "whole.checkpoint")
        self.speed = self.steps / (time.monotonic() - begin)
        begin = time.monotonic()
        self.mdrun_ends(*self.arguments("start"), "--steps", "0", "--checkpoint", CHECKPOINT)
        self.longest = time.monotonic() - begin + LONGEST
        self.clear()
        self.log = self.content("whole.csv")
        self.whole = self.items("whole") if self.is_h5md() else self.content("whole.xyz")

    # ------------------------------------------------------------ files

    def is_h5md(self):
        return self.suffix == ".h5md"

    def path(self, name):
        return os.path.join(self.folder, name)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def exists(self, name):
        return os.path.exists(self.path(name))

    def items(self, name):
        """All datasets that grow, by their paths."""
        found = {}

        def visit(path, item):
            if isinstance(item, h5py.Dataset) and item.maxshape[0] is None:
                found[path] = item[...]

        with h5py.File(self.path(name + self.suffix), "r") as file:
            file.visititems(visit)
        return found

    # ------------------------------------------------------------ runs

    def arguments(self, name):
        return [BENZENE, "--model", "ultra-tiny", "--steps", str(self.steps), "--every", "1",
                "--out", name + self.suffix, "--log", name + ".csv", "--quiet", *self.options]

    def start(self, *arguments):
        return subprocess.Popen([self.mdrun, *arguments], cwd=self.folder,
                                env=dict(os.environ, OMP_NUM_THREADS="1"),
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def mdrun_ends(self, *arguments):
        said = (process := self.start(*arguments)).communicate(timeout=PATIENCE)[1]
        require(process.returncode == 0, f"{arguments}: status {process.returncode}: {said}")
        return said

    def live(self):
        """Let the run live for a moment. Was it killed?"""
        before = self.written()
        process = self.start(*self.arguments("part"), "--checkpoint", CHECKPOINT, "--restart",
                             CHECKPOINT)
        time.sleep(self.random.uniform(0.0, self.longest))
        process.send_signal(signal.SIGKILL)
        said = process.communicate(timeout=PATIENCE)[1]
        require(process.returncode in (0, -signal.SIGKILL), said)
        require("damaged" not in said, said)
        self.wrote = self.written() != before
        return process.returncode != 0

    def written(self):
        """When the log was written to last: a restart cuts it back after the trajectory."""
        return os.stat(self.path("part.csv")).st_mtime_ns if self.exists("part.csv") else 0

    # ------------------------------------------------------------ what is left

    def check(self):
        """Sets how much was lost."""
        begun = self.check_checkpoints()
        if not begun:
            self.early += 1
            return
        logged = self.check_prefix("part.csv", self.log).count(b"\n") - 1  # the column names
        if self.is_h5md():
            logged //= self.replicas()
            frames = self.in_a_child(self.check_h5md)
        else:
            kept = self.check_prefix("part.xyz", self.whole)
            frames = kept.count(b"\n") // self.lines_a_frame()
        if self.wrote:
            self.lost.append(max(logged - frames, 0))

    def check_checkpoints(self):
        """Are there any? Each must load: a run of no more steps ends at once."""
        names = [name for name in (CHECKPOINT, CHECKPOINT + ".prev") if self.exists(name)]
        for name in names:
            said = self.mdrun_ends("--restart", name, "--steps", "0", "--out", "none", "--log",
                                   "none", "--checkpoint", "none.chk")
            require("damaged" not in said, said)
        return CHECKPOINT in names

    def check_prefix(self, name, whole):
        content = self.content(name)
        require(whole.startswith(content), f"{name}: not the beginning of the unbroken run's")
        return content

    def replicas(self):
        return sum(path.endswith("position/value") for path in self.whole)

    def lines_a_frame(self):
        return int(self.whole.split(b"\n", 1)[0]) + 2

    def check_h5md(self):
        """The frames of the shortest series of positions."""
        items = self.items("part")
        require(items.keys() == self.whole.keys(), "series are missing")
        shortest = self.steps + 1
        for path, item in items.items():
            require(item.tobytes() == self.whole[path][:len(item)].tobytes(), f"{path} differs")
            positions = items[self.positions_of(path)]
            require(len(item) >= len(positions), f"{path} is shorter than the positions")
            shortest = min(shortest, len(positions))
        return shortest

    def positions_of(self, path):
        group = path.split("/")[1]
        return f"particles/{group if group.startswith('replica') else 'all'}/position/value"

    def in_a_child(self, function):
        """What is broken may crash the reader, or keep it for ever."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(PATIENCE)
            try:
                answer = {"frames": function()}
            except Exception as error:  # pylint: disable=broad-except
                answer = {"fault": f"{type(error).__name__}: {error}"}
            os.write(writing, json.dumps(answer)[:60000].encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            answer = pipe.read()
        status = os.waitpid(child, 0)[1]
        require(status == 0 and answer, f"the reader died with status {status}")
        answer = json.loads(answer)
        require("fault" not in answer, answer.get("fault"))
        return answer["frames"]

    # ------------------------------------------------------------ the campaign

    def end(self):
        """The run goes on a little, and ends: its outputs are those of the unbroken one."""
        logged = self.content("part.csv").count(b"\n") if self.exists("part.csv") else 0
        if self.is_h5md():
            logged //= self.replicas()
        steps = min(self.steps, logged + 137)
        self.mdrun_ends(*self.arguments("part"), "--checkpoint", CHECKPOINT, "--restart",
                        CHECKPOINT, "--steps", str(steps))
        self.check_prefix("part.csv", self.log)
        if self.is_h5md():
            require(self.in_a_child(self.check_h5md) == steps + 1, "frames are missing")
        else:
            kept = self.check_prefix("part.xyz", self.whole)
            require(kept.count(b"\n") == (steps + 1) * self.lines_a_frame(), "frames are missing")
        self.ends += 1
        self.clear()

    def clear(self):
        for name in os.listdir(self.folder):
            if not name.startswith("whole."):
                os.unlink(self.path(name))

    def run(self, kills):
        while self.kills < kills:
            for _ in range(LIVES):
                if self.kills == kills or not self.live():
                    break
                self.kills += 1
                self.check()
            self.end()

    def report(self, name):
        lost = max(self.lost, default=0)
        print(f"{name:12} {self.kills:5} kills, {self.early} before the first checkpoint; all "
              f"files sound; lost at most {lost} frames ({1000 * lost / self.speed:.0f} ms), "
              f"{sum(self.lost) / max(1, len(self.lost)):.1f} in the mean; {self.ends} runs ended "
              "as the unbroken one", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("mdrun", type=os.path.abspath)
    parser.add_argument("--kills", type=int, default=200, help="of each set-up (200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--setup", nargs="+", choices=SETUPS, default=list(SETUPS))
    options = parser.parse_args()
    if h5py is None:
        print("skipped: h5py is not installed")
        return SKIPPED
    for name in options.setup:
        folder = tempfile.mkdtemp(prefix="kill-")
        campaign = None
        try:
            campaign = Campaign(options.mdrun, name, options.kills, options.seed, folder)
            campaign.run(options.kills)
        except Fault as fault:
            print(f"{name}: after {campaign.kills if campaign else 0} kills: {fault}\n"
                  f"what is left lies in {folder}")
            return 1
        shutil.rmtree(folder)
        campaign.report(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
