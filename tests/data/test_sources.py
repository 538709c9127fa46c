from pathlib import Path

import pytest

from safs.data import PARTS, SOURCES, source_named
from safs.errors import SafsError
from tests.data.archives import cifar_members, write_imagenet, write_tar


def test_an_unknown_data_set_is_refused_with_the_nearest_name():
    with pytest.raises(SafsError, match=r"unknown data set 'digit'; did you mean 'digits'\?"):
        source_named("digit", "")


def test_mnist_asks_for_its_folder():
    with pytest.raises(SafsError, match="--data-root"):
        source_named("mnist", "")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SafsError, match="nowhere' is not a folder"):
        source_named("mnist", str(tmp_path / "nowhere"))


def test_a_file_is_no_data_root():
    with pytest.raises(SafsError, match="is not a folder"):
        source_named("mnist", __file__)


def test_digits_need_no_folder():
    origin, classes, parts = source_named("digits", "").read("", 0)
    assert "digits" in origin
    assert classes == tuple("0123456789")
    assert tuple(parts) == PARTS


def test_the_known_data_sets():
    assert set(SOURCES) == {"digits", "mnist", "fashion-mnist", "cifar10", "imagenet16"}


def test_an_archive_is_the_data_root_of_cifar10_alone(tmp_path: Path):
    archive = write_tar(tmp_path / "images.tar.xz", cifar_members())
    origin, classes, parts = source_named("cifar10", str(archive)).read(str(archive), 0)
    assert "CIFAR-10" in origin
    assert classes[3] == "cat"
    assert tuple(parts) == PARTS
    with pytest.raises(SafsError, match="is not a folder"):
        source_named("imagenet16", str(archive))


def test_imagenet16_is_read_by_name(tmp_path: Path):
    write_imagenet(tmp_path)
    _, classes, parts = source_named("imagenet16", str(tmp_path)).read(str(tmp_path), 0)
    assert len(classes) == 1000
    assert parts["train"].y.max() == 999
