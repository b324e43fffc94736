"""Calibration targets as a camera would show them, with known truth and faults that can be planted.

Pictures are linear in light, uint8, shape (H, W) or (H, W, 3). Each maker takes a seeded generator,
so the same seed shows the same target.
"""
