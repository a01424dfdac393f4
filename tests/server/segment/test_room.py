import asyncio

import pytest

from liveseg.server.segment.room import Room


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


def test_pictures_come_in_while_there_is_room_and_then_in_order():
    async def scene():
        room, inside, release = Room(100), [], {}

        async def picture(name, pixels):
            async with room.of(pixels):
                inside.append(name)
                await release.setdefault(name, asyncio.Event()).wait()
            inside.remove(name)

        tasks = [asyncio.create_task(picture(name, pixels)) for name, pixels in (("a", 60), ("b", 30), ("c", 80))]
        tasks.append(asyncio.create_task(picture("d", 5)))
        await settled()
        # There would be room for d, but c came first, and would otherwise wait for ever.
        assert (inside, room.taken) == (["a", "b"], 90)
        release["a"].set()
        await settled()
        assert inside == ["b"]
        release["b"].set()
        await settled()
        assert (inside, room.taken) == (["c", "d"], 85)
        for event in release.values():
            event.set()
        await asyncio.gather(*tasks)
        assert room.taken == 0

    asyncio.run(scene())


def test_a_picture_larger_than_the_room_comes_in_alone():
    async def scene():
        room = Room(10)
        async with room.of(50):
            small = room.of(1)
            waiting = asyncio.ensure_future(small.__aenter__())
            await settled()
            assert not waiting.done()
        await waiting
        assert room.taken == 1

    asyncio.run(scene())


@pytest.mark.parametrize("late", [False, True])
def test_one_that_gives_up_leaves_no_hole(late):
    async def scene():
        room = Room(10)
        first, second, third = room.of(10), room.of(10), room.of(5)
        await first.__aenter__()
        waiting = asyncio.ensure_future(second.__aenter__())
        behind = asyncio.ensure_future(third.__aenter__())
        await settled()
        if late:
            # Let in and given up in the same moment.
            await first.__aexit__(None, None, None)
        waiting.cancel()
        await settled()
        assert waiting.cancelled()
        if not late:
            await first.__aexit__(None, None, None)
        await behind
        assert room.taken == 5

    asyncio.run(scene())
