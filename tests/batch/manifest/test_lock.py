"""One run on one destination: refused while another lives, taken over when it is dead, noticed by who was paused."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from filelock import Timeout

from liveseg.batch.manifest import DestinationBusyError, Lock, LostLockError
from liveseg.batch.manifest.holder import Holder, sign_of_life
from liveseg.batch.places.errors import StorageError


@pytest.fixture(params=[True, False], ids=["disk", "store"])
def place(request, memory_place):
    return memory_place(appends=request.param)


def left_behind(place, *, seconds, host="elsewhere", nonce="n", number=1, beat=3):
    """What a run that was killed left."""
    holder = Holder(owner="run-1", host=host, process=1, nonce=nonce, since=0.0, seconds=seconds, beat=beat)
    place.files[f"_liveseg/lock/{number:06}.json"] = holder.to_json()


def numbers(place):
    return sorted(name[-11:-5] for name in place.files)


def test_a_destination_that_is_free_is_taken_and_given_back(place):
    for number in ("000001", "000002", "000003"):
        with Lock(place, "run") as lock:
            lock.check()
            assert numbers(place) == [number]


def test_a_second_run_on_this_machine_is_refused_at_once_and_told_by_whom(place):
    with Lock(place, "run-1", seconds=3600) as first:
        started = time.monotonic()
        with pytest.raises(
            DestinationBusyError, match=r"written by run-1 \(process \d+ on .+, since 20.*another --out"
        ):
            Lock(place, "run-2").__enter__()
        assert time.monotonic() - started < 60
        first.check()


def test_a_run_on_another_machine_is_refused_when_the_first_gives_a_sign_of_life(place):
    said = []
    with Lock(place, "run-1", seconds=6, host="one") as first:
        with pytest.raises(DestinationBusyError, match=r"run-1 \(process \d+ on one"):
            Lock(place, "run-2", host="two", notice=said.append).__enter__()
        first.check()
    assert said
    assert said[0].startswith("waiting up to 6 seconds to see whether run-1 (process ")


def test_a_silent_run_is_taken_over_after_the_time_it_stated_and_not_before(place):
    left_behind(place, seconds=0.6)
    started = time.monotonic()
    with Lock(place, "run-2", seconds=3600):
        assert 0.6 <= time.monotonic() - started < 60
        assert numbers(place) == ["000002"]


def test_clocks_that_differ_do_not_matter(place):
    holder = Holder(owner="o", host="elsewhere", process=1, nonce="n", since=4e9, seconds=0.3, beat=1)
    place.files["_liveseg/lock/000001.json"] = holder.to_json()
    with Lock(place, "run-2"):
        assert numbers(place) == ["000002"]


def test_a_process_of_this_machine_that_was_killed_is_taken_over_at_once(place):
    code = (
        "import sys, os, signal\n"
        "from liveseg.batch.manifest.holder import sign_of_life\n"
        "sign = sign_of_life(sys.argv[1]); sign.acquire(); print('held', flush=True); sys.stdin.read()\n"
    )
    from liveseg.batch.manifest.holder import this_host

    nonce = f"test-{time.time_ns()}"
    with subprocess.Popen(
        [sys.executable, "-c", code, nonce], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            left_behind(place, seconds=3600, host=this_host(), nonce=nonce)
            with pytest.raises(DestinationBusyError):
                Lock(place, "run-2").__enter__()
        finally:
            process.kill()
    said = []
    started = time.monotonic()
    with Lock(place, "run-2", notice=said.append):
        assert time.monotonic() - started < 60
    assert said == [s for s in said if s.startswith("going on after run-1 (process 1 on ")]
    assert len(said) == 1


def test_a_machine_of_the_same_name_with_other_processes_is_judged_by_its_silence(place):
    from liveseg.batch.manifest.holder import this_host

    left_behind(place, seconds=0.3, host=this_host(), nonce="never-here")
    said = []
    with Lock(place, "run-2", notice=said.append):
        assert said[0].startswith("waiting up to 0.3 seconds")


def test_a_run_that_was_paused_notices_and_cannot_disturb_who_took_over(place):
    first = Lock(place, "run-1", seconds=0.4, host="one")
    with first:
        first._ended.set()  # no sign of life from here, as of a process that is stopped
        first._beating.join()
        with Lock(place, "run-2", seconds=3600, host="two") as second:
            first._write()  # a write that was under way when it was stopped, and arrives now
            second.check()
            with pytest.raises(LostLockError, match=r"taken over by run-2 \(process \d+ on two.*0.4 seconds"):
                first.check()
            assert first.lost
            second.check()
    # Its end gives nothing back that is not its own, and what it left does not look like a holder.
    with Lock(place, "run-3", host="three"):
        assert numbers(place) == ["000003"]


def test_a_lost_lock_is_noticed_by_its_heartbeat(place):
    with Lock(place, "run-1", seconds=0.6) as lock:
        left_behind(place, seconds=60, number=7)
        for _ in range(600):
            if lock.lost:
                break
            time.sleep(0.05)
        assert lock.lost
    assert numbers(place)[-1] == "000007"


def test_of_many_that_take_over_at_once_one_succeeds(memory_place):
    place = memory_place(appends=False)
    left_behind(place, seconds=0.3)
    held, refused = [], []
    done = threading.Barrier(5)

    def run(n):
        try:
            with Lock(place, f"run-{n}", seconds=12, host=f"host-{n}"):
                held.append(n)
                done.wait(60)
        except DestinationBusyError as error:
            refused.append(str(error))
            done.wait(60)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 4)
    assert all(f"run-{held[0]} " in message for message in refused)


def test_who_looked_before_another_claimed_does_not_claim_over_it(place, monkeypatch):
    with Lock(place, "first", seconds=3600) as first:
        held = place.files["_liveseg/lock/000001.json"]
        second = Lock(place, "second")
        look, seen = second._free_after, [0]
        # What it saw when nobody was there yet; after that it sees what is there.
        monkeypatch.setattr(second, "_free_after", lambda folder: seen.pop() if seen else look(folder))
        with pytest.raises(DestinationBusyError, match="written by first"):
            second.__enter__()
        assert place.files["_liveseg/lock/000001.json"] == held
        first.check()


def test_an_answer_that_was_lost_does_not_lose_the_lock(memory_place, monkeypatch):
    place = memory_place(appends=False)
    put = place.commit_bytes
    # The PUT arrived, its answer did not, and the one that was sent again found the file there.
    monkeypatch.setattr(place, "commit_bytes", lambda data, name, only_new=False: put(data, name) and not only_new)
    with Lock(place, "run") as lock:
        lock.check()
        assert numbers(place) == ["000001"]


def test_a_store_that_is_away_for_a_while_loses_nothing(memory_place, monkeypatch):
    place = memory_place(appends=False)
    with Lock(place, "run", seconds=0.3) as lock:
        with monkeypatch.context() as patched:

            def away(*_, **__):
                raise StorageError("503")

            patched.setattr(place, "commit_bytes", away)
            time.sleep(0.3)
        before = place.files["_liveseg/lock/000001.json"]
        for _ in range(600):
            if place.files["_liveseg/lock/000001.json"] != before:
                break
            time.sleep(0.05)
        assert place.files["_liveseg/lock/000001.json"] != before
        lock.check()


def test_damage_is_waited_out(place):
    place.files["_liveseg/lock/000004.json"] = b"{"
    with Lock(place, "run", seconds=0.3):
        assert numbers(place) == ["000005"]


def test_a_sign_of_life_goes_when_the_lock_is_given_back(place):
    from liveseg.batch.manifest import holder

    lock = Lock(place, "run")
    with lock:
        assert holder._path(lock._holder.nonce).exists()
        with pytest.raises(Timeout):
            sign_of_life(lock._holder.nonce).acquire()
    assert not holder._path(lock._holder.nonce).exists()
