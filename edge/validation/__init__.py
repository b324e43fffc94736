"""Whole slides, replayed and fitted on: where the card's thresholds come from."""
