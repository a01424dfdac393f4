"""The engine as the routes use it: order, bounds, batches, leases, and what it tells of itself."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from liveseg.errors import UsageError
from liveseg.server.engine.errors import DeadlinePassed, NotReady, QueueFull, UnknownModel


def test_a_picture_comes_back_with_its_mask_and_the_time_it_waited(kit):
    async def main():
        async with kit.running() as engine:
            found = await engine.segment(kit.picture(7, height=30, width=20))
            assert found.mask.shape == (30, 20)
            assert (found.mask == 7).all()
            assert set(found.speed) == {"wait", "preprocess", "infer", "postprocess"}
            assert found.speed["wait"] < 5000

    asyncio.run(main())


def test_pictures_are_served_in_order_of_arrival(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            others = await kit.queued(engine, *(kit.picture(blue) for blue in range(2, 8)))
            network.open.set()
            await asyncio.gather(first, *others)
            assert network.done == [[blue] for blue in range(1, 8)]

    asyncio.run(main())


def test_a_full_queue_refuses_and_says_when_to_come_back(kit):
    async def main():
        async with kit.held(queue=3) as (engine, network, first):
            waiting = await kit.queued(engine, *(kit.picture(2) for _ in range(3)))
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


def test_equal_shapes_that_wait_are_taken_together(kit):
    async def main():
        async with kit.held(kit.Loads(batch=4)) as (engine, network, first):
            sizes = [(2, 8), (3, 16), (4, 8), (5, 8), (6, 16), (7, 8), (8, 8)]
            tasks = await kit.queued(engine, *(kit.picture(blue, width=width) for blue, width in sizes))
            network.open.set()
            found = await asyncio.gather(*tasks)
            await first
            assert network.done == [[1], [2, 4, 5, 7], [3, 6], [8]]
            assert [own.mask[0, 0] for own in found] == [2, 3, 4, 5, 6, 7, 8]
            assert [own.mask.shape for own in found[:2]] == [(8, 8), (8, 16)]

    asyncio.run(main())


def test_a_model_and_a_size_that_do_not_exist_are_refused(kit):
    async def main():
        async with kit.running(names=("a", "b")) as engine:
            with pytest.raises(UnknownModel, match="choose one of a, b") as refused:
                await engine.segment(kit.picture(1), model="c")
            assert refused.value.known == ("a", "b")
            with pytest.raises(UnknownModel):
                engine.admit("c")
            with pytest.raises(NotReady, match="'b' is being loaded"):
                engine.admit("b")
            await kit.loaded(engine, "b")
            with pytest.raises(UnknownModel):
                await kit.leased(engine, "c")
            with pytest.raises(UsageError, match="size is a number"):
                await engine.segment(kit.picture(1), size=0)
            # Neither keeps the model busy for ever.
            assert engine._pool._places["a"].works == 0

    asyncio.run(main())


def test_callers_in_two_event_loops_are_both_served(kit):
    found = {}

    async def main():
        async with kit.held() as (engine, network, first):

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
        async with kit.held(queue=2) as (engine, network, first), engine.lease() as segmenter:
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
        async with kit.running() as engine:
            async with engine.lease(size=16) as segmenter:
                assert segmenter.size == 16
            assert (await engine.segment(kit.picture(3), size=12)).mask.shape == (8, 8)
            assert engine.models()[0].size == 8

    asyncio.run(main())


def test_codecs_run_beside_the_network(kit):
    async def main():
        async with kit.held() as (engine, network, first):
            assert await engine.codecs(np.sum, np.ones(3)) == 3
            with pytest.raises(ValueError, match="invalid literal"):
                await engine.codecs(int, "x")
            network.open.set()
            await first

    asyncio.run(main())


def test_the_metrics_tell_of_it(kit):
    async def main():
        async with kit.held(kit.Loads(batch=4)) as (engine, network, first):
            tasks = await kit.queued(engine, kit.picture(2), kit.picture(3))
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
        async with kit.held(kit.Loads(batch=4)) as (engine, network, first):
            tasks = await kit.queued(engine, kit.picture(2), kit.picture(3), size=1200)
            network.open.set()
            await asyncio.gather(first, *tasks)
            # Several inputs of 1.4 megapixels in one call would take much memory, and gain nothing.
            assert network.done == [[1], [2], [3]]

    asyncio.run(main())
