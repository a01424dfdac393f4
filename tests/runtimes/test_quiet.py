"""Silence around libraries: theirs alone, and over when the last one leaves."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

from liveseg.runtimes.quiet import quietly


def state():
    """All that `quietly` touches."""
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("torch", "torch.onnx", "onnxruntime", "nncf")}
    return root.manager.disable, root.handlers[:], root.filters[:], levels, sys.stdout, sys.stderr, warnings.filters[:]


def test_what_libraries_print_warn_of_and_log_is_dropped(capsys, caplog):
    with quietly():
        print("insides")
        print("more insides", file=sys.stderr)
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
        logging.warning("please consider")
        logging.getLogger("torch.onnx._internal.exporter").warning("skipped")
        logging.getLogger("nncf").error("something")
    assert (capsys.readouterr(), caplog.text) == (("", ""), "")
    # PyTorch's own loggers keep their records to themselves, once it is imported.
    logging.getLogger("onnxruntime.quantization").warning("and heard again")
    assert "and heard again" in caplog.text


def test_others_are_heard_meanwhile(caplog):
    with quietly():
        logging.getLogger("liveseg.server").error("a request failed")
        logging.getLogger("of.someone.else").warning("so did this")
    assert [record.message for record in caplog.records] == ["a request failed", "so did this"]


def test_an_error_inside_ends_it():
    before = state()
    try:
        with quietly():
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert state() == before


def test_two_threads_may_leave_in_the_order_they_came():
    before = state()
    second_in, first_out = threading.Event(), threading.Event()
    still_quiet = []

    def second():
        with quietly():
            second_in.set()
            assert first_out.wait(30)
            still_quiet.append(sys.stderr is not before[5])

    thread = threading.Thread(target=second)
    with quietly():
        thread.start()
        assert second_in.wait(30)
    first_out.set()
    thread.join(30)
    assert still_quiet == [True]
    assert state() == before
