"""Liquids and crystals: densities, cells and symmetries as measured.

Carbon dioxide and nitrogen are left out: the teacher gives crystals of them that fly apart.
"""

# SMILES: g/cm³, at 298 K and 1 atm, or at the boiling point of what boils below
LIQUIDS = {
    "train": {
        "O": 0.997, "CO": 0.787, "CCO": 0.785, "CC(C)=O": 0.784, "CC#N": 0.777, "c1ccccc1": 0.874,
        "Cc1ccccc1": 0.862, "C1CCCCC1": 0.774, "CCCCCC": 0.655, "CC(=O)O": 1.044,
        "CN(C)C=O": 0.944, "NC=O": 1.133, "CCOCC": 0.713, "CCOC(C)=O": 0.895,
        "C[N+](=O)[O-]": 1.131, "N": 0.682, "O=CO": 1.22, "OCCO": 1.11, "C1COCCO1": 1.033,
        "CCCCC": 0.626, "CC=O": 0.784, "NN": 1.004, "C#N": 0.687, "C": 0.422, "CN": 0.656,
        "CCC": 0.580, "OO": 1.45, "C1CCNC1": 0.866, "NCCO": 1.012,
    },
    "valid": {"CCCO": 0.803, "COC(C)=O": 0.932, "CCC(C)=O": 0.805},
    "test": {"C1CCOC1": 0.889, "c1ccncc1": 0.978, "CC(C)O": 0.781, "CNC(C)=O": 0.937,
             "CCC#N": 0.772},
}

# General positions of space groups (International Tables A); where the molecule sits on a centre of
# inversion, half of them are enough.
P21C = "x,y,z -x,1/2+y,1/2-z -x,-y,-z x,1/2-y,1/2+z"
P21N = "x,y,z 1/2-x,1/2+y,1/2-z -x,-y,-z 1/2+x,1/2-y,1/2+z"
P21A = "x,y,z 1/2-x,1/2+y,-z -x,-y,-z 1/2+x,1/2-y,z"
P21C_CENTRE = "x,y,z -x,1/2+y,1/2-z"
P21A_CENTRE = "x,y,z 1/2-x,1/2+y,-z"
PBCA_CENTRE = "x,y,z 1/2-x,-y,1/2+z -x,1/2+y,1/2-z 1/2+x,1/2-y,-z"
PBCA = PBCA_CENTRE + " -x,-y,-z 1/2+x,y,1/2-z x,1/2-y,1/2+z 1/2-x,1/2+y,z"
PNA21 = "x,y,z -x,-y,1/2+z 1/2+x,1/2-y,z 1/2-x,1/2+y,1/2+z"
P212121 = "x,y,z 1/2-x,-y,1/2+z -x,1/2+y,1/2-z 1/2+x,1/2-y,-z"
FACES = "x,y,z x,1/2+y,1/2+z 1/2+x,y,1/2+z 1/2+x,1/2+y,z"
BODY = "x,y,z 1/2+x,1/2+y,1/2+z"
UREA = "x,y,z 1/2+x,1/2-y,-z"  # half of P-42_1m: the molecule sits on mm2

# name: split, SMILES, (a, b, c in Å, beta in degrees), positions of the molecules
CRYSTALS = {
    "benzene": ("train", "c1ccccc1", (7.39, 9.42, 6.81, 90), PBCA_CENTRE),
    "acetylene": ("train", "C#C", (6.10, 6.10, 6.10, 90), PBCA_CENTRE),
    "ammonia": ("train", "N", (5.13, 5.13, 5.13, 90), P212121),
    "methane": ("train", "C", (5.87, 5.87, 5.87, 90), FACES),
    "hydrogen cyanide": ("train", "C#N", (4.63, 4.63, 4.34, 90), BODY),
    "urea": ("train", "NC(N)=O", (5.565, 5.565, 4.684, 90), UREA),
    "formic acid": ("train", "O=CO", (10.24, 3.54, 5.36, 90), PNA21),
    "acetic acid": ("train", "CC(=O)O", (13.32, 4.08, 5.77, 90), PNA21),
    "naphthalene": ("train", "c1ccc2ccccc2c1", (8.21, 5.97, 8.67, 123.4), P21A_CENTRE),
    "formamide": ("train", "NC=O", (3.60, 9.04, 6.99, 100.5), P21N),
    "uracil": ("train", "O=c1cc[nH]c(=O)[nH]1", (11.94, 12.38, 3.66, 120.9), P21A),
    "methanol": ("train", "CO", (4.64, 4.87, 8.87, 90), P212121),
    "oxalic acid": ("train", "O=C(O)C(=O)O", (5.33, 6.02, 5.44, 115.8), P21C_CENTRE),
    "succinic acid": ("train", "O=C(O)CCC(=O)O", (5.52, 8.86, 5.10, 91.6), P21C_CENTRE),
    "maleic anhydride": ("train", "O=C1C=CC(=O)O1", (7.18, 11.23, 5.39, 90), P212121),
    "glycine": ("train", "[NH3+]CC(=O)[O-]", (5.10, 11.97, 5.46, 111.7), P21N),
    "paracetamol": ("train", "CC(=O)Nc1ccc(O)cc1", (7.09, 9.23, 11.66, 97.8), P21N),
    "salicylic acid": ("train", "O=C(O)c1ccccc1O", (11.52, 11.21, 4.92, 90.8), P21A),
    "succinimide": ("valid", "O=C1CCC(=O)N1", (7.50, 9.62, 12.75, 90), PBCA),
    "imidazole": ("test", "c1c[nH]cn1", (7.73, 5.46, 9.78, 117.3), P21C),
    "cytosine": ("test", "Nc1cc[nH]c(=O)n1", (13.04, 9.49, 3.82, 90), P212121),
    "succinic anhydride": ("test", "O=C1CCC(=O)O1", (6.96, 11.71, 5.40, 90), P212121),
    "tetrazine": ("test", "c1nncnn1", (5.23, 5.79, 6.63, 115.5), P21C_CENTRE),
    "aspirin": ("test", "CC(=O)Oc1ccccc1C(=O)O", (11.43, 6.59, 11.39, 95.7), P21C),
}

# Oxygens of ices: cell, and positions in parts of it. Hydrogens are disordered.
ICES = {
    "ice Ih": ((4.50, 7.80, 7.35), [
        (0, 1 / 3, 1 / 16), (1 / 2, 5 / 6, 1 / 16), (0, 2 / 3, 15 / 16), (1 / 2, 1 / 6, 15 / 16),
        (0, 1 / 3, 7 / 16), (1 / 2, 5 / 6, 7 / 16), (0, 2 / 3, 9 / 16), (1 / 2, 1 / 6, 9 / 16)]),
    "ice Ic": ((6.36, 6.36, 6.36), [
        (0, 0, 0), (0, 1 / 2, 1 / 2), (1 / 2, 0, 1 / 2), (1 / 2, 1 / 2, 0), (1 / 4, 1 / 4, 1 / 4),
        (1 / 4, 3 / 4, 3 / 4), (3 / 4, 1 / 4, 3 / 4), (3 / 4, 3 / 4, 1 / 4)]),
}
