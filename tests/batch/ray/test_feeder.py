"""The mailbox: what a lost worker had in hand goes to another, one at a time, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from liveseg.batch.attempts import key_of
from liveseg.batch.ray_feeder import Feeder
from liveseg.batch.records import Item, Piece, Record, Task

SOON = 0.05


def task(name, **options):
    return Task(Item(location=f"/{name}", name=name, kind="image"), **options)


def record(of, status="done"):
    item = of.item
    return Record(
        identifier=item.identifier, location=item.location, name=item.name, kind=item.kind, status=status,
        piece=of.piece.index if of.piece else None, pieces=of.piece.count if of.piece else of.join or None,
    )  # fmt: skip


def bundle(*names):
    return tuple(task(name) for name in names)


def feeder(attempts=3, first=1, silence=60.0):
    return Feeder(attempts, first, silence)


async def take(feeder, call="c", number=0, records=(), idle=True):
    return await feeder.take(number, call, list(records), SOON, idle)


def test_a_busy_worker_waits_for_more_only_while_more_may_come():
    async def story():
        box = feeder()
        await box.exchange([bundle("a")], False, True, SOON)
        await box.begin(0, "c")
        await take(box)
        waiting = asyncio.create_task(box.take(0, "c", [], 30.0, False))
        await asyncio.sleep(0)
        await box.exchange([bundle("b")], False, True, SOON)
        assert [one.item.name for one in (await asyncio.wait_for(waiting, 20)).tasks] == ["b"]
        waiting = asyncio.create_task(box.take(0, "c", [], 30.0, False))
        await asyncio.sleep(0)
        await box.exchange([], True, False, SOON)
        assert (await asyncio.wait_for(waiting, 20)).what == "nothing"

    asyncio.run(story())


@pytest.mark.parametrize(
    "of",
    [task("a"), task("a", join=4), task("a", piece=Piece(2, 5, 1.0, None)), task("a", piece=Piece(0, 1, 0.0, 1.0))],
)
def test_a_record_is_known_by_the_key_of_its_task(of):
    assert key_of(record(of)) == of.key


def test_what_goes_in_comes_out_and_the_end_is_known():
    async def story():
        box = feeder()
        news = await box.exchange([], False, True, SOON)
        assert news.wanted == 2
        assert not news.finished
        await box.exchange([bundle("a", "b"), bundle("c")], True, True, SOON)
        await box.begin(0, "c")
        first = await take(box)
        assert [one.item.name for one in first.tasks] == ["a", "b"]
        second = await take(box, records=[record(one) for one in first.tasks], idle=False)
        assert [one.item.name for one in second.tasks] == ["c"]
        news = await box.exchange([], True, True, SOON)
        assert [one.name for one in news.records] == ["a", "b"]
        assert not news.finished  # `c` is under way
        await box.end(0, "c", [record(second.tasks[0])])
        news = await box.exchange([], True, True, SOON)
        assert ([one.name for one in news.records], news.finished) == (["c"], True)

    asyncio.run(story())


def test_the_driver_is_asked_for_two_bundles_a_worker():
    async def story():
        box = feeder()
        for number in range(5):
            await box.begin(number, "c")
        assert (await box.exchange([], False, True, SOON)).wanted == 10
        assert (await box.exchange([bundle(str(number)) for number in range(7)], False, True, SOON)).wanted == 3
        assert (await box.exchange([bundle("x")] * 3, False, True, SOON)).wanted == 0

    asyncio.run(story())


def test_a_request_waits_for_work_and_gets_it_at_once():
    async def story():
        box = feeder()
        await box.begin(0, "c")
        waiting = asyncio.create_task(box.take(0, "c", [], 30.0, True))
        await asyncio.sleep(SOON)
        assert not waiting.done()
        await box.exchange([bundle("a")], True, True, SOON)
        assert (await asyncio.wait_for(waiting, 5)).what == "bundle"

    asyncio.run(story())


def test_tasks_of_a_lost_worker_run_alone_and_the_one_that_kills_is_given_up():
    async def story():
        box = feeder(attempts=3)
        await box.exchange([bundle("good", "killer", "fine")], True, True, SOON)
        await box.begin(0, "c0")
        work = await take(box, "c0")
        await box.report(0, "c0", [record(work.tasks[0])])
        done, seen = ["good"], []
        for attempt in range(1, 10):  # each worker that meets the killer is lost, and its ticket begun again
            await box.begin(0, f"c{attempt}")
            while (work := await take(box, f"c{attempt}")).what in {"suspect", "lost"}:
                (one,) = work.tasks
                seen.append((one.item.name, one.attempt, work.what))
                if one.item.name == "killer" and work.what == "suspect":
                    break
                await box.report(0, f"c{attempt}", [record(one)])
                done.append(one.item.name)
            else:
                break
        assert sorted(done) == ["fine", "good", "killer"]
        assert [one for one in seen if one[0] == "killer"] == [
            ("killer", 2, "suspect"), ("killer", 3, "suspect"), ("killer", 4, "lost")
        ]  # fmt: skip
        assert [one for one in seen if one[0] == "fine"] == [("fine", 2, "suspect")]
        assert (await box.exchange([], True, True, SOON)).finished

    asyncio.run(story())


def test_a_suspect_waits_until_its_worker_has_nothing_else_under_way():
    async def story():
        box = feeder()
        await box.exchange([bundle("a"), bundle("b")], True, True, SOON)
        await box.begin(0, "c")
        await take(box)
        await box.begin(1, "d")
        other = await take(box, "d", 1)
        await box.begin(0, "again")  # the first worker was lost
        assert (await take(box, "d", 1, idle=False)).what == "nothing"
        done = [record(other.tasks[0])]
        assert (await take(box, "d", 1, done)).what == "suspect"

    asyncio.run(story())


def test_what_a_worker_passed_over_is_tried_again_but_not_for_ever():
    async def story():
        box = feeder(attempts=2)
        await box.exchange([bundle("a")], True, True, SOON)
        await box.begin(0, "c")
        seen = [(await take(box)).what for _ in range(8)]
        assert seen == ["bundle", "suspect", "lost", "lost", "lost", "nothing", "nothing", "nothing"]
        assert (await box.exchange([], True, True, SOON)).finished

    asyncio.run(story())


def test_a_worker_that_was_thought_lost_is_sent_away_but_its_records_count():
    async def story():
        box = feeder()
        await box.exchange([bundle("a")], True, True, SOON)
        await box.begin(0, "old")
        work = await take(box, "old")
        await box.begin(0, "new")
        assert (await take(box, "old", records=[record(work.tasks[0])])).what == "end"
        assert [one.name for one in (await box.exchange([], True, True, SOON)).records] == ["a"]
        assert (await take(box, "new")).what == "nothing"

    asyncio.run(story())


def test_what_was_on_a_lost_machine_goes_to_the_others_without_waiting_for_a_new_worker():
    async def story():
        box = feeder()
        await box.exchange([bundle("a")], True, True, SOON)
        await box.begin(0, "c", "handle", "one", "there")
        await take(box)
        await box.begin(1, "d", None, "two", "here")
        await box.lose(["there", "elsewhere"])
        assert (await box.exchange([], True, True, SOON)).workers == 1
        work = await take(box, "d", 1)
        assert (work.what, work.tasks[0].attempt) == ("suspect", 2)
        await box.end(1, "d", [record(work.tasks[0])])
        assert (await box.exchange([], True, True, SOON)).finished
        assert await box.close() == ["handle"]  # its ticket would wait for a machine

    asyncio.run(story())


def test_a_restarted_actor_gets_another_ticket_first_and_the_tasks_of_its_former_one_go_on():
    async def story():
        box = feeder()
        await box.exchange([bundle("a")], True, True, SOON)
        await box.begin(0, "c", None, "one", "here")
        await take(box)
        await box.begin(1, "d", None, "one", "here")
        work = await take(box, "d", 1)
        assert (work.what, work.tasks[0].attempt) == ("suspect", 2)

    asyncio.run(story())


def test_a_silent_worker_is_lost_and_a_sign_of_life_keeps_it():
    async def story():
        box = feeder(silence=0.4)
        await box.exchange([bundle("a"), bundle("b")], True, True, SOON)
        await box.begin(0, "c")
        await box.begin(1, "d")
        await take(box)
        await take(box, "d", 1)
        for _ in range(6):
            await asyncio.sleep(0.1)
            await box.beat(1, "d")
        assert (await box.exchange([], True, True, SOON)).workers == 1
        await box.beat(0, "c")  # it is back
        assert (await box.exchange([], True, True, SOON)).workers == 2
        assert (await take(box)).what == "suspect"

    asyncio.run(story())


def test_after_a_stop_nothing_begins_and_what_runs_is_finished():
    async def story():
        box = feeder()
        await box.exchange([bundle("a"), bundle("b")], False, True, SOON)
        await box.begin(0, "c")
        work = await take(box)
        await box.stop()
        news = await box.exchange([bundle("late")], False, True, SOON)
        assert (news.wanted, news.finished) == (0, False)
        assert (await take(box, records=[record(work.tasks[0])])).what == "stop"
        assert (await box.exchange([], False, True, SOON)).finished

    asyncio.run(story())


def test_a_failure_of_a_worker_reaches_the_driver_in_its_words():
    async def story():
        box = feeder()
        await box.begin(0, "c")
        await box.fail("there is no such model", 2)
        await box.fail("and another", 1)
        assert (await box.exchange([], False, True, SOON)).error == ("there is no such model", 2)
        assert (await take(box)).what == "end"

    asyncio.run(story())


def test_tickets_come_for_the_first_workers_and_then_as_they_are_begun():
    async def story():
        box = feeder(first=2)
        assert await box.ticket(0)
        assert await box.ticket(1)
        third = asyncio.create_task(box.ticket(2))
        await asyncio.sleep(SOON)
        assert not third.done()
        await box.begin(0, "c")
        assert await asyncio.wait_for(third, 5)
        assert await box.ticket(3)
        fifth = asyncio.create_task(box.ticket(4))
        await asyncio.sleep(SOON)
        assert not fifth.done()
        assert await box.close() == []
        assert await asyncio.wait_for(fifth, 5) is False

    asyncio.run(story())
