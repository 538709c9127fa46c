"""VGG-16 with batch norm in its CIFAR form."""

from torch import Tensor, nn

from safs.activations import Activation
from safs.errors import SafsError

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # the 13 convolutions of column D


class VGG16(nn.Module):
    """13 convolutions of 3x3 with batch norm in five blocks, then three linear layers of 512 units.

    Simonyan and Zisserman 2015, arXiv:1409.1556, column D; the linear layers have 512 units instead of 4,096, as is
    usual for CIFAR (Zagoruyko 2015). The blocks end with pooling, as long as there are two pixels to pool.

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
            raise SafsError(f"vgg16 needs images of at least 16x16 pixels, these are {height}x{width}")
        layers: list[nn.Module] = []
        for block in WIDTHS:
            for out in block:
                convolution = nn.Conv2d(channels, out, 3, padding=1, bias=False)
                layers += [convolution, nn.BatchNorm2d(out), Activation(channels=out)]
                channels = out
            if side >= 2:
                layers.append(nn.MaxPool2d(2))
                side //= 2
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)  # 1x1 already for 32x32 images
        self.fc1 = nn.Linear(channels, 512)
        self.act1 = Activation(channels=512)
        self.fc2 = nn.Linear(512, 512)
        self.act2 = Activation(channels=512)
        self.fc3 = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.features(x)).flatten(1)  # [batch, 512]
        logits: Tensor = self.fc3(self.act2(self.fc2(self.act1(self.fc1(x)))))
        return logits
