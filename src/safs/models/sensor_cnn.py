"""A small one-dimensional convolutional network for windows of sensor values."""

from torch import Tensor, nn

from safs.activations import Activation
from safs.errors import SafsError


class SensorCNN(nn.Module):
    """Three convolutions over time with pooling, a mean over what is left of time, two linear layers.

    An activation follows each layer but the last. With 8 channels and 2 classes it has 19,266 parameters whatever the
    windows' length.

    Args:
        input_shape: (channels, length); the length is at least 8.
        classes: number of classes, at least 2.

    Shape:
        [batch, channels, length] -> logits [batch, classes].

    Raises:
        SafsError: the inputs are no series, or shorter than 8.
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        if len(input_shape) != 2 or input_shape[1] < 8:
            raise SafsError(
                f"sensor_cnn takes series [channels, length] of length 8 or more, these inputs are {list(input_shape)}"
            )
        self.conv1 = nn.Conv1d(input_shape[0], 32, 5, padding=2)
        self.act1 = Activation(channels=32)
        self.conv2 = nn.Conv1d(32, 48, 5, padding=2)
        self.act2 = Activation(channels=48)
        self.conv3 = nn.Conv1d(48, 48, 3, padding=1)
        self.act3 = Activation(channels=48)
        self.pool = nn.MaxPool1d(2)
        self.fc1 = nn.Linear(48, 64)
        self.act4 = Activation(channels=64)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act1(self.conv1(x)))
        x = self.pool(self.act2(self.conv2(x)))
        x = self.act3(self.conv3(x)).mean(2)  # [batch, 48]
        logits: Tensor = self.fc2(self.act4(self.fc1(x)))
        return logits
