"""Shipped models: one folder each, with its card."""
