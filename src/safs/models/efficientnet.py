"""EfficientNet-B0 with fewer strides, for images of 16x16 and 32x32 pixels."""

import torch
from torch import Tensor, nn

from safs.activations import Activation
from safs.errors import SafsError

# expansion, kernel, stride, channels, blocks (Tan and Le 2019, arXiv:1905.11946, table 1)
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
          (6, 3, 1, 320, 1))  # fmt: skip
DEPTH_RATE = 0.2  # the last block is left out for so many of the training examples, the first for none


def convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution with batch norm."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out)]


class SqueezeExcitation(nn.Module):
    """Scales every channel by a gate computed from all channels' means (Hu et al. 2018, arXiv:1709.01507).

    Args:
        channels: of input and output.
        squeezed: units of the layer between.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.squeeze_act = Activation("swish", channels=squeezed)
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Sigmoid()  # a gate, no activation to search

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.gate(self.expand(self.squeeze_act(self.reduce(self.pool(x)))))
        return x * gate


class StochasticDepth(nn.Module):
    """Leaves a block out for a part of the training examples (Huang et al. 2016, arXiv:1603.09382).

    Args:
        rate: the part, in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = torch.rand(x.shape[0], 1, 1, 1, device=x.device) >= self.rate
        return x * keep.to(x.dtype) / (1 - self.rate)


class MBConv(nn.Module):
    """Expansion, depthwise convolution, squeeze-excitation, projection, beside a shortcut where the shape stays.

    Args:
        channels: of the input.
        out: channels of the output.
        expansion: how many times wider the block is inside.
        kernel: of the depthwise convolution.
        stride: of the depthwise convolution.
        rate: of stochastic depth.
    """

    def __init__(self, channels: int, out: int, expansion: int, kernel: int, stride: int, rate: float) -> None:
        super().__init__()
        inner = channels * expansion
        expand: list[nn.Module] = []
        if expansion > 1:
            expand = [*convolution(channels, inner, 1), Activation("swish", channels=inner)]
        self.expand = nn.Sequential(*expand)
        depthwise = convolution(inner, inner, kernel, stride, groups=inner)
        self.depthwise = nn.Sequential(*depthwise, Activation("swish", channels=inner))
        self.excite = SqueezeExcitation(inner, max(1, channels // 4))
        self.project = nn.Sequential(*convolution(inner, out, 1))
        self.depth = StochasticDepth(rate)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.excite(self.depthwise(self.expand(x))))
        return self.depth(y) + x if self.residual else y


class EfficientNetB0(nn.Module):
    """A stem, sixteen MBConv blocks, a wide 1x1 convolution, and a linear layer; swish throughout.

    Tan and Le 2019, arXiv:1905.11946; 5,288,548 parameters for 3 channels and 1,000 classes. The stem has stride 2 for
    images of 64 pixels and more only, the second stage for 32 and more, so that small images keep 2x2 at the end.

    Args:
        input_shape: (channels, height, width); height and width are at least 16.
        classes: number of classes, at least 2.

    Shape:
        [batch, channels, height, width] -> logits [batch, classes].

    Raises:
        SafsError: the images are smaller than 16x16.
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, height, width = input_shape
        side = min(height, width)
        if side < 16:
            raise SafsError(f"efficientnet_b0 needs images of at least 16x16 pixels, these are {height}x{width}")
        self.stem = nn.Sequential(
            *convolution(channels, 32, 3, 2 if side >= 64 else 1), Activation("swish", channels=32)
        )
        blocks: list[nn.Module] = []
        before, total = 32, sum(stage[-1] for stage in STAGES)
        for index, (expansion, kernel, stride, out, count) in enumerate(STAGES):
            first = 1 if index == 1 and side < 32 else stride
            for number in range(count):
                rate = DEPTH_RATE * len(blocks) / total
                blocks.append(MBConv(before, out, expansion, kernel, 1 if number else first, rate))
                before = out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(*convolution(before, 4 * before, 1), Activation("swish", channels=4 * before))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(4 * before, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.head(self.blocks(self.stem(x)))).flatten(1)  # [batch, 1280]
        logits: Tensor = self.fc(self.dropout(x))
        return logits
