"""LeNet-5 as the SAFS paper trains it."""

from torch import Tensor, nn

from safs.activations import Activation
from safs.errors import SafsError


class LeNet5(nn.Module):
    """Two convolutions with pooling, three linear layers, an activation after each of the first four.

    LeCun et al. 1998, in the form of arXiv:2305.10964: 44,426 parameters on 28x28 images of 10 classes.

    Args:
        input_shape: (channels, height, width); height and width are at least 16.
        classes: number of classes, at least 2.

    Shape:
        [batch, channels, height, width] -> logits [batch, classes].

    Raises:
        SafsError: the inputs are no images or smaller than 16x16.
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        if len(input_shape) != 3:
            raise SafsError(f"lenet5 takes images, these inputs are {list(input_shape)}; sensor_cnn takes series")
        channels, height, width = input_shape
        if min(height, width) < 16:
            raise SafsError(f"lenet5 needs images of at least 16x16 pixels, these are {height}x{width}")
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.act1 = Activation(channels=6)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.act2 = Activation(channels=16)
        self.pool = nn.MaxPool2d(2)
        rest = [((side - 4) // 2 - 4) // 2 for side in (height, width)]
        self.fc1 = nn.Linear(16 * rest[0] * rest[1], 120)
        self.act3 = Activation(channels=120)
        self.fc2 = nn.Linear(120, 84)
        self.act4 = Activation(channels=84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act1(self.conv1(x)))
        x = self.pool(self.act2(self.conv2(x))).flatten(1)  # [batch, 256] for 28x28
        x = self.act4(self.fc2(self.act3(self.fc1(x))))
        logits: Tensor = self.fc3(x)
        return logits
