#!/usr/bin/env python3
"""Draw what a record of mdbench tells.

    bench/plot.py FILE.json [--out FOLDER]

Writes, of these, what the record has rows for: inference.png (time against size), speedup.png
(against M6, and against one thread), memory.png, batch.png (structures at once),
replicas.png (dynamics of several at once), load.png (processes at once), scaling.png (time and memory per atom), stages.png (where the time goes), and
dashboard.png with all on one page.
Needs matplotlib.
"""

import argparse
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

MODEL_COLOURS = ("#0072b2", "#d55e00", "#008a66", "#b5558f", "#b07800", "#3a9bd0")
STAGE_COLOURS = MODEL_COLOURS + ("#6b6f76", "#7a4fc4", "#9c2f4a", "#00798c", "#7f8400", "#d96c93")
MARKERS = "os^Dv*"
STYLE = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
         "axes.grid": True, "grid.color": "#e3e7eb", "axes.axisbelow": True, "axes.titlesize": 11,
         "axes.titleweight": "bold", "axes.titlelocation": "left", "legend.frameon": False,
         "legend.handlelength": 2.8,
         "figure.dpi": 150, "lines.markersize": 5, "text.parse_math": False}


class Record:
    """The rows of a file; what a row leaves out is "" or 0."""

    def __init__(self, path):
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        if content.get("format") != "schnell-bench" or content.get("format_version") != 1:
            raise ValueError("expected a record of mdbench --json")
        texts = dict.fromkeys(("what", "model", "structure", "variant", "quantity", "unit"), "")
        counts = dict.fromkeys(("atoms", "batch", "threads", "processes"), 0)
        self.rows = [{**texts, **counts, "published": None, **row} for row in content["rows"]
                     if row.get("median") is not None]
        self.suite = content.get("suite", "")
        self.machine = content.get("machine") or {}
        self.models = list(dict.fromkeys(row["model"] for row in self.rows))

    def of(self, what, quantity=None):
        return [row for row in self.rows
                if row["what"] == what and quantity in (None, row["quantity"])]

    def colour(self, model):
        return MODEL_COLOURS[self.models.index(model) % len(MODEL_COLOURS)]

    def caption(self):
        """The machine, in a line."""
        machine = self.machine
        parts = [machine.get("cpu") or machine.get("gpu") or "machine not told",
                 f"{machine['cores']} cores" if machine.get("cores") else "",
                 f"Schnell {machine['schnell']}" if machine.get("schnell") else "",
                 (machine.get("date") or "")[:10]]
        busy = "   BUSY: times are too long, and noisy" if machine.get("busy") else ""
        return f"mdbench {self.suite}: " + ", ".join(filter(None, parts)) + busy


def number(x, _=None):
    """1234567 -> "1,234,567", 0.01234 -> "0.0123"."""
    return f"{x:,.0f}" if abs(x) >= 999.5 else f"{x:.3g}"


def words_of(quantity):
    return {"speed_up": "speed-up"}.get(quantity, quantity.replace("_", " "))


def unit(row):
    return {"us": "µs"}.get(row["unit"], row["unit"])


def legend_below(axes, columns):
    axes.legend(fontsize=7, ncol=min(4, columns), loc="upper center", bbox_to_anchor=(0.5, -0.16))


def structure_of(row):
    """"benzene crystal (960)"."""
    atoms = f"({row['atoms']})" if row["atoms"] else ""
    return " ".join(filter(None, (row["structure"].replace("_", " "), atoms)))


def series_of(rows, x):
    """Rows by what tells them apart but x: (model, further words) -> rows, x ascending."""
    parts = {"structure": structure_of, "variant": lambda row: row["variant"],
             **{key: lambda row, key=key: f"{row[key]} {key}" if row[key] else ""
                for key in ("batch", "threads", "processes") if key != x}}
    if x == "atoms":
        del parts["structure"]  # a structure is a point on the line
    parts = [part for part in parts.values() if len(set(map(part, rows))) > 1]
    found = {}
    for row in sorted(rows, key=lambda row: row[x]):
        words = ", ".join(filter(None, (part(row) for part in parts)))
        found.setdefault((row["model"], words), []).append(row)
    return found


