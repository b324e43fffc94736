"""A network as a table of steps: torch trains it, and `export` writes the same table as ONNX."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn import functional

WHITE = 255.0
SPAN = 128.0
"""The graph computes (255 - x) / 128, so that zero padding is white, as glass is."""


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with batch normalisation, then `+ add`, then ReLU (a head has neither)."""

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


@dataclass(frozen=True, slots=True)
class Gather:
    """A weighted sum over all places, each channel with weights of its own; then ReLU.

    Unlike a mean it can tell the middle of a crop from its rim.
    """

    name: str
    source: str
    channels: int
    side: int
    """Height and width of what is summed."""


Step: TypeAlias = Conv | Double | Gather


def new_network(steps: Sequence[Step]) -> Any:  # noqa: ANN401  (torch is not installed where types are checked)
    """The parameters of some steps, untrained: a `nn.ModuleDict` by step."""
    layers = nn.ModuleDict()
    for step in steps:
        if isinstance(step, Gather):
            gather = nn.Conv2d(step.channels, step.channels, step.side, groups=step.channels)
            nn.init.constant_(gather.weight, 1 / step.side**2)
            nn.init.zeros_(gather.bias)
            layers[step.name] = gather
        elif isinstance(step, Conv):
            around = step.kernel // 2
            conv = nn.Conv2d(
                step.inputs, step.outputs, step.kernel, step.stride, around, bias=step.is_head
            )
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            layers[step.name] = conv
            if step.is_head:
                nn.init.normal_(conv.weight, std=0.01)
                nn.init.zeros_(conv.bias)
            else:
                layers[f"{step.name}_norm"] = nn.BatchNorm2d(step.outputs)
    return layers


def forward(network: Any, steps: Sequence[Step], tiles: torch.Tensor) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """What every step gives, by name.

    Args:
        network: What `new_network` gave for these steps.
        steps: The table; the first one reads `image`.
        tiles: uint8, shape (n, H, W, 3), RGB.
    """
    tiles = tiles.to(next(network.parameters()).device)
    values = {"image": (WHITE - tiles.permute(0, 3, 1, 2).float()) / SPAN}
    for step in steps:
        source = values[step.source]
        if isinstance(step, Double):
            # By repetition, not by interpolation, whose gradient a GPU sums in any order.
            n, channels, height, width = source.shape
            twice = source[:, :, :, None, :, None].expand(n, channels, height, 2, width, 2)
            values[step.name] = twice.reshape(n, channels, 2 * height, 2 * width)
            continue
        value = network[step.name](source)
        if isinstance(step, Conv) and not step.is_head:
            value = network[f"{step.name}_norm"](value)
            value = value if step.add is None else value + values[step.add]
        is_bare = isinstance(step, Conv) and step.is_head
        values[step.name] = value if is_bare else functional.relu(value)
    return values
