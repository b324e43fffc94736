"""The network as a table of steps: torch trains it, and `export` writes the same table as ONNX.

A small fully convolutional ReLU network: features at strides 2, 4, 8 and 16, added back top-down
to stride 4, where one 1 x 1 head gives the logit of a nucleus' middle and three tier logits.
A cell of the output sees 114 px, 57 um, around it; 7.9 GFLOP for a tile of 1232 x 1024.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

STRIDE = 4
"""Tile pixels a cell of the output is wide and high."""

WHITE = 255.0
SPAN = 128.0
"""The graph computes (255 - x) / 128, so that zero padding is white, as glass is."""


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with batch normalisation, then `+ add`, then ReLU (the head has neither)."""

    name: str
    source: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    add: str | None = None
    is_head: bool = False


@dataclass(frozen=True, slots=True)
class Double:
    """Twice as wide and high, by repetition."""

    name: str
    source: str


STEPS: tuple[Conv | Double, ...] = (
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


def new_network() -> Any:  # noqa: ANN401  (torch is not installed where types are checked)
    """The network's parameters, untrained: a `nn.ModuleDict` by step."""
    layers = nn.ModuleDict()
    for step in STEPS:
        if not isinstance(step, Conv):
            continue
        conv = nn.Conv2d(
            step.inputs,
            step.outputs,
            step.kernel,
            step.stride,
            step.kernel // 2,
            bias=step.is_head,
        )
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        layers[step.name] = conv
        if step.is_head:
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)
            conv.bias.data[0] = -4.0  # few cells of the output are the middle of a nucleus
        else:
            layers[f"{step.name}_norm"] = nn.BatchNorm2d(step.outputs)
    return layers


def forward(network: Any, tiles: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Logits, float32, shape (n, 4, H / 4, W / 4): middle, then tiers.

    Args:
        network: What `new_network` gave.
        tiles: uint8, shape (n, H, W, 3), RGB; H and W multiples of 16.
    """
    values = {"image": (WHITE - tiles.permute(0, 3, 1, 2).float()) / SPAN}
    for step in STEPS:
        source = values[step.source]
        if isinstance(step, Double):
            values[step.name] = functional.interpolate(source, scale_factor=2, mode="nearest")
            continue
        value = network[step.name](source)
        if not step.is_head:
            value = network[f"{step.name}_norm"](value)
            value = functional.relu(value if step.add is None else value + values[step.add])
        values[step.name] = value
    return values[STEPS[-1].name]
