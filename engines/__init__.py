"""Pixels to detections. Knows nothing of slides."""
