"""mdbench compare and mdbench page, the whole program, on records that are written here.

    python3 test_mdbench_compare.py MDBENCH [unittest arguments, such as -v or Gate]
"""

import html.parser
import json
import os
import sys
import unittest

from program_case import ProgramCase

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BASELINES = os.path.realpath(os.path.join(ROOT, "bench", "baselines"))
MDBENCH = None  # set from the command line
BOUND, USAGE, INPUT, FAILED = 1, 2, 3, 4
MACHINE = {"cpu": "A processor", "cores": 2, "load": 0.0, "load_end": 0.0, "busy": False}


def row(median, quantity="latency", what="inference", better="lower", unit="ms", half=0.01, **more):
    """A measured row: the interval of its median is 2 * half of its size; 0: measured once."""
    noise = {"n": 30, "low": median * (1 - half), "high": median * (1 + half),
             "mean": median, "sd": median * half, "min": median, "max": median} if half else {}
    name = {"what": what, "model": "tiny", "structure": "benzene", "atoms": 12, "threads": 1}
    return {**name, "quantity": quantity, "unit": unit, "better": better, "median": median,
            **noise, **more}


def record(*rows, machine=MACHINE, **more):
    return {"format": "schnell-bench", "format_version": 1, "suite": "m6", "settings": "m6",
            "machine": machine, "rows": list(rows), **more}


class Case(ProgramCase):
    name = "mdbench"

    def program(self):
        return MDBENCH

    def records(self, a, b):
        for name, content in (("a.json", a), ("b.json", b)):
            self.write(name, json.dumps(content))

    def compare(self, a, b, *options, status=0):
        """The comparison of two records as JSON, and what was printed."""
        self.records(a, b)
        done = self.run_it("compare", "a.json", "b.json", "--json", "c.json", *options)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        with open(self.path("c.json")) as file:
            return json.load(file), done

    def verdict(self, a, b, status=0):
        """Of a single row each."""
        found, _ = self.compare(record(a), record(b), status=status)
        (found,) = found["rows"]
        return found["verdict"]


class Rule(Case):
    def test_noise(self):
        self.assertEqual(self.verdict(row(1.0), row(1.015)), "alike")
        self.assertEqual(self.verdict(row(1.0, half=0.2), row(1.3, half=0.2)), "alike")

    def test_worse_and_better(self):
        self.assertEqual(self.verdict(row(1.0), row(1.1), BOUND), "failed")
        self.assertEqual(self.verdict(row(1.0), row(0.9)), "better")
        self.assertEqual(self.verdict(row(1.0, better="higher"), row(0.9, better="higher"), BOUND),
                         "failed")
        self.assertEqual(self.verdict(row(1.0, better="higher"), row(1.1, better="higher")),
                         "better")

    def test_rows_that_do_not_agree_on_better_are_not_judged(self):
        self.assertEqual(self.verdict(row(1.0, better="none"), row(2.0)), "differs")

    def test_sizes_are_exact(self):
        size = dict(quantity="model_size", what="memory", unit="MB", half=0)
        self.assertEqual(self.verdict(row(1.0, **size), row(1.0, **size)), "alike")
        self.assertEqual(self.verdict(row(1.0, **size), row(1.0001, **size), BOUND), "failed")

    def test_a_published_size_may_tell_how_it_was_rounded(self):
        size = dict(quantity="model_size", what="memory", unit="MB", half=0)
        self.assertEqual(self.verdict(row(0.08, low=0.075, high=0.085, **size),
                                      row(0.0819, **size)), "alike")

    def test_errors_have_a_small_tolerance(self):
        mae = dict(quantity="force_mae", what="accuracy", unit="eV/Å", half=0)
        self.assertEqual(self.verdict(row(0.01, **mae), row(0.010009, **mae)), "alike")
        self.assertEqual(self.verdict(row(0.01, **mae), row(0.01002, **mae), BOUND), "failed")

    def test_times_measured_once_have_five_per_cent(self):
        self.assertEqual(self.verdict(row(1.0, half=0), row(1.04, half=0)), "alike")
        self.assertEqual(self.verdict(row(1.0, half=0), row(1.06, half=0), BOUND), "failed")

    def test_of_drifts_the_size_counts(self):
        drift = dict(quantity="drift", what="drift", unit="meV/atom/ns", half=0)
        self.assertEqual(self.verdict(row(-1.0, **drift), row(2.0, **drift)), "alike")
        self.assertEqual(self.verdict(row(-1.0, **drift), row(0.1, **drift)), "better")
        self.assertEqual(self.verdict(row(0.1, **drift), row(-1.0, **drift), BOUND), "failed")

    def test_from_zero(self):
        count = dict(quantity="parameters", what="model", unit="", half=0)
        found, done = self.compare(record(row(0, **count)), record(row(3, **count)), status=BOUND)
        self.assertIsNone(found["rows"][0]["change_percent"])
        self.assertIn("from 0", done.stdout)


