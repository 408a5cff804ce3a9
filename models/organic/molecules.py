#!/usr/bin/env python3
"""Enumerate neutral molecules of H, C, N and O, and divide them into train, valid and test.

    molecules.py OUT.csv

Writes one line a molecule: canonical SMILES, split, family. The same list comes out each time.

There are two sources. Lists name what must not be forgotten: small molecules, solvents, the ten
molecules of rMD17, amino acids, nucleobases, sugars. A generator puts substituents on scaffolds,
one on each position and two on random positions.

The split is by molecule: a hash of the canonical SMILES decides. Molecules of the families in
ALWAYS_LEARNED are in train: they are what users run first.
"""

import argparse
import csv
import hashlib
import itertools
import os
import random

from rdkit import Chem, RDLogger

MOST_HEAVY_ATOMS = 12  # of generated molecules
PAIRS_A_SCAFFOLD = 60  # molecules with two substituents
TEST_PERCENT = 5
VALID_PERCENT = 5

LISTS = {
    "small": """
        [H][H] O N C O=C=O [C-]#[O+] C#N C=O N#N OO [N-]=[N+]=O C=C=O [O-][O+]=O CC C=C C#C CO CN NN
        NO C=N N=N OC=O NC=O N=C=O [C-]#[NH+] C#[N+][O-] NC#N C=[N+]=[N-] O=CC=O OC(=O)C=O N#CC#N
        CC#N C=CC#N C#CC#N CC=O C=CC=O CC#C C=C=C CC=C C1CC1 C1=CC1 C1CO1 C1CN1 COC CNC CN(C)C CCO
        CCN CCC OCO OCCO NCCN NCCO CC(=O)O CC(N)=O COC=O CNC=O CC(C)=O NC(N)=O NC(O)=O OC(O)=O
        NC(N)=N C[N+](=O)[O-] O=[N+]([O-])O O=NO CN=O CON CONC C=NO CC=NO CON=O CO[N+](=O)[O-]
        [O-][N+]#C[H] COO COOC O=C1CO1 OC=C CNN CN=NC CN=[N+]=[N-] N=[N+]=[N-] CN=C=O COC(=O)OC
        C[N+](C)(C)[O-] [NH3+][O-] C=C=C=O O=C=C=C=O OCC=O OC=CC=O NC=CC=O N=CC=C OC(=O)C(=O)O
        NC(=O)C(N)=O CC(=O)OC(C)=O CC(=O)C(C)=O
    """,
    "solvent": """
        CC(C)O CCCO CCCCO CC(C)(C)O CCOCC C1CCOC1 C1COCCO1 CCOC(C)=O COC(C)=O CN(C)C=O CN(C)C(C)=O
        CCC CCCC CCCCC CCCCCC CCCCCCC CCCCCCCC C1CCCC1 C1CCCCC1 c1ccccc1 Cc1ccccc1 Cc1ccc(C)cc1
        c1ccncc1 CCC(C)=O CCC#N CC[N+](=O)[O-] OCC(O)CO COCCOC CN1CCCC1=O O=C1OCCO1 NC=O C1CCNCC1
        CCN(CC)CC CCNCC CCC(=O)O CC(O)CO CC(C)(C)OC
    """,
    "rmd17": """
        CC(=O)Oc1ccccc1C(=O)O c1ccc(cc1)N=Nc1ccccc1 c1ccccc1 CCO O=CCC=O OC=CC=O c1ccc2ccccc2c1
        CC(=O)Nc1ccc(O)cc1 OC(=O)c1ccccc1O Cc1ccccc1 O=c1cc[nH]c(=O)[nH]1
    """,
    "nucleobase": """
        Nc1cc[nH]c(=O)n1 Nc1ncnc2[nH]cnc12 Nc1nc2[nH]cnc2c(=O)[nH]1 Cc1c[nH]c(=O)[nH]c1=O
        O=c1[nH]cnc2[nH]cnc12 O=c1[nH]c(=O)c2[nH]cnc2[nH]1 Cn1ccc(N)nc1=O Cn1cc(C)c(=O)[nH]c1=O
        Cn1cnc2c(N)ncnc12 O=c1[nH]cnc2nc[nH]c12
    """,
    "sugar": """
        OCC(O)C=O OCC(=O)CO OCC(O)C(O)C=O OCC(O)C(O)C(O)C=O OC[C@H]1OC(O)[C@H](O)[C@@H]1O
        OC[C@H]1OC(O)C[C@@H]1O O[C@H]1COC(O)[C@H](O)[C@H]1O OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O
        OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O OCC1(O)OC[C@@H](O)[C@H](O)[C@@H]1O
        OCC(O)C(O)CO OC1CCCCO1 OCC1CCCO1 COC1OCC(O)C1O OC1C(O)C(O)C(O)C(O)C1O
    """,
}
# The side chains at the middle carbon; proline is listed apart.
SIDE_CHAINS = ["", "C", "C(C)C", "CC(C)C", "C(C)CC", "CO", "C(C)O", "CC(=O)O", "CCC(=O)O",
               "CC(N)=O", "CCC(N)=O", "CCCCN", "CCCNC(N)=N", "Cc1ccccc1", "Cc1ccc(O)cc1", "Cc1c[nH]cn1",
               "Cc1c[nH]c2ccccc12"]
