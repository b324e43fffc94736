"""Stage 3, judged: is each part of a picture usable, empty, or unusable, and why."""
