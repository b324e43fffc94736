"""What lies between the epithelial cells: leucocytes, blood, keratin, mucus, specks, clumps."""

import cv2
import numpy as np
import numpy.typing as npt

from drivers.scanner.words import Preparation
from drivers.sources.simulated import shapes, texture
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers
from drivers.sources.simulated.stain import Appearance, varied


def draw(
    rng: np.random.Generator,
    kind: Kind,
    look: Appearance,
    um_per_px: float,
    preparation: Preparation,
) -> Layers:
    """One thing of a kind that is no epithelial cell."""
    is_smear = preparation is Preparation.CONVENTIONAL
    if kind is Kind.NEUTROPHIL:
        return _neutrophil(rng, look, um_per_px, is_smear)
    if kind is Kind.RED_CELL:
        return _red_cell(rng, look, um_per_px, is_smear)
    if kind is Kind.DEBRIS:
        return _debris(rng, look, um_per_px, is_smear)
    draw_one = {
        Kind.LYMPHOCYTE: _lymphocyte,
        Kind.KERATIN: _keratin,
        Kind.MUCUS: _mucus,
        Kind.CLUMP: _clump,
    }[kind]
    return draw_one(rng, look, um_per_px)


def _neutrophil(
    rng: np.random.Generator, look: Appearance, um_per_px: float, is_smear: bool
) -> Layers:
    """Two to four joined lobes in a faint body; in a smear at times a bare, drawn-out nucleus."""
    size_px = shapes.side_px(8.0, um_per_px)
    lobes = np.zeros((size_px, size_px), np.float32)
    start, along = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.8)
    ring_um, pulled = rng.uniform(1.5, 2.5), np.array([1.0, 1.0])
    if is_smear and rng.uniform() < 0.2:
        pulled = np.array([rng.uniform(1.3, 2.2), rng.uniform(0.6, 0.9)])
    turn = _turn(rng)
    for lobe in range(int(rng.integers(2, 5))):
        angle = start + along * lobe
        middle = ring_um * np.array([np.cos(angle), np.sin(angle)])
        outline = shapes.blob(rng, rng.uniform(1.1, 1.9), rng.uniform(1, 1.5), 0.06) + middle
        lobes = np.maximum(lobes, shapes.filled((outline * pulled) @ turn, size_px, um_per_px))
    soft = texture.softened(lobes, 0.45, um_per_px)  # threads join the lobes
    lobes = np.clip((soft - 0.28) * 3, 0, 1) * (0.75 + 0.35 * soft)
    lobes *= 1 + rng.uniform(0.05, 0.2) * texture.grain(rng, size_px, 0.5 / um_per_px)
    outline = shapes.blob(rng, rng.uniform(3.9, 5.2), rng.uniform(1, 1.3), 0.05) @ turn
    body = shapes.filled(outline, size_px, um_per_px)
    body *= 1 + 0.35 * texture.grain(rng, size_px, 0.4 / um_per_px)
    dye = 0.7 * look.green + 0.3 * look.nucleus if rng.uniform() < 0.75 else look.pink
    faint = float(rng.uniform(0.03, 0.22) * (rng.uniform() < 0.8))
    return [
        (
            np.maximum(lobes, 0) * np.float32(rng.uniform(0.6, 1.2)),
            varied(rng, look.nucleus, 0.05),
        ),
        (np.maximum(body, 0) * np.float32(faint), np.asarray(dye, np.float32)),
    ]