class Gate(Case):
    def test_fail_above(self):
        self.records(record(row(1.0)), record(row(1.1)))
        for bound, status in (("5%", BOUND), ("9.9", BOUND), ("10.1%", 0), ("0", BOUND)):
            done = self.run_it("compare", "a.json", "b.json", "--fail-above", bound)
            self.assertEqual(done.returncode, status, done.stdout)

    def test_the_verdict_is_one_line_and_names_the_worst(self):
        _, done = self.compare(record(row(1.0), row(10, "throughput", better="higher")),
                               record(row(1.1), row(5, "throughput", better="higher")),
                               status=BOUND)
        last = done.stdout.rstrip("\n").split("\n")[-1]
        self.assertTrue(last.startswith("worse: 2 of 2 figures"), last)
        self.assertIn("throughput, -50.0 %", last)

    def test_a_change_within_the_bound_is_told(self):
        found, done = self.compare(record(row(1.0)), record(row(1.1)), "--fail-above", "20%")
        self.assertEqual(found["rows"][0]["verdict"], "worse")
        self.assertAlmostEqual(found["rows"][0]["change_percent"], 10)
        self.assertIn("no worse: 0 of 1 figures worse beyond noise by more than 20 %", done.stdout)

    def test_nothing_in_common_is_no_success(self):
        self.records(record(row(1.0)), record(row(1.0, structure="water")))
        self.refused(INPUT, ["b.json", "a.json"], "compare", "a.json", "b.json")

    def test_no_figure_is_no_common_figure(self):
        self.records(record(row(1.0)), record({**row(1.0, half=0), "median": None}))
        self.refused(INPUT, "b.json", "compare", "a.json", "b.json")

    def test_quiet(self):
        self.records(record(row(1.0)), record(row(1.1)))
        done = self.run_it("compare", "a.json", "b.json", "--quiet")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (BOUND, "", ""))


class Pairs(Case):
    def test_rows_of_one_file_are_counted_and_named(self):
        found, done = self.compare(record(row(1.0), row(2.0, structure="water")),
                                   record(row(1.0), row(3.0, batch=4)))
        self.assertEqual([x["structure"] for x in found["only_a"]], ["water"])
        self.assertEqual([x["batch"] for x in found["only_b"]], [4])
        self.assertIn("only in A: 1\n  inference: tiny, water (12): latency", done.stdout)
        self.assertIn("only in B: 1\n  inference: tiny, benzene (12), batch of 4", done.stdout)

    def test_threads_that_are_not_told_match_any(self):
        found, _ = self.compare(record(row(1.0, threads=0)), record(row(1.0, threads=2)))
        self.assertEqual(len(found["rows"]), 1)

    def test_the_same_threads_come_first(self):
        found, _ = self.compare(record(row(1.0, threads=1), row(2.0, threads=2)),
                                record(row(2.0, threads=2), row(1.0, threads=1)))
        self.assertEqual([x["verdict"] for x in found["rows"]], ["alike", "alike"])
        found, _ = self.compare(record(row(1.0, threads=1), row(2.0, threads=2)),
                                record(row(2.0, threads=4), row(1.0, threads=1)))
        self.assertEqual([len(found[key]) for key in ("rows", "only_a", "only_b")], [1, 1, 1])

    def test_other_units_are_other_rows(self):
        self.records(record(row(1.0)), record(row(1000.0, unit="us")))
        self.refused(INPUT, "b.json", "compare", "a.json", "b.json")


class Warnings(Case):
    def warnings(self, **machine):
        _, done = self.compare(record(row(1.0)), record(row(1.0), machine={**MACHINE, **machine}))
        return done.stderr

    def test_none_on_one_quiet_machine(self):
        self.assertEqual(self.warnings(), "")

    def test_busy(self):
        self.assertRegex(self.warnings(busy=True),
                         r"\Amdbench: warning: b.json: [^\n]*work[^\n]*\n\Z")

    def test_another_machine(self):
        self.assertRegex(self.warnings(cpu="Another"), r"\Amdbench: warning: [^\n]*machines\n\Z")

    def test_other_options(self):
        _, done = self.compare(record(row(1.0)), record(row(1.0), settings="m6 --precision double"))
        self.assertIn("--precision double", done.stderr)


