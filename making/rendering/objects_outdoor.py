"""Things that sail, fly or stand in the snow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rendering import materials as m
from rendering import shapes
from rendering.shapes import spline
from rendering.subject import Shot, Subject


def hull(length: float, beam: float, deep: float) -> Any:
    """A boat hull along x with its bow at +x; the deck is at z = 0."""
    t = np.linspace(0, 1, 40)
    half = beam / 2 * np.interp(t, [0, 0.1, 0.4, 0.7, 0.9, 1], [0.7, 0.8, 1.0, 0.8, 0.35, 0.02])
    sheer = 0.1 * (2 * t - 0.9) ** 2
    keel = -deep * np.interp(t, [0, 0.2, 0.6, 0.9, 1], [0.75, 0.95, 1.0, 0.7, 0.15])
    a = np.linspace(-np.pi / 2, np.pi / 2, 17)
    rows = []
    for x, h, top, low in zip((t - 0.5) * length, half, sheer, keel, strict=True):
        z = top + (low - top) * np.cos(a) ** 0.7
        rows.append(np.stack([np.full_like(a, x), h * np.sin(a), z], 1))
    grid = np.array(rows)
    lid = np.stack([grid[:, 0], grid[:, -1]], 1)
    transom = np.stack([grid[0, :9], grid[0, :9] * (1, -1, 1)], 0)
    parts = [shapes.sheet(g) for g in (grid, lid, transom)]
    vertices: list[tuple[float, float, float]] = []
    faces: list[list[int]] = []
    for part in parts:
        start = len(vertices)
        vertices += [tuple(v.co) for v in part.data.vertices]
        faces += [[start + i for i in p.vertices] for p in part.data.polygons]
    return shapes.mesh(vertices, faces)


def sail(corners: ArrayLike, belly: float) -> Any:
    """A triangular sail, (3, 3) corners tack, clew and head, blown towards +y."""
    tack, clew, head = np.asarray(corners, dtype=float)
    u = np.linspace(0, 1, 14)
    rows = []
    for v in u:
        left, right = tack + (head - tack) * v, clew + (head - clew) * v
        row = left + np.outer(u, right - left)
        row[:, 1] += belly * np.sin(np.pi * u) * (1 - v) * np.sqrt(v + 0.15)
        row[:, 0] -= 0.12 * np.sin(np.pi * v) * u * 0.6
        rows.append(row)
    return shapes.sheet(np.array(rows), 0.008)


# The main sail's hue, saturation and value in each instance.
CLOTHS = [(0.1, 0.05, 0.85), (0.1, 0.1, 0.8), (0.0, 0.75, 0.6), (0.08, 0.5, 0.6)]
CLOTHS += [*CLOTHS[:2], (0.12, 0.8, 0.75), (0.5, 0.55, 0.55)]


def rig(s: Subject, x: float, top: float, reach: float, belly: float, cloth: Any) -> None:
    """A mast of height `top` at x, with a boom of length `reach` and a main sail."""
    spar, foot = m.wood((0.4, 0.22, 0.1)), 0.35
    s.add(shapes.rod((x, 0, 0), (x, 0, top), 0.035, 0.7), spar, "")
    s.line([(x, -0.05, 0.1), (x, -0.05, top)])
    s.add(shapes.rod((x, 0, foot), (x - reach, 0.1, foot - 0.02), 0.028), spar, "")
    tack, clew = (x - 0.04, 0, foot + 0.05), (x - reach, 0.1, foot + 0.05)
    s.add(sail([tack, clew, (x - 0.04, 0, top * 0.97)], belly), cloth, f"sail {x}")


def sailboat(s: Subject) -> None:
    """A boat with one mast and one or two sails, or with two masts."""
    long, beam, deep = s.uniform(2.2, 2.7), s.uniform(0.75, 0.95), s.uniform(0.4, 0.55)
    hulls = [(0.75, 0.75, 0.72), (0.05, 0.1, 0.3), (0.45, 0.03, 0.03), (0.3, 0.14, 0.06)]
    color = s.cycle([*hulls, *hulls[:2], (0.02, 0.03, 0.04), (0.75, 0.73, 0.68)])
    paint = m.wood(color, "x", 2, 0.25) if s.number == 4 else m.plastic(color, 0.15)
    s.add(hull(long, beam, deep), paint, "hull")
    tall = s.cycle([3.0, 2.6, 3.3, 2.5, 2.8, 3.1])
    white = m.fabric(m.hsv(*s.cycle(CLOTHS)), 90)
    masts = [(0.15, tall)] if s.number != 6 else [(0.35, tall), (-0.65, tall * 0.75)]
    belly = s.uniform(0.15, 0.32)
    for x, top in masts:
        rig(s, x, top, 0.95 if len(masts) == 2 else long * 0.5, belly, white)
    if s.number not in (2, 8):
        x, top = masts[0]
        head = (x + 0.04, 0, top * s.cycle([0.85, 0.95, 0.7]))
        jib = [(long / 2 - 0.05, 0, 0.15), (x + 0.15, 0.25, 0.4), head]
        second = m.fabric(m.hsv(0.6, 0.6, 0.5), 90) if s.number == 5 else white
        s.add(sail(jib, belly * 0.7), second, "jib")
    if s.number in (1, 3, 5):
        cabin = shapes.box((0.7, beam * 0.55, 0.25), 0.06)
        s.add(cabin, m.plastic((0.75, 0.73, 0.68)), "cabin", (-0.15, 0, 0.12))
    if s.number in (2, 4, 7):
        flag = m.plastic((0.6, 0.05, 0.03))
        s.add(shapes.box((0.3, 0.01, 0.16), 0), flag, "flag", (-0.02, 0, tall + 0.06))
    s.move(turn=(s.uniform(-7, 7), 0, s.cycle([0, 180, 15, 165, -20, 10])))


# An envelope's (radius, height), and its profile in units of those.
BALLOONS = {"drop": (1.2, 2.6), "round": (1.25, 2.4), "tall": (1.05, 3.0), "wide": (1.4, 2.3)}
ENVELOPE = [(0.24, 0), (0.5, 0.16), (0.85, 0.38), (1.0, 0.65), (0.85, 0.87), (0.45, 0.975), (0, 1)]


def hot_air_balloon(s: Subject) -> None:
    """A striped envelope over a wicker basket."""
    forms = ["drop", "round", "tall", "drop", "wide", "round", "wide", "tall"]
    wide, tall = BALLOONS[s.cycle(forms)]
    profile = spline(np.array(ENVELOPE) * (wide, tall), 50)
    panels = s.cycle([12, 8, 16, 10])
    hue, white = s.cycle([0.0, 0.55, 0.12, 0.8, 0.3, 0.02, 0.62, 0.07]), (0.85, 0.83, 0.78)
    colors = [m.hsv(hue, 0.9, 0.6), m.hsv(hue + s.uniform(0.1, 0.5), 0.8, 0.65), white]
    colors = colors[: s.cycle([2, 3])] if s.number != 4 else [colors[0], white]
    cloths = [m.Surface(c, 0.45, Sheen_Weight=0.2).material for c in colors]
    for i in range(panels):
        a = np.linspace(i, i + 1, 7) * 2 * np.pi / panels
        r = profile[:, :1] * (1 + 0.035 * np.sin(np.linspace(0, np.pi, 7)))
        z = np.repeat(profile[:, 1:], 7, 1)
        gore = shapes.sheet(np.stack([r * np.cos(a), r * np.sin(a), z], -1))
        s.add(gore, cloths[i % len(cloths)], f"gore {i // 2 if panels > 10 else i}")
    hang_basket(s, 0.2 * wide)
    s.move(turn=(s.uniform(-6, 6), s.uniform(-6, 6), s.uniform(0, 90)))


def hang_basket(s: Subject, spread: float) -> None:
    """A basket on four ropes that start `spread` from the axis, and a burner."""
    low, size = -s.uniform(0.65, 0.95), s.uniform(0.2, 0.27)
    wicker = m.mottled((0.35, 0.19, 0.08), (0.12, 0.06, 0.02), 14.0, 0.8, 0.8)
    if s.number % 2:
        crate = shapes.box((2 * size, 2 * size, 0.36), 0.03)
        s.add(crate, wicker, "basket", (0, 0, low), facets=True)
    else:
        tub = shapes.lathe([(0, -0.2), (size, -0.2), (size * 1.1, 0.2), (0, 0.1)])
        s.add(tub, wicker, "basket", (0, 0, low))
    rope = m.plastic((0.1, 0.08, 0.06))
    for x in (-1, 1):
        for y in (-1, 1):
            foot, top = (x * size * 0.9, y * size * 0.9, low + 0.17), (x * spread, y * spread, 0)
            s.add(shapes.rod(foot, top, 0.012), rope, "")
            s.line([foot, top])
    burner = shapes.lathe([(0, 0), (0.07, 0), (0.07, 0.15), (0, 0.15)])
    s.add(burner, m.metal(), "", (0, 0, low / 2))


def snowman(s: Subject) -> None:
    """Two or three balls of snow with a carrot, coal, twigs and a hat or scarf."""
    sizes = s.cycle(
        [(0.75, 0.55, 0.38), (0.85, 0.5), (0.7, 0.55, 0.42), (0.9, 0.6, 0.4), (0.7, 0.5)]
    )
    flakes = m.mottled((0.85, 0.87, 0.9), (0.72, 0.77, 0.85), 5.0, 0.7, 0.5)
    z = shoulder = 0.0
    for i, r in enumerate(sizes):
        z += r * (0.9 if i == 0 else 0.82)
        s.add(shapes.ball((r, r, r * 0.95)), flakes, f"ball {i}", (0, 0, z))
        if i + 1 < len(sizes):
            z += r * 0.72
            shoulder = z - r * 0.5
    coal, second = m.plastic((0.01, 0.01, 0.01), 0.6), sizes[-2]
    snow_face(s, sizes[-1], z, coal)
    for k in range(len(sizes)):
        h = shoulder - 0.2 + 0.56 * k * second
        depth = np.sqrt(max(0.01, second**2 - (h - shoulder + 0.1) ** 2)) * 0.97
        if h < shoulder + 0.4 * second:
            s.add(shapes.ball(0.055), coal, f"button {k}", (0, -depth, h))
    twig = m.wood((0.12, 0.06, 0.03))
    for side in (-1, 1):
        lift, high = s.uniform(0.1, 0.6), shoulder + 0.1
        root = np.array((side * second * 0.85, 0, high))
        tip = np.array((side * (second + 0.75), -0.1, high + lift))
        fork = root + (tip - root) * 0.7
        for start, end in ((root, tip), (fork, np.add(fork, (side * 0.1, 0, 0.28)))):
            s.add(shapes.rod(start, end, 0.03, 0.5), twig, "")
            s.line([start, end])
    snow_hat(s, sizes[-1], z)
    if s.number in (1, 2, 4, 6, 8):
        scarf(s, sizes[-1], z)


def snow_face(s: Subject, r: float, z: float, coal: Any) -> None:
    """Eyes, a carrot and a smile on a head of radius r at height z."""
    for x in (-0.36, 0.36):
        s.add(shapes.ball(0.06), coal, f"eye {x}", (x * r, -0.9 * r, z + 0.25 * r))
    tip = (s.uniform(-0.15, 0.15), -0.85 * r - 0.5, z - 0.05)
    nose = shapes.rod((0, -0.85 * r, z), tip, 0.08, 0.1)
    s.add(nose, m.plastic((0.75, 0.22, 0.02), 0.5), "nose")
    a = np.linspace(-0.9, 0.9, 6)
    smile = [0.55 * r * np.sin(a), 0 * a - 0.86 * r, z - 0.1 * r - 0.35 * r * np.cos(a)]
    for spot in np.stack(smile, 1):
        s.add(shapes.ball(0.03), coal, "", spot)
    s.line(np.add(np.stack(smile, 1), (0, -0.1, 0)))


def snow_hat(s: Subject, r: float, z: float) -> None:
    """A top hat, a bobble hat or a bucket on a head of radius r at height z."""
    kind = s.cycle(["top", "bobble", "bucket", "top", "bobble", "none"])
    color = m.hsv(s.uniform(0, 1), 0.8, 0.35)
    if kind == "top":
        side = [(0, 0), (r * 1.15, 0), (r * 1.15, 0.05), (r * 0.75, 0.06), (r * 0.75, 0.06)]
        top = shapes.lathe([*side, (r * 0.78, 0.55), (0, 0.55)])
        s.add(top, m.fabric((0.03, 0.03, 0.03)), "hat", (0, 0, z + r * 0.65), (-6, 8, 0))
    elif kind == "bobble":
        cap = spline([(r * 1.0, 0), (r * 0.98, 0.15), (r * 0.6, 0.5), (0, 0.62)], 24)
        s.add(shapes.lathe(cap), m.fabric(color, 20), "hat", (0, 0, z + r * 0.25), (-5, 0, 0))
        wool = m.fabric((0.8, 0.8, 0.8), 30)
        s.add(shapes.ball(0.15), wool, "bobble", (0, 0.05, z + r * 0.25 + 0.7))
    elif kind == "bucket":
        side = [(r * 0.95, 0), (r * 0.7, 0.55), (0, 0.55)]
        s.add(shapes.lathe(side), m.metal(), "hat", (0, 0, z + r * 0.5), (-8, -10, 0))


def scarf(s: Subject, r: float, z: float) -> None:
    """A scarf below a head of radius r at height z, with one end hanging."""
    wool = m.fabric(m.hsv(s.uniform(0, 1), 0.8, 0.4), 20)
    ring = np.add(shapes.circle(r * 0.95)[:-1], (0, 0, z - r * 0.8))
    s.add(shapes.tube(ring, 0.11, closed=True), wool, "scarf")
    tail = [(0.15, -0.95, -0.8), (0.22, -1.25, -1.4), (0.2, -1.4, -2.1)]
    path = np.add(spline(np.array(tail) * (1, r, r), 12), (0, 0, z))
    s.add(shapes.tube(path, 0.11, flat=0.4), wool, "scarf end")


def rocket(s: Subject) -> None:
    """A toy-like rocket with fins, a nose cone and a porthole."""
    wide = s.cycle([0.5, 0.42, 0.6, 0.48, 0.55, 0.38, 0.64, 0.46])
    tall = s.cycle([2.4, 2.8, 2.1, 2.5])
    side = [(0.6, 0), (0.9, 0.2), (1.0, 0.45), (0.8, 0.75)]
    if s.number in (2, 4, 6, 8):
        side = [(1, 0), (1, 0.3), (1, 0.6), (1, 0.74)]
    body = spline(np.array(side) * (wide, tall), 40)
    skins = [(0.78, 0.78, 0.76), (0.7, 0.7, 0.72), (0.65, 0.1, 0.06)]
    trims = [(0.6, 0.03, 0.02), (0.05, 0.15, 0.5), (0.75, 0.6, 0.1)]
    paint = m.plastic(s.cycle([*skins, *skins, (0.03, 0.06, 0.16), (0.1, 0.3, 0.16)]), 0.25)
    accent = m.plastic(s.cycle([*trims, *trims, (0.75, 0.3, 0.03), (0.8, 0.76, 0.6)]), 0.25)
    s.add(shapes.lathe(np.concatenate([[(0, 0)], body])), paint)
    r, z = body[-1]
    cone = [(r, 0), (r * 0.72, 0.13 * tall), (0, 0.3 * tall)]
    s.add(shapes.lathe(spline(cone, 24)), accent, "nose", (0, 0, z))
    nozzle = [(wide * 0.35, 0), (wide * 0.55, -0.22), (wide * 0.5, -0.22), (0, -0.05)]
    s.add(shapes.lathe(nozzle), m.metal((0.3, 0.3, 0.32)), "nozzle")
    fins, out = s.cycle([3, 4, 4]), wide + s.uniform(0.45, 0.65)
    edge = [(wide * 0.6, 0.75), (wide * 0.3 + out * 0.7, 0.35), (out, -0.3), (out, -0.3)]
    fin = np.concatenate([spline(edge, 20), [(wide * 0.6, 0.0)]])
    for i in range(fins):
        s.add(shapes.slab(fin, 0.08, 0.02), accent, f"fin {i}", turn=(90, 0, 15 + i * 360 / fins))
    for k in range(s.cycle([1, 2, 1])):
        h = tall * (0.5 - 0.2 * k)
        porthole(s, float(np.interp(h, body[:, 1], body[:, 0])), h, accent, k)
    if s.number in (1, 3, 5, 7):
        fire = spline([(wide * 0.5, 0), (wide * 0.62, -0.3), (wide * 0.3, -0.8), (0, -1.2)], 24)
        s.add(shapes.lathe(fire), m.emitter((1.0, 0.35, 0.04), 6.0), "fire", (0, 0, -0.2))
        s.move(turn=(0, s.cycle([25, 0, -20, 0, 35]), 0))


def porthole(s: Subject, front: float, z: float, rim: Any, number: int) -> None:
    """A round pane in a rim on the front of a rocket."""
    ring = np.add(shapes.circle(0.19)[:-1, [0, 2, 1]], (0, -front, z))
    s.add(shapes.tube(ring, 0.045, closed=True), rim, f"rim {number}")
    pane = shapes.ball((0.18, 0.04, 0.18))
    s.add(pane, m.plastic((0.03, 0.08, 0.14), 0.03), f"pane {number}", (0, -front, z))


CLASSES = {
    "sailboat": (sailboat, Shot(("sea",), elevation=(2, 10), sink=0.3)),
    "hot-air_balloon": (hot_air_balloon, Shot(("air",), elevation=(-14, 4))),
    "snowman": (snowman, Shot(("snow",), azimuth=(-25, 25), elevation=(2, 12))),
    "rocket": (
        rocket,
        Shot(("air", "paper", "air", "pavement"), azimuth=(-20, 20), elevation=(0, 12)),
    ),
}
