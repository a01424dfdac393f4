"""What is said of a defect, and that what it refers to is there."""

from __future__ import annotations

import pytest

from liveseg.batch.failure import told
from liveseg.batch.pool import LocalPool
from liveseg.batch.records import Item, Task
from liveseg.settings import BatchSettings


def test_a_defect_names_the_options_that_show_its_traceback(stand_in, tmp_path):
    try:
        {}["what nobody thought of"]
    except KeyError as error:
        line = told(error, Task(Item(location="/a.jpg", name="a", kind="image")))
    *_, advice = line.split("; ")
    assert advice == "--redo failed --verbose shows the traceback"


@pytest.mark.parametrize("verbose", [True, False])
def test_what_workers_log_is_shown_where_it_was_asked_for(stand_in, tmp_path, capfd, verbose):
    settings = BatchSettings(out=str(tmp_path / "out"), verbose=verbose)
    tasks = stand_in.tasks_of(tmp_path / "in", ["write"])
    with LocalPool(settings, "run", 1, make_replica=stand_in.Loud) as pool:
        assert [record.status for record in pool.run(iter([tuple(tasks)]))] == ["done"]
    said = capfd.readouterr().err
    assert ("ValueError: surprise" in said) == verbose
    assert ("defect at 0000" in said) == verbose
