"""Liquids, crystals and ices as periodic cells, also compressed, expanded and sheared."""

import networkx
import numpy as np
from matscipy.neighbours import neighbour_list
from rdkit import Chem

import conformers
from complexes import label_whole
from packing import Packing, random_rotation, rotations
from substances import CRYSTALS, ICES, LIQUIDS

AVOGADRO = 0.602214076  # g/cm³ in u/Å³
ATOMS_A_LIQUID = 90
FEWEST_MOLECULES = 4
BOXES_A_SHARD = 10
MIXTURES_A_SHARD = 3
FRAMES_A_BOX = 6
SETTLING = (100, 250)  # steps
VOLUMES = (0.88, 1.12)  # relative to the measured volume
SHEAR = 0.03
TEMPERATURES = [100, 200, 300, 300, 400, 500]  # K, of the shapes of the molecules
FRAMES_A_CRYSTAL = 40
PACKINGS = 12  # starts from which a crystal is sought
RESETTLING = 40  # steps, at most
SHIFT, TURN = 0.12, 0.12  # Å, rad: standard deviations of rigid displacements
HYDROGEN_BOND = 3.2  # Å, the longest from oxygen to oxygen in ice


def strained(rng, cell):
    """The cell with another volume and another shape."""
    strain = SHEAR * rng.normal(size=(3, 3))
    change = np.eye(3) + (strain + strain.T) / 2
    change *= (rng.uniform(*VOLUMES) / np.linalg.det(change)) ** (1 / 3)
    return cell @ change


def moved_with(places, cell, new_cell):
    """Whole molecules go where their centres are in the new cell."""
    change = np.linalg.inv(cell) @ new_cell - np.eye(3)
    return [place + place.mean(axis=0) @ change for place in places]


def nudged(rng, place):
    centre = place.mean(axis=0)
    return ((place - centre) @ rotations(TURN * rng.normal(size=(1, 3)))[0].T + centre
            + SHIFT * rng.normal(size=3))


def variations(rng, packing, members, count):
    """Structures with other cells, the molecules nudged and settled a little, their shapes
    displaced; the first keeps the cell."""
    for k in range(count):
        cell = strained(rng, packing.cell) if k > 0 else packing.cell
        places = moved_with(packing.places(), packing.cell, cell)
        fresh = Packing(packing.molecules,
                        [nudged(rng, place) if k > 0 else place for place in places], cell)
        fresh.settle(int(rng.integers(1, RESETTLING)))
        temperature = rng.choice(TEMPERATURES)
        yield fresh.structure([conformer.displaced(rng, temperature) for conformer in members])


# -------------------------------------------------------------------- liquids

def mass(smiles):
    return sum(Chem.GetPeriodicTable().GetAtomicWeight(a.GetAtomicNum())
               for a in Chem.AddHs(Chem.MolFromSmiles(smiles)).GetAtoms())


def recipe_of(rng, densities, mixed):
    """SMILES of the molecules of a box, and its volume in Å³."""
    kinds = sorted(densities)
    species = [kinds[rng.integers(len(kinds))] for _ in range(2 if mixed else 1)]
    recipe, atoms = [], 0
    while atoms < ATOMS_A_LIQUID or len(recipe) < FEWEST_MOLECULES:
        recipe.append(species[rng.integers(len(species))])
        atoms += Chem.AddHs(Chem.MolFromSmiles(recipe[-1])).GetNumAtoms()
    return recipe, sum(mass(s) / (densities[s] * AVOGADRO) for s in recipe)


def sample_liquids(_rows, split, shard, rng, teacher):
    densities = LIQUIDS[split]
    recipes = [recipe_of(rng, densities, k < MIXTURES_A_SHARD) for k in range(BOXES_A_SHARD)]
    if shard % 4 == 0 and "O" in densities:  # water is the liquid that is met most
        recipes = [recipe_of(rng, {"O": densities["O"]}, False) for _ in range(BOXES_A_SHARD)]
    made = conformers.by_smiles([s for recipe, _ in recipes for s in recipe], rng, teacher)
    structures, bonds = [], []
    for recipe, volume in recipes:
        members = [made[s] for s in recipe]
        cell = np.eye(3) * volume ** (1 / 3)
        places = [(c.positions - c.positions.mean(axis=0)) @ random_rotation(rng).T
                  + rng.random(3) @ cell for c in members]
        packing = Packing([c.molecule for c in members], places, cell)
        packing.settle(int(rng.integers(*SETTLING)))
        structures += variations(rng, packing, members, FRAMES_A_BOX)
        bonds += [packing.bonded()] * FRAMES_A_BOX
    return label_whole(teacher, structures, bonds)


