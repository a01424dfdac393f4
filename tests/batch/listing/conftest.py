"""Files to list: that they are pictures is said by their names alone."""

from __future__ import annotations

import pytest


@pytest.fixture
def tree(tmp_path):
    """`tree("a.jpg", "b/c.mp4", …)` makes files in a folder and gives it; `under=` names another folder."""

    def make(*names, under="photos"):
        folder = tmp_path / under
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        return folder

    return make
