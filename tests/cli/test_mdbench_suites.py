"""mdbench's sizes, batch, kernels, threads, load and energy: what their records and reports hold.

    python3 test_mdbench_suites.py MDBENCH [unittest arguments, such as -v or Suites]

Times mean nothing here: the tests look at what is reported, not at how fast it was.
"""

import json
import os
import re
import sys
import unittest

from program_case import ProgramCase

MDBENCH = None  # set from the command line


class Suites(ProgramCase):
    name = "mdbench"
    libraries = None  # a folder of libraries that stand in for others

    def environment(self):
        of_all = super().environment()
        return dict(of_all, LD_LIBRARY_PATH=self.libraries) if self.libraries else of_all

    def program(self):
        return MDBENCH

    def measured(self, suite, *arguments):
        """The rows and the report of a quick run."""
        done = self.good(suite, "--quick", "--model", "ultra-tiny", "--json", "record.json",
                         *arguments)
        self.assertEqual(done.stderr, "")
        self.assertNotRegex(done.stdout, r"\b(nan|inf)\b")
        with open(self.path("record.json"), encoding="utf-8") as file:
            return json.load(file)["rows"], done.stdout

    def of(self, rows, quantity, key):
        """The medians of a quantity by one of the counts or texts of the rows."""
        return {row.get(key, ""): row["median"] for row in rows if row["quantity"] == quantity}

    def test_sizes(self):
        rows, text = self.measured("sizes")
        times = self.of(rows, "time_per_atom", "atoms")
        self.assertEqual(list(times), [12, 96, 384, 960])
        for atoms, speed in self.of(rows, "throughput", "atoms").items():
            self.assertAlmostEqual(speed * times[atoms] * 1e-6, 1, 2)
        for atoms, memory in self.of(rows, "memory_per_atom", "atoms").items():
            self.assertGreater(memory, 1)
        self.assertEqual({row["structure"] for row in rows},
                         {"benzene", "benzene_cluster", "benzene_crystal"})
        self.assertIn("Too few sizes", text)

    def test_fewer_sizes(self):
        rows, _ = self.measured("sizes", "--max-atoms", 100)
        self.assertEqual(set(self.of(rows, "throughput", "atoms")), {12, 96})

    def test_a_line_of_memory(self):
        rows, text = self.measured("sizes", "--max-atoms", 11000)
        memory = {atoms: kb * atoms for atoms, kb in
                  self.of(rows, "memory_per_atom", "atoms").items()}
        slope = (memory[10080] - memory[960]) / (10080 - 960)
        told = re.search(r"ultra-tiny takes ([\d.]+) kB for each atom, and -?[\d.]+ MB besides: "
                         r"\d+ GB are enough for [\d.]+ million atoms\.", text)
        self.assertAlmostEqual(float(told[1]) / slope, 1, 0)

    def test_replicas(self):
        rows, text = self.measured("replicas", "--max-batch", 5)
        speeds = self.of(rows, "throughput", "batch")
        self.assertEqual(list(speeds), [1, 2, 4])
        for count, time in self.of(rows, "step_time", "batch").items():
            self.assertAlmostEqual(speeds[count] * time * 1e-6 / (12 * count), 1, 6)
        self.assertEqual({row["atoms"] for row in rows}, {12})
        self.assertRegex(text, r"ultra-tiny is fastest (one by one|with \d at once)")

    def test_how_many_at_once(self):
        rows, _ = self.measured("batch", "--max-batch", 128)
        one = [row for row in rows if row["structure"] == "benzene"]
        self.assertEqual(max(self.of(one, "throughput", "batch")), 128)
        for count in ("0", "65537", "many"):
            self.refused(2, "--max-batch", "batch", "--max-batch", count)

    def test_batch(self):
        rows, text = self.measured("batch")
        one = [row for row in rows if row["structure"] == "benzene"]
        self.assertEqual(list(self.of(one, "throughput", "batch")), [1, 2, 4, 8, 16, 32, 64])
        mixed = {(row["variant"], row["batch"]) for row in rows if row["structure"] != "benzene"}
        self.assertEqual(mixed, {("mixed, " + how, batch) for how in ("packed", "as they come")
                                 for batch in (16, 64, 256)})
        self.assertRegex(text, r"ultra-tiny is fastest (one by one|with batches of \d+)")

    def test_kernels(self):
        rows, text = self.measured("kernels")
        self.assertEqual({row["what"] for row in rows}, {"stage"})
        self.assertEqual(len([row for row in rows if row["quantity"] == "build_time"]), 1)
        for prefix in ("", "exact filters, "):
            for structure in ("benzene", "benzene_crystal"):
                mine = [row for row in rows if row.get("structure") == structure and
                        row["variant"].startswith("exact filters, ") == bool(prefix)]
                times = self.of(mine, "time", "variant")
                self.assertGreater(times[prefix + "whole step"], 0)
                for stage, share in self.of(mine, "share", "variant").items():
                    self.assertAlmostEqual(
                        share, 100 * times[stage] / times[prefix + "whole step"], 5)
                self.assertTrue(all(0 < row["median"] < 150 for row in mine
                                    if row["quantity"] == "of_peak"))
        self.assertRegex(text, r"peak +[\d.]+ GFLOP/s, [\d.]+ GB/s")

    def test_threads(self):
        rows, text = self.measured("threads", "--threads", 2)
        for atoms in (12, 96):
            mine = [row for row in rows if row["atoms"] == atoms]
            speeds = self.of(mine, "throughput", "threads")
            gains = self.of(mine, "speed_up", "threads")
            self.assertEqual((list(speeds), list(gains)), ([1, 2], [1, 2]))
            self.assertAlmostEqual(gains[1], 1)
            self.assertAlmostEqual(gains[2], speeds[2] / speeds[1], 6)
        self.assertIn("ultra-tiny gains most", text)

    def test_load(self):
        rows, text = self.measured("load")
        together = self.of(rows, "throughput", "processes")
        each = self.of(rows, "throughput_per_process", "processes")
        self.assertEqual(list(together), [1, 2, 4, 8])
        for count, speed in together.items():
            self.assertAlmostEqual(each[count] * count / speed, 1, 6)
        self.assertIn("ultra-tiny does most with", text)

    def test_energy(self):
        rows, text = self.measured("energy")
        if rows:
            self.assertLessEqual({row["unit"] for row in rows}, {"J", "W"})
            self.assertIn("kilowatt-hour", text)
        else:
            self.assertTrue(re.search("This machine shows no energy", text))

    def test_a_gpu_that_counts(self):
        self.libraries = os.path.join(os.path.dirname(MDBENCH), "fake_nvml", "full")
        rows, text = self.measured("energy", "--device", "cpu")
        rows = [row for row in rows if row["variant"] == "GPU"]
        self.assertEqual([row["quantity"] for row in rows],
                         ["energy_per_step", "energy_above_idle", "power", "idle_power"])
        self.assertTrue(all(row["median"] > 0 for row in rows if row["unit"] == "W"))
        self.assertRegex(text, r"gpu +Fake GPU, 80 GB, driver 555\.1\n")

    def test_the_device_is_told(self):
        for suite in ("m6", "sizes", "batch", "replicas", "drift", "kernels", "load"):
            done = self.run_it(suite, "--quick", "--device", "cuda", "--model", "ultra-tiny")
            if done.returncode == 0:
                self.skipTest("there is a GPU")
            self.one_line(done, 4, "cuda")
        done = self.good("sizes", "--quick", "--max-atoms", 12, "--json", "record.json")
        with open(self.path("record.json"), encoding="utf-8") as file:
            device = json.load(file)["device"]
        self.assertRegex(device, r"\A\w+, ")
        self.assertIn("device       " + device + "\n", done.stdout)

    def test_a_model_that_is_not_there(self):
        for suite in ("sizes", "batch", "replicas", "kernels", "threads", "load"):
            self.refused(3, "nowhere", suite, "--quick", "--model", "nowhere")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDBENCH = os.path.realpath(sys.argv.pop(1))
    unittest.main()
