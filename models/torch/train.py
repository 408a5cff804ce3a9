"""Train one SchNet-V model on the ten molecules of rMD17 (split 01).

    python train.py --size ultra-tiny --minutes 45 --data DIR --work DIR --export FILE.h5

Every step takes one micro-batch of benzene and one of another molecule, each with
all its frames in one dense block.  The learning rate warms up, then falls along a
cosine that ends with the time budget, so a run always lands finished.  A moving
average of the weights is what is validated and exported.

The checkpoint (WORK/SIZE.pt) is replaced as a whole every few minutes; the same
command started again goes on from it.  The test frames are never read here.

Loss:  mean over atoms of |F - F_ref|  +  energy weight * |E - E_ref|, both
softened near zero.
"""

import argparse
import math
import os
import time

import torch

import data
import schnet_v
import table

try:
    from torch.func import functional_call  # torch 2
except ImportError:
    from torch.nn.utils.stateless import functional_call


def soft_abs(square, softness):
    """sqrt(square + softness^2) - softness: |x| for large x, quadratic near zero."""
    return torch.sqrt(square + softness**2) - softness


class Dense(torch.nn.Module):
    """The model with `dense` as its forward, which is what functional_call wants."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *arguments):
        return self.model.dense(*arguments)


class Loss:
    """Loss and gradient of one micro-batch.

    The filters of the batch come from a table (table.py), as values w and slopes s at
    the distances r0: near r0 a filter is w + s (r - r0), which has the right value
    and the right first derivative, and forces need no more.  So the gradient splits
    in two: a function of weights, w and s (`gradient`, a double backward, fixed
    shapes), then an ordinary backward from w and s to the filter weights.
    """

    def __init__(self, model, args):
        self.model, self.args = Dense(model), args
        self.table = table.FilterTable(model)
        named = [(n, p) for n, p in self.model.named_parameters() if ".filter." not in n]
        self.names, self.parameters = [n for n, _ in named], [p for _, p in named]
        self.compiled = {}  # one function for each shape

    def gradient(self, parameters, w, s, r0, numbers, positions, energies, forces):
        """Gradients by parameters, w and s, in one list, and the mean |force error|, eV/Å."""
        leaves = [t.detach().requires_grad_() for t in parameters + w + s]
        x = positions.detach().requires_grad_()
        count, layers = len(parameters), len(w)
        w, s = leaves[count:count + layers], leaves[count + layers:]
        with torch.enable_grad():
            e = functional_call(self.model, dict(zip(self.names, leaves)), (
                numbers, x, lambda r: [a + b * (r - r0)[..., None] for a, b in zip(w, s)]))
            f = -torch.autograd.grad(e.sum(), x, create_graph=True)[0]
            force_error = soft_abs(((f - forces) ** 2).sum(-1), self.args.softness).mean()
            energy_error = soft_abs((e - energies) ** 2, self.args.softness).mean()
            loss = force_error + self.args.energy_weight * energy_error
            gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
        gradients = [torch.zeros_like(t) if g is None else g for g, t in zip(gradients, leaves)]
        return gradients, force_error.detach()

    def backward(self, numbers, positions, energies, forces, weight):
        """Adds weight * gradient to the parameters; returns the mean |force error|, eV/Å."""
        r0 = self.model.model.distances(positions)[1]
        w, s = self.table(r0)
        call = ([p.detach() for p in self.parameters], [t.detach() for t in w], [t.detach() for t in s],
                r0, numbers, positions, energies, forces)
        with torch.no_grad():
            gradients, error = self.function(call)(*call)
            for p, g in zip(self.parameters, gradients):
                p.grad = weight * g if p.grad is None else p.grad.add_(g, alpha=weight)
        torch.autograd.backward(w + s, [weight * g for g in gradients[len(self.parameters):]])
        return error.item()

    def function(self, call):
        """`gradient`, or with --compile its compiled form for these shapes.

        A double backward can not be compiled as such; make_fx first writes it out as
        one plain graph.
        """
        if not self.args.compile:
            return self.gradient
        shape = tuple(call[5].shape)
        if shape not in self.compiled:
            from torch.fx.experimental.proxy_tensor import make_fx
            start = time.monotonic()
            graph = make_fx(lambda *a: self.gradient(*a))(*call)
            graph.graph.eliminate_dead_code()
            graph.recompile()
            self.compiled[shape] = torch.compile(graph, dynamic=False)
            self.compiled[shape](*call)
            print(f"compiled for {shape[0]} frames of {shape[1]} atoms, "
                  f"{time.monotonic() - start:.0f} s", flush=True)
        return self.compiled[shape]


class Sampler:
    """Micro-batches of one molecule, in an order shuffled anew for every pass."""

    def __init__(self, frames, model, device):
        learned = frames.energies - model.offset(frames.numbers)
        self.numbers = frames.numbers.to(device)
        self.tensors = [t.float().to(device) for t in (frames.positions, learned, frames.forces)]
        self.order = torch.empty(0, dtype=torch.int64)

    def draw(self, count):
        while len(self.order) < count:
            self.order = torch.cat([self.order, torch.randperm(len(self.tensors[0]))])
        index, self.order = self.order[:count], self.order[count:]
        return [self.numbers] + [t[index.to(t.device)] for t in self.tensors]


def validate(model, sets, device):
    """Mean absolute force error of each molecule, meV/Å."""
    result = {}
    for s in sets:
        x = s.positions.float().to(device).requires_grad_()
        e = model.dense(s.numbers.to(device), x)
        f = -torch.autograd.grad(e.sum(), x)[0].cpu().double()
        result[s.molecule] = 1e3 * (f - s.forces).abs().mean().item()
    return result


def learning_rate(args, done):
    """Rate at the fraction `done` (0..1) of the budget."""
    if done < args.warmup:
        return args.lr * (done + 1e-3) / (args.warmup + 1e-3)
    x = min(1.0, (done - args.warmup) / (1 - args.warmup))
    return args.lr * (args.final + (1 - args.final) * 0.5 * (1 + math.cos(math.pi * x)))


def parse():
    p = argparse.ArgumentParser(description="Train SchNet-V on rMD17 (train_01).")
    p.add_argument("--size", required=True, choices=sorted(schnet_v.SIZES))
    p.add_argument("--minutes", type=float, required=True, help="time budget; the schedule ends with it")
    p.add_argument("--data", default="rmd17", help="folder of the rMD17 files")
    p.add_argument("--work", default=".", help="folder for checkpoint and log")
    p.add_argument("--export", help="model file to write at the end (and at every checkpoint)")
    p.add_argument("--benzene", type=int, default=6, help="frames of benzene in a step")
    p.add_argument("--other", type=int, default=10, help="frames of the other molecule in a step")
    p.add_argument("--only", choices=data.MOLECULES, help="train on this molecule alone")
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--warmup", type=float, default=0.02, help="fraction of the budget")
    p.add_argument("--final", type=float, default=0.01, help="last learning rate / largest one")
    p.add_argument("--ema", type=float, default=0.999, help="memory of the averaged weights, per step")
    p.add_argument("--energy-weight", type=float, default=0.02, help="1/Å")
    p.add_argument("--softness", type=float, default=0.01, help="eV/Å and eV: quadratic below this")
    p.add_argument("--held-back", type=int, default=50, help="validation frames of each molecule")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--compile", action="store_true",
                   help="torch.compile: nearly a minute for each shape, then much faster steps")
    p.add_argument("--checkpoint-minutes", type=float, default=5.0)
    args = p.parse_args()
    if args.compile and not hasattr(torch, "compile"):
        p.error(f"--compile needs torch 2; this is {torch.__version__}")
    return args


def main():
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device(args.device)

    molecules = [args.only] if args.only else data.MOLECULES
    pairs = [data.split(data.read(args.data, m, "train"), args.held_back) for m in molecules]
    train_sets, held_back = [a for a, _ in pairs], [b for _, b in pairs]

    model = schnet_v.SchNetV.of_size(args.size).initialise()
    model.atom_energy = data.fit_atom_energies(train_sets, schnet_v.MAX_Z + 1)
    model.elements = sorted({int(z) for s in train_sets for z in s.numbers})
    model.training_note = (f"rMD17 split 01, {len(molecules)} molecules, {len(train_sets[0])} frames each; "
                           f"seed {args.seed}, {args.minutes:g} minutes on {device.type}")
    model.to(device)
    average = schnet_v.SchNetV.of_size(args.size).to(device)
    average.load_state_dict(model.state_dict())
    for name in ("atom_energy", "elements", "training_note"):
        setattr(average, name, getattr(model, name))

    optimiser = torch.optim.Adam(model.parameters(), lr=args.lr)
    spent, step = 0.0, 0  # seconds and steps, over all starts
    os.makedirs(args.work, exist_ok=True)
    checkpoint = os.path.join(args.work, f"{args.size}.pt")
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        spent, step = saved["spent"], saved["step"]
        torch.manual_seed(args.seed + step)
        print(f"resumed at step {step}, {spent / 60:.1f} minutes spent", flush=True)

    samplers = {s.molecule: Sampler(s, model, device) for s in train_sets}
    others = [m for m in molecules if m != "benzene"]
    frames = args.benzene + args.other
    loss = Loss(model, args)
    budget, turn, errors = 60 * args.minutes, [], []
    start = last = time.monotonic() - spent

    def save_all():
        seconds = time.monotonic() - start
        state = {"model": model.state_dict(), "average": average.state_dict(),
                 "optimiser": optimiser.state_dict(), "spent": seconds, "step": step}
        torch.save(state, checkpoint + ".tmp")
        os.replace(checkpoint + ".tmp", checkpoint)
        if args.export:
            schnet_v.save(average, args.export)

    last = time.monotonic()
    while True:
        now = time.monotonic()
        done = (now - start) / budget
        if done >= 1 or now - last > 60 * args.checkpoint_minutes:
            last = now
            mae = validate(average, held_back, device)
            rest = [mae[m] for m in others] or [float("nan")]
            print(f"{(now - start) / 60:6.1f} min  step {step:6d}  lr {learning_rate(args, done):.1e}  "
                  f"train |dF| {1e3 * sum(errors) / max(1, len(errors)):6.1f}  held back, meV/Å: "
                  f"benzene {mae.get('benzene', float('nan')):.1f}  others {sum(rest) / len(rest):.1f}  ("
                  + " ".join(f"{m[:5]} {mae[m]:.1f}" for m in others) + ")", flush=True)
            errors = []
            save_all()
            if done >= 1:
                break

        for group in optimiser.param_groups:
            group["lr"] = learning_rate(args, done)
        optimiser.zero_grad()
        if not turn:  # each of the other molecules once, in random order
            turn = [others[k] for k in torch.randperm(len(others)).tolist()]
        if "benzene" in samplers:
            errors.append(loss.backward(*samplers["benzene"].draw(args.benzene), args.benzene / frames))
        if turn:
            errors.append(loss.backward(*samplers[turn.pop()].draw(args.other), args.other / frames))
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], 10.0)
        optimiser.step()
        step += 1
        keep = min(args.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), model.parameters()):
                mean.lerp_(value, 1 - keep)


if __name__ == "__main__":
    main()
