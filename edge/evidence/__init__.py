"""Stage 6, evidence: who counts a point, what is covered, what was counted."""