# -------------------------------------------------------------------- crystals

def cell_of(a, b, c, beta):
    beta = np.radians(beta)
    return np.array([[a, 0, 0], [0, b, 0], [c * np.cos(beta), 0, c * np.sin(beta)]])


def operation(text):
    """'1/2-x,y,-z' as a rotation and a translation, both in parts of the cell."""
    turn, shift = np.zeros((3, 3)), np.zeros(3)
    for row, part in enumerate(text.split(",")):
        for axis, letter in enumerate("xyz"):
            if letter in part:
                turn[row, axis] = -1 if f"-{letter}" in part else 1
        shift[row] = 0.5 if "1/2" in part else 0
    return turn, shift


def symmetric_places(place, cell, operations):
    parts = place @ np.linalg.inv(cell)
    return [(parts @ turn.T + shift) @ cell for turn, shift in map(operation, operations.split())]


def find_packing(rng, conformer, cell, operations):
    """The best of some packings with this symmetry in the rough potential. What settles keeps the
    symmetry, since the forces have it."""
    best, lowest = None, np.inf
    shape = conformer.positions - conformer.positions.mean(axis=0)
    on_centre = "-x,-y,-z" not in operations
    for _ in range(PACKINGS):
        place = shape @ random_rotation(rng).T
        if not on_centre:
            place = place + rng.random(3) @ cell
        places = symmetric_places(place, cell, operations)
        packing = Packing([conformer.molecule] * len(places), places, cell)
        energy = packing.settle(150)
        if energy < lowest:
            best, lowest = packing, energy
    best.settle(150)
    return best


def ice_places(rng, cell, oxygens, water):
    """Water on each oxygen with its hydrogens along bonds to neighbours, so that each bond has one:
    the directions of an Eulerian circuit, in which as many bonds leave an oxygen as reach it."""
    i, j, vectors = neighbour_list("ijD", positions=oxygens, cell=cell, pbc=[True] * 3,
                                   cutoff=HYDROGEN_BOND)
    graph = networkx.MultiGraph()
    order = rng.permutation(len(i))
    for k in order:
        if i[k] < j[k]:
            graph.add_edge(int(i[k]), int(j[k]), key=int(k))
    donated = {k: [] for k in range(len(oxygens))}
    for a, b, key in networkx.eulerian_circuit(graph, source=int(i[order[0]]), keys=True):
        donated[a].append(vectors[key] if i[key] == a else -vectors[key])
    places = []
    for oxygen, bonds in zip(oxygens, (donated[k] for k in range(len(oxygens)))):
        ideal = [oxygen] + [oxygen + 0.97 * bond / np.linalg.norm(bond) for bond in bonds]
        places.append(np.array(ideal))
    assert all(len(place) == len(water.molecule) for place in places)
    return places


def sample_crystals(_rows, split, shard, rng, teacher):
    names = [name for name, entry in CRYSTALS.items() if entry[0] == split]
    names += list(ICES) if split == "train" else []
    name = names[shard % len(names)]
    smiles = "O" if name in ICES else CRYSTALS[name][1]
    conformer = conformers.by_smiles([smiles], rng, teacher)[smiles]
    if name in ICES:
        edges, parts = ICES[name]
        cell = np.diag(edges)
        places = ice_places(rng, cell, np.array(parts) @ cell, conformer)
        packing = Packing([conformer.molecule] * len(places), places, cell)
    else:
        packing = find_packing(rng, conformer, cell_of(*CRYSTALS[name][2]), CRYSTALS[name][3])
    members = [conformer] * len(packing.molecules)
    structures = list(variations(rng, packing, members, FRAMES_A_CRYSTAL))
    return label_whole(teacher, structures, [packing.bonded()] * len(structures))
