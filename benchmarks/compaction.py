"""Seconds of one training epoch, dense, masked and compacted, on random images: `python -m benchmarks.compaction`."""

import time

import torch
from torch import nn

from safs.compaction import compact
from safs.data.tensors import Batchable
from safs.models.lenet import LeNet5
from safs.pruning.making import make_masks
from safs.pruning.masks import Masks, apply_masks, masks_of
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine


class Residual(nn.Module):
    """Two convolutions with batch norm, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.act1, self.act2 = nn.ReLU(), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, width, height, width] in and out."""
        return self.act2(x + self.norm2(self.conv2(self.act1(self.norm1(self.conv1(x))))))


def small_resnet() -> nn.Module:
    """A stem and two residual blocks of 32 channels."""
    stem = (nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
    return nn.Sequential(*stem, Residual(32), Residual(32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def small_vgg() -> nn.Module:
    """Three convolutions with batch norm and pooling, two linear layers."""
    layers: list[nn.Module] = []
    for inside, outside in ((3, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 256), nn.ReLU(), nn.Linear(256, 10))


NETWORKS = {
    "lenet5": (lambda: LeNet5((1, 28, 28), 10), (1, 28, 28), 2048),
    "small resnet": (small_resnet, (3, 32, 32), 512),
    "small vgg": (small_vgg, (3, 32, 32), 512),
}


def seconds(model: nn.Module, data: Batchable, masks: Masks | None, repeats: int = 2) -> float:
    """The fastest of a few epochs."""
    engine = TorchEngine(model, data, Hyperparameters(batch_size=128), masks, Compute("torch", "cpu"))
    order, times = torch.arange(len(data.y)), []
    for _ in range(repeats):
        begin = time.perf_counter()
        engine.epoch(order, [1.0] * -(-len(order) // 128))
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print("| network | scope, 99% zeros | dense, s | masked, s | compacted, s | parameters left |")
    print("| --- " * 6 + "|")
    for name, (build, shape, count) in NETWORKS.items():
        torch.manual_seed(0)
        data = Batchable(torch.randn(count, *shape), torch.randint(0, 10, (count,)))
        dense = seconds(build(), data, None)
        for scope in ("layerwise", "global"):
            model = build()
            masks = make_masks(model, 0.99, scope)
            apply_masks(model, masks)
            small = compact(model, shape).model
            left = sum(p.numel() for p in small.parameters()) / sum(p.numel() for p in model.parameters())
            masked, compacted = seconds(model, data, masks), seconds(small, data, masks_of(small))
            print(f"| {name} | {scope} | {dense:.2f} | {masked:.2f} | {compacted:.2f} | {left:.1%} |", flush=True)


if __name__ == "__main__":
    main()
