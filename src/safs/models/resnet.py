"""ResNet-18 in its CIFAR form."""

from torch import Tensor, nn

from safs.activations import Activation
from safs.errors import SafsError


class BasicBlock(nn.Module):
    """Two convolutions of 3x3 beside a shortcut (He et al. 2016, arXiv:1512.03385).

    Args:
        channels: of the input.
        out: channels of the output.
        stride: of the first convolution, and of the shortcut.

    Shape:
        [batch, channels, height, width] -> [batch, out, height / stride, width / stride].
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.act1 = Activation(channels=out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.act2 = Activation(channels=out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        result: Tensor = self.act2(y + self.shortcut(x))
        return result


class ResNet18(nn.Module):
    """A 3x3 stem without stride or pooling, and eight blocks of 64 to 512 channels.

    He et al. 2016, arXiv:1512.03385; 11,173,962 parameters for 3 channels and 10 classes.

    Args:
        input_shape: (channels, height, width); height and width are at least 8.
        classes: number of classes, at least 2.

    Shape:
        [batch, channels, height, width] -> logits [batch, classes].

    Raises:
        SafsError: the images are smaller than 8x8.
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, height, width = input_shape
        if min(height, width) < 8:
            raise SafsError(f"resnet18 needs images of at least 8x8 pixels, these are {height}x{width}")
        self.conv1 = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act1 = Activation(channels=64)
        blocks, before = [], 64
        for out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [BasicBlock(before, out, stride), BasicBlock(out, out, 1)]
            before = out
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.act1(self.bn1(self.conv1(x))))
        logits: Tensor = self.fc(self.pool(x).flatten(1))  # [batch, 512] -> [batch, classes]
        return logits
