"""CIE colour difference, from linear sRGB.

Sources: IEC 61966-2-1 (sRGB's primaries, D65), CIE 15:2004 (L*a*b*), CIE 142-2001 (CIEDE2000).
"""

import numpy as np

from calibration.steps.outcome import Floats

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_BEND = 6 / 29


def lab(linear: Floats) -> Floats:
    """L*a*b* under D65 of linear sRGB, shape (n, 3) each."""
    ratio = np.maximum(linear, 0) @ _TO_XYZ.T / _TO_XYZ.sum(axis=1)
    f = np.where(ratio > _BEND**3, np.cbrt(ratio), ratio / (3 * _BEND**2) + 4 / 29)
    x, y, z = f[:, 0], f[:, 1], f[:, 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def delta_e_2000(first: Floats, second: Floats) -> Floats:
    """CIEDE2000 between L*a*b* colours, shapes (n, 3), weights 1; shape (n,)."""
    l1, a1, b1 = first.T
    l2, a2, b2 = second.T
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 1.5 - 0.5 * _strong(mean_c)
    a1, a2 = g * a1, g * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for b, a in ((b1, a1), (b2, a2)))
    is_grey = c1 * c2 == 0
    dh = np.where(is_grey, 0, (h2 - h1 + 180) % 360 - 180)
    # Exactly opposite hues: the sign is the formula's, not the remainder's.
    dh = np.where(~is_grey & (h2 - h1 == 180), 180, dh)
    turn = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    total = h1 + h2
    apart = np.where(total < 360, total + 360, total - 360)
    h = np.where(is_grey, total, np.where(np.abs(h1 - h2) <= 180, total, apart) / 2)
    mean_l, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * _cos(h - 30) + 0.24 * _cos(2 * h) + 0.32 * _cos(3 * h + 6)
    t = t - 0.20 * _cos(4 * h - 63)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    twist = -2 * _strong(c) * np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, turn / s_h
    return np.asarray(np.sqrt(dl**2 + dc**2 + dh**2 + twist * dc * dh))


def _strong(chroma: Floats) -> Floats:
    return np.asarray(np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))


def _cos(degrees: Floats) -> Floats:
    return np.asarray(np.cos(np.radians(degrees)))
