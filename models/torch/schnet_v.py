"""SchNet-V in PyTorch: a message-passing interatomic potential.

The filters depend on the distance alone (as in SchNet); beside the scalar
features h_i there is one vector channel v_i.  The energy does not change when
the structure is rotated, moved or its atoms are renumbered, and it is smooth
when an atom crosses the cutoff.  This file follows the definition at the top of
src/potential/reference.c term by term; the C engine computes the same function.

Letters used for shapes:
    A  atoms          P  ordered pairs (i, j), both directions listed
    B  frames         N  atoms of one frame
    F  features       K  radial basis functions
Units: Å and eV.  float32 for training; float64 with `model.double()`.

One network, two layouts of the atoms:
    forward(...)  a flat list of pairs: any structures, periodic or not
    dense(...)    B frames of the same molecule, all N x N pairs: no gather and
                  no scatter, which is several times faster on a CPU

The model file (HDF5) is written by `save` and read by `load`.
Runs with torch 1.13 and later, on a CPU or on CUDA.
"""

import os

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn.functional import silu

SIZES = {  # name: hidden F, interactions T, radial functions K, parameters
    "original": (128, 3, 20, 427292),
    "tiny": (64, 2, 12, 77203),
    "ultra-tiny": (32, 2, 10, 21459),
}
CUTOFF = 5.0  # Å
MAX_Z = 100  # rows 0..MAX_Z of the embedding; row 0 stands for no element
NORM_EPS = 0.01  # softens |a| where a = 0


def envelope(x):
    """1 at x = 0, 0 for x >= 1, with two continuous derivatives.  x = r / cutoff."""
    return torch.where(x < 1, 1 - x**3 * (10 - 15 * x + 6 * x**2), torch.zeros_like(x))


class Interaction(nn.Module):
    """One round of messages between neighbours, then an update of each atom."""

    def __init__(self, hidden, rbf):
        super().__init__()
        self.filter = nn.ModuleList([nn.Linear(rbf, hidden), nn.Linear(hidden, 3 * hidden)])
        self.update = nn.ModuleList([nn.Linear(2 * hidden, hidden), nn.Linear(hidden, 3 * hidden)])
        self.mixing = nn.Parameter(torch.ones(3, 3))

    def filters(self, basis, fc):
        """W_s | W_v | W_d of each pair: basis [..., K], fc [...] -> [..., 3F]."""
        return fc[..., None] * self.filter[1](silu(self.filter[0](basis)))

    def forward(self, h, v, w, direction, gather, collect):
        """h [..., A, F] and v [3, ..., A, F] or None (all zero) -> new h, v.

        The filters w [..., 3F] and direction [3, ...] belong to pairs; `gather`
        takes atom features to pairs (the value at j), `collect` sums pairs into i.
        """
        w_s, w_v, w_d = w.chunk(3, -1)
        h_j = gather(h)
        c = collect(direction[..., None] * (h_j * w_d))
        h = h + collect(h_j * w_s)

        m = self.mixing
        if v is None:
            p = [m[k, 2] * c for k in range(3)]
        else:
            b = collect(gather(v) * w_v)
            p = [m[k, 0] * v + m[k, 1] * b + m[k, 2] * c for k in range(3)]

        mat_a, mat_v = self.update[0].weight.chunk(2, 1)
        mat_b, mat_g, mat_u = self.update[1].weight.chunk(3, 0)
        bias_b, bias_g, bias_u = self.update[1].bias.chunk(3, 0)
        a = p[0] @ mat_v.t()
        u = p[1] @ mat_u.t()
        n = torch.sqrt((a * a).sum(0) + NORM_EPS) - NORM_EPS**0.5
        z = silu(h @ mat_a.t() + n + self.update[0].bias)
        g = z @ mat_g.t() + bias_g
        h = h + z @ mat_b.t() + bias_b + (u * a).sum(0)
        v = (1 + bias_u) * p[2] + g * u
        return h, v


