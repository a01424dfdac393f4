"""From settings classes to options."""

from __future__ import annotations

from dataclasses import dataclass

import typer
from typer.testing import CliRunner

from liveseg.cli.options import with_settings
from liveseg.settings.option import option


@dataclass(frozen=True)
class Repeated:
    """Options that may be given several times."""

    words: tuple[str, ...] = option((), "Words.", repeat=True)
    lengths: tuple[int, ...] = option((), "Lengths.", repeat=True, parse=len)


@dataclass(frozen=True)
class Undecided:
    """A switch that is neither on nor off by default."""

    caption: bool | None = option(None, "Words.", shown="live sources")


def test_a_switch_may_be_left_undecided():
    seen = []

    def command(*, settings: Undecided) -> None:
        seen.append(settings.caption)

    app = typer.Typer()
    app.command()(with_settings(Undecided)(command))
    for arguments in ([], ["--caption"], ["--no-caption"]):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
    assert seen == [None, True, False]


def test_an_option_that_may_be_repeated_gathers_what_it_is_given():
    seen = []

    def command(*, settings: Repeated) -> None:
        seen.append(settings)

    app = typer.Typer()
    app.command()(with_settings(Repeated)(command))
    for arguments in ([], ["--words", "a", "--words", "b", "--lengths", "four"]):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
    assert seen == [Repeated(), Repeated(("a", "b"), (4,))]
