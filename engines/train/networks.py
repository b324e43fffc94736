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

GRADER: tuple[Step, ...] = (
    Conv("c2", "image", 3, 16, stride=2),
    Conv("c4", "c2", 16, 32, stride=2),
    Conv("c8", "c4", 32, 64, stride=2),
    Conv("c8a", "c8", 64, 64),
    Conv("c8b", "c8a", 64, 64, add="c8"),
    Conv("c16", "c8b", 64, 128, stride=2),
    Conv("c16a", "c16", 128, 128),
    Conv("c16b", "c16a", 128, 128, add="c16"),
    Gather("whole", "c16b", 128, CROP_PX // 16),
    Conv("embedding", "whole", 128, EMBEDDING, kernel=1),
    Conv("grade", "embedding", EMBEDDING, len(CLASSES), kernel=1, is_head=True),
)
"""Four halvings of a crop, a weighted sum over its 6 x 6 places, 64 numbers, seven logits: 0.5
million parameters, 0.06 GFLOP a crop."""
