import errno
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from liveseg.errors import MediaError, OutputExistsError, SinkError
from liveseg.files import atomic_write, check_writable, commit, discard, is_partial, partial_path, prepare, sink_error


@pytest.fixture
def foreign_folder():
    """A folder that this process may read but not write to, also where the tests run as root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("folders without write permission are tested where there are POSIX permissions")
    # Not below tmp_path, whose parents only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "partial"),
    [
        ("a.mp4", "a.partial.mp4"),
        ("my.holiday.2024.jpg", "my.holiday.2024.partial.jpg"),
        ("no_extension", "no_extension.partial"),
        ("ümläut und mehr.png", "ümläut und mehr.partial.png"),
    ],
)
def test_a_partial_name_stands_beside_its_target_and_keeps_the_extension(name, partial):
    assert partial_path(Path("folder") / name) == Path("folder") / partial
    assert is_partial(Path(partial))
    assert not is_partial(Path(name))


def test_a_file_appears_whole_and_its_partial_one_is_gone(tmp_path):
    target = tmp_path / "new" / "deep" / "a.txt"
    with atomic_write(target, overwrite=False) as partial:
        assert partial == partial_path(target)
        partial.write_text("half", encoding="utf-8")
        assert not target.exists()
        partial.write_text("whole", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError("broke"), KeyboardInterrupt(), SystemExit(1)])
def test_whatever_ends_the_writing_leaves_the_old_file_as_it_was(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")

    def write():
        with atomic_write(target, overwrite=True) as partial:
            partial.write_text("new", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        write()
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(OutputExistsError, match=r"a\.txt exists already; add --overwrite"):
        prepare(target, overwrite=False)
    assert list(tmp_path.iterdir()) == [target]
    with atomic_write(target, overwrite=True) as partial:
        partial.write_text("new", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "new"


def test_a_file_that_appears_while_writing_is_not_replaced(tmp_path):
    target = tmp_path / "a.txt"

    def write():
        with atomic_write(target, overwrite=False) as partial:
            partial.write_text("mine", encoding="utf-8")
            target.write_text("theirs", encoding="utf-8")

    with pytest.raises(OutputExistsError):
        write()
    assert target.read_text(encoding="utf-8") == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_the_leftover_of_a_killed_run_is_written_over(tmp_path):
    target = tmp_path / "a.txt"
    partial_path(target).write_text("a long leftover", encoding="utf-8")
    with atomic_write(target, overwrite=False) as partial:
        assert partial.read_bytes() == b""
        partial.write_text("new", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "new"


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(SinkError, match="that is a folder; name a file in it"):
        prepare(tmp_path, overwrite=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="devices are files on POSIX systems only")
def test_a_device_is_not_replaced_by_a_file():
    with pytest.raises(SinkError, match="not a regular file"):
        prepare(os.devnull, overwrite=True)
    assert Path(os.devnull).is_char_device()


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "outputs").write_text("", encoding="utf-8")
    with pytest.raises(SinkError, match="outputs is a file, not a folder"):
        prepare(tmp_path / "outputs" / "deeper" / "a.jpg", overwrite=True)


def test_a_folder_without_write_permission_is_told_in_one_line(foreign_folder):
    for target in (foreign_folder / "a.jpg", foreign_folder / "new" / "a.jpg"):
        with pytest.raises(SinkError, match="not allowed to write there") as caught:
            prepare(target, overwrite=False)
        assert str(target) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_name_that_is_too_long_is_told_in_one_line(tmp_path):
    with pytest.raises(SinkError, match=r"name is too long|cannot write"):
        prepare(tmp_path / ("x" * 300 + ".jpg"), overwrite=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is a thing of Linux")
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path):
    target = tmp_path / "a.bin"

    def write():
        with atomic_write(target, overwrite=True) as partial:
            partial.unlink()
            partial.symlink_to("/dev/full")
            partial.write_bytes(b"\0" * 100_000)

    with pytest.raises(SinkError, match="no space left there; free some"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_an_own_error_in_the_body_is_not_dressed_up_as_the_targets(tmp_path):
    with pytest.raises(MediaError, match=r"^the source broke$"), atomic_write(tmp_path / "a", overwrite=True):
        raise MediaError("the source broke")


def test_a_partial_file_that_is_missing_cannot_be_committed(tmp_path):
    with pytest.raises(SinkError, match="cannot write"):
        commit(tmp_path / "a.partial.mp4", tmp_path / "a.mp4")


def test_every_system_error_gives_one_line():
    assert "disk is read-only" in str(sink_error("a.mp4", OSError(errno.EROFS, "Read-only file system")))
    assert str(sink_error("a.mp4", OSError("two\n lines"))) == "cannot write a.mp4: two lines"
    assert (
        str(sink_error("a.mp4", OSError(errno.EIO, "Input/output error"))) == "cannot write a.mp4: Input/output error"
    )
    assert str(sink_error("a.mp4", OSError())) == "cannot write a.mp4: OSError"


def test_two_runs_do_not_write_one_target(tmp_path):
    target = tmp_path / "out.mp4"
    partial = prepare(target, overwrite=True)
    code = (
        "import sys; from liveseg import files; from liveseg.errors import SinkError\n"
        "try:\n    files.prepare(sys.argv[1], overwrite=True)\n"
        "except SinkError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(target)]
    partial.write_bytes(b"ours")
    assert "another run is writing it" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert partial.read_bytes() == b"ours"
    commit(partial, target)
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""
    assert target.read_bytes() == b"ours"


def test_a_file_prepared_in_one_thread_is_committed_in_another(tmp_path):
    target = tmp_path / "a.txt"
    partial = prepare(target, overwrite=False)
    partial.write_text("whole", encoding="utf-8")
    thread = threading.Thread(target=commit, args=(partial, target))
    thread.start()
    thread.join()
    assert target.read_text(encoding="utf-8") == "whole"
    # The name is free again.
    discard(prepare(target, overwrite=True))


def test_whether_a_file_can_be_written_is_known_beforehand(tmp_path, foreign_folder):
    with pytest.raises(SinkError, match="not allowed to write there"):
        check_writable(foreign_folder / "a.html", overwrite=True)
    assert list(foreign_folder.iterdir()) == []


def test_trying_whether_a_file_can_be_written_leaves_nothing(tmp_path):
    check_writable(tmp_path / "new" / "a.html", overwrite=False)
    assert list((tmp_path / "new").iterdir()) == []
    there = tmp_path / "b.html"
    there.write_text("before", encoding="utf-8")
    with pytest.raises(OutputExistsError):
        check_writable(there, overwrite=False)
    check_writable(there, overwrite=True)
    assert there.read_text(encoding="utf-8") == "before"


def test_no_lock_is_left_of_a_file_that_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "locks"))
    (tmp_path / "locks").mkdir()
    for number in range(3):
        with atomic_write(tmp_path / f"{number}.txt", overwrite=False) as partial:
            assert len(list((tmp_path / "locks").iterdir())) == 1
            partial.write_text("whole", encoding="utf-8")
    assert list((tmp_path / "locks").iterdir()) == []


def test_of_many_that_want_one_file_one_has_it_at_a_time(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from liveseg.errors import SinkError; from liveseg.files import claim, unclaim\n"
        "path, taken = Path(sys.argv[1]), 0\n"
        "while taken < 300:\n"
        "    try: claim(path, path)\n"
        "    except SinkError: continue\n"
        "    os.close(os.open(f'{path}.mine', os.O_CREAT | os.O_EXCL)); os.unlink(f'{path}.mine')\n"
        "    unclaim(path); taken += 1\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "one")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=120)[1] for process in processes] == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4
