"""Bytes to messages and back: what integrators read and import."""
