"""What is shown while a network learns."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
import torch

from liveseg.train.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def trainee():
    plan = SimpleNamespace(steps=50, epochs=10, epoch=lambda step: step // 5)
    return SimpleNamespace(plan=plan, global_step=20, trainer=SimpleNamespace(is_global_zero=True))


def shown(trainee, stream, monkeypatch, *, quiet=False):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", stream)
    bar = ProgressBar(SimpleNamespace(best_miou=0.4321), quiet=quiet)
    bar.begun(trainee)
    trainee.global_step = 25
    bar.learned(trainee, 4, torch.tensor(1.25, requires_grad=True))
    bar.ended()
    bar.ended()
    return stream.getvalue()


def test_a_terminal_shows_how_far_it_is(trainee, monkeypatch):
    said = shown(trainee, Terminal(), monkeypatch)
    assert "epoch 5 of 10" in said
    assert "25/50" in said
    assert "loss 1.250, best mIoU 43.2%" in said


def test_a_pipe_and_other_devices_and_quiet_show_nothing(trainee, monkeypatch):
    assert shown(trainee, io.StringIO(), monkeypatch) == ""
    assert shown(trainee, Terminal(), monkeypatch, quiet=True) == ""
    trainee.trainer.is_global_zero = False
    assert shown(trainee, Terminal(), monkeypatch) == ""
