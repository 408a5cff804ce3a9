#!/usr/bin/env python3
"""The frequencies of benzene in a model, by ase.vibrations.

    vibrations.py [MODEL]

A Hessian by finite differences wants forces in double precision and a sharp minimum. The 72
displaced structures are evaluated one by one here; see batch.py for many at once.
"""

import sys
import tempfile

import schnell
from ase.io import read
from ase.optimize import BFGS
from ase.vibrations import Vibrations
from schnell.ase import SchnellCalculator


def main(model="tiny"):
    benzene = read(schnell.find_data("structures/benzene.xyz"))
    benzene.calc = SchnellCalculator(model, precision="double", filters="exact")
    BFGS(benzene, logfile=None).run(fmax=1e-6)
    with tempfile.TemporaryDirectory() as folder:
        vibrations = Vibrations(benzene, name=f"{folder}/vib", delta=0.01)
        vibrations.run()
        frequencies = vibrations.get_frequencies()
    print("frequencies of", model, "in 1/cm, without the six of the motion as a whole:")
    real = sorted(frequencies, key=abs)[6:]
    for frequency in real:
        print(f"{frequency.real:8.2f}" if frequency.imag == 0 else f"{frequency.imag:8.2f}i")


if __name__ == "__main__":
    main(*sys.argv[1:])
