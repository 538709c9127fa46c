import lzma
from pathlib import Path

import pytest

from safs.data.unpacking import Unpacked, tar_members
from safs.errors import SafsError
from tests.data.archives import write_tar

FILES = {"a": b"1" * 700, "b/c": b"", "d": b"2" * 70_000}


def test_members_come_with_name_and_content(tmp_path: Path):
    assert dict(tar_members(write_tar(tmp_path / "a.tar.xz", FILES), 1 << 20, 1 << 20)) == FILES


def test_a_file_that_unpacks_to_more_than_the_limit_is_stopped(tmp_path: Path):
    bomb = tmp_path / "bomb.xz"
    bomb.write_bytes(lzma.compress(bytes(50_000_000)))  # 7 kB on disk
    with Unpacked(bomb, 1_000_000) as stream, pytest.raises(SafsError, match="more than 1,000,000 bytes"):
        stream.read()
    with pytest.raises(SafsError):
        list(tar_members(bomb, 1_000_000, 1_000))


def test_a_member_above_the_limit_is_refused_before_it_is_read(tmp_path: Path):
    with pytest.raises(SafsError, match="'d' of 70,000 bytes is not a file of at most 1,000"):
        list(tar_members(write_tar(tmp_path / "a.tar.xz", FILES), 1 << 20, 1_000))


def test_a_decoder_that_wants_too_much_memory_is_refused(tmp_path: Path):
    path = tmp_path / "a.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    path.write_bytes(lzma.compress(b"x" * 100, filters=filters))
    with Unpacked(path, 1_000) as stream, pytest.raises(SafsError, match="not a sound"):
        stream.read()


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.99])
def test_an_archive_cut_short_is_a_safs_error(tmp_path: Path, share: float):
    archive = write_tar(tmp_path / "a.tar.xz", FILES)
    raw = archive.read_bytes()
    archive.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(SafsError, match=r"a\.tar\.xz"):
        list(tar_members(archive, 1 << 20, 1 << 20))


@pytest.mark.parametrize("content", [b"no archive at all", lzma.compress(b"no tar archive" * 100)])
def test_what_is_no_archive_is_a_safs_error(tmp_path: Path, content: bytes):
    (tmp_path / "a.tar.xz").write_bytes(content)
    with pytest.raises(SafsError, match=r"a\.tar\.xz"):
        list(tar_members(tmp_path / "a.tar.xz", 1 << 20, 1 << 20))