PROLINES = ["OC(=O)C1CCCN1", "CC(=O)N1CCCC1C(=O)NC", "NCC(=O)N1CCCC1C(=O)O"]
ALWAYS_LEARNED = {"small", "solvent", "rmd17", "nucleobase"}

SCAFFOLDS = """
    C CC CCC CC(C)C CCCC CCCCC C=C C=CC C=CC=C C#C CC#C C1CC1 C1CCC1 C1CCCC1 C1CCCCC1 C1=CCCC1
    C1=CCCCC1 C1=CC=CC1 C1CCCCCC1 C1CC2CCC1C2 C1CC2CC1C=C2 c1ccccc1 c1ccncc1 c1ccnnc1 c1cncnc1
    c1cnccn1 c1ncncn1 c1cnnnc1 c1cc[nH]c1 c1c[nH]cn1 c1cc[nH]n1 c1nc[nH]n1 c1nn[nH]n1 c1c[nH]nn1
    c1ccoc1 c1cocn1 c1cnoc1 c1nnco1 c1nonc1 c1ccc2[nH]ccc2c1 c1ccc2[nH]cnc2c1 c1ccc2occc2c1
    c1ccc2ccccc2c1 c1ccc2ncccc2c1 c1ncc2nc[nH]c2n1 c1cnc2[nH]ccc2c1 C1CCOC1 C1CCOCC1 C1COCCO1
    C1CNCCO1 C1CCNC1 C1CCNCC1 C1CNCCN1 C1CO1 C1CN1 C1COC1 C1CNC1 C1=COCC1 C1=CNCC1 COC COCC CNC CNCC
    CN(C)C CC(C)=O CC=O CC(=O)O CC(=O)OC CC(N)=O CC(=O)NC CC(=O)N(C)C C=CC=O C=CC(=O)O C=CC(N)=O
    C=CC#N CC=NO CC=N CC=NC NC(N)=O CNC(=O)NC COC(=O)NC O=C1CCCN1 O=C1CCCCN1 O=C1CCCO1 O=C1CCC(=O)N1
    O=C1CCC(=O)O1 O=C1CCCC1 O=C1CCCCC1 O=C1C=CC(=O)C=C1 O=C1C=CC(=O)N1 O=C1C=CC(=O)O1 O=C1C=CCO1
    O=c1cccc[nH]1 O=c1ccocc1 O=C1NC(=O)CN1 O=C1CNC(=O)CN1 C[N+](=O)[O-] CCO[N+](=O)[O-]
    [O-][n+]1ccccc1 CN=NC C1=NCCN1 C1=NCCO1 NC(=N)C CC(=O)C(=O)C CC(=O)CC(C)=O OC(=O)CC(=O)O
    CC(=O)OC(C)=O CNN CONC COCOC CC(OC)OC c1ccccc1C=C c1ccc(C#C)cc1 c1ccccc1O c1ccccc1N c1ccccc1C=O
    c1ccccc1C#N NCC(=O)O OCC(=O)O
""".split()
SUBSTITUENTS = """
    C CC C(C)C C(C)(C)C C=C C#C C1CC1 O OC OCC N NC N(C)C C=O C(C)=O C(=O)O C(=O)OC C(N)=O C(=O)NC
    C#N [N+](=O)[O-] CO COC CN CC#N CC=O CC(=O)O CC(N)=O NC(C)=O NC=O OC(C)=O OC=O NC(N)=O C=NO CCO
    CCN C=CC=O ON NN NO N=C C(=O)C(C)=O NC#N OC#N c1ccccc1 c1ccncc1 c1ccoc1 c1c[nH]cn1 C(=N)N CC(C)C
""".split()
# Unstable groups that chance would make often. The lists are not subject to these rules.
UNWANTED = [Chem.MolFromSmarts(s) for s in (
    "[NX3,O;!$(*~[O-])]-[NX3,O]-[NX3,O]", "[OX2]-[OX2]", "[CX4]([OH,NH2])([OH,NH2])[OH,NH2]",
    "[N;!R;!$(N~[O-])]-[OX2]-[N,O]", "[NX3;!$(N~[O-])]-[NX3]-[CX4]-[NX3,OX2]", "C(=O)-O-[NX3;H2]",
    "[NX3][OX2][CX3]=O", "[C;r3]=[*]-[O,N]")]


