"""The report on a data set says what is in it, and lets nothing of it become markup."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from safs.data import PARTS, Examples, load_info, save_dataset
from safs.data.profile import profile
from safs.evaluation.data_report import render_data_report
from safs.steps.context import Context
from safs.steps.prepare import prepare
from tests.data.own_data import image_folder
from tests.data.tables import runs
from tests.steps.trackers import Recorder

HOSTILE = '<script>alert("$x$")</script>'


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def parts_of(shape, dtype=np.uint8, count=6):
    random = np.random.default_rng(0)
    x = {part: (200 * random.random((count, *shape))).astype(dtype) for part in PARTS}
    return {part: Examples(x[part], np.arange(count) % 2) for part in PARTS}


def test_repeated_and_contradicting_examples_are_counted():
    parts = parts_of((1, 5, 5))
    train, test = parts["train"].x, parts["test"].x
    train[2] = train[0]  # one class
    train[5] = train[0]  # another class
    test[:3] = train[3]
    found = profile(parts, ("a", "b"))
    assert found.parts["train"].repeated == 2
    assert found.parts["test"].repeated == 2
    assert ("train", "test", 3) in found.shared
    assert ("train", "validation", 0) in found.shared
    assert found.conflicts == 2
    assert found.parts["train"].counts == (3, 3)
    assert found.parts["train"].ranges[0].high == train.max()
    assert found.parts["train"].ranges[0].mean == train.mean()


def test_names_never_become_markup(tmp_path: Path):
    for number, (shape, dtype) in enumerate((((3, 6, 9), np.uint8), ((2, 12), np.float32))):
        parts = parts_of(shape, dtype)
        names = (HOSTILE, "ok") if number else ()
        info = save_dataset(
            tmp_path / str(number), HOSTILE, HOSTILE, ("a", HOSTILE), parts, notes=(HOSTILE,), channels=names
        )
        page = Page(render_data_report(info, parts))
        assert "script" not in page.tags
        assert page.text.count(HOSTILE) >= 4  # name, origin, note, class


def test_images_are_shown_a_strip_a_class_and_nothing_is_fetched(tmp_path: Path):
    parts = parts_of((3, 6, 9), count=30)
    info = save_dataset(tmp_path / "data", "cats", "here", ("a", "b"), parts)
    text = render_data_report(info, parts)
    addresses = re.findall(r'src="([^"]+)"', text)
    assert len(addresses) == 2
    for label, address in enumerate(addresses):
        strip = Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,"))))
        assert strip.size == (10 * (9 * 8 + 2), 6 * 8)
        first = parts["train"].x[label]  # classes take turns
        assert strip.getpixel((0, 0)) == tuple(first[:, 0, 0])
        assert strip.getpixel((9 * 8 - 1, 47)) == tuple(first[:, -1, -1])
    assert not re.search(r"https?://(?!www\.w3\.org|purl\.org|creativecommons)", text)


def test_prepare_writes_the_report_and_says_what_it_skipped(tmp_path: Path):
    data = image_folder(tmp_path / "pets", ("cat", "dog & <b>"), 8)
    (data / "cat" / "broken.png").write_bytes(b"no image")
    tracker = Recorder()
    summary = prepare(tmp_path / "out", dataset=str(data), bad_files="skip", context=Context(tracker))
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "broken.png is damaged or no image" in page.text
    assert "dog & <b>" in page.text
    assert tracker.files == [tmp_path / "out" / "report.html"]
    assert summary["report"] == str(tmp_path / "out" / "report.html")


def test_series_have_a_chart_a_channel_with_its_name(tmp_path: Path):
    prepare(tmp_path / "out", dataset=str(runs(tmp_path / "pumps")), window=8)
    assert load_info(tmp_path / "out").channels == ("p", "q")
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert page.tags.count("svg") == 2
    assert "normalised by their ranks" in page.text
