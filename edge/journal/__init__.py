"""Stage 5, kept: a record is on disk before it is acknowledged."""
