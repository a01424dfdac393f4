"""The engine as the routes use it: order, bounds, deadlines, clients that leave, and its end."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from liveseg.errors import LivesegError, UsageError
from liveseg.server.engine.errors import DeadlinePassed, NotReady, QueueFull, UnknownModel
from liveseg.server.engine.task import Lane, Task


async def blocked(engine, network, kit, *, blue=1):
    """Stop the network with a picture in it."""
    network.open.clear()
    while network.entered.acquire(blocking=False):
        pass
    running = asyncio.create_task(engine.segment(kit.picture(blue)))
    await kit.until(lambda: network.entered.acquire(blocking=False))
    return running


def test_a_picture_comes_back_with_its_mask_and_the_time_it_waited(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            found = await engine.segment(kit.picture(7, height=30, width=20))
            assert found.mask.shape == (30, 20)
            assert (found.mask == 7).all()
            assert set(found.speed) == {"wait", "preprocess", "infer", "postprocess"}
            assert found.speed["wait"] < 5000

    asyncio.run(main())


def test_pictures_are_served_in_order_of_arrival(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            others = []
            for blue in range(2, 8):
                others.append(asyncio.create_task(engine.segment(kit.picture(blue))))
                await kit.until(lambda blue=blue: engine.depth == blue - 1)
            network.open.set()
            await asyncio.gather(first, *others)
            assert network.done == [[blue] for blue in range(1, 8)]

    asyncio.run(main())


def test_a_full_queue_refuses_and_says_when_to_come_back(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads, queue=3) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            waiting = [asyncio.create_task(engine.segment(kit.picture(2))) for _ in range(3)]
            await kit.until(lambda: engine.depth == 3)
            with pytest.raises(QueueFull, match="try again in 1 s") as refused:
                await engine.segment(kit.picture(9))
            assert 1 <= refused.value.retry_after <= 60
            with pytest.raises(QueueFull):
                engine.admit()
            network.open.set()
            await asyncio.gather(first, *waiting)
            assert [9] not in network.done
            # There is room again.
            engine.admit()
            assert (await engine.segment(kit.picture(5))).mask[0, 0] == 5

    asyncio.run(main())


def test_a_picture_whose_deadline_passed_is_never_computed(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
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


def test_a_client_that_leaves_makes_room_and_is_not_computed(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads, queue=1) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            gone = asyncio.create_task(engine.segment(kit.picture(9)))
            await kit.until(lambda: engine.depth == 1)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert engine.depth == 0
            stays = asyncio.create_task(engine.segment(kit.picture(2)))
            await kit.until(lambda: engine.depth == 1)
            network.open.set()
            await asyncio.gather(first, stays)
            assert network.done == [[1], [2]]

    asyncio.run(main())


def test_a_client_that_leaves_while_it_is_computed_disturbs_nobody(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
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
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            bad = asyncio.create_task(engine.segment(kit.picture(9, red=255)))
            good = asyncio.create_task(engine.segment(kit.picture(3)))
            await kit.until(lambda: engine.depth == 2)
            network.open.set()
            with pytest.raises(LivesegError, match="does not like red"):
                await bad
            assert (await good).mask[0, 0] == 3
            await first

    asyncio.run(main())


def test_equal_shapes_that_wait_are_taken_together(kit):
    async def main():
        loads = kit.Loads(batch=4)
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            tasks = []
            for number, (blue, width) in enumerate([(2, 8), (3, 16), (4, 8), (5, 8), (6, 16), (7, 8), (8, 8)], 1):
                tasks.append(asyncio.create_task(engine.segment(kit.picture(blue, width=width))))
                await kit.until(lambda number=number: engine.depth == number)
            network.open.set()
            found = await asyncio.gather(*tasks)
            await first
            assert network.done == [[1], [2, 4, 5, 7], [3, 6], [8]]
            assert [own.mask[0, 0] for own in found] == [2, 3, 4, 5, 6, 7, 8]
            assert [own.mask.shape for own in found[:2]] == [(8, 8), (8, 16)]

    asyncio.run(main())


def test_a_batch_in_which_one_fails_is_done_again_one_by_one(kit):
    async def main():
        loads = kit.Loads(batch=4)
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            tasks = []
            for number, (blue, red) in enumerate([(2, 0), (3, 255), (4, 0)], 1):
                tasks.append(asyncio.create_task(engine.segment(kit.picture(blue, red=red))))
                await kit.until(lambda number=number: engine.depth == number)
            network.open.set()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            await first
            assert [found[0].mask[0, 0], found[2].mask[0, 0]] == [2, 4]
            assert isinstance(found[1], LivesegError)
            assert network.done == [[1], [2, 3, 4], [2], [3], [4]]

    asyncio.run(main())


def test_a_model_and_a_size_that_do_not_exist_are_refused(kit):
    async def main():
        async with kit.running(kit.Loads(), names=("a", "b")) as engine:
            with pytest.raises(UnknownModel, match="choose one of a, b") as refused:
                await engine.segment(kit.picture(1), model="c")
            assert refused.value.known == ("a", "b")
            with pytest.raises(UnknownModel):
                engine.admit("c")
            with pytest.raises(NotReady, match="'b' is being loaded"):
                engine.admit("b")
            await kit.loaded(engine, "b")
            with pytest.raises(UnknownModel):
                async with engine.lease("c"):
                    pass
            with pytest.raises(UsageError, match="size is a number"):
                await engine.segment(kit.picture(1), size=0)
            # Neither keeps the model busy for ever.
            assert engine._pool._places["a"].works == 0

    asyncio.run(main())


def test_stop_finishes_what_it_has_and_refuses_what_is_new(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            waiting = asyncio.create_task(engine.segment(kit.picture(2)))
            await kit.until(lambda: engine.depth == 1)
            stopping = asyncio.create_task(engine.stop(20))
            await kit.until(lambda: engine.problem is not None)
            assert not engine.ready
            with pytest.raises(NotReady, match="stopping"):
                await engine.segment(kit.picture(3))
            with pytest.raises(NotReady, match="stopping"):
                engine.admit()
            with pytest.raises(NotReady, match="stopping"):
                async with engine.lease():
                    pass
            network.open.set()
            await stopping
            assert [(await first).mask[0, 0], (await waiting).mask[0, 0]] == [1, 2]
            assert network.done == [[1], [2]]

    asyncio.run(main())


def test_stop_ends_in_time_though_the_network_does_not(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            waiting = asyncio.create_task(engine.segment(kit.picture(2)))
            await kit.until(lambda: engine.depth == 1)
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
        async with kit.running(kit.Loads()) as engine:
            await engine.segment(kit.picture(1))
            await engine.codecs(int, "1")
            assert any(thread.name.startswith("liveseg-network") for thread in threading.enumerate())

    asyncio.run(main())
    ours = ("liveseg-network", "liveseg-loader", "liveseg-codec")
    for thread in threading.enumerate():
        if thread.name.startswith(ours):
            thread.join(5)
            assert not thread.is_alive(), thread.name


def test_callers_in_two_event_loops_are_both_served(kit):
    found = {}

    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)

            async def elsewhere():
                own = asyncio.gather(*(engine.segment(kit.picture(blue)) for blue in (4, 5)))
                with pytest.raises(DeadlinePassed):
                    await engine.segment(kit.picture(9), deadline=asyncio.get_running_loop().time() + 0.05)
                network.open.set()
                found["there"] = [one.mask[0, 0] for one in await own]

            other = threading.Thread(target=lambda: asyncio.run(elsewhere()))
            other.start()
            found["here"] = (await engine.segment(kit.picture(6))).mask[0, 0]
            await first
            await asyncio.to_thread(other.join, 20)
            assert not other.is_alive()
            assert [9] not in network.done

    asyncio.run(main())
    assert found == {"there": [4, 5], "here": 6}


def test_a_lease_calls_the_network_in_turn_with_the_pictures(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads, queue=2) as engine:
            network = loads.networks["a"]
            async with engine.lease() as segmenter:
                first = await blocked(engine, network, kit)
                frames = [asyncio.create_task(asyncio.to_thread(segmenter.segment, kit.picture(2)))]
                await kit.until(lambda: len(engine._batcher.waiting) == 1)
                pictures = [asyncio.create_task(engine.segment(kit.picture(3)))]
                await kit.until(lambda: len(engine._batcher.waiting) == 2)
                frames.append(asyncio.create_task(asyncio.to_thread(segmenter.segment, kit.picture(4))))
                await kit.until(lambda: len(engine._batcher.waiting) == 3)
                # Frames of those who hold a model take no place of the bounded queue.
                assert engine.depth == 1
                network.open.set()
                found = await asyncio.gather(first, *frames, *pictures)
                assert network.done == [[1], [2], [3], [4]]
                assert [own.mask[0, 0] for own in found] == [1, 2, 4, 3]
                assert network.most_at_once == 1

    asyncio.run(main())


def test_a_lease_has_a_size_of_its_own(kit):
    async def main():
        async with kit.running(kit.Loads()) as engine:
            async with engine.lease(size=16) as segmenter:
                assert segmenter.size == 16
            assert (await engine.segment(kit.picture(3), size=12)).mask.shape == (8, 8)
            assert engine.models()[0].size == 8

    asyncio.run(main())


def test_codecs_run_beside_the_network(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            assert await engine.codecs(np.sum, np.ones(3)) == 3
            with pytest.raises(ValueError, match="invalid literal"):
                await engine.codecs(int, "x")
            network.open.set()
            await first

    asyncio.run(main())


def test_the_metrics_tell_of_it(kit):
    async def main():
        loads = kit.Loads(batch=4)
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            tasks = [asyncio.create_task(engine.segment(kit.picture(blue))) for blue in (2, 3)]
            await kit.until(lambda: engine.depth == 2)
            metrics = engine._batcher._metrics
            assert "liveseg_queue_depth 2.0" in metrics.render()[0].decode()
            network.open.set()
            await asyncio.gather(first, *tasks)
            await kit.until(lambda: 'stage="postprocess"} 3.0' in metrics.render()[0].decode())
            text = metrics.render()[0].decode()
            assert "liveseg_queue_depth 0.0" in text
            assert "liveseg_batch_size_count 2.0" in text
            assert "liveseg_batch_size_sum 3.0" in text
            assert "liveseg_models_in_memory 1.0" in text
            for stage in ("wait", "preprocess", "network", "postprocess"):
                assert f'liveseg_stage_seconds_count{{stage="{stage}"}} 3.0' in text

    asyncio.run(main())


def test_large_pictures_go_alone(kit):
    async def main():
        loads = kit.Loads(batch=4)
        async with kit.running(loads) as engine:
            network = loads.networks["a"]
            first = await blocked(engine, network, kit)
            tasks = [asyncio.create_task(engine.segment(kit.picture(blue), size=1200)) for blue in (2, 3)]
            await kit.until(lambda: engine.depth == 2)
            network.open.set()
            await asyncio.gather(first, *tasks)
            # Several inputs of 1.4 megapixels in one call would take much memory, and gain nothing.
            assert network.done == [[1], [2], [3]]

    asyncio.run(main())


def test_the_threads_skip_what_nobody_wants_any_more(kit):
    ran = []

    class Noted(Task):
        def alone(self):
            ran.append(self.key)
            return self.key

    async def main():
        async with kit.running(kit.Loads()) as engine:
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
