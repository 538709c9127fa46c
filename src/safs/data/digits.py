"""scikit-learn's bundled handwritten digits, brought to LeNet-5's 28x28 pixels."""

import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from safs.data.dataset import Examples, Part

ORIGIN = "UCI optical recognition of handwritten digits (1,797 images, 8x8), as bundled with scikit-learn"
CLASSES = tuple(str(digit) for digit in range(10))


def read_digits(split_seed: int) -> dict[Part, Examples]:
    """Read the 1,797 digits, enlarge them bilinearly and split them 60/20/20, stratified by class."""
    digits = load_digits()
    large = zoom(digits.images / 16, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True)  # [1797, 28, 28]
    x = np.rint(large * 255).clip(0, 255).astype(np.uint8)[:, None]
    y = digits.target.astype(np.int64)
    train, rest = train_test_split(np.arange(len(y)), test_size=0.4, stratify=y, random_state=split_seed)
    validation, test = train_test_split(rest, test_size=0.5, stratify=y[rest], random_state=split_seed)
    indices: dict[Part, np.ndarray] = {"train": train, "validation": validation, "test": test}
    return {part: Examples(x[index], y[index]) for part, index in indices.items()}
