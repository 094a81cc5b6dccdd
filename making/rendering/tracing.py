"""Trace the borders of a part map into long smooth strokes. Coordinates are map pixels, (x, y)."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.float64]  # (points, 2)
Corner = tuple[int, int]  # (row, column) of a pixel's corner


def absorb_specks(parts: NDArray[np.int32], smallest: int) -> NDArray[np.int32]:
    """Give every patch of fewer than `smallest` pixels the label found around it."""
    result = parts.copy()
    rows, cols = parts.shape
    seen = np.zeros(parts.shape, dtype=bool)
    for start in zip(*np.nonzero(np.ones_like(seen)), strict=True):
        if seen[start]:
            continue
        label, patch, border = parts[start], [start], []
        seen[start] = True
        for r, c in patch:
            for n in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                if not (0 <= n[0] < rows and 0 <= n[1] < cols):
                    continue
                if parts[n] != label:
                    border.append(int(parts[n]))
                elif not seen[n]:
                    seen[n] = True
                    patch.append(n)
        if len(patch) < smallest and border:
            value = np.bincount(border).argmax()
            for spot in patch:
                result[spot] = value
    return result


def border_graph(parts: NDArray[np.int32]) -> dict[Corner, set[Corner]]:
    """Unit steps between pixel corners that separate two labels."""
    graph: dict[Corner, set[Corner]] = defaultdict(set)

    def connect(a: Corner, b: Corner) -> None:
        graph[a].add(b)
        graph[b].add(a)

    for r, c in zip(*np.nonzero(parts[1:] != parts[:-1]), strict=True):
        connect((int(r) + 1, int(c)), (int(r) + 1, int(c) + 1))
    for r, c in zip(*np.nonzero(parts[:, 1:] != parts[:, :-1]), strict=True):
        connect((int(r), int(c) + 1), (int(r) + 1, int(c) + 1))
    return graph


def chains(graph: dict[Corner, set[Corner]]) -> list[Stroke]:
    """Cut the border graph at its junctions into open chains, and closed loops last."""
    left = {corner: set(near) for corner, near in graph.items()}
    found: list[Stroke] = []

    def walk(start: Corner, step: Corner) -> None:
        path = [start, step]
        left[start].discard(step)
        left[step].discard(start)
        while len(graph[path[-1]]) == 2 and left[path[-1]]:
            here = path[-1]
            onward = left[here].pop()
            left[onward].discard(here)
            path.append(onward)
        found.append(np.array(path, dtype=float)[:, ::-1])

    junctions = [corner for corner, near in graph.items() if len(near) != 2]
    for corner in junctions + list(graph):
        while left[corner]:
            walk(corner, next(iter(sorted(left[corner]))))
    return found


def is_closed(stroke: Stroke) -> bool:
    """Whether a stroke ends where it starts."""
    return len(stroke) > 3 and bool(np.allclose(stroke[0], stroke[-1]))


def smooth(stroke: Stroke, sigma: float) -> Stroke:
    """Gaussian smoothing along a chain of unit steps; open ends stay in place."""
    reach = int(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    if is_closed(stroke):
        ring = stroke[:-1]
        padded = np.take(ring, np.arange(-reach, len(ring) + reach), axis=0, mode="wrap")
    else:
        head = 2 * stroke[0] - stroke[reach:0:-1] if len(stroke) > reach else stroke[:0]
        tail = 2 * stroke[-1] - stroke[-2 : -reach - 2 : -1] if len(stroke) > reach else stroke[:0]
        if not len(head):
            return np.linspace(stroke[0], stroke[-1], len(stroke))
        padded = np.concatenate([head, stroke, tail])
    curve = np.stack([np.convolve(padded[:, i], weights, "valid") for i in (0, 1)], 1)
    return np.concatenate([curve, curve[:1]]) if is_closed(stroke) else curve


def length(stroke: Stroke) -> float:
    """Length along a stroke."""
    return float(np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum())


def heading(stroke: Stroke, at_end: bool) -> Stroke:
    """Unit direction in which a stroke leaves its end (or its start, seen backwards)."""
    path = stroke if at_end else stroke[::-1]
    step = path[-1] - path[max(0, len(path) - 9)]
    way: Stroke = step / (np.linalg.norm(step) + 1e-9)
    return way


def best_joint(strokes: list[Stroke], straight: float) -> tuple[int, int, bool, bool] | None:
    """The two stroke ends that meet most nearly in line, or None below the limit."""
    ends: dict[tuple[float, float], list[tuple[int, bool]]] = defaultdict(list)
    for i, stroke in enumerate(strokes):
        if not is_closed(stroke):
            ends[tuple(stroke[0].round(1))].append((i, False))
            ends[tuple(stroke[-1].round(1))].append((i, True))
    best, answer = straight, None
    for meeting in ends.values():
        for k, (i, i_end) in enumerate(meeting):
            for j, j_end in meeting[k + 1 :]:
                if i == j:
                    continue
                turn = -float(heading(strokes[i], i_end) @ heading(strokes[j], j_end))
                if turn > best:
                    best, answer = turn, (i, j, i_end, j_end)
    return answer


def join(strokes: list[Stroke], straight: float = 0.75) -> list[Stroke]:
    """Join strokes that run on through a junction; `straight` is the least cosine."""
    strokes = list(strokes)
    while (joint := best_joint(strokes, straight)) is not None:
        i, j, i_end, j_end = joint
        first = strokes[i] if i_end else strokes[i][::-1]
        second = strokes[j][::-1] if j_end else strokes[j]
        for k in sorted((i, j), reverse=True):
            del strokes[k]
        strokes.append(np.concatenate([first, second[1:]]))
    return strokes


def trace(parts: NDArray[np.int32], smallest: int = 30, shortest: float = 10.0) -> list[Stroke]:
    """Strokes along every border between parts, longest first."""
    padded = np.pad(parts, 2)
    raw = chains(border_graph(absorb_specks(padded, smallest)))
    strokes = join([smooth(chain, 2.0) for chain in raw])
    kept = [stroke - 2.0 for stroke in strokes if length(stroke) >= shortest]
    return sorted(kept, key=length, reverse=True)
