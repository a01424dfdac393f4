"""The binary messages: what is packed is read again, and what is none is refused in one line."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from liveseg.errors import LivesegError
from liveseg.wire import HEADER, Frame, Layers, Overlay, WireError, told, unpack, unpack_frame

NUMBERS = st.integers(0, 2**32 - 1)
SIDES = st.tuples(st.integers(1, 40), st.integers(1, 40))
LAYER = arrays(np.uint8, SIDES)
STAMPS = st.floats(allow_nan=False)
TIMES = st.floats(0, 1e9, width=32)


@given(st.binary(min_size=1, max_size=200), NUMBERS, STAMPS)
def test_a_frame_comes_back_as_it_was_sent(picture, sequence, stamp):
    frame = Frame(picture, sequence, stamp)
    assert unpack(frame.pack()) == frame


@given(LAYER, st.none() | LAYER, NUMBERS, STAMPS, TIMES, TIMES, NUMBERS)
def test_layers_come_back_as_they_were_sent(mask, confidence, sequence, stamp, waited, worked, dropped):
    sent = Layers(mask, confidence, sequence=sequence, stamp=stamp, waited_ms=waited, worked_ms=worked, dropped=dropped)
    got = unpack(sent.pack())
    assert isinstance(got, Layers)
    np.testing.assert_array_equal(got.mask, mask)
    if confidence is None:
        assert got.confidence is None
    else:
        np.testing.assert_array_equal(got.confidence, confidence)
    assert (got.sequence, got.stamp, got.dropped) == (sequence, stamp, dropped)
    assert (got.waited_ms, got.worked_ms) == (waited, worked)


def test_an_overlay_comes_back_as_it_was_sent():
    sent = Overlay(b"\xff\xd8jpeg", 640, 480, sequence=7, stamp=-1.5, waited_ms=2.0, worked_ms=0.5, dropped=3)
    assert unpack(sent.pack()) == sent


def test_the_header_is_the_documented_one():
    """Byte by byte, since a page in JavaScript reads it by the documentation."""
    mask, confidence = np.full((3, 5), 15, np.uint8), np.full((2, 4), 255, np.uint8)
    message = Layers(
        mask, confidence, sequence=0x01020304, stamp=1234.5, waited_ms=1.5, worked_ms=2.25, dropped=9
    ).pack()
    assert message[:4] == b"LS\x01\x02"
    assert message[4:8] == b"\x04\x03\x02\x01"
    assert struct.unpack("<d", message[8:16]) == (1234.5,)
    assert struct.unpack("<ff", message[16:24]) == (1.5, 2.25)
    assert struct.unpack("<I", message[24:28]) == (9,)
    assert struct.unpack("<HHHH", message[28:36]) == (5, 3, 4, 2)
    (first,) = struct.unpack("<I", message[36:40])
    assert zlib.decompress(message[40 : 40 + first]) == bytes([15]) * 15
    assert zlib.decompress(message[40 + first :]) == bytes([255]) * 8


def test_a_stamp_comes_back_bit_by_bit_even_where_it_is_no_number():
    raw = bytearray(Frame(b"x").pack())
    raw[8:16] = b"\x01\x00\x00\x00\x00\x00\xf8\x7f"
    frame = unpack(bytes(raw))
    assert Overlay(b"x", 1, 1, stamp=frame.stamp).pack()[8:16] == bytes(raw[8:16])


def test_what_is_known_only_at_the_end_is_written_into_a_packed_message():
    packed = Layers(np.ones((3, 4), np.uint8), sequence=5, stamp=2.5).pack()
    got = unpack(told(packed, waited_ms=1.5, worked_ms=8.0, dropped=2**40))
    assert (got.sequence, got.stamp, got.waited_ms, got.worked_ms, got.dropped) == (5, 2.5, 1.5, 8.0, 2**32 - 1)
    assert got.mask.shape == (3, 4)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data):
    with pytest.raises(WireError):
        unpack(data)


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 255), st.binary(min_size=36, max_size=36))
def test_random_headers_and_parts_are_read_or_refused_and_nothing_else(body, kind, header):
    message = b"LS\x01" + bytes([kind % 5]) + header + body
    read = None
    with contextlib.suppress(WireError):
        read = unpack(message, max_pixels=10_000)
    assert read is None or read.pack()[:8] == message[:8]


def test_a_client_may_send_frames_only_and_nothing_else_of_it_is_unpacked():
    frame = Frame(b"jpeg", 3, 4.5)
    assert unpack_frame(frame.pack()) == frame
    with pytest.raises(WireError, match="of kind 2"):
        unpack_frame(message(10, 10, b"no zlib stream at all"))
    for wrong in (frame.pack()[:-1], frame.pack() + b"!", b"", Frame(b"").pack()):
        with pytest.raises(WireError):
            unpack_frame(wrong)


@given(LAYER, LAYER, st.data())
def test_a_message_that_is_cut_anywhere_is_refused(mask, confidence, data):
    message = Layers(mask, confidence).pack()
    with pytest.raises(WireError):
        unpack(message[: data.draw(st.integers(0, len(message) - 1))])


@pytest.mark.parametrize("sent", [Frame(b"x"), Overlay(b"x", 1, 1), Layers(np.zeros((2, 2), np.uint8))])
def test_bytes_too_many_are_refused(sent):
    with pytest.raises(WireError):
        unpack(sent.pack() + b"more")


def message(width, height, layer, columns=0, rows=0, second=b""):
    return HEADER.pack(b"LS", 1, 2, 0, 0.0, 0.0, 0.0, 0, width, height, columns, rows, len(layer)) + layer + second


def test_no_more_is_unpacked_than_the_message_claims():
    bomb = zlib.compress(bytes(50_000_000), 9)
    assert len(bomb) < 50_000
    tracemalloc.start()
    try:
        for claim in (message(10, 10, bomb), message(10, 10, zlib.compress(bytes(100)), 10, 10, bomb)):
            with pytest.raises(WireError, match="not the 10x10"):
                unpack(claim)
        with pytest.raises(WireError, match=r"60000x5000.*1000000 pixels"):
            unpack(message(60000, 5000, bomb), max_pixels=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (message(3, 0, zlib.compress(b"")), "3x0 pixels has none"),
        (message(3, 1, zlib.compress(b"ab")), "not the 3x1"),
        (message(3, 1, zlib.compress(b"abcd")), "not the 3x1"),
        (message(3, 1, zlib.compress(b"abc") + b"!"), "not the 3x1"),
        (message(3, 1, b"abcdef"), "damaged"),
        (message(1, 1, zlib.compress(b"a"), 2, 0, zlib.compress(b"a")), "2x0 pixels has none"),
        (b"GI" + Frame(b"x").pack()[2:], "begins with b'LS'"),
        (b"LS\x02" + Frame(b"x").pack()[3:], "version 2"),
        (b"LS\x01\x09" + Frame(b"x").pack()[4:], "unknown kind: 9"),
        (Frame(b"").pack(), "holds no picture"),
    ],
)
def test_a_wrong_message_is_named(wrong, said):
    with pytest.raises(WireError, match=said):
        unpack(wrong)


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (Frame(b"x", sequence=2**32).pack, "does not fit"),
        (Frame(b"x", sequence=-1).pack, "does not fit"),
        (Layers(np.zeros((1, 65536), np.uint8)).pack, "65536x1 does not fit"),
        (Layers(np.zeros((2, 2), np.uint8), np.zeros((65536, 1), np.uint8)).pack, "1x65536 does not fit"),
        (Layers(np.zeros((2, 2), np.int64)).pack, "uint8, not"),
        (Layers(np.zeros((0, 2), np.uint8)).pack, "uint8, not"),
        (Layers(np.zeros((2, 2), np.uint8), waited_ms=1e300).pack, "does not fit"),
        (Overlay(b"x", 70000, 3).pack, "70000x3 does not fit"),
    ],
)
def test_what_has_no_place_in_the_header_is_refused(pack, said):
    with pytest.raises(WireError, match=said) as raised:
        pack()
    assert isinstance(raised.value, LivesegError)
    assert isinstance(raised.value, ValueError)


def test_the_longest_side_fits_and_views_are_packed_as_they_look():
    wide = np.zeros((1, 65535), np.uint8)
    assert unpack(Layers(wide).pack()).mask.shape == (1, 65535)
    view = np.arange(12, dtype=np.uint8).reshape(3, 4).T
    np.testing.assert_array_equal(unpack(Layers(view).pack()).mask, view)
