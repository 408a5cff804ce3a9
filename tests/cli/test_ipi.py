"""mdrun --ipi, against a server of i-PI's protocol that this script plays, well and badly.

    python3 test_ipi.py MDRUN [unittest arguments]

Only the standard library is needed.
"""

import contextlib
import csv
import os
import signal
import socket
import struct
import subprocess
import sys
import unittest

from program_case import PATIENCE, ProgramCase

MDRUN = None  # set from the command line
USAGE, INPUT, FAILED = 2, 3, 4
BOHR, HARTREE = 0.529177210903, 27.211386245988  # Å, eV
WATER = [("O", 0.1, 0.2, 0.0667), ("H", 0.1, 0.9632, -0.5296), ("H", 0.1, -0.5632, -0.5296)]
CELL = [[4.0, 0.3, 0.1], [-0.7, 4.4, 0.2], [0.9, -0.5, 4.2]]  # Å, a lattice vector a row
CUBE = [[20.0, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 0.0, 20.0]]


def positions_of(atoms):
    return [list(atom[1:]) for atom in atoms]


def complaints(stderr):
    """Lines of stderr, without the warning that no model here has seen water."""
    return [line for line in stderr.split("\n") if line and "mdrun: warning: " not in line]


def xyz(atoms, cell=None):
    lattice = 'Lattice="%s" ' % " ".join(str(x) for row in cell for x in row) if cell else ""
    return "%d\n%sProperties=species:S:1:pos:R:3\n" % (len(atoms), lattice) + "".join(
        "%s %.10f %.10f %.10f\n" % atom for atom in atoms)


class Server:
    """The other side of one mdrun: a listening socket, and the messages of the protocol."""

    def __init__(self, case, listener):
        self.case, self.listener, self.stream = case, listener, None

    def accept(self):
        self.listener.settimeout(60)
        self.stream, _ = self.listener.accept()
        self.stream.settimeout(60)

    def header(self, name):
        self.stream.sendall(name.ljust(12).encode())

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.stream.recv(size - len(data))
            self.case.assertTrue(more, "the client closed the connection")
            data += more
        return data

    def status(self):
        self.header("STATUS")
        return self.read(12).decode().strip()

    def init(self, text="", replica=0):
        self.header("INIT")
        self.stream.sendall(struct.pack("=ii", replica, len(text)) + text.encode())

    @staticmethod
    def cells(cell):
        """Cell and inverse cell; what the second holds is nobody's business."""
        columns = [cell[row][x] / BOHR for x in range(3) for row in range(3)]
        return struct.pack("=18d", *columns, *[7.0] * 9)

    @staticmethod
    def positions(positions):
        return struct.pack("=%dd" % (3 * len(positions)),
                           *[x / BOHR for position in positions for x in position])

    def posdata(self, positions, cell=CUBE):
        self.header("POSDATA")
        self.stream.sendall(self.cells(cell) + struct.pack("=i", len(positions)) +
                            self.positions(positions))

    def posdata_several(self, structures):
        """Structures are pairs of positions and cell."""
        self.header("POSDATA")
        self.stream.sendall(struct.pack("=i", len(structures[0][0])) +
                            b"".join(self.cells(cell) for _, cell in structures) +
                            b"".join(self.positions(at) for at, _ in structures))

    def getforce(self, n, batch=1):
        """Energies in eV, forces in eV/Å, virials in eV of each structure."""
        self.header("GETFORCE")
        self.case.assertEqual(self.read(12), b"FORCEREADY  ")
        energies = struct.unpack("=%dd" % batch, self.read(8 * batch))
        self.case.assertEqual(struct.unpack("=i", self.read(4)), (n,))
        forces = struct.unpack("=%dd" % (3 * n * batch), self.read(24 * n * batch))
        virials = struct.unpack("=%dd" % (9 * batch), self.read(72 * batch))
        for _ in range(batch):
            self.case.assertEqual(struct.unpack("=i", self.read(4)), (0,))
        return [(energies[k] * HARTREE,
                 [x * HARTREE / BOHR for x in forces[3 * n * k:3 * n * (k + 1)]],
                 [x * HARTREE for x in virials[9 * k:9 * (k + 1)]]) for k in range(batch)]

    def compute(self, positions, cell=CUBE):
        self.posdata(positions, cell)
        return self.getforce(len(positions))[0]

    def close(self):
        self.stream.close()


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN

    def listen(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path("server"))
        listener.listen(1)
        return listener

    def start(self, *arguments, address=None):
        process = subprocess.Popen(
            [MDRUN, *map(str, arguments), "--ipi", address or "unix:./server"], cwd=self.folder,
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.finish_off, process)
        return process

    @staticmethod
    def finish_off(process):
        process.kill()
        process.communicate()

    @contextlib.contextmanager
    def session(self, *arguments, atoms=WATER, cell=None, ends=0, words=(), quiet=False):
        """A server for the time of the with-block; then mdrun must end with this status, and
        complain with these words or not at all. Gives the server."""
        self.write("water.xyz", xyz(atoms, cell))
        server = Server(self, self.listen())
        process = self.start("water.xyz", "--model", "ultra-tiny", *arguments)
        server.accept()
        yield server
        with contextlib.suppress(OSError):
            if ends == 0:
                server.header("EXIT")
        server.stdout, stderr = process.communicate(timeout=PATIENCE)
        server.close()
        self.assertEqual(process.returncode, ends, stderr)
        lines = complaints(stderr)
        self.assertEqual(len(lines), 1 if words else 0, stderr)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, lines[0])
        os.unlink(self.path("server"))
        self.assertEqual(self.files(), ["water.xyz"], "a file was left behind")

    def own_energy(self, atoms, cell):
        """Energy that a run of mdrun's own begins with."""
        self.write("own.xyz", xyz(atoms, cell))
        self.good("own.xyz", "--model", "ultra-tiny", "--steps", 0, "--device", "reference",
                  "--out", "none", "--log", "own.csv")
        with open(self.path("own.csv")) as file:
            energy = float(next(csv.DictReader(file))["potential_eV"])
        os.unlink(self.path("own.csv"))
        os.unlink(self.path("own.xyz"))
        return energy


