import hashlib
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safs.errors import SafsError
from safs.export.sparse_file import encode, same, write
from safs.export.tracing import trace
from safs.runtime.coding import decode_gaps, encode_gaps
from safs.runtime.reader import LENGTHS, MAGIC, parse, read
from tests.export.exported_networks import branches
from tests.export.fuzz import fuzz
from tests.export.sealing import opened, sealed


@pytest.fixture(scope="module")
def network():
    return trace(*branches(1))


@pytest.fixture(scope="module")
def content(network):
    return encode(network)


@given(st.lists(st.integers(0, 3000), unique=True).map(sorted))
def test_gaps_are_read_back_exactly(positions):
    array = np.array(positions, np.int64)
    assert np.array_equal(decode_gaps(np.frombuffer(encode_gaps(array), np.uint8)), array)


def test_a_network_is_read_back_exactly(network, tmp_path):
    assert write(tmp_path / "model.safs", network) == (tmp_path / "model.safs").stat().st_size
    assert same(read(tmp_path / "model.safs"), network)


def test_half_precision_is_read_back_as_it_was_rounded(network, tmp_path):
    write(tmp_path / "model.safs", network, "float16")
    once = read(tmp_path / "model.safs")
    write(tmp_path / "again.safs", once, "float16")
    assert same(read(tmp_path / "again.safs"), once)
    for before, after in zip(network.nodes, once.nodes, strict=True):
        for name, weight in before.sparse.items():
            assert np.abs(weight.values - after.sparse[name].values).max() <= 2**-11 * np.abs(weight.values).max()
            assert np.array_equal(weight.positions, after.sparse[name].positions)


def test_files_that_are_none(tmp_path):
    (tmp_path / "text").write_text("hello")
    for path in (tmp_path / "text", tmp_path / "missing", tmp_path):
        with pytest.raises(SafsError, match=path.name):
            read(path)


@given(st.data())
def test_a_truncated_or_changed_file_is_refused(content, data):
    if data.draw(st.booleans()):
        broken = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
        broken = content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
    with pytest.raises(SafsError):
        parse(broken)


@given(st.binary(max_size=300), st.booleans())
def test_bytes_behind_a_right_checksum_are_refused(noise, magic):
    body = MAGIC + noise if magic else noise
    with pytest.raises(SafsError):
        parse(body + hashlib.sha256(body).digest())


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=5),
    st.lists(st.integers(-3, 2**40), max_size=5), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


def mutated(value, data):
    """The header with one thing in it replaced, at a place that hypothesis chooses."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 9)):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = data.draw(st.sampled_from(keys))
        copy = value.copy()
        if data.draw(st.integers(0, 9)):
            copy[key] = mutated(value[key], data)
        else:
            del copy[key]
        return copy
    return data.draw(JUNK)


@settings(max_examples=150)
@given(st.data())
def test_a_hostile_header_is_refused_or_means_a_valid_network(content, data):
    header, parts = opened(content)
    with suppress(SafsError):
        parse(sealed(mutated(header, data), parts))


@settings(max_examples=100)
@given(st.data())
def test_hostile_parts_are_refused_or_mean_a_valid_network(content, data):
    header, parts = opened(content)
    which = data.draw(st.integers(0, 2))
    part = bytearray(parts[which])
    for _ in range(data.draw(st.integers(1, 5))):
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
    parts[which] = bytes(part[: data.draw(st.integers(len(part) - 2, len(part)))])
    with suppress(SafsError):
        parse(sealed(header, parts))


def test_claims_of_size_allocate_nothing(content):
    header, parts = opened(content)
    huge = [2**40, 2**31, 3, 3]
    entry = next(node for node in header["nodes"] if node["op"] == "conv")
    entry["sparse"]["weight"]["shape"] = huge
    claims = [sealed(header, parts), sealed(b"[" * 100_000, parts), sealed(b'{"version": NaN}', parts)]
    lengths = list(LENGTHS.unpack_from(content, len(MAGIC)))
    for part in range(4):
        changed = [*lengths]
        changed[2 * part + 1] = 2**45
        body = MAGIC + LENGTHS.pack(*changed) + content[len(MAGIC) + LENGTHS.size : -32]
        claims.append(body + hashlib.sha256(body).digest())
    claims.append(sealed(opened(content)[0], [parts[0], bytes(2**27), parts[2]]))  # a bomb of zeros
    tracemalloc.start()
    for claim in claims:
        with pytest.raises(SafsError):
            parse(claim)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20


def test_a_few_seconds_of_damaged_and_hostile_files():
    counts = fuzz(12)
    assert counts["refused"] > 20
    assert not [outcome for outcome in counts if outcome.isupper() or outcome.startswith("CRASH")]