def _turn(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A rotation by chance; float64, shape (2, 2)."""
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _lymphocyte(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    size_px = shapes.side_px(6.0, um_per_px)
    radius_um = rng.uniform(2.7, 3.9)
    outline = shapes.blob(rng, radius_um, rng.uniform(1, 1.25), 0.03)
    mask = shapes.filled(outline, size_px, um_per_px)
    clods = texture.grain(rng, size_px, 0.7 / um_per_px)
    mask *= np.clip(1 + 0.22 * clods, 0.4, 1.8)
    outline = shapes.blob(rng, radius_um + rng.uniform(0.3, 1.2), 1.1, 0.04)
    rim = shapes.filled(outline + rng.normal(0, 0.3, 2), size_px, um_per_px)
    return [
        (mask * np.float32(rng.uniform(0.75, 1.2)), varied(rng, look.nucleus, 0.05)),
        (rim * np.float32(rng.uniform(0.05, 0.2)), look.green),
    ]


def _red_cell(
    rng: np.random.Generator, look: Appearance, um_per_px: float, is_smear: bool
) -> Layers:
    """A disc, deep orange in a smear; in liquid-based slides mostly a pale ghost."""
    outline = shapes.blob(rng, rng.uniform(2.8, 3.7), rng.uniform(1, 1.6), 0.05) @ _turn(rng)
    mask = shapes.filled(outline, shapes.side_px(6, um_per_px), um_per_px)
    depth = shapes.depth_um(mask, um_per_px)
    profile = 0.75 + rng.uniform(0, 0.5) * np.exp(-((depth - 0.6) ** 2) / 0.5)
    is_ghost = rng.uniform() < (0.25 if is_smear else 0.6)
    amount = rng.uniform(0.04, 0.12) if is_ghost else rng.uniform(0.15, 0.6 if is_smear else 0.45)
    share = rng.beta(3, 1) if is_smear else rng.beta(1.2, 2)
    dye = share * look.orange + (1 - share) * look.pink
    return [(mask * profile * np.float32(amount), varied(rng, dye, 0.08))]


def _keratin(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    """A squame without a nucleus: whole, curled, or a shard."""
    radius_um = rng.uniform(6, 21)
    outline = shapes.polygon(rng, radius_um, int(rng.integers(4, 8)), 0.35, int(rng.integers(1, 4)))
    outline = shapes.ragged(rng, outline, rng.uniform(0.04, 0.2))
    size_px = shapes.side_px(float(np.abs(outline).max()), um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    rolled = np.exp(-shapes.depth_um(mask, um_per_px) / rng.uniform(0.4, 1.5))
    net = texture.wrinkles(rng, size_px, 1.6 / um_per_px)
    sheet = (0.8 + 0.5 * rolled + 0.3 * net) * mask
    sheet = sheet + texture.creases(rng, mask, um_per_px, int(rng.integers(0, 5)))
    if rng.uniform() < 0.5:
        sheet = texture.folded_over(rng, np.asarray(sheet, np.float32))
    ghost = 1 - rng.uniform(0, 0.5) * np.exp(-((texture.away_um(size_px, um_per_px) / 3.2) ** 4))
    share = rng.beta(3, 1.2)
    dye = share * look.orange + (1 - share) * look.pink
    amount = np.float32(rng.uniform(0.15, 0.55) * look.depth)
    return [(np.asarray(sheet * ghost, np.float32) * amount, varied(rng, dye, 0.06))]


def _mucus(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    """Strands drawn out along x, faint and streaked."""
    radius_um = rng.uniform(8, 16)
    outline = shapes.blob(rng, radius_um, rng.uniform(2, 5), 0.1)
    size_px = shapes.side_px(float(np.abs(outline).max()) * 1.15, um_per_px)
    soft = texture.softened(shapes.filled(outline, size_px, um_per_px), 0.12 * radius_um, um_per_px)
    x, y = texture.distance_um(size_px, um_per_px)
    waves = texture.grain(rng, size_px, 4.0 / um_per_px)
    bent = np.asarray(y + rng.normal(0, 0.008) * x**2 + 0.4 * waves, np.float32)
    lattice_x, lattice_y = x / (16 * um_per_px) + size_px / 2, bent / um_per_px + size_px / 2
    noise = texture.grain(rng, size_px, rng.uniform(0.25, 0.5) / um_per_px)
    threads = cv2.remap(noise, lattice_x, lattice_y, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    haze = 0.45 + 0.35 * texture.grain(rng, size_px, 2.5 / um_per_px)
    strand = soft * np.clip(haze + rng.uniform(0.25, 0.5) * threads, 0, 2)
    dye = 0.5 * look.nucleus + 0.5 * (look.green if rng.uniform() < 0.6 else look.pink)
    amount = np.float32(rng.uniform(0.05, 0.22))
    return [(np.asarray(strand, np.float32) * amount, np.asarray(dye, np.float32))]


def _debris(rng: np.random.Generator, look: Appearance, um_per_px: float, is_smear: bool) -> Layers:
    """A speck, a patch of rods, a crumbling clot; on a smear mostly a film of dried protein."""
    draw_one = rng.choice(4, p=(0.3, 0.2, 0.1, 0.4) if is_smear else (0.5, 0.27, 0.2, 0.03))
    if draw_one == 1:
        return _rods(rng, look, um_per_px)
    if draw_one > 1:
        return _crumbs(rng, look, um_per_px, is_film=draw_one == 3)
    radius_um = rng.uniform(0.3, 1.6)
    outline = shapes.blob(rng, radius_um, rng.uniform(1, 2.5), 0.15)
    mask = shapes.filled(outline, shapes.side_px(3 * radius_um, um_per_px), um_per_px)
    return [(mask * np.float32(rng.uniform(0.3, 1.5)), varied(rng, look.nucleus, 0.15))]


def _crumbs(rng: np.random.Generator, look: Appearance, um_per_px: float, is_film: bool) -> Layers:
    """A clot of lysed blood or, wider and fainter, a film."""
    radius_um = rng.uniform(9, 20) if is_film else rng.uniform(3, 13)
    outline = shapes.blob(rng, radius_um, rng.uniform(1, 2), 0.15) @ _turn(rng)
    size_px = shapes.side_px(float(np.abs(outline).max()) * 1.3, um_per_px)
    soft = texture.softened(shapes.filled(outline, size_px, um_per_px), 0.2 * radius_um, um_per_px)
    fine = texture.grain(rng, size_px, rng.uniform(0.2, 0.4 if is_film else 0.6) / um_per_px)
    patchy = texture.grain(rng, size_px, (4 if is_film else 2) / um_per_px)
    crumbs = np.clip((0.5 if is_film else -0.2) + 0.8 * fine + 0.5 * patchy, 0, 2)
    dye = rng.dirichlet((0.6, 0.4, 0.4)) @ np.stack([look.nucleus, look.pink, look.green])
    amount = np.float32(rng.uniform(0.02, 0.09) if is_film else rng.uniform(0.08, 0.35))
    return [(np.asarray(soft * crumbs, np.float32) * amount, np.asarray(dye, np.float32))]


def _clump(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    """A grainy clot of protein, or a crumpled dark scrap; both as dense as nuclei."""
    radius_um = float(np.exp(rng.normal(1.85, 0.45)))  # about 6, seldom over 15
    outline = shapes.blob(rng, radius_um, rng.uniform(1, 2.6), rng.uniform(0.08, 0.25))
    outline = shapes.ragged(rng, outline @ _turn(rng), rng.uniform(0.1, 0.6))
    size_px = shapes.side_px(float(np.abs(outline).max()) * 1.25, um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    patchy = texture.grain(rng, size_px, rng.uniform(1, 3) / um_per_px)
    if rng.uniform() < 0.5:
        fine = texture.grain(rng, size_px, rng.uniform(0.25, 0.6) / um_per_px)
        edge = texture.softened(mask, rng.uniform(0.1, 0.25) * radius_um, um_per_px)
        body = edge * np.clip(rng.uniform(0.3, 0.9) + 0.55 * fine + 0.4 * patchy, 0, 2.2)
        dye = rng.dirichlet((1.0, 0.7, 0.2)) @ np.stack([look.nucleus, look.pink, look.green])
        amount = rng.uniform(0.2, 0.8)
    else:
        creased = texture.creases(rng, mask, um_per_px, int(rng.integers(0, 6)))
        edge = texture.softened(mask, rng.uniform(0.15, 0.8), um_per_px)
        body = edge * np.clip(0.9 + rng.uniform(0.1, 0.4) * patchy, 0.2, 2) + 0.4 * creased
        if rng.uniform() < 0.4:
            body = texture.folded_over(rng, np.asarray(body, np.float32))
        dye = rng.dirichlet((1.4, 0.3, 0.6)) @ np.stack([look.nucleus, look.pink, look.green])
        amount = rng.uniform(0.35, 1.3)
    return [
        (
            np.asarray(body, np.float32) * np.float32(amount),
            varied(rng, np.asarray(dye, np.float32), 0.1),
        )
    ]


def _rods(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    """Lactobacilli: a scatter of rods, 1 to 3 um long."""
    reach_um = rng.uniform(3, 12)
    size_px = shapes.side_px(reach_um + 3, um_per_px)
    drawn = np.zeros((size_px, size_px), np.float32)
    for _ in range(int(rng.integers(4, 26))):
        middle, angle = rng.normal(0, reach_um / 2.4, 2), rng.uniform(0, np.pi)
        half = rng.uniform(0.4, 1.5) * np.array([np.cos(angle), np.sin(angle)])
        ends = np.clip((middle + np.stack([-half, half])) / um_per_px + size_px / 2, 1, size_px - 2)
        points = [np.rint(ends * 8).astype(np.int32)]
        cv2.polylines(drawn, points, False, 0.8, 1, cv2.LINE_AA, 3)
    return [(drawn * np.float32(rng.uniform(0.15, 0.6)), look.nucleus)]
