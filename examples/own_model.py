"""The method on a model and loaders of one's own: `python examples/own_model.py`."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import safs


def make_loaders() -> tuple[DataLoader, DataLoader]:
    """Training and validation loaders of scikit-learn's digits, images [batch, 1, 8, 8]."""
    digits = load_digits()
    x, y = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None], torch.tensor(digits.target)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    parts = (TensorDataset(x[part], y[part]) for part in (order[:1200], order[1200:]))
    training, validation = (DataLoader(part, batch_size=64) for part in parts)
    return training, validation


def main() -> float:
    """Train, prune to 90% zeros, search activations, fine-tune; the validation accuracy."""
    torch.manual_seed(0)
    training, validation = make_loaders()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 10)
    )

    dense = safs.finetune(model, training, validation, epochs=10, trials=1)
    sparse = safs.prune(dense.model, training, sparsity=0.9)
    found = safs.search(sparse, training, validation, candidates=8, epochs=4)
    chosen = safs.replace_activations(sparse, training, found.activations, scales="channel")
    tuned = safs.finetune(chosen, training, validation, epochs=20, trials=4, trial_epochs=5)

    print(f"dense {dense.accuracy:.2%}, 90% zeros {tuned.accuracy:.2%} with {' '.join(found.activations.values())}")
    return tuned.accuracy


if __name__ == "__main__":
    main()
