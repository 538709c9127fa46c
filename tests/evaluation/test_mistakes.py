import base64
import io

import numpy as np
import torch
from PIL import Image

from safs.activations import Activation, activation_sites, set_activations
from safs.data import load_part
from safs.evaluation.curves import activation_curves, curves_chart
from safs.evaluation.mistakes import class_rows, png, worst_mistakes
from safs.models import load_model
from tests.chain import Chain


def test_the_surest_mistakes_come_first_and_show_their_image(chain: Chain):
    model = chain.finetune / "seed-0" / "safs"
    found = worst_mistakes(chain.data, model)
    assert found
    assert [m["confidence"] for m in found] == sorted((m["confidence"] for m in found), reverse=True)
    test = load_part(chain.data, "test")
    images = {image.tobytes() for image in test.x[:, 0]}
    for mistake in found:
        assert mistake["true"] != mistake["predicted"]
        raw = base64.b64decode(mistake["image"].removeprefix("data:image/png;base64,"))
        assert np.asarray(Image.open(io.BytesIO(raw))).tobytes() in images


def test_large_and_coloured_images_are_made_small():
    raw = base64.b64decode(png(np.zeros((3, 300, 200), np.uint8)).partition(",")[2])
    image = Image.open(io.BytesIO(raw))
    assert (image.size, image.mode) == ((64, 96), "RGB")


def test_a_class_says_what_it_is_taken_for():
    rows = class_rows([[5, 1, 2], [0, 3, 0], [0, 0, 0]], ["a", "b", "c"])
    assert [row["taken_for"] for row in rows] == ["c", "", ""]
    assert [(row["right"], row["examples"]) for row in rows] == [(5, 8), (3, 3), (0, 0)]


def test_curves_show_the_learnt_scales(chain: Chain):
    model, _ = load_model(chain.finetune / "seed-0" / "relu")
    names = list(activation_sites(model))
    set_activations(model, {names[0]: "tanh"}, "channel", initial={"alpha": 2.0})
    site = activation_sites(model)[names[0]]
    assert isinstance(site, Activation)
    with torch.no_grad():
        site.alpha[0] = 4.0
    curve = activation_curves(model)[names[0]]
    assert curve["operator"] == "tanh"
    assert curve["x"][0] == -4
    assert np.isclose(curve["low"][0], -4 * np.tanh(4), atol=1e-3)
    assert np.isclose(curve["high"][0], -2 * np.tanh(4), atol=1e-3)
    assert curves_chart(activation_curves(model)).startswith("<svg")
