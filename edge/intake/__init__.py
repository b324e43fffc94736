"""Stage 1, in: a message becomes a `Capture`, or a refusal. Sessions and slides, without I/O."""
