"""Bad inputs: each gives an error that names the file and the rule; `ACCEPTED` are those with a documented handling."""

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safs.data import load_info
from safs.errors import SafsError
from safs.steps.prepare import prepare
from tests.data.own_data import arrays, divided_folder, image, image_folder, npz

Bad = Callable[[Path], Any]
"""Makes the bad input below a folder, and gives it; a mapping has further arguments of prepare."""


def with_file(name: str, make: Callable[[Path], Any], **arguments: Any) -> Bad:
    """A sound image folder with one bad file."""

    def bad(root: Path) -> Any:
        path = image_folder(root / "data") / "cat" / name
        make(path)
        return {"dataset": str(root / "data"), **arguments} if arguments else root / "data"

    return bad


def truncated(path: Path) -> None:
    image(path, size=(64, 64))
    path.write_bytes(path.read_bytes()[:900])


def huge_png(path: Path, side: int = 30_000) -> None:
    """A sound PNG of a few megabytes at most that unpacks to side x side pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + side // 8)) for _ in range(side)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def grey16(path: Path) -> None:
    Image.fromarray(np.arange(48, dtype=np.uint16).reshape(6, 8) * 999).save(path)


def colour16(path: Path) -> None:
    """A PNG of 16 bits a channel, which Pillow would cut to 8 without a word."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 6, 16, 2, 0, 0, 0))
    rows = zlib.compress(b"".join(b"\0" + bytes(48) for _ in range(6)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def frames(path: Path) -> None:
    pictures = [Image.new("L", (8, 6), value) for value in (0, 200)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])


def link_out(path: Path) -> None:
    path.symlink_to(image(path.parents[2] / "elsewhere" / "a.png"))


def folder_link(path: Path) -> None:
    path.symlink_to(image_folder(path.parents[2] / "elsewhere"))


def given(change: Callable[[Path], Any]) -> Bad:
    """Train, validation and test folders with something wrong in them."""

    def bad(root: Path) -> Path:
        change(divided_folder(root / "data"))
        return root / "data"

    return bad


def archive(**change: Any) -> Bad:
    """An .npz file with arrays added, changed or, by None, left out."""

    def bad(root: Path) -> Path:
        content = {name: array for name, array in {**arrays(), **change}.items() if array is not None}
        return npz(root / "data.npz", **content)

    return bad


def bomb_npz(root: Path) -> Path:
    """A small .npz file whose header promises terabytes."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 3, 8, 8)})
    with zipfile.ZipFile(root / "data.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", buffer.getvalue() + bytes(1 << 20))
    return root / "data.npz"


def raw_file(name: str, content: bytes) -> Bad:
    def bad(root: Path) -> Path:
        (root / name).write_bytes(content)
        return root / name

    return bad


def empty_class(root: Path) -> Path:
    (image_folder(root / "data") / "empty").mkdir()
    return root / "data"


def bytes_name(root: Path) -> Path:
    folder = os.fsencode(image_folder(root / "data")) + b"/d\xff\xfeg"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder), "1.png").write_bytes((root / "data" / "cat" / "0.png").read_bytes())
    return root / "data"


def bytes_file(root: Path) -> Path:
    path = image_folder(root / "data") / "cat"
    (path / os.fsdecode(b"\xff.png")).write_bytes((path / "0.png").read_bytes())
    return root / "data"


IMAGES: dict[str, tuple[Bad, str]] = {
    "truncated JPEG": (with_file("bad.jpg", truncated), r"bad\.jpg is damaged or no image"),
    "zero-byte file": (with_file("bad.jpg", lambda path: path.write_bytes(b"")), r"bad\.jpg is empty"),
    "text named .jpg": (
        with_file("bad.jpg", lambda path: path.write_text("hello")),
        r"bad\.jpg is damaged or no image",
    ),
    "16-bit grey": (with_file("bad.png", grey16), r"bad\.png has more than 8 bits a channel"),
    "16-bit colour": (with_file("bad.png", colour16), r"bad\.png has more than 8 bits a channel"),
    "CMYK": (with_file("bad.jpg", lambda path: image(path, mode="CMYK")), r"bad\.jpg has CMYK colours"),
    "1x1": (with_file("bad.png", lambda path: image(path, size=(1, 1))), r"bad\.png has 1x1 pixels; at least 4x4"),
    "30,000x30,000": (with_file("bad.png", huge_png), r"bad\.png (would unpack to|has 30000x30000)"),
    "20,000x2": (with_file("bad.png", lambda path: image(path, size=(20_000, 4))), r"bad\.png has 20000x4 pixels"),
    "another size": (
        with_file("bad.png", lambda path: image(path, size=(9, 6))),
        r"bad\.png has 9x6 pixels and .* 8x6",
    ),
    "transparent": (with_file("bad.png", lambda path: image(path, mode="RGBA")), r"bad\.png has transparent pixels"),
    "animation": (with_file("bad.gif", frames), r"bad\.gif has 2 frames"),
    "link out of the folder": (with_file("bad.png", link_out), r"bad\.png is a link out of the folder"),
    "link to a folder": (with_file("bad", folder_link), r"bad is a link to a folder"),
    "link to nothing": (with_file("bad.png", lambda path: path.symlink_to("none")), r"bad\.png is a link to nothing"),
    "link to itself": (with_file("bad.png", lambda path: path.symlink_to("bad.png")), r"bad\.png is a link to nothing"),
    "pipe": (with_file("bad.png", os.mkfifo), r"bad\.png is not a regular file"),
    "file name not UTF-8": (bytes_file, r"the name '.*\\xff|the name '.*udcff"),
    "class name not UTF-8": (bytes_name, "the name .* is not UTF-8"),
    "control character in a name": (with_file("a\nb.png", image), "control characters"),
    "empty class": (empty_class, "the class .*empty' has no image"),
    "one class": (lambda root: image_folder(root / "data", ("cat",)), r"has 1 class \(cat\); at least 2"),
    "two images of a class": (lambda root: image_folder(root / "data", count=2), "class 'cat' has 2 groups"),
    "image outside of a class": (with_file("../bad.png", image), r"bad\.png lies outside of the folder of a class"),
    "no file at all": (lambda root: (root / "data").mkdir() or root / "data", "holds no data that can be read"),
    "group pattern that finds nothing": (
        with_file("1.png", image, group_pattern="person-[0-9]+"),
        "group_pattern .* finds no group",
    ),
    "group pattern that is none": (with_file("1.png", image, group_pattern="("), "is not a regular expression"),
    "one group a class": (with_file("1.png", image, group_pattern="cat|dog"), "class 'cat' has 1 groups"),
    "class in test that training lacks": (
        given(lambda data: image(data / "test" / "cow" / "1.png")),
        "the test part has class 'cow', which the training part lacks",
    ),
    "empty class in a part": (given(lambda data: (data / "test" / "cow").mkdir()), "cow' has no image"),
    "folder beside the parts": (given(lambda data: image(data / "extra" / "cat" / "1.png")), "extra lies beside"),
    "nothing at the path": (lambda root: root / "nowhere", "does not exist"),
    "python3 in the path": (lambda root: image_folder(root / "python3"), "which kfp replaces"),
}

ARRAYS: dict[str, tuple[Bad, str]] = {
    "object arrays": (archive(y=np.array([{}] * 12, object)), "'y' holds Python objects"),
    "no labels": (archive(y=None), r"data\.npz has no y"),
    "no images": (archive(x=None), r"data\.npz has no x"),
    "fewer labels": (archive(y=np.arange(11) % 2), r"do not belong together"),
    "no examples": (archive(x=np.zeros((0, 3, 8, 8), np.uint8), y=np.zeros(0, int)), "do not belong together"),
    "labels that are floats": (archive(y=np.arange(12) / 2), "labels are whole numbers or strings"),
    "label out of range": (archive(y=np.arange(12) % 3, classes=["a", "b"]), "has the label 2; there are 2 classes"),
    "class named twice": (archive(classes=["a", "a"]), "classes has a name twice"),
    "float images": (archive(x=np.zeros((12, 3, 8, 8))), "images are uint8"),
    "5 channels": (archive(x=np.zeros((12, 5, 8, 8), np.uint8)), "the channels, 1 or 3"),
    "complex numbers": (archive(x=np.zeros((12, 3, 8), complex)), "series are floats"),
    "NaN in a series": (archive(x=np.full((12, 3, 8), np.nan)), r"has the value nan at \[0, 0, 0\]"),
    "infinity in a series": (archive(x=np.full((12, 3, 8), np.inf)), "has the value inf"),
    "more than float32 holds": (archive(x=np.full((12, 3, 8), 1e39)), r"has the value 1e\+39"),
    "an array of no meaning": (archive(z=np.zeros(3)), "holds an array 'z'"),
    "both forms": (archive(train_x=arrays()["x"], train_y=arrays()["y"]), "holds x and y as well as parts"),
    "parts of different shapes": (
        archive(
            **{
                f"{p}_{a}": arrays()[a][:, :1] if (p, a) == ("test", "x") else arrays()[a]
                for p in ("train", "test")
                for a in "xy"
            },
            x=None,
            y=None,
        ),
        "the parts have different shapes",
    ),
    "groups of another length": (archive(groups=np.arange(3)), "it names a group for each"),
    "no zip file": (raw_file("data.npz", b"hello"), r"data\.npz is damaged or not an \.npz file"),
    "zero-byte archive": (raw_file("data.npz", b""), r"data\.npz is damaged or not an \.npz file"),
    "archive that promises terabytes": (bomb_npz, r"'x' says it has .* bytes in a file of"),
    "another kind of file": (raw_file("data.pkl", b"\x80\x04N."), r"data\.pkl' holds no data that can be read"),
}

BAD = {f"{kind}: {name}": case for kind, cases in (("images", IMAGES), ("npz", ARRAYS)) for name, case in cases.items()}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_a_bad_input_is_refused_by_name_and_rule(make: Bad, message: str, tmp_path: Path):
    made = make(tmp_path)
    arguments = made if isinstance(made, dict) else {"dataset": str(made)}
    with pytest.raises(SafsError, match=message):
        prepare(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def corrupt(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x10
    path.write_bytes(raw)


def test_an_archive_damaged_anywhere_is_refused_or_unchanged(tmp_path: Path):
    data = npz(tmp_path / "data.npz", **arrays())
    whole, sound = data.read_bytes(), prepare(tmp_path / "sound", dataset=str(data))["fingerprint"]
    for place in range(0, len(whole), 37):
        data.write_bytes(whole)
        corrupt(data, place)
        out = tmp_path / f"out-{place}"
        try:
            after = prepare(out, dataset=str(data))["fingerprint"]
        except SafsError as error:
            after = str(error)
        assert after == sound or "data.npz" in after, place


ACCEPTED: dict[str, tuple[Bad, str]] = {
    "PNG named .jpg": (with_file("a.jpg", lambda p: image(p, format="PNG")), "1 files are of another format"),
    "grey among colours": (with_file("a.png", lambda p: image(p, mode="L")), "grey and colour images are mixed"),
    "a file that is no image": (with_file("notes.txt", lambda p: p.write_text("x")), "1 files that are no images"),
    "a file that cannot be read, skipped": (with_file("a.png", truncated, bad_files="skip"), "skipped: .*a.png"),
    "an image in train and in test": (
        given(lambda data: (data / "test/cat/9.png").write_bytes((data / "train/cat/0.png").read_bytes())),
        "examples of the test part are also in the train part",
    ),
    "a class that test lacks": (
        given(lambda data: image_folder(data / "train", ("cow",))),
        "the test part has no example of cow",
    ),
}


@pytest.mark.parametrize(("make", "note"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_taken_with_a_grain_of_salt_is_noted(make: Bad, note: str, tmp_path: Path):
    made = make(tmp_path)
    prepare(tmp_path / "out", **(made if isinstance(made, dict) else {"dataset": str(made)}))
    assert any(re.search(note, line) for line in load_info(tmp_path / "out").notes)
