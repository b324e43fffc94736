"""Stage 8, out: one report model, one file per format."""
