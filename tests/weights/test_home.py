from pathlib import Path

import platformdirs
import pytest

from liveseg.weights.home import exported_folder, home, offline, weights_folder


def test_the_home_is_the_folder_that_the_environment_names_at_the_time_of_the_call(monkeypatch, tmp_path):
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "one"))
    assert home() == tmp_path / "one"
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "two"))
    assert (weights_folder(), exported_folder()) == (tmp_path / "two/weights", tmp_path / "two/exported")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_a_choice_the_home_is_the_system_s_cache_folder(monkeypatch, value):
    monkeypatch.delenv("LIVESEG_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("LIVESEG_HOME", value)
    assert home() == Path(platformdirs.user_cache_dir("liveseg"))


def test_a_tilde_and_a_relative_path_become_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("LIVESEG_HOME", "~/weights-of-mine")
    assert home() == Path.home() / "weights-of-mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVESEG_HOME", "here")
    assert home() == tmp_path / "here"


def test_asking_for_the_folders_creates_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "home"))
    weights_folder()
    exported_folder()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "yes", "On", " on "])
def test_these_values_mean_offline(monkeypatch, value):
    monkeypatch.setenv("LIVESEG_OFFLINE", value)
    assert offline()


@pytest.mark.parametrize("value", ["", "0", "false", "no", "off"])
def test_these_values_do_not_mean_offline(monkeypatch, value):
    monkeypatch.setenv("LIVESEG_OFFLINE", value)
    assert not offline()


def test_an_unset_variable_does_not_mean_offline(monkeypatch):
    monkeypatch.delenv("LIVESEG_OFFLINE", raising=False)
    assert not offline()