def draw_lines(axes, record, rows, x, label, log_x=False, log_y=False, data_ticks=True):
    """A line for each model (its colour) and variant (its dashes), with 95 % intervals."""
    dashes = {}
    for (model, words), line in series_of(rows, x).items():
        style = dashes.setdefault(words, ("-", "--", ":", "-.")[len(dashes) % 4])
        y = [row["median"] for row in line]
        errors = [[max(0, row["median"] - (row.get("low") or row["median"])) for row in line],
                  [max(0, (row.get("high") or row["median"]) - row["median"]) for row in line]]
        axes.errorbar([row[x] for row in line], y, yerr=errors, linestyle=style,
                      color=record.colour(model),
                      marker=MARKERS[record.models.index(model) % len(MARKERS)],
                      label=", ".join(filter(None, (model, words))))
    axes.set_xlabel(label)
    axes.set_ylabel(", ".join(filter(None, (words_of(rows[0]["quantity"]), unit(rows[0])))))
    for axis, log in ((axes.xaxis, log_x), (axes.yaxis, log_y)):
        if log:
            (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
        axis.set_major_formatter(FuncFormatter(number))
    if log_y:
        axes.yaxis.set_minor_formatter(FuncFormatter(few_minor(axes)))
    else:
        axes.set_ylim(bottom=0)
    if data_ticks:
        axes.xaxis.set_major_locator(FixedLocator(spaced({row[x] for row in rows}, log_x)))
        axes.xaxis.set_minor_locator(NullLocator())
    legend_below(axes, 3 if len(axes.get_legend_handles_labels()[1]) <= 4 else 2)


def spaced(values, log):
    """Those of the values that leave each other room for their numbers."""
    values = sorted(value for value in values if value > 0 or not log)
    places = np.log(values) if log else np.array(values, float)
    places = (places - places[0]) / max(places[-1] - places[0], 1e-9)
    kept, end = [], -1.0
    for value, place in zip(values, places):
        half = 0.011 * len(number(value)) + 0.006
        if place - half > end:
            kept.append(value)
            end = place + half
    return kept


def few_minor(axes):
    """Numbers at 2 and 5 where an axis has few decades."""
    def name(y, _):
        low, high = axes.get_ylim()
        digit = int(f"{y:e}"[0]) if y > 0 else 0
        return number(y) if low > 0 and high / low < 300 and digit in (2, 5) else ""
    return name


def draw_bars(axes, record, groups, values, label, colours):
    """Horizontal bars: values is {series: {group: figure}}."""
    height = 0.8 / len(values)
    for k, (series, figures) in enumerate(values.items()):
        for g, group in enumerate(groups):
            if group in figures:
                y = g + (k - (len(values) - 1) / 2) * height
                axes.barh(y, figures[group], 0.9 * height, color=colours(series, group),
                          label=series if group == next(iter(figures)) else None)
                axes.annotate(number(figures[group]), (max(figures[group], 0), y), (4, 0),
                              textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(groups)), groups)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.15)
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(FuncFormatter(number))


# Each of these draws on one axes, and tells whether it had anything to draw.

def inference(axes, record):
    rows = record.of("inference", "latency")
    if len({row["atoms"] for row in rows}) < 2:
        return False
    draw_lines(axes, record, rows, "atoms", "atoms")
    axes.set_title("Inference against size")
    return True


def against_m6(axes, record):
    rows = [row for row in record.of("md", "throughput") if row["published"]]
    if not rows:
        return False
    values = {"": {row["model"]: row["median"] / row["published"] for row in rows}}
    draw_bars(axes, record, list(values[""]), values, "times M6's published steps/s",
              lambda _, model: record.colour(model))
    axes.set_title("Molecular dynamics: speed-up against M6")
    return True


def against_one_thread(axes, record):
    rows = [row for row in record.of("threads", "speed_up") if row["threads"] > 1]
    if len({row["atoms"] for row in rows}) < 2:
        return False
    axes.axhline(1, color="#8a939b", linewidth=1)
    draw_lines(axes, record, rows, "atoms", "atoms", log_x=True)
    teams = {row["threads"] for row in rows}
    axes.set_title("Speed-up against one thread" if len(teams) > 1 else
                   f"Speed-up of {teams.pop()} threads against one")
    return True


def memory(axes, record):
    rows = record.of("memory")
    if not rows:
        return False
    values = {}
    for row in rows:
        name = words_of(row["quantity"])
        values.setdefault(name, {})[row["model"]] = row["median"]
        if row["published"] is not None:
            values.setdefault(name + ", M6", {})[row["model"]] = row["published"]
    colours = dict(zip(values, MODEL_COLOURS))
    draw_bars(axes, record, list(dict.fromkeys(row["model"] for row in rows)), values,
              unit(rows[0]), lambda series, _: colours[series])
    legend_below(axes, len(values))
    axes.set_title("Memory")
    return True


