"""The daemon: fields in, verdict out. Start at `edge/pipeline.py`."""
