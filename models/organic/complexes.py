"""Dimers and clusters, from molecules pressed together to 6 Å apart."""

import conformers
from molecules import ALWAYS_LEARNED
from packing import Packing, add_beside

TEMPERATURES = [100, 200, 300, 300, 400, 500, 600]  # K, of the shapes of the molecules
PAIRS_A_SHARD, PLACES_A_PAIR = 12, 16
CLUSTERS_A_SHARD, PLACES_A_CLUSTER = 10, 8
MOLECULES_A_CLUSTER = (3, 8)
ATOMS_A_CLUSTER = 70
FARTHEST = 6.0  # Å, gap between the surfaces of two molecules
SETTLING = 80  # steps


class Chooser:
    """Half of the choices fall on the families that are always learned, where there are any."""

    def __init__(self, rows):
        self.all = [row["smiles"] for row in rows]
        self.common = [row["smiles"] for row in rows if row["family"] in ALWAYS_LEARNED]

    def __call__(self, rng):
        pool = self.common if self.common and rng.random() < 0.5 else self.all
        return pool[rng.integers(len(pool))]


def place(rng, members, tightness, gap):
    """A packing of conformers, one put beside the others after another."""
    places = [members[0].positions]
    for k, conformer in enumerate(members[1:], 1):
        numbers = [c.molecule.numbers for c in members[:k]]
        places.append(add_beside(rng, conformer, places, numbers, tightness, gap))
    return Packing([c.molecule for c in members], places)


def shaken(rng, packing, members):
    temperature = rng.choice(TEMPERATURES)
    return packing.structure([c.displaced(rng, temperature) for c in members])


def label_whole(teacher, structures, bonds):
    """Frames of structures of which no molecule is broken or joined to another."""
    frames = teacher.label(structures)
    return [frame for frame, bonded in zip(frames, bonds)
            if conformers.is_whole(frame.numbers, frame.positions, bonded, frame.cell)]


def sample_dimers(rows, _split, _shard, rng, teacher):
    choose = Chooser(rows)
    pairs = []
    for _ in range(PAIRS_A_SHARD):
        one = choose(rng)
        pairs.append((one, one if rng.random() < 0.25 else choose(rng)))
    made = conformers.by_smiles([smiles for pair in pairs for smiles in pair], rng, teacher)
    structures, bonds = [], []
    for pair in pairs:
        if not all(smiles in made for smiles in pair):
            continue
        members = [made[smiles] for smiles in pair]
        for k in range(PLACES_A_PAIR):
            near = k % 4 != 0
            packing = place(rng, members, rng.uniform(0.62, 1.05) if near else 1.0,
                            0.0 if near else rng.uniform(0.0, FARTHEST))
            if k % 2 == 1:
                packing.settle(int(rng.integers(1, SETTLING)))
            structures.append(shaken(rng, packing, members))
            bonds.append(packing.bonded())
    return label_whole(teacher, structures, bonds)


def sample_clusters(rows, _split, _shard, rng, teacher):
    choose = Chooser(rows)
    recipes = []
    for k in range(CLUSTERS_A_SHARD):
        species = [choose(rng) for _ in range(rng.integers(1, 4))]
        if k % 3 == 0:
            species[0] = "O"
        recipes.append([species[rng.integers(len(species))]
                        for _ in range(rng.integers(*MOLECULES_A_CLUSTER, endpoint=True))])
    made = conformers.by_smiles([smiles for recipe in recipes for smiles in recipe], rng, teacher)
    structures, bonds = [], []
    for recipe in recipes:
        members, atoms = [], 0
        for smiles in recipe:
            if smiles in made and atoms + len(made[smiles].molecule) <= ATOMS_A_CLUSTER:
                members.append(made[smiles])
                atoms += len(made[smiles].molecule)
        for k in range(PLACES_A_CLUSTER if len(members) > 1 else 0):
            packing = place(rng, members, rng.uniform(0.65, 1.0), 0.0)
            if k % 4 != 0:
                packing.settle(int(rng.integers(1, SETTLING)))
            structures.append(shaken(rng, packing, members))
            bonds.append(packing.bonded())
    return label_whole(teacher, structures, bonds)