def batch(axes, record):
    rows = record.of("batch", "throughput")
    if len({row["batch"] for row in rows}) < 2:
        return False
    draw_lines(axes, record, rows, "batch", "structures in a batch", log_x=True, log_y=True)
    axes.set_title("Structures at once")
    return True


def replicas(axes, record):
    rows = record.of("replicas", "throughput")
    if len({row["batch"] for row in rows}) < 2:
        return False
    draw_lines(axes, record, rows, "batch", "molecules at once", log_x=True, log_y=True)
    axes.set_title("Dynamics of several molecules at once, together")
    return True


def load(axes, record):
    rows = record.of("load", "throughput")
    if len({row["processes"] for row in rows}) < 2:
        return False
    draw_lines(axes, record, rows, "processes", "processes at once", log_x=True, log_y=True)
    axes.set_title("Several processes at once, together")
    return True


def scaling_of(quantity, title):
    def draw(axes, record):
        rows = record.of("sizes", quantity)
        if len({row["atoms"] for row in rows}) < 2:
            return False
        draw_lines(axes, record, rows, "atoms", "atoms", True, True, data_ticks=False)
        axes.set_title(title)
        return True
    return draw


def stages_of(before, title):
    """Of the rows whose variants are this and the stage: "exact filters, update"."""
    def draw(axes, record):
        rows = [{**row, "variant": row["variant"].rpartition(", ")[2]}
                for row in record.of("stage", "share")
                if row["variant"].rpartition(", ")[0] == before]
        if rows:
            draw_stack(axes, rows)
            axes.set_title(title)
        return bool(rows)
    return draw


def draw_stack(axes, rows):
    """A bar for each model and structure, made of its variants."""
    many = len({structure_of(row) for row in rows}) > 1
    bars = {}
    for row in rows:
        group = f"{row['model']}\n{structure_of(row)}" if many else row["model"]
        bars.setdefault(group, {})[row["variant"]] = row["median"]
    names = list(dict.fromkeys(name for shares in bars.values() for name in shares))
    starts = dict.fromkeys(bars, 0.0)
    for k, name in enumerate(names):
        for g, (group, shares) in enumerate(bars.items()):
            share = shares.get(name, 0)
            axes.barh(g, share, 0.7, starts[group], color=STAGE_COLOURS[k % len(STAGE_COLOURS)],
                      edgecolor="white", linewidth=0.6, label=None if g else name)
            if share >= 4:
                axes.text(starts[group] + share / 2, g, f"{share:.0f}", ha="center", va="center",
                          color="white", fontsize=8)
            starts[group] += share
    axes.set_yticks(range(len(bars)), list(bars), fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlabel("share of the time, %")
    legend_below(axes, len(names))


PICTURES = {"inference": (inference,), "speedup": (against_m6, against_one_thread),
            "memory": (memory,), "batch": (batch,), "replicas": (replicas,),
            "load": (load,),
            "scaling": (scaling_of("time_per_atom", "Scaling: time"),
                        scaling_of("memory_per_atom", "Scaling: memory")),
            "stages": (stages_of("", "Where the time goes"),
                       stages_of("exact filters", "Where the time goes: exact filters"))}


def has_data(draw, record):
    """Whether there is something to draw: tried on a page that is thrown away."""
    figure, axes = plt.subplots()
    found = draw(axes, record)
    plt.close(figure)
    return found


def save(draws, record, path, columns):
    """One page with these, in so many columns."""
    columns = min(columns, len(draws))
    rows = -(-len(draws) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(6.2 * columns, 4.1 * rows + 0.3),
                                squeeze=False, layout="constrained")
    for axis, draw in zip(axes.flat, draws):
        draw(axis, record)
    for axis in axes.flat[len(draws):]:
        axis.set_visible(False)
    figure.supxlabel(record.caption(), fontsize=8, x=0.01, ha="left",
                     color="#b3400a" if record.machine.get("busy") else "#5b6670")
    figure.savefig(path)
    plt.close(figure)
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("record", metavar="FILE.json")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        record = Record(arguments.record)
        arguments.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"plot.py: {arguments.record}: {error}")
    plt.rcParams.update(STYLE)
    everything = []
    for name, draws in PICTURES.items():
        draws = [draw for draw in draws if has_data(draw, record)]
        everything += draws
        if draws:
            save(draws, record, arguments.out / f"{name}.png", 2)
    if not everything:
        sys.exit(f"plot.py: {arguments.record}: nothing to draw")
    save(everything, record, arguments.out / "dashboard.png", 3 if len(everything) > 4 else 2)


if __name__ == "__main__":
    main()
