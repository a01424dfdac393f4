"""Pictures that do not come to their mask: too late, given up, failed; and the engine's own end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from liveseg.errors import LivesegError
from liveseg.server.engine.errors import DeadlinePassed, NotReady
from liveseg.server.engine.task import Lane, Task


def test_a_picture_whose_deadline_passed_is_never_computed(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(DeadlinePassed):
                await engine.segment(kit.picture(9), deadline=began + 0.1)
            # Its client is told when it passes, not when its turn comes.
            assert 0.09 < loop.time() - began < 5
            assert engine.depth == 0
            with pytest.raises(DeadlinePassed):
                await engine.segment(kit.picture(9), deadline=loop.time() - 1)
            network.open.set()
            await first
            await engine.segment(kit.picture(2), deadline=loop.time() + 60)
            assert network.done == [[1], [2]]

    asyncio.run(main())


def test_the_threads_skip_what_nobody_wants_any_more(kit):
    ran = []

    class Noted(Task):
        def alone(self):
            ran.append(self.key)
            return self.key

    async def main():
        async with kit.running() as engine:
            lane = Lane(1, 4)
            # Its time is over, but nobody has taken it out of the queue.
            late, wanted = Noted(lane, key="late", deadline=0.0), Noted(lane, key="wanted")
            for task in (late, wanted):
                engine._batcher.put(task)
            with pytest.raises(DeadlinePassed):
                await asyncio.wrap_future(late.future)
            assert await asyncio.wrap_future(wanted.future) == "wanted"

    asyncio.run(main())
    assert ran == ["wanted"]


def test_a_client_that_leaves_makes_room_and_is_not_computed(kit):
    async def main():
        async with kit.held(queue=1) as (engine, network, first):
            [gone] = await kit.queued(engine, kit.picture(9))
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert engine.depth == 0
            [stays] = await kit.queued(engine, kit.picture(2))
            network.open.set()
            await asyncio.gather(first, stays)
            assert network.done == [[1], [2]]

    asyncio.run(main())


def test_a_client_that_leaves_while_it_is_computed_disturbs_nobody(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            next_one = asyncio.create_task(engine.segment(kit.picture(2)))
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            network.open.set()
            assert (await next_one).mask[0, 0] == 2
            # The work that went on without its client has given its model back.
            await kit.until(lambda: engine._pool._places["a"].works == 0)

    asyncio.run(main())


def test_what_fails_for_one_reaches_only_that_one(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            bad, good = await kit.queued(engine, kit.picture(9, red=255), kit.picture(3))
            network.open.set()
            with pytest.raises(LivesegError, match="does not like red"):
                await bad
            assert (await good).mask[0, 0] == 3
            await first

    asyncio.run(main())


def test_a_batch_in_which_one_fails_is_done_again_one_by_one(kit):
    async def main():
        async with kit.held(kit.Loads(batch=4)) as (engine, network, first):
            tasks = await kit.queued(engine, kit.picture(2), kit.picture(3, red=255), kit.picture(4))
            network.open.set()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            await first
            assert [found[0].mask[0, 0], found[2].mask[0, 0]] == [2, 4]
            assert isinstance(found[1], LivesegError)
            assert network.done == [[1], [2, 3, 4], [2], [3], [4]]

    asyncio.run(main())


def test_stop_finishes_what_it_has_and_refuses_what_is_new(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            [waiting] = await kit.queued(engine, kit.picture(2))
            stopping = asyncio.create_task(engine.stop(20))
            await kit.until(lambda: engine.problem is not None)
            assert not engine.ready
            with pytest.raises(NotReady, match="stopping"):
                await engine.segment(kit.picture(3))
            with pytest.raises(NotReady, match="stopping"):
                engine.admit()
            with pytest.raises(NotReady, match="stopping"):
                await kit.leased(engine)
            network.open.set()
            await stopping
            assert [(await first).mask[0, 0], (await waiting).mask[0, 0]] == [1, 2]
            assert network.done == [[1], [2]]

    asyncio.run(main())


def test_stop_ends_in_time_though_the_network_does_not(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            [waiting] = await kit.queued(engine, kit.picture(2))
            began = asyncio.get_running_loop().time()
            await engine.stop(0.2)
            assert asyncio.get_running_loop().time() - began < 10
            with pytest.raises(NotReady, match="stopping"):
                await waiting
            network.open.set()
            assert (await first).mask[0, 0] == 1
            assert network.done == [[1]]

    asyncio.run(main())


def test_stop_leaves_no_threads(kit):
    async def main():
        async with kit.running() as engine:
            await engine.segment(kit.picture(1))
            await engine.codecs(int, "1")
            assert any(thread.name.startswith("liveseg-network") for thread in threading.enumerate())

    asyncio.run(main())
    ours = ("liveseg-network", "liveseg-loader", "liveseg-codec")
    for thread in threading.enumerate():
        if thread.name.startswith(ours):
            thread.join(5)
            assert not thread.is_alive(), thread.name
