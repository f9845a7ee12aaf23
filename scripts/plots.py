#!/usr/bin/env python3
"""Draws what `sapwood-peers growth --json FILE` has measured: cost against size, one picture for each workload.

    scripts/plots.py [--out FOLDER] FILE...

Files of several runs, by size or by store, are put together; of two figures for the same, the later file's counts. Python's own library is all that it takes.
"""

import argparse
import json
import math
import pathlib

# workload, metric, the picture's name, its title
PICTURES = [
    ("point read", "read", "point-read", "Point read by id, ns"),
    ("update, an indexed field", "update", "update", "Update of an indexed field, one transaction, ns"),
    ("list by node", "list", "list", "List by an index, about 50 rows, ns"),
    ("bulk insert", "a row", "bulk-insert", "Bulk insert with 3 indexes, ns a row"),
    ("memory a row", "3 indexes", "memory", "Memory with 3 indexes, bytes a row"),
]

# In the order in which they are drawn; ours last, on top. Colours that people who confuse some can still tell apart.
COLOURS = {
    "BTreeMap": "#8c8c8c",
    "rpds": "#b07aa1",
    "rart": "#9c755f",
    "mvcc-core": "#bab0ac",
    "native_db": "#edc948",
    "imbl": "#4e79a7",
    "statedb": "#59a14f",
    "go-memdb": "#76b7b2",
    "sapwood": "#d1442f",
}

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 44, 48


def read(paths):
    """What each store has for each size: {(workload, metric): {store: {rows: value}}}."""
    figures = {}
    for path in paths:
        for row in json.loads(pathlib.Path(path).read_text()):
            if row["suite"] != "growth":
                continue
            for store, value in (("sapwood", row["sapwood"]), (row["peer"], row["peer_value"])):
                if store and value is not None:
                    stores = figures.setdefault((row["workload"], row["metric"]), {})
                    stores.setdefault(store, {})[row["rows"]] = value
    return figures


class Axis:
    """Numbers on a logarithmic scale, between two places."""

    def __init__(self, values, begin, end):
        low, high = min(values) / 1.25, max(values) * 1.25
        self.low, self.high, self.begin, self.end = low, high, begin, end

    def at(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)

    def marks(self, of_ten):
        power = 10 ** math.floor(math.log10(self.low))
        marks = []
        while power <= self.high:
            marks += [power * part for part in of_ten if self.low <= power * part <= self.high]
            power *= 10
        return marks


def short(value):
    for size, name in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def spread(labels, least):
    """Moves names apart that would lie on each other: [place, ...] from top to bottom."""
    labels.sort()
    for _ in range(100):
        for above, below in zip(labels, labels[1:]):
            overlap = least - (below[0] - above[0])
            if overlap > 0:
                above[0] -= overlap / 2
                below[0] += overlap / 2
    return labels


def draw(title, stores):
    sizes = [rows for values in stores.values() for rows in values]
    costs = [cost for values in stores.values() for cost in values.values()]
    across = Axis(sizes, LEFT, WIDTH - RIGHT)
    up = Axis(costs, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600" fill="#222222">{title}</text>',
    ]
    decades = math.log10(up.high / up.low)
    for cost in up.marks((1, 2, 5) if decades < 3.5 else (1,)):
        y = up.at(cost)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555555">{short(cost)}</text>')
    for rows in across.marks((1,)):
        x = across.at(rows)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#f0f0f0"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#555555">{short(rows)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="#555555">rows</text>')
    labels = []
    order = list(COLOURS)
    for store in sorted(stores, key=lambda store: order.index(store) if store in order else -1):
        points = [(across.at(rows), up.at(cost)) for rows, cost in sorted(stores[store].items())]
        colour = COLOURS.get(store, "#444444")
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        thick = 3 if store == "sapwood" else 1.6
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{thick + 0.8}" fill="{colour}"/>' for x, y in points]
        labels.append([points[-1][1], store, colour])
    for y, store, colour in spread(labels, 15):
        weight = ' font-weight="700"' if store == "sapwood" else ""
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y + 4:.1f}" fill="{colour}"{weight}>{store}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "docs" / "plots")
    arguments = parser.parse_args()
    figures = read(arguments.files)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for workload, metric, name, title in PICTURES:
        stores = figures.get((workload, metric))
        if stores:
            path = arguments.out / f"{name}.svg"
            path.write_text(draw(title, stores))
            print(path)
        else:
            print(f"{workload}, {metric}: not in these files")


if __name__ == "__main__":
    main()