class BrokenFiles(Case):
    def test_each_ends_with_one_line(self):
        good = record(row(1.0))
        self.write("a.json", json.dumps(good))
        broken = {
            "empty": "", "cut": json.dumps(good)[:-20], "text": "latency 3", "array": "[]",
            "other": '{"format": "something else"}',
            "rows": json.dumps({**good, "rows": 3}),
            "version": json.dumps({**good, "format_version": 2}),
            "row": json.dumps(record(7)),
            "median": json.dumps(record({**row(1.0), "median": "fast"})),
            "better": json.dumps(record({**row(1.0), "better": "faster"})),
            "atoms": json.dumps(record({**row(1.0), "atoms": -1})),
            "twice": json.dumps(record(row(1.0), row(2.0))),
            "deep": "[" * 100000,
            "zeros": b"\0" * 1000,
        }
        for name, content in broken.items():
            with self.subTest(name):
                self.write("b.json", content)
                self.refused(INPUT, "b.json", "compare", "a.json", "b.json")
                self.refused(INPUT, "b.json", "compare", "b.json", "a.json")
                self.refused(INPUT, "b.json", "page", "b.json", "page.html")

    def test_no_such_file(self):
        self.write("a.json", json.dumps(record(row(1.0))))
        self.refused(INPUT, "none.json", "compare", "a.json", "none.json")
        self.refused(INPUT, "none.json", "page", "none.json", "page.html")

    def test_wrong_options(self):
        self.records(record(row(1.0)), record(row(1.0)))
        self.refused(USAGE, "two files", "compare", "a.json")
        self.refused(USAGE, "--fail-above", "compare", "a.json", "b.json", "--fail-above", "-1")
        self.refused(USAGE, "--fail-above", "compare", "a.json", "b.json", "--fail-above", "much")
        self.refused(USAGE, "--json", "compare", "a.json", "b.json", "--json", "./a.json")
        self.refused(USAGE, "PAGE", "page", "a.json", "a.json")
        self.refused(USAGE, "page", "page", "a.json")
        self.refused(FAILED, "none/c.json", "compare", "a.json", "b.json", "--json", "none/c.json")


class Published(Case):
    def test_baselines_load_and_match_what_m6_writes(self):
        names = sorted(os.listdir(BASELINES))
        self.assertIn("m6_published.json", names)
        for name in names:
            with self.subTest(name):
                path = os.path.join(BASELINES, name)
                done = self.good("compare", path, path)
                self.assertIn("no worse", done.stdout)
                self.assertNotIn("only in", done.stdout)

    def test_md_against_m6(self):
        mine = row(15000, "throughput", "md", "higher", "steps/s")
        self.write("b.json", json.dumps(record(mine)))
        done = self.good("compare", os.path.join(BASELINES, "m6_published.json"), "b.json")
        self.assertIn("x 297", done.stdout)


class Text(html.parser.HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes = set(), "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


HOSTILE = ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "</svg></style>",
           "&lt;b"]


class Page(Case):
    def page(self, content):
        self.write("a.json", json.dumps(content))
        self.good("page", "a.json", "page.html")
        with open(self.path("page.html"), encoding="utf-8") as file:
            return file.read()

    def test_hostile_names_stay_text(self):
        for text in HOSTILE:
            with self.subTest(text):
                rows = [row(n, atoms=n, threads=n, processes=n, batch=n, what=what, variant=text,
                            quantity=quantity, model=text, structure=text, unit=text, published=1)
                        for n in (1, 2, 3)
                        for what, quantity in (("inference", "latency"), ("md", "throughput"),
                                               ("memory", text), ("stage", "share"), (text, text),
                                               ("sizes", "time_per_atom"))]
                machine = {key: text for key in ("cpu", "gpu", "date", "host_os", "compiler",
                                                 "flags", "commit", "schnell", "governor")}
                page = self.page(record(*rows, suite=text, settings=text,
                                        machine={**MACHINE, **machine}))
                found = Text(page)
                self.assertLessEqual({"svg", "table", "figure"}, found.tags)
                self.assertFalse({"script", "img", "b"} & found.tags)
                self.assertFalse([name for name, _ in found.attributes if name.startswith("on")])
                self.assertIn(text, found.text)

    def test_control_characters(self):
        """They are refused in what names a row, and left out elsewhere."""
        self.write("a.json", json.dumps(record(row(1.0, model="\x1b[31m"))))
        self.refused(INPUT, "model", "page", "a.json", "page.html")
        page = self.page(record(row(1.0), machine={**MACHINE, "cpu": "\x1b[31m"}))
        self.assertNotIn("\x1b", page)

    def test_it_needs_nothing_else(self):
        found = Text(self.page(record(row(1.0), row(2.0, structure="water", atoms=3))))
        self.assertFalse({"link", "script", "iframe", "object"} & found.tags)
        self.assertFalse({"src", "href", "srcset"} & {name for name, _ in found.attributes})

    def test_a_busy_machine_is_told(self):
        busy = {**MACHINE, "busy": True}
        self.assertIn("class='warning'", self.page(record(row(1.0), machine=busy)))
        self.assertNotIn("class='warning'", self.page(record(row(1.0))))

    def test_odd_figures(self):
        odd = [0, -1, 1e-300, 1e300, None]
        for what, quantity in (("inference", "latency"), ("batch", "throughput"),
                               ("sizes", "time_per_atom"), ("memory", "peak_resident"),
                               ("stage", "share"), ("threads", "speed_up")):
            rows = [{**row(1, quantity, what, half=0), "median": value, "atoms": k, "batch": k,
                     "threads": k, "variant": str(k % 2)} for k, value in enumerate(odd)]
            with self.subTest(what):
                page = self.page(record(*rows))
                for word in ("nan", "inf"):
                    self.assertNotRegex(page, rf"'[^'<>]*\b{word}\b[^'<>]*'")

    def test_empty_and_without_machine(self):
        self.assertIn("<main>", self.page(record(machine=None)))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDBENCH = os.path.realpath(sys.argv.pop(1))
    unittest.main()
