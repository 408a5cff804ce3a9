"""What the tests of all programs share: a program run in an empty folder, and what it may leave."""

import os
import shutil
import subprocess
import tempfile
import unittest

# Seconds to wait for a program. It is there for hangs alone: a busy machine may take long.
PATIENCE = 900


class ProgramCase(unittest.TestCase):
    """A test in an empty folder of its own. A subclass sets `name` and, from the command line,
    gives the program's path by `program()`."""

    name = None

    def program(self):
        raise NotImplementedError

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix=self.name + "-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return name

    def files(self):
        return sorted(os.listdir(self.folder))

    def environment(self):
        return dict(os.environ, OMP_NUM_THREADS="1", TERM="xterm")

    def run_it(self, *arguments, **more):
        more.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([self.program(), *map(str, arguments)], cwd=self.folder,
                              env=self.environment(), stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE, **more)

    def good(self, *arguments, **more):
        done = self.run_it(*arguments, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def help_fits_a_screen(self, options, **more):
        """The help has no more lines and columns than a window, and names these options."""
        text = self.good("--help", **more).stdout
        self.assertLess(text.count("\n"), 40)
        self.assertLess(max(map(len, text.split("\n"))), 80)
        for option in options.split():
            self.assertIn("--" + option, text)

    def refused(self, status, words, *arguments, **more):
        """The run ends with this status and one line that has the words, and leaves no file."""
        before = self.files()
        done = self.run_it(*arguments, **more)
        self.one_line(done, status, words)
        self.assertEqual(self.files(), before, "a file was left behind")
        return done

    def one_line(self, done, status, words):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertRegex(done.stderr, r"\A" + self.name + r": [^\n]+\n\Z")
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, done.stderr)