# ---------------------------------------------------------------- the command line


class CommandLine(Case):
    def test_addresses(self):
        self.write("water.xyz", xyz(WATER))
        for address in ("", "unix:", "localhost", "localhost:", ":31415", "localhost:0",
                        "localhost:65536", "localhost:http", "[]:31415", "unix:" + 108 * "x",
                        300 * "x" + ":31415"):
            with self.subTest(address=address):
                self.refused(USAGE, ["--ipi: expected HOST:PORT", f'found "{address}"'],
                             "water.xyz", "--ipi", address)

    def test_options_of_a_run(self):
        self.write("water.xyz", xyz(WATER))
        for option in ("--steps=3", "-n3", "--dt=1", "--temperature=300", "--seed=1", "--out=a.xyz",
                       "--log=none", "--json=a.json", "--every=3", "--replicas=2", "--minimize",
                       "--dry-run"):
            with self.subTest(option=option):
                long = "--steps" if option == "-n3" else option.split("=")[0]
                self.refused(USAGE, [long + ": ", "--ipi"], "water.xyz", "--ipi", "unix:x", option)

    def test_input_comes_first(self):
        self.refused(INPUT, "nowhere.xyz", "nowhere.xyz", "--ipi", "unix:./server")
        self.write("iron.xyz", "1\n\nFe 0 0 0\n")
        self.refused(INPUT, "Fe", "iron.xyz", "--ipi", "unix:./server")

    def test_no_such_host(self):
        self.write("water.xyz", xyz(WATER))
        self.refused(FAILED, "no such host", "water.xyz", "--ipi", "no such host:31415")

    def test_nobody_there(self):
        self.write("water.xyz", xyz(WATER))
        self.refused(FAILED, ["unix:./server", "expected a server"], "water.xyz", "-q", "--ipi",
                     "unix:./server")


# ---------------------------------------------------------------- conversations


