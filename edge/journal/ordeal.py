"""A suspect's trial: its pixels are decoded in a child process first, which may die of them."""

import json
import resource
import subprocess
import sys
from dataclasses import asdict, fields

from edge.picture import Picture, decode
from edge.quality.assess import assess
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Image

LIMIT_S = 20
"""A field that takes longer would hold the slide up."""
MEMORY_BYTES = 4 << 30
"""Address space of the child: the libraries, and the largest picture several times over."""


def survives(capture: Capture) -> bool:
    """Whether a process that decodes and judges this capture lives, and in time."""
    header = {
        name.name: getattr(capture, name.name) for name in fields(capture) if name.name != "pixels"
    }
    header["place"] = asdict(capture.place)
    message = json.dumps(header).encode() + b"\n" + bytes(capture.pixels)
    try:
        child = subprocess.run(  # this program itself
            [sys.executable, "-m", "edge.journal.ordeal"],
            input=message,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return child.returncode == 0


def main() -> None:
    """The child: reads a capture, decodes and judges it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    header = json.loads(sys.stdin.buffer.readline())
    header["image"] = Image(*header["image"])
    header["place"] = Rectangle(**header["place"])
    picture = decode(Capture(**header, pixels=sys.stdin.buffer.read()))
    if isinstance(picture, Picture):
        assess(picture)


if __name__ == "__main__":
    main()
