"""Stage 7, the verdict: a pure function of evidence."""
