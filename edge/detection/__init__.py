"""Stage 4, detected: findings, placed on the slide."""
