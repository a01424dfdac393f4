from __future__ import annotations

import pytest

from liveseg.errors import UsageError
from liveseg.settings.draw import parse_share


@pytest.mark.parametrize(
    ("text", "share"), [("0.6", 0.6), (" 60 % ", 0.6), ("60%", 0.6), (".5", 0.5), ("12.5%", 0.125)]
)
def test_a_share_is_read_as_a_number_or_in_percent(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "0", "1", "60", "100%", "0%", "-0.5", "1e-1", "nan", "half"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(UsageError, match=r"write it as 0\.6 or 60%"):
        parse_share(text)
