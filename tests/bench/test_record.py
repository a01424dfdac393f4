"""What records have in common: where they come from, and where they go."""

from __future__ import annotations

import json

import pytest

from liveseg.bench.machine import commit
from liveseg.bench.record import command_line, surroundings, write_record


def test_a_command_is_told_without_the_folders_of_this_machine():
    typed = ["/data/of/mine/clip.mp4", "--more", "--size 97", "input/image_1.jpg", "-o", "/data/made/"]
    told = command_line("python benchmarks/some.py", typed)
    assert told == "python benchmarks/some.py clip.mp4 --more '--size 97' input/image_1.jpg -o made/"


def test_surroundings_are_the_machine_the_versions_and_the_commit_in_this_order():
    found = surroundings({"ray": "1.2.3"})
    assert list(found) == ["machine", "versions", "commit"]
    assert found["machine"]["cores"] >= 1
    assert (found["versions"]["ray"], list(found["versions"])[:2]) == ("1.2.3", ["liveseg", "python"])
    assert found["commit"] == commit()
    assert "ray" not in surroundings()["versions"]


@pytest.mark.parametrize("to_file", [True, False])
def test_a_record_goes_into_a_new_folder_or_to_standard_output(to_file, tmp_path, capsys):
    target = tmp_path / "new" / "result.json"
    write_record({"command": "python", "share": 0.5}, target if to_file else None)
    printed = capsys.readouterr().out
    assert bool(printed) is not to_file
    written = target.read_text(encoding="utf-8") if to_file else printed
    assert written == '{\n  "command": "python",\n  "share": 0.5\n}\n'
    assert json.loads(written) == {"command": "python", "share": 0.5}
