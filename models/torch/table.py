"""Filters read from a table: the same function at a fraction of the cost.

A filter depends on the distance alone.  In training, a batch has thousands of
pairs, so the filter network is run on a few hundred distances only, and the filters
of the pairs are interpolated (polynomial of degree 5 through six nodes; it differs
from the network by about 1e-6).  Gradients flow through the nodes to the weights.
"""

import torch
from torch.nn.functional import embedding_bag

TAPS = 6  # nodes in an interpolation
OFFSETS = torch.arange(TAPS) - 2.0  # their places around the cell, in cells


def lagrange():
    """Coefficients [TAPS, TAPS]: weight of tap k at t is sum_p c[k, p] t^p, 0 <= t < 1."""
    powers = OFFSETS.double()[:, None] ** torch.arange(TAPS)  # [node, p]
    return torch.linalg.inv(powers).t().contiguous()


class FilterTable:
    """Grid of `nodes` distances between `shortest` and the cutoff, Å."""

    def __init__(self, model, nodes=256, shortest=0.8):
        self.model, self.shortest = model, shortest
        self.step = (model.cutoff - shortest) / (nodes - TAPS)
        device = model.rbf_centres.device
        self.grid = shortest + self.step * (torch.arange(nodes, device=device) - 2.0)
        self.coefficients = lagrange().to(device, torch.float32)  # [tap, power]

    def __call__(self, r):
        """Filters and their slopes at r [...]: two lists of [..., 3F].

        r carries no gradient here; a distance beyond the cutoff gives zero.
        """
        x = (r.flatten() - self.shortest) / self.step
        if x.numel() and x.min() < 0:
            raise ValueError(f"a pair {float(r.min()):.3f} Å apart is closer than the filter "
                             f"table reaches ({self.shortest} Å)")
        inside = (r.flatten() < self.model.cutoff).to(x.dtype)[:, None]
        cell = x.long().clamp_(max=len(self.grid) - TAPS)
        t = (x - cell)[:, None]
        c, p = self.coefficients, torch.arange(TAPS, device=r.device)
        weights = (t**p @ c.t()) * inside  # [P, tap]
        slopes = (t ** (p[1:] - 1) @ (c[:, 1:] * p[1:]).t()) * inside / self.step
        taps = cell[:, None] + p

        # One look-up for all: bags of values, then bags of slopes, all interactions.
        nodes = torch.cat(self.model.filters(self.grid), -1)  # [nodes, T 3F]
        bags = embedding_bag(taps.repeat(2, 1), nodes, mode="sum",
                             per_sample_weights=torch.cat([weights, slopes]))
        values, slopes = bags.view(2, *r.shape, -1)
        count = len(self.model.interaction)
        return list(values.chunk(count, -1)), list(slopes.chunk(count, -1))
