"""Small networks of all that the sparse form covers, with random weights, masks, statistics and scales."""

import torch
from torch import Tensor, nn

from safs.activations import OPERATORS, Activation
from safs.models import ModelSpec


class Branches(nn.Module):
    """Residual, concatenation, squeeze-excitation, depthwise, dilated and strided convolutions, all poolings."""

    def __init__(self, operators: list[str], scales: str = "channel") -> None:
        super().__init__()
        acts = [Activation(operators[i % len(operators)], scales, channels=c) for i, c in enumerate((8, 8, 4, 8, 12))]
        self.act1, self.act2, self.act3, self.act4, self.act5 = acts
        self.act6 = Activation(operators[5 % len(operators)], "layer" if scales == "channel" else scales)
        self.conv1, self.norm1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2), nn.BatchNorm2d(8)
        self.shortcut = nn.Conv2d(8, 8, 1, stride=2)
        self.norm3, self.conv3 = nn.BatchNorm2d(16), nn.Conv2d(16, 12, (3, 1), stride=(1, 2))
        self.max_pool, self.mean_pool = nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1)
        self.adaptive, self.drop = nn.AdaptiveAvgPool2d((2, 3)), nn.Dropout()
        self.linear1, self.linear2 = nn.Linear(72, 20), nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.norm1(self.conv1(x)))
        y = self.act2(self.depthwise(x))
        y = y * torch.sigmoid(self.excite(self.act3(self.squeeze(y.mean((2, 3), keepdim=True)))))
        y = self.act4(self.norm2(self.conv2(y)) + self.shortcut(x))
        y = self.norm3(torch.cat([self.max_pool(y), self.mean_pool(y)], 1))
        y = self.adaptive(self.act5(self.conv3(y)))
        y = torch.flatten(self.drop(y), 1)
        logits: Tensor = self.linear2(self.act6(self.linear1(y)))
        return logits


class Signal(nn.Module):
    """A network of one-dimensional layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm, self.act1 = (
            nn.Conv1d(2, 6, 5, stride=2, padding=2),
            nn.BatchNorm1d(6),
            Activation("tanh"),
        )
        self.conv2, self.pool = nn.Conv1d(6, 6, 3, groups=3), nn.MaxPool1d(2)
        self.last, self.linear = nn.AdaptiveAvgPool1d(4), nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.conv2(self.act1(self.norm(self.conv1(x)))))
        x = self.last(x)
        logits: Tensor = self.linear(x.view(x.size(0), -1))
        return logits


def randomise(model: nn.Module, seed: int, sparsity: float = 0.7) -> nn.Module:
    """Random masks, biases, statistics and scales, of sizes that keep the signal alive."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
                kept = torch.rand(module.weight.shape, generator=generator) >= sparsity
                fan = max(1.0, float(kept[0].numel()) * (1 - sparsity))
                module.weight.copy_(torch.randn(kept.shape, generator=generator) * kept / fan**0.5)
                if module.bias is not None:
                    module.bias.copy_(0.2 * torch.randn(module.bias.shape, generator=generator))
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                for tensor in (module.weight, module.running_var):
                    assert tensor is not None
                    tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
                for tensor in (module.bias, module.running_mean):
                    assert tensor is not None
                    tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
            elif isinstance(module, Activation):
                for scale in module.parameters():
                    scale.mul_(0.75 + 0.5 * torch.rand(scale.shape, generator=generator))
    return model


def spec_of(shape: tuple[int, int, int], classes: int) -> ModelSpec:
    """A spec for a network that no folder holds."""
    names = tuple(str(number) for number in range(classes))
    return ModelSpec("test", shape, names, (0.0,) * shape[0], (1.0,) * shape[0])


def branches(seed: int, operators: list[str] | None = None, scales: str = "channel") -> tuple[nn.Module, ModelSpec]:
    """A random network of the class `Branches` for images [3, 20, 21]."""
    names = operators or list(OPERATORS)
    chosen = names[seed % len(names) :] + names[: seed % len(names)]
    return randomise(Branches(chosen, scales), seed), spec_of((3, 20, 21), 5)
