"""The daemon's commands: run it, ask it, check it, see what it costs."""
