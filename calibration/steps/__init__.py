"""The steps of a calibration: pictures and settings in, figures with their uncertainty out.

One file a step, without camera, clock, file or chance.
"""
