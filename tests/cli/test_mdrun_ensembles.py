"""mdrun's thermostats and its minimization, as users meet them.

    python3 test_mdrun_ensembles.py MDRUN [unittest arguments]

SCHNELL_TEST_DEVICE=cpu:avx2 runs it with one instruction set.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import unittest

from program_case import PATIENCE, ProgramCase
from test_mdrun import (BENZENE, FAILED, INPUT, LOG_COLUMNS, USAGE, read_log, read_xyz,
                        structure)

ETHANOL = structure("ethanol")
FAST = ["--model", "ultra-tiny", "--threads", 1,
        "--device", os.environ.get("SCHNELL_TEST_DEVICE", "cpu")]
MDRUN = None  # set from the command line


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN

    def summary(self, name="run.json"):
        with open(self.path(name)) as file:
            return json.load(file)

    def rows(self, *arguments):
        """Lines of the log, and the summary, of a run."""
        self.good(*arguments, "--out", "none", "--log", "run.csv", "--json", "run.json")
        return read_log(self.path("run.csv")), self.summary()


# ---------------------------------------------------------------- the command line


class CommandLine(Case):
    def test_wrong_values(self):
        for option, value, more in [
                ("--thermostat", "nose-hoover", ()), ("--thermostat", "", ()),
                ("--thermostat", "Langevin", ()), ("--tau", "0", ("--thermostat", "langevin")),
                ("--tau", "-5", ("--thermostat", "csvr")), ("--tau", "nan", ()),
                ("--tau", "100fs", ("--thermostat", "csvr")), ("--fmax", "0", ("--minimize",)),
                ("--fmax", "-0.1", ("--minimize",)), ("--fmax", "small", ("--minimize",))]:
            with self.subTest(option=option, value=value):
                self.refused(USAGE, [option + ": expected", f'found "{value}"'],
                             BENZENE, *more, option, value)

    def test_what_is_of_no_use_alone(self):
        self.refused(USAGE, "--tau needs --thermostat langevin or rescaling", BENZENE, "--tau", 50)
        self.refused(USAGE, "--tau needs --thermostat langevin or rescaling",
                     BENZENE, "--tau", 50, "--thermostat", "none")
        self.refused(USAGE, "--fmax needs --minimize", BENZENE, "--fmax", 0.1)

    def test_help_names_them(self):
        self.help_fits_a_screen("thermostat tau minimize fmax")


# ---------------------------------------------------------------- thermostats


class Thermostats(Case):
    def test_all_is_told(self):
        for name in ("langevin", "rescaling"):
            with self.subTest(thermostat=name):
                done = self.good(ETHANOL, *FAST, "--thermostat", name, "--temperature", 350,
                                 "--tau", 40, "--steps", 400, "--json", "run.json")
                self.assertIn(f"thermostat   {name}, 350 K, 40 fs\n", done.stdout)
                self.assertRegex(done.stdout, r"temperature  [0-9.]+ ± [0-9.]+ K \(mean\)\n")
                self.assertEqual("momentum" in done.stdout, name == "rescaling")
                summary = self.summary()
                self.assertEqual(summary["thermostat"],
                                 {"kind": name, "temperature_K": 350, "tau_fs": 40})
                self.assertGreater(summary["temperature_error_K"], 1)

    def test_names_of_other_programs(self):
        logs = []
        for name in ("rescaling", "v-rescale", "csvr", "bussi"):
            logs.append(self.rows(ETHANOL, *FAST, "--steps", 40, "--thermostat", name)[0])
            self.assertEqual(logs[-1], logs[0])
            self.assertEqual(self.summary()["thermostat"]["kind"], "rescaling")
        self.assertEqual(self.summary()["thermostat"]["tau_fs"], 100)

    def test_none_is_none(self):
        plain = self.rows(ETHANOL, *FAST, "--steps", 40)[0]
        none, summary = self.rows(ETHANOL, *FAST, "--steps", 40, "--thermostat", "none")
        self.assertEqual(plain, none)
        self.assertNotIn("thermostat", summary)
        for row in plain:
            self.assertEqual(row["conserved_eV"], row["total_eV"])

    def test_it_warms_and_the_balance_is_kept(self):
        """From a minimum at 50 K to 300 K: the total energy rises, the conserved energy stays."""
        self.good(ETHANOL, *FAST, "--minimize", "--temperature", 50, "--steps", 0,
                  "--out", "cold.xyz")
        for name in ("langevin", "rescaling"):
            with self.subTest(thermostat=name):
                rows, summary = self.rows("cold.xyz", *FAST, "--steps", 6000, "--thermostat", name,
                                          "--tau", 20)
                late = rows[100:]
                gain = statistics.mean(row["total_eV"] for row in late) - rows[0]["total_eV"]
                self.assertGreater(gain, 0.3)
                for row in rows:
                    self.assertLess(abs(row["conserved_eV"] - rows[0]["conserved_eV"]), 0.03 * gain)
                mean = statistics.mean(row["temperature_K"] for row in late)
                # Over seeds the mean scatters by 11 K: 60 K are 5 of that, whatever the trajectory.
                self.assertLess(abs(mean - 300), 60)
                self.assertAlmostEqual(summary["energy_end_eV"], rows[-1]["total_eV"], 8)
                off = abs(rows[-1]["conserved_eV"] - rows[0]["conserved_eV"])
                self.assertAlmostEqual(summary["drift_percent"],
                                       100 * off / abs(rows[0]["conserved_eV"]), 9)

    def test_the_error_of_the_mean(self):
        """By hand, from blocks of the samples: 201 of them are 25 blocks of 8."""
        rows, summary = self.rows(ETHANOL, *FAST, "--steps", 2000, "--thermostat", "langevin")
        blocks = [statistics.mean(row["temperature_K"] for row in rows[8 * k:8 * k + 8])
                  for k in range(25)]
        self.assertAlmostEqual(summary["temperature_error_K"],
                               statistics.stdev(blocks) / 25 ** 0.5, 4)

    def test_the_same_command_gives_the_same_run(self):
        run = [ETHANOL, *FAST, "--steps", 50, "--thermostat", "langevin"]
        first = self.rows(*run, "--seed", 3)[0]
        self.assertEqual(self.rows(*run, "--seed", 3)[0], first)
        self.assertNotEqual(self.rows(*run, "--seed", 4)[0], first)

    def test_replicas_have_noise_of_their_own(self):
        for name in ("langevin", "rescaling"):
            run = [ETHANOL, *FAST, "--steps", 40, "--thermostat", name]
            self.good(*run, "--replicas", 3, "--seed", 5, "--log", "all.csv")
            together = read_log(self.path("all.csv"), ["replica", *LOG_COLUMNS])
            for k in range(3):
                alone = self.rows(*run, "--seed", 5 + k)[0]
                for row in alone:
                    row["replica"] = k + 1
                self.assertEqual([row for row in together if row["replica"] == k + 1], alone)

    def test_the_noise_is_not_the_velocities(self):
        """The same velocities of a file, another seed: another run."""
        self.good(ETHANOL, *FAST, "--steps", 0, "--out", "start.xyz")
        first, second = (self.rows("start.xyz", *FAST, "--steps", 20, "--thermostat", "langevin",
                                   "--seed", seed)[0] for seed in (1, 2))
        self.assertEqual(first[0], second[0])
        self.assertNotEqual(first[1], second[1])

    def test_a_blow_up_is_told(self):
        self.write("near.xyz", "2\n\nH 0 0 0\nH 0 0 0.4\n")
        done = self.run_it("near.xyz", *FAST, "--thermostat", "langevin", "--temperature", 1e6,
                           "--dt", 5, "-q")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("near.xyz: step ", done.stderr)


# ---------------------------------------------------------------- minimization


class Minimization(Case):
    def test_a_minimum_alone(self):
        done = self.good(ETHANOL, *FAST, "--minimize", "--steps", 0, "--out", "min.xyz",
                         "--json", "run.json")
        self.assertRegex(done.stdout, r"\nminimum      -[0-9]+\.[0-9]{4} eV, [0-9.]+ eV below the "
                                      r"start, [0-9]+ steps, "
                                      r"largest force 0\.00[0-9]+ eV/Å\n")
        found = self.summary()["minimization"]
        self.assertTrue(found["converged"])
        self.assertLessEqual(found["largest_force_eV_per_A"], 0.01)
        self.assertLess(found["energy_end_eV"], found["energy_start_eV"])
        frames = read_xyz(self.path("min.xyz"))
        self.assertEqual(len(frames), 1)
        self.assertIn(f"energy={found['energy_end_eV']:.6f}"[:-1], frames[0][0])
        again = self.good("min.xyz", *FAST, "--minimize", "--steps", 0, "--out", "none").stdout
        self.assertIn(" eV, 0 eV below the start, 0 steps, ", again)

    def test_as_near_as_asked_for(self):
        for fmax in (0.1, 0.002):
            self.good(ETHANOL, *FAST, "--precision", "double", "--minimize", "--fmax", fmax,
                      "--steps", 0, "--json", "run.json")
            force = self.summary()["minimization"]["largest_force_eV_per_A"]
            self.assertTrue(fmax / 20 < force <= fmax, force)

    def test_the_run_starts_there(self):
        rows, summary = self.rows(ETHANOL, *FAST, "--minimize", "--steps", 20, "--thermostat",
                                  "langevin")
        self.assertAlmostEqual(rows[0]["potential_eV"], summary["minimization"]["energy_end_eV"], 9)
        self.assertAlmostEqual(rows[0]["temperature_K"], 300 * 21 / 27, 4)

    def test_all_replicas_start_there(self):
        self.good(ETHANOL, *FAST, "--minimize", "--steps", 0, "--replicas", 3, "--log", "all.csv")
        rows = read_log(self.path("all.csv"), ["replica", *LOG_COLUMNS])
        self.assertEqual(len({row["potential_eV"] for row in rows}), 1)
        self.assertEqual(len(rows), 3)

    def test_no_minimum_is_told(self):
        """Single precision cannot tell forces so small."""
        done = self.good(BENZENE, *FAST, "--minimize", "--fmax", 1e-12, "--steps", 0,
                         "--json", "run.json")
        self.assertIn("not converged", done.stdout)
        self.assertRegex(done.stderr, r"\Amdrun: note: the minimization did not converge: after "
                                      r"10000 steps the largest force is [^\n]+\n\Z")
        self.assertFalse(self.summary()["minimization"]["converged"])

    def test_a_bad_start_leaves_nothing(self):
        self.write("near.xyz", "2\n\nH 0 0 0\nH 0 0 0.1\n")
        self.refused(INPUT, "near.xyz: atoms 1 (H) and 2 (H)", "near.xyz", "--minimize")

    def test_an_output_is_checked_before(self):
        self.refused(FAILED, "nowhere/a.xyz", BENZENE, "--minimize", "--out", "nowhere/a.xyz")

    def catches(self, pid, number):
        with open(f"/proc/{pid}/status") as file:
            mask = next(line.split()[1] for line in file if line.startswith("SigCgt:"))
        return int(mask, 16) >> (number - 1) & 1

    def test_a_signal_ends_it(self):
        """It takes long here, since no force is so small; what was reached is written."""
        run = subprocess.Popen(
            [MDRUN, structure("aspirin"), "--device", "reference", "--minimize", "--fmax", "1e-300",
             "--out", "end.xyz", "--json", "run.json"], cwd=self.folder, env=self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not self.catches(run.pid, signal.SIGINT):
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=PATIENCE)
        self.assertEqual(run.returncode, 128 + signal.SIGINT)
        self.assertEqual(self.summary()["status"], "interrupted")
        self.assertFalse(self.summary()["minimization"]["converged"])
        self.assertEqual(len(read_xyz(self.path("end.xyz"))), 1)


if __name__ == "__main__":
    MDRUN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