class Conversation(Case):
    def test_messages_in_order(self):
        with self.session() as server:
            for _ in range(3):
                self.assertEqual(server.status(), "NEEDINIT")
            server.init("some: words")
            self.assertEqual(server.status(), "READY")
            server.posdata(positions_of(WATER))
            for _ in range(2):
                self.assertEqual(server.status(), "HAVEDATA")
            first = server.getforce(3)[0]
            self.assertEqual(server.status(), "READY")
            self.assertEqual(server.compute(positions_of(WATER)), first)
        self.assertRegex(server.stdout, r"(?m)^evaluations +2 in .* for unix:\./server$")
        self.assertRegex(server.stdout, r"(?m)^structure +water\.xyz, 3 atoms$")

    def test_without_init(self):
        with self.session() as server:
            self.assertLess(server.compute(positions_of(WATER))[0], -1000)

    def test_two_inits(self):
        with self.session() as server:
            server.init()
            server.init("again", replica=3)
            self.assertEqual(server.status(), "READY")
            server.posdata(positions_of(WATER))
            server.init()  # what was computed is forgotten
            self.assertEqual(server.status(), "READY")

    def test_a_message_in_pieces(self):
        with self.session() as server:
            for byte in b"STATUS      ":
                server.stream.sendall(bytes([byte]))
            self.assertEqual(server.read(12), b"NEEDINIT    ")

    def test_quiet(self):
        with self.session("--quiet") as server:
            server.compute(positions_of(WATER))
        self.assertEqual(server.stdout, "")

    def test_tcp(self):
        self.write("water.xyz", xyz(WATER))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = Server(self, listener)
            process = self.start("water.xyz", "-q",
                                 address="localhost:%d" % listener.getsockname()[1])
            server.accept()
            server.compute(positions_of(WATER))
            server.header("EXIT")
            stdout, stderr = process.communicate(timeout=PATIENCE)
            self.assertEqual((process.returncode, stdout, complaints(stderr)), (0, "", []))
            server.close()

    def test_a_server_that_comes_later(self):
        self.write("water.xyz", xyz(WATER))
        process = self.start("water.xyz")
        self.assertRegex(process.stderr.readline(), r"\Amdrun: note: [^\n]*waiting")
        server = Server(self, self.listen())
        server.accept()
        server.header("EXIT")
        self.assertEqual(process.communicate(timeout=PATIENCE)[1], "")
        self.assertEqual(process.returncode, 0)
        server.close()

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.write("water.xyz", xyz(WATER))
                server = Server(self, self.listen())
                process = self.start("water.xyz")
                server.accept()
                server.compute(positions_of(WATER))
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=PATIENCE)
                self.assertEqual((process.returncode, complaints(stderr)), (128 + number, []))
                self.assertRegex(stdout, r"(?m)^evaluations +1 in")
                server.close()
                os.unlink(self.path("server"))

    def test_a_signal_while_nobody_is_there(self):
        self.write("water.xyz", xyz(WATER))
        process = self.start("water.xyz")
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=PATIENCE), ("", ""))
        self.assertEqual(process.returncode, 128 + signal.SIGINT)


