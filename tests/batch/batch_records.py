"""Records as workers write them, in any number, for the tests of reports."""

from __future__ import annotations

import random
from dataclasses import replace

from liveseg.batch.records import Identifier, Record

BEGAN = 1_790_000_000.0


def made_up(count, seed=0, workers=4):
    """So many records of pictures, of some videos in pieces, and of failures, a stream."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    for number in range(count):
        seconds = {
            "fetch": draw.lognormvariate(-4, 0.6),
            "decode": draw.lognormvariate(-4.2, 0.4),
            "preprocess": 0.001,
            "network": draw.lognormvariate(-3.2, 0.2),
            "postprocess": 0.002,
            "render": 0.003,
            "encode": draw.lognormvariate(-4.5, 0.3),
            "commit": draw.lognormvariate(-4.5, 0.9),
        }
        about = {
            "identifier": Identifier(f"{number:032x}"),
            "location": f"s3://photos/2026/{number % 97:02}/IMG_{number:07}.jpg",
            "name": f"2026/{number % 97:02}/IMG_{number:07}",
            "kind": "image",
            "bytes_in": 400_000 + draw.randrange(3_000_000),
            "seconds": seconds | {"total": sum(seconds.values())},
            "model": "lite",
            "settings": "5f0c8a1e",
            "worker": f"worker-{number % workers}",
            "finished": BEGAN + number / workers * 0.12 + (40_000 if number > count * 0.7 else 0),
        }
        which = draw.random()
        if which < 0.01:
            kind = draw.choice(("unreadable", "unreadable", "missing", "storage"))
            yield Record(status="failed", error=f"{about['location']} cannot be read", error_kind=kind, **about)
            continue
        pixels = draw.choice((640 * 480, 1920 * 1080, 4000 * 3000))
        if which < 0.03:
            pieces = draw.randrange(2, 9)
            video = about | {"kind": "video", "location": about["location"].replace(".jpg", ".mp4"), "pieces": pieces}
            frames = draw.randrange(500, 1500)
            stretched = {name: spent * frames / 20 for name, spent in about["seconds"].items()}
            yield Record(
                status="part", piece=draw.randrange(pieces), frames=frames, pixels=frames * 640 * 480,
                **video | {"seconds": stretched},
            )  # fmt: skip
            continue
        areas = {"background": pixels}
        for name in ("person", "cat", "car", "bus", "potted plant"):
            if draw.random() < 0.3:
                areas[name] = draw.randrange(pixels // 12)
                areas["background"] -= areas[name]
        yield Record(
            status="done", frames=1, pixels=pixels, bytes_out=90_000 + draw.randrange(100_000), areas=areas,
            outputs=(f"{about['name']}_lite_overlay.jpg",), attempts=1 + (draw.random() < 0.002), **about,
        )  # fmt: skip


def quick(count):
    """So many records at less cost, most of them images."""
    kept = list(made_up(2_000))
    videos = {number for number, record in enumerate(kept) if record.piece is not None}
    for number in range(count):
        place = number % len(kept)
        record = kept[place - 1 if place in videos else place]
        while record.piece is not None:
            place -= 1
            record = kept[place]
        yield replace(record, location=f"{record.location}/{number}", finished=BEGAN + number * 0.1)