def canonical(smiles):
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def amino_acids():
    """Free, capped, and dipeptides with glycine and alanine; all neutral, not zwitterions."""
    for chain in SIDE_CHAINS:
        middle = f"C({chain})" if chain else "C"
        yield f"N{middle}C(=O)O"
        yield f"CC(=O)N{middle}C(=O)NC"
        yield f"CC(=O)N{middle}C(N)=O"
        yield f"NCC(=O)N{middle}C(=O)O"
        yield f"NC(C)C(=O)N{middle}C(=O)O"
    yield from PROLINES
    yield "CC(=O)NCC(=O)NCC(=O)NC"


def is_acceptable(molecule):
    return (molecule.GetNumHeavyAtoms() <= MOST_HEAVY_ATOMS
            and not any(molecule.HasSubstructMatch(pattern) for pattern in UNWANTED))


def positions(molecule):
    """One atom of each kind that has a hydrogen to replace."""
    kinds = Chem.CanonicalRankAtoms(molecule, breakTies=False)
    found = {}
    for atom in molecule.GetAtoms():
        if atom.GetTotalNumHs() > 0:
            found.setdefault(kinds[atom.GetIdx()], atom.GetIdx())
    return sorted(found.values())


def substituted(molecule, position, substituent):
    """The molecule with a substituent in the place of a hydrogen, or None where there is none."""
    group = Chem.MolFromSmiles(substituent)
    together = Chem.RWMol(Chem.CombineMols(molecule, group))
    atom = together.GetAtomWithIdx(position)
    if atom.GetNumExplicitHs() > 0:
        atom.SetNumExplicitHs(atom.GetNumExplicitHs() - 1)
    together.AddBond(position, molecule.GetNumAtoms(), Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(together)
    except Chem.MolSanitizeException:
        return None
    return Chem.MolFromSmiles(Chem.MolToSmiles(together))


def generated(rng):
    for scaffold in SCAFFOLDS:
        core = Chem.MolFromSmiles(scaffold)
        yield core
        singles = []
        for position, group in itertools.product(positions(core), SUBSTITUENTS):
            made = substituted(core, position, group)
            if made and is_acceptable(made):
                singles.append(made)
                yield made
        for _ in range(PAIRS_A_SCAFFOLD if singles else 0):
            one = rng.choice(singles)
            made = substituted(one, rng.choice(positions(one) or [0]), rng.choice(SUBSTITUENTS))
            if made:
                yield made


def is_neutral_closed_shell(molecule):
    return (Chem.GetFormalCharge(molecule) == 0
            and all(atom.GetNumRadicalElectrons() == 0 and atom.GetSymbol() in "HCNO"
                    for atom in molecule.GetAtoms()))


def split_of(smiles, family):
    if family in ALWAYS_LEARNED:
        return "train"
    percent = int(hashlib.sha256(smiles.encode()).hexdigest()[:8], 16) % 100
    if percent < TEST_PERCENT:
        return "test"
    return "valid" if percent < TEST_PERCENT + VALID_PERCENT else "train"


def enumerate_molecules():
    """A dict from canonical SMILES to family, in the order of the lists."""
    families = {}
    named = [(family, smiles) for family, text in LISTS.items() for smiles in text.split()]
    named += [("amino acid", smiles) for smiles in amino_acids()]
    for family, smiles in named:
        molecule = Chem.MolFromSmiles(smiles)
        if not is_neutral_closed_shell(molecule):
            raise ValueError(f"{smiles}: expected a neutral closed-shell molecule of H, C, N, O")
        families.setdefault(canonical(smiles), family)
    for molecule in generated(random.Random(1)):
        if is_acceptable(molecule) and is_neutral_closed_shell(molecule):
            families.setdefault(Chem.MolToSmiles(molecule), "generated")
    return families


def shuffled(families):
    """Any stretch of the list is a fair sample; the order does not depend on what else is listed."""
    return sorted(families, key=lambda smiles: hashlib.sha256(f"order {smiles}".encode()).digest())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("out", metavar="OUT.csv")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    families = enumerate_molecules()
    with open(arguments.out + ".part", "w", newline="", encoding="ascii") as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(["smiles", "split", "family"])
        for smiles in shuffled(families):
            rows.writerow([smiles, split_of(smiles, families[smiles]), families[smiles]])
    os.replace(arguments.out + ".part", arguments.out)


if __name__ == "__main__":
    main()