class Numbers(Case):
    """Energies, forces and virials, in double precision."""

    def check_forces(self, server, forces, cell):
        h = 1e-4
        for k in (0, 4, 8):
            ends = []
            for sign in (1, -1):
                at = positions_of(WATER)
                at[k // 3][k % 3] += sign * h
                ends.append(server.compute(at, cell)[0])
            self.assertAlmostEqual(forces[k], (ends[1] - ends[0]) / (2 * h), 5)

    def strained(self, server, row, column, strain):
        """Energy after x -> (1 + strain) x, of atoms and cell."""
        def moved(vectors):
            return [[x + (strain * v[column] if k == row else 0) for k, x in enumerate(v)]
                    for v in vectors]
        return server.compute(moved(positions_of(WATER)), moved(CELL))[0]

    def test_a_crystal(self):
        with self.session("--device", "reference", cell=CUBE) as server:
            energy, forces, virial = server.compute(positions_of(WATER), CELL)
            self.check_forces(server, forces, CELL)
            h = 1e-4
            for row in range(3):
                for column in range(3):
                    slope = (self.strained(server, row, column, h) -
                             self.strained(server, row, column, -h)) / (2 * h)
                    self.assertAlmostEqual(virial[3 * row + column], -slope, 5)
        self.assertGreater(max(map(abs, virial)), 0.1)
        self.assertAlmostEqual(energy, self.own_energy(WATER, CELL), 7)
        transposed = [list(column) for column in zip(*CELL)]
        self.assertGreater(abs(energy - self.own_energy(WATER, transposed)), 1e-4)

    def test_cells_that_change(self):
        """What was found in one cell must not be used in another."""
        larger = [[1.3 * x for x in row] for row in CELL]
        cells = [CUBE, CELL, larger, [[-x for x in row] for row in CELL], CELL, CUBE]
        energies = []
        for device in ("reference", "cpu"):
            with self.session("--device", device, "--precision", "double", "--filters", "exact",
                              cell=CUBE) as server:
                energies.append([server.compute(positions_of(WATER), cell)[0] for cell in cells])
        for a, b in zip(*energies):
            self.assertAlmostEqual(a, b, 7)
        self.assertGreater(abs(energies[0][0] - energies[0][1]), 1e-3)

    def test_a_molecule_has_no_cell(self):
        with self.session("--device", "reference") as server:
            near = server.compute(positions_of(WATER), CELL)
            far = server.compute(positions_of(WATER), CUBE)
            none = server.compute(positions_of(WATER), [[0.0] * 3] * 3)
        self.assertEqual(near, far)
        self.assertEqual(near, none)
        self.assertAlmostEqual(near[0], self.own_energy(WATER, None), 7)

    def test_several_at_a_time(self):
        other = [[x + 0.01 * k for k, x in enumerate(at)] for at in positions_of(WATER)]
        other[1][2] += 0.05
        structures = [(positions_of(WATER), CELL), (other, CUBE), (other, CELL)]
        with self.session("--device", "reference", cell=CUBE) as server:
            single = [server.compute(*one) for one in structures]
            server.init("name: x, batch_size:3")
            self.assertEqual(server.status(), "READY")
            server.posdata_several(structures)
            several = server.getforce(3, batch=3)
            server.init("")
            again = server.compute(*structures[0])
        self.assertEqual(again, single[0])
        for one, same in zip(single, several):
            self.assertAlmostEqual(one[0], same[0], 9)
            for a, b in zip(one[1] + one[2], same[1] + same[2]):
                self.assertAlmostEqual(a, b, 9)


# ---------------------------------------------------------------- servers that misbehave


class BadServers(Case):
    def test_wrong_number_of_atoms(self):
        for n in (0, 2, 4, -1, 2147483647):
            with self.subTest(n=n), self.session(
                    ends=FAILED, words=["3 atoms of water.xyz", f"found {n}"]) as server:
                server.header("POSDATA")
                server.stream.sendall(server.cells(CUBE) + struct.pack("=i", n))

    def test_garbage(self):
        for header in (b"HELLO       ", b"STATUSSTATUS", b"status      ", 12 * b"\xff",
                       12 * b"\0", b"\x1b[31mSTATUS "):
            with self.subTest(header=header), self.session(
                    ends=FAILED, words="expected STATUS, INIT, POSDATA, GETFORCE or EXIT") as server:
                server.stream.sendall(header)

    def test_forces_before_positions(self):
        with self.session(ends=FAILED, words="POSDATA before GETFORCE") as server:
            server.init()
            server.header("GETFORCE")

    def test_forces_twice(self):
        with self.session(ends=FAILED, words="POSDATA before GETFORCE") as server:
            server.compute(positions_of(WATER))
            server.header("GETFORCE")

    def test_closed_at_every_stage(self):
        whole = (b"STATUS      INIT        " + struct.pack("=ii", 0, 4) + b"text" +
                 b"POSDATA     " + Server.cells(CUBE) + struct.pack("=i", 3) +
                 Server.positions(positions_of(WATER)) + b"GETFORCE    ")
        for length in (0, 5, 12, 24, 30, 33, 40, 100, 195, 198, 210, len(whole) - 1, len(whole)):
            with self.subTest(length=length), self.session(
                    ends=FAILED, words="connection to the server is lost") as server:
                server.stream.sendall(whole[:length])
                server.stream.shutdown(socket.SHUT_WR)

    def test_closed_while_it_is_answered(self):
        with self.session(ends=FAILED, words="connection to the server is lost") as server:
            server.posdata(positions_of(WATER))
            server.header("STATUS")
            server.close()

    def test_no_finite_positions(self):
        for value in (float("nan"), float("inf"), -float("inf")):
            with self.subTest(value=value), self.session(
                    ends=FAILED, words=["evaluation 2", "finite"]) as server:
                at = positions_of(WATER)
                server.compute(at)
                at[1][2] = value
                server.posdata(at)

    def test_no_sound_cell(self):
        for cell in ([[0.0] * 3] * 3, [[float("nan")] * 3] * 3,
                     [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [5.0, 5.0, 0.0]]):
            with self.subTest(cell=cell), self.session(
                    cell=CUBE, ends=FAILED, words=["evaluation 1", "cell"]) as server:
                server.posdata(positions_of(WATER), cell)

    def test_atoms_that_meet(self):
        with self.session(ends=FAILED, words=["evaluation 1", "0.3"]) as server:
            at = positions_of(WATER)
            at[1] = list(at[0])
            server.posdata(at)

    def test_texts_of_no_length(self):
        for length in (-1, 65537, 2147483647):
            with self.subTest(length=length), self.session(
                    ends=FAILED, words=["INIT", f"found {length}"]) as server:
                server.header("INIT")
                server.stream.sendall(struct.pack("=ii", 0, length))

    def test_batches_of_no_size(self):
        for size in ("0", "-1", "4097", "two", "", 40 * "9"):
            with self.subTest(size=size), self.session(
                    ends=FAILED, words="batch_size: expected a whole number") as server:
                server.init("batch_size:" + size)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDRUN = os.path.realpath(sys.argv.pop(1))
    unittest.main()