class SchNetV(nn.Module):
    """The potential.  Parameters have the names and shapes of the model file."""

    def __init__(self, hidden, interactions, rbf, cutoff=CUTOFF, name=""):
        super().__init__()
        self.name, self.hidden, self.cutoff = name, hidden, float(cutoff)
        self.embedding = nn.Embedding(MAX_Z + 1, hidden)
        self.interaction = nn.ModuleList([Interaction(hidden, rbf) for _ in range(interactions)])
        self.readout = nn.ModuleList([nn.Linear(hidden, hidden // 2),
                                      nn.Linear(hidden // 2, hidden // 4),
                                      nn.Linear(hidden // 4, 1)])
        # Not parameters.  atom_energy stays float64: totals are thousands of eV.
        centres = torch.linspace(0.7, self.cutoff, rbf, dtype=torch.float64)
        self.register_buffer("rbf_centres", centres.float())
        self.register_buffer("rbf_widths", torch.full((rbf,), float(centres[1] - centres[0])))
        self.energy_scale = 1.0  # eV
        self.atom_energy = torch.zeros(MAX_Z + 1, dtype=torch.float64)  # eV
        self.elements = []  # atomic numbers met in training
        self.level_of_theory, self.training_note = "PBE/def2-SVP", "untrained"

    @classmethod
    def of_size(cls, name):
        """One of the three sizes that ship; the number of parameters is checked."""
        if name not in SIZES:
            raise ValueError(f"size {name!r} is unknown; expected one of {', '.join(SIZES)}")
        hidden, interactions, rbf, expected = SIZES[name]
        model = cls(hidden, interactions, rbf, name=name)
        found = sum(p.numel() for p in model.parameters())
        assert found == expected, f"{name}: {found} parameters, expected {expected}"
        return model

    def initialise(self, neighbours=15.0):
        """Random weights that keep h and v of order one through every interaction.

        SiLU has a mean square of about 0.36 for normal input.  A sum over
        `neighbours` grows like its square root, which filter.1 takes back.
        """
        def normal(weight, scale):
            nn.init.normal_(weight, std=scale / weight.shape[1] ** 0.5)

        nn.init.normal_(self.embedding.weight)
        for t in self.interaction:
            normal(t.filter[0].weight, (t.filter[0].weight.shape[1] / 1.8) ** 0.5)
            normal(t.filter[1].weight, 1.6 / neighbours**0.5)
            normal(t.update[0].weight, 2**0.5)  # 2F columns in two blocks of F
            normal(t.update[1].weight, 1.0)
            nn.init.ones_(t.mixing)
        for layer in self.readout:
            normal(layer.weight, 1.0)
        for name, value in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(value)
        return self

    def filters(self, r):
        """The filters of every interaction at distances r [...], Å: a list of [..., 3F]."""
        basis = torch.exp(-0.5 * ((r[..., None] - self.rbf_centres) / self.rbf_widths) ** 2)
        fc = envelope(r / self.cutoff)
        return [layer.filters(basis, fc) for layer in self.interaction]

    def network(self, numbers, filters, direction, gather, collect):
        """Learned energy of each atom, eV, atom_energy not included.

        numbers [..., A]; filters: a list of [pairs, 3F]; direction [3, pairs]: unit
        vectors from i to j.  Returns [..., A].
        """
        h, v = self.embedding(numbers), None
        for layer, w in zip(self.interaction, filters):
            h, v = layer(h, v, w, direction, gather, collect)
        y = silu(self.readout[0](h))
        y = silu(self.readout[1](y))
        return self.energy_scale * self.readout[2](y)[..., 0]

    def forward(self, numbers, positions, i, j, structure=None, shift=None):
        """Learned energy [S] of S structures given as one flat list of pairs.

        numbers [A] int64; positions [A, 3] Å; i, j [P] int64, every pair in both
        directions; structure [A] int64, the structure each atom belongs to (none:
        one structure); shift [P, 3] Å, the periodic image of j (none: no images).
        Pairs beyond the cutoff do no harm.
        """
        if structure is None:
            structure = torch.zeros_like(numbers)
        d = positions[j] - positions[i]
        if shift is not None:
            d = d + shift
        r = d.norm(dim=-1)
        atoms = len(numbers)

        def collect(x):  # [..., P, F] -> [..., A, F]
            return x.new_zeros(x.shape[:-2] + (atoms, x.shape[-1])).index_add(-2, i, x)

        per_atom = self.network(numbers, self.filters(r), (d / r[:, None]).t(),
                                lambda x: x.index_select(-2, j), collect)
        count = int(structure.max()) + 1 if atoms else 0
        return per_atom.new_zeros(count).index_add(0, structure, per_atom)

    def dense(self, numbers, positions, filters=None):
        """Learned energy [B] of B frames of one molecule.

        numbers [N] int64; positions [B, N, 3] Å.  `filters` may stand in for
        self.filters (train.py passes a table).
        """
        d, r = self.distances(positions)
        w = self.filters(r) if filters is None else filters(r)
        per_atom = self.network(numbers.expand(positions.shape[:2]), w, d / r,
                                lambda f: f.unsqueeze(-3), lambda f: f.sum(-2))
        return per_atom.sum(-1)

    def distances(self, positions):
        """Vectors d [3, B, N (i), N (j)] from i to j and lengths r [B, N, N], Å.

        An atom is kept apart from itself: r of a pair (i, i) lies beyond the cutoff.
        """
        x = positions.permute(2, 0, 1)
        d = x[:, :, None, :] - x[:, :, :, None]
        apart = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device) * (2 * self.cutoff) ** 2
        return d, torch.sqrt((d * d).sum(0) + apart)

    def offset(self, numbers):
        """Sum of atom_energy over the last axis, eV, float64."""
        return self.atom_energy.to(numbers.device)[numbers].sum(-1)


def pairs_within(positions, structure, cutoff):
    """All ordered pairs closer than `cutoff` in the same structure, no images: i, j [P].

    Simple and quadratic: meant for tests and small structures.
    """
    r = torch.cdist(positions, positions)
    same = structure[:, None] == structure[None, :]
    apart = ~torch.eye(len(positions), dtype=torch.bool, device=positions.device)
    return torch.nonzero((r < cutoff) & same & apart, as_tuple=True)


# ---------------------------------------------------------------- model file

def fixed_string(text):
    """A string of fixed length: the engine reads no others from a model file."""
    return np.bytes_(text.encode("ascii", "replace"))


def save(model, path):
    """Write the model file, whole or not at all."""
    temporary = f"{path}.{os.getpid()}.tmp"
    first = model.interaction[0]
    with h5py.File(temporary, "w", libver=("v108", "v108")) as f:  # checksummed metadata
        f.attrs["format"] = fixed_string("schnell-model")
        f.attrs["format_version"] = np.int32(1)
        f.attrs["architecture"] = fixed_string("schnet-v")
        f.attrs["name"] = fixed_string(model.name)
        f.attrs["hidden"] = np.int32(model.hidden)
        f.attrs["interactions"] = np.int32(len(model.interaction))
        f.attrs["rbf"] = np.int32(first.filter[0].in_features)
        f.attrs["cutoff"] = np.float64(model.cutoff)
        f.attrs["elements"] = np.asarray(sorted(model.elements), dtype=np.int32)
        f.attrs["level_of_theory"] = fixed_string(model.level_of_theory)
        f.attrs["training"] = fixed_string(model.training_note)
        f.attrs["units"] = fixed_string("eV, angstrom")
        for name, value in model.named_parameters():
            f[name] = value.detach().cpu().numpy().astype(np.float32)
        f["rbf.centres"] = model.rbf_centres.cpu().numpy().astype(np.float64)
        f["rbf.widths"] = model.rbf_widths.cpu().numpy().astype(np.float64)
        f["energy_scale"] = np.float64(model.energy_scale)
        f["atom_energy"] = model.atom_energy.cpu().numpy()
    os.replace(temporary, path)


def load(path, dtype=torch.float32):
    """Read a model file; ValueError says what is wrong with it.

    Float64 keeps centres and widths as the file has them.
    """
    def text(value):
        return value.decode() if isinstance(value, bytes) else str(value)

    def fail(what, expected, found):
        raise ValueError(f"{path}: {what}: expected {expected}, found {found}")

    with h5py.File(path, "r") as f:
        needed = ("format", "format_version", "architecture", "name", "hidden", "interactions", "rbf",
                  "cutoff", "elements", "level_of_theory", "training", "units")
        for key in needed:
            if key not in f.attrs:
                fail(f"attribute {key}", "one", "none")
        for key, expected in (("format", "schnell-model"), ("architecture", "schnet-v")):
            if text(f.attrs[key]) != expected:
                fail(f"attribute {key}", expected, text(f.attrs[key]))
        if int(f.attrs["format_version"]) != 1:
            fail("attribute format_version", 1, int(f.attrs["format_version"]))
        hidden, interactions, rbf = (int(f.attrs[k]) for k in ("hidden", "interactions", "rbf"))
        if not (4 <= hidden <= 4096 and 1 <= interactions <= 64 and 2 <= rbf <= 1024):
            fail("hidden, interactions, rbf", "sensible sizes", (hidden, interactions, rbf))

        def array(name, shape):
            if name not in f:
                fail(f"dataset {name}", f"shape {shape}", "none")
            if f[name].shape != shape:
                fail(f"dataset {name}", f"shape {shape}", f"shape {f[name].shape}")
            value = torch.from_numpy(np.asarray(f[name][()]))
            if not torch.isfinite(value).all():
                fail(f"dataset {name}", "finite numbers", "NaN or infinity")
            return value

        model = SchNetV(hidden, interactions, rbf, float(f.attrs["cutoff"]),
                        text(f.attrs["name"])).to(dtype)
        with torch.no_grad():
            for name, value in model.named_parameters():
                value.copy_(array(name, tuple(value.shape)))
            model.rbf_centres.copy_(array("rbf.centres", (rbf,)))
            model.rbf_widths.copy_(array("rbf.widths", (rbf,)))
        model.energy_scale = float(array("energy_scale", ()))
        model.atom_energy = array("atom_energy", (MAX_Z + 1,)).double()
        model.elements = [int(z) for z in f.attrs["elements"]]
        model.level_of_theory = text(f.attrs["level_of_theory"])
        model.training_note = text(f.attrs["training"])
    return model
