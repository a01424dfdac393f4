"""Which models are in memory: loaded when asked for, the least recently used out, what is in use never."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
import weakref

import pytest

from liveseg.server.engine import pool as pool_module
from liveseg.server.engine.errors import NotReady


def states(engine):
    return {state.name: state.state for state in engine.models()}


def test_a_service_that_starts_is_loading_and_says_when_to_come_back(kit):
    async def main():
        loads = kit.Loads(gated=["a"])
        async with kit.running(loads, wait=False) as engine:
            assert not engine.ready
            assert engine.problem is None
            with pytest.raises(NotReady, match="'a' is being loaded; try again in") as refused:
                await engine.segment(kit.picture(1))
            assert 1 <= refused.value.retry_after <= 60
            assert states(engine) == {"a": "loading"}
            loads.gates["a"].set()
            await kit.until(lambda: engine.ready)
            assert states(engine) == {"a": "ready"}

    asyncio.run(main())


def test_one_model_is_loaded_once_however_many_ask(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads, names=("a", "b")) as engine:
            await asyncio.gather(*(kit.loaded(engine, "b") for _ in range(8)))
            assert loads.order == ["a", "b"]

    asyncio.run(main())


def test_models_are_loaded_one_at_a_time(kit):
    async def main():
        loads = kit.Loads(gated=["b"])
        async with kit.running(loads, names=("a", "b", "c"), models_in_memory=3) as engine:
            wanted = [asyncio.create_task(kit.loaded(engine, name)) for name in ("b", "c")]
            await kit.until(lambda: loads.order == ["a", "b"])
            # Meanwhile the model that is there works.
            assert (await engine.segment(kit.picture(4))).mask[0, 0] == 4
            assert loads.order == ["a", "b"]
            loads.gates["b"].set()
            await asyncio.gather(*wanted)
            assert loads.order == ["a", "b", "c"]
            assert loads.most_at_once == 1

    asyncio.run(main())


def test_the_least_recently_used_goes(kit):
    async def main():
        async with kit.running(names=("a", "b", "c"), models_in_memory=2) as engine:
            await kit.loaded(engine, "b")
            await engine.segment(kit.picture(1), model="a")
            await kit.loaded(engine, "c")
            assert states(engine) == {"a": "ready", "b": "absent", "c": "ready"}
            await kit.loaded(engine, "b")
            assert states(engine) == {"a": "absent", "b": "ready", "c": "ready"}
            # It was ready once: its going does not make the service unready.
            assert engine.ready
            assert engine.problem is None

    asyncio.run(main())


def test_a_model_that_goes_is_freed(kit):
    async def main():
        loads = kit.Loads()
        async with kit.running(loads, names=("a", "b"), models_in_memory=1) as engine:
            await engine.segment(kit.picture(1))
            network = weakref.ref(loads.networks.pop("a"))
            await kit.loaded(engine, "b")
            gc.collect()
            assert network() is None

    asyncio.run(main())


def test_a_leased_model_stays(kit):
    async def main():
        async with kit.running(names=("a", "b", "c"), models_in_memory=2) as engine:
            async with engine.lease("a"):
                assert engine.models()[0].users == 1
                await kit.loaded(engine, "b")
                await kit.loaded(engine, "c")
                assert states(engine) == {"a": "ready", "b": "absent", "c": "ready"}
                async with engine.lease("c"):
                    with pytest.raises(NotReady, match="being loaded"):
                        await engine.segment(kit.picture(1), model="b")
                    await kit.until(lambda: states(engine)["b"] == "failed")
                    with pytest.raises(NotReady, match=r"in use by streams \(a, c\)"):
                        await engine.segment(kit.picture(1), model="b")
            await kit.loaded(engine, "b")
            assert states(engine)["b"] == "ready"

    asyncio.run(main())


def test_a_model_that_works_goes_only_when_it_has_done_so(kit):
    async def main():
        loads = kit.Loads()
        async with kit.held(loads, names=("a", "b"), models_in_memory=1) as (engine, network, works):
            with pytest.raises(NotReady):
                await engine.segment(kit.picture(2), model="b")
            await asyncio.sleep(0.1)
            assert loads.order == ["a"]
            # One that is about to go takes no new work, or a busy one would never go.
            with pytest.raises(NotReady):
                await engine.segment(kit.picture(3))
            network.open.set()
            assert (await works).mask[0, 0] == 1
            await kit.until(lambda: loads.order[:2] == ["a", "b"])
            assert network.done == [[1]]

    asyncio.run(main())


def test_a_model_that_is_wanted_again_as_it_goes_is_loaded_once(kit):
    async def main():
        loads = kit.Loads(gated=["b"])
        async with kit.held(loads, names=("a", "b"), models_in_memory=1) as (engine, network, works):

            async def use():
                async with engine.lease("a") as segmenter:
                    await asyncio.sleep(0.2)
                    return segmenter.model

            with pytest.raises(NotReady):
                await engine.segment(kit.picture(2), model="b")
            await kit.until(lambda: engine._pool._places["a"].leaving)
            users = [asyncio.create_task(use())]
            await asyncio.sleep(0.05)
            network.open.set()
            await works
            # It is gone, and its turn to be loaded comes after the other's.
            await kit.until(lambda: loads.order == ["a", "b"])
            assert states(engine) == {"a": "loading", "b": "loading"}
            loads.gates["a"] = threading.Event()
            loads.gates["b"].set()
            await kit.until(lambda: loads.order == ["a", "b", "a"])
            users.append(asyncio.create_task(use()))
            await asyncio.sleep(0.05)
            loads.gates["a"].set()
            assert await asyncio.gather(*users) == ["a", "a"]
            assert loads.order == ["a", "b", "a"]

    asyncio.run(main())


def test_a_lease_waits_until_its_model_is_there(kit):
    async def main():
        async with kit.leasing(users=3) as (engine, loads, wanted):
            wanted[0].cancel()
            loads.gates["b"].set()
            assert await asyncio.gather(*wanted[1:]) == ["b", "b"]
            with pytest.raises(asyncio.CancelledError):
                await wanted[0]
            assert [state.users for state in engine.models()] == [0, 0]

    asyncio.run(main())


def test_a_lease_that_is_cancelled_as_it_comes_is_given_back(kit):
    async def main():
        async with kit.leasing() as (engine, loads, [wanted]):
            loads.gates["b"].set()
            # The loop is kept from learning that it came.
            deadline = time.monotonic() + 10
            while states(engine)["b"] != "ready" and time.monotonic() < deadline:
                time.sleep(0.01)
            assert engine.models()[1].users == 1
            wanted.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wanted
            assert engine.models()[1].users == 0

    asyncio.run(main())


def test_a_load_that_failed_is_told_with_its_reason_and_tried_again(kit, monkeypatch):
    monkeypatch.setattr(pool_module, "FIRST_RETRY", 30.0)

    async def main():
        loads = kit.Loads(fails={"b": 1})
        async with kit.running(loads, names=("a", "b")) as engine:
            with pytest.raises(NotReady, match="could not be loaded: the weights of b are not there"):
                await kit.leased(engine, "b")
            state = engine.model("b")
            assert (state.state, state.problem) == ("failed", "the weights of b are not there")
            with pytest.raises(NotReady, match=r"the weights of b are not there; try again in (30|2.) s"):
                await engine.segment(kit.picture(1), model="b")
            # Nobody is made to wait for another try at once.
            assert loads.order == ["a", "b"]
            # The other model does not notice.
            assert (await engine.segment(kit.picture(2))).mask[0, 0] == 2
            # The half minute is over.
            engine._pool._places["b"].retry_at = 0.0
            await kit.loaded(engine, "b")
            assert loads.order == ["a", "b", "b"]
            assert engine.model("b").problem is None

    asyncio.run(main())


def test_further_failures_are_tried_again_later_and_later(kit):
    async def main():
        loads = kit.Loads(fails={"b": 6})
        async with kit.running(loads, names=("a", "b")) as engine:
            waits = []
            for _ in range(6):
                with pytest.raises(NotReady) as refused:
                    await kit.leased(engine, "b")
                waits.append(refused.value.retry_after)
                engine._pool._places["b"].retry_at = 0.0
            assert waits == pytest.approx([5, 10, 20, 40, 60, 60], abs=2)

    asyncio.run(main())


def test_the_default_model_is_tried_again_by_itself(kit, monkeypatch, caplog):
    monkeypatch.setattr(pool_module, "FIRST_RETRY", 0.1)

    async def main():
        loads = kit.Loads(fails={"a": 2})
        async with kit.running(loads, wait=False) as engine:
            await kit.until(lambda: engine.problem is not None)
            assert engine.problem == "model 'a' could not be loaded: the weights of a are not there"
            assert not engine.ready
            await kit.until(lambda: engine.ready)
            assert engine.problem is None
            assert loads.order == ["a", "a", "a"]

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    told = [(record.getMessage(), record.fields.get("problem")) for record in caplog.records if "model" in record.msg]
    assert told == [("model not loaded", "the weights of a are not there")] * 2 + [("model loaded", None)]


def test_the_default_model_waits_for_a_place_without_a_word(kit, monkeypatch, caplog):
    monkeypatch.setattr(pool_module, "_BUSY_RETRY", 0.02)

    async def main():
        async with kit.running(names=("a", "b"), models_in_memory=1) as engine:
            async with engine.lease("b"):
                with pytest.raises(NotReady, match="being loaded"):
                    await engine.segment(kit.picture(1))
                await kit.until(lambda: states(engine)["a"] == "failed")
                await asyncio.sleep(0.5)
                assert [record.message for record in caplog.records] == ["model not loaded"]
            await kit.until(lambda: states(engine) == {"a": "ready", "b": "absent"})

    with caplog.at_level(logging.WARNING, "liveseg.server"):
        asyncio.run(main())


def test_a_defect_in_loading_is_logged_and_ends_no_thread(kit, monkeypatch, caplog):
    monkeypatch.setattr(pool_module, "FIRST_RETRY", 0.1)

    async def main():
        loads = kit.Loads()
        broken = [ZeroDivisionError("a secret of the machine")]

        def load(served):
            if served.name == "b" and broken:
                raise broken.pop()
            return loads(served)

        async with kit.running(load, names=("a", "b")) as engine:
            with pytest.raises(NotReady, match="unforeseen failure"):
                await kit.leased(engine, "b")
            assert "secret" not in engine.model("b").problem
            await kit.loaded(engine, "b")

    asyncio.run(main())
    assert "a secret of the machine" in caplog.text


def test_stop_does_not_wait_for_a_load_and_tells_those_who_do(kit):
    async def main():
        async with kit.leasing() as (engine, loads, [wanted]):
            await engine.stop(0.1)
            with pytest.raises(NotReady, match="stopping"):
                await wanted
            loads.gates["b"].set()
            await kit.until(lambda: not engine._pool._thread.is_alive())
            # What came too late is not kept.
            assert states(engine)["b"] != "ready"

    asyncio.run(main())
