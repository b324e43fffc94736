"""The two networks: one finds nuclei at 0.5 um/px, one grades a crop of each at 0.25 um/px.

Both are small, convolutional, of fixed shapes, with ReLU alone: what INT8 keeps whole.
"""

from engines.train.cell_crops import CROP_PX
from engines.train.steps import Conv, Double, Gather, Step

LOCATOR: tuple[Step, ...] = (
    Conv("s2", "image", 3, 16, stride=2),
    Conv("s4", "s2", 16, 24, stride=2),
    Conv("s8", "s4", 24, 48, stride=2),
    Conv("s8a", "s8", 48, 48),
    Conv("s8b", "s8a", 48, 48, add="s8"),
    Conv("s16", "s8b", 48, 96, stride=2),
    Conv("s16a", "s16", 96, 96),
    Conv("s16b", "s16a", 96, 96, add="s16"),
    Conv("s16c", "s16b", 96, 96),
    Conv("s16d", "s16c", 96, 96, add="s16b"),
    Conv("t16", "s16d", 96, 48, kernel=1),
    Double("u8", "t16"),
    Conv("p8", "s8b", 48, 48, kernel=1, add="u8"),
    Conv("t8", "p8", 48, 24, kernel=1),
    Double("u4", "t8"),
    Conv("p4", "s4", 24, 24, kernel=1, add="u4"),
    Conv("q4", "p4", 24, 32),
    Conv("head", "q4", 32, 4, kernel=1, is_head=True),
)
"""Features at strides 2 to 16, added back top-down to stride 4. The head gives the logit of a
nucleus' middle and three tier logits. A cell of the output sees 114 px, 57 um, around it; 0.45
million parameters, 7.9 GFLOP for a tile of 1232 x 1024."""

CLASSES = ("none", "NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")
"""What the grader tells apart; `none` is no epithelial cell."""
EMBEDDING = 64
JUDGES = ("one", "two")
"""Two graders in one network, which see the same crops and start apart. Their mean errs less, and
from one training to the next it moves less, than either."""


def _judge(name: str) -> tuple[Step, ...]:
    """Four halvings of a crop, a weighted sum over its 6 x 6 places, 32 numbers, seven logits."""
    own = EMBEDDING // len(JUDGES)
    return (
        Conv(f"{name}_c2", "image", 3, 16, stride=2),
        Conv(f"{name}_c4", f"{name}_c2", 16, 32, stride=2),
        Conv(f"{name}_c8", f"{name}_c4", 32, 64, stride=2),
        Conv(f"{name}_c8a", f"{name}_c8", 64, 64),
        Conv(f"{name}_c8b", f"{name}_c8a", 64, 64, add=f"{name}_c8"),
        Conv(f"{name}_c16", f"{name}_c8b", 64, 128, stride=2),
        Conv(f"{name}_c16a", f"{name}_c16", 128, 128),
        Conv(f"{name}_c16b", f"{name}_c16a", 128, 128, add=f"{name}_c16"),
        Gather(f"{name}_whole", f"{name}_c16b", 128, CROP_PX // 16),
        Conv(f"{name}_embedding", f"{name}_whole", 128, own, kernel=1),
        Conv(f"{name}_grade", f"{name}_embedding", own, len(CLASSES), kernel=1, is_head=True),
    )


GRADER: tuple[Step, ...] = tuple(step for name in JUDGES for step in _judge(name))
"""1 million parameters, 0.12 GFLOP a crop."""
