"""Whether `liveseg batch` makes the same files as `liveseg run`, whoever does the work.

    python benchmarks/batch/equality.py [--images 2000] [--clips 20] [--no-ray] [-o RESULT.json]

It makes photos and clips of the samples (the same ones from the same seed), and with `--photos FOLDER` of others, too.
`liveseg run` goes over them in one process; then `liveseg batch` does with a local pool of one worker, of two, and with
two workers on a Ray cluster that it starts here; each worker has one thread. Every output is compared with that of
`liveseg run` byte by byte, and those of clips once more by what they show: each frame, each time, each packet of sound.

With `--cut` other clips, of five seconds, in pieces (two workers, pieces of a second) the masks and their times are
compared: they have to be equal without steadying over time; with it, warmed up before each piece as by default, the
share of pixels that differ is told, and held to `--tolerance`.

It prints a table, writes one JSON record, and ends with exit code 1 where something differs that may not.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from made_files import make_clips, make_photos

from liveseg.bench.record import command_line, surroundings, write_record
from liveseg.maskfile import MaskReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

KINDS = "overlay,mask,areas,polygons"
SEED = 7
TOLERANCE = 0.005
"""Share of all pixels of pieces that were steadied over time; the warm-up ends before the last trace of the past."""

_NAMED = 20
_LONGEST = 4 * 3600


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="photos to make")
    parser.add_argument("--clips", type=int, default=20, help="clips to make")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a clip")
    parser.add_argument("--photos", type=Path, help="folder of other photos to make parts of, besides the samples")
    parser.add_argument("--save", default=KINDS, help="what is made of each")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="for steadied pieces: share of pixels")
    parser.add_argument("--no-ray", action="store_true", help="leave Ray out")
    parser.add_argument("--cut", type=int, default=4, help="clips to make for pieces; 0 leaves pieces out")
    parser.add_argument("--more", default="", help="further options of both commands, as in '--size 97'")
    parser.add_argument("-o", "--result", type=Path, help="where the record goes, instead of standard output")
    options = parser.parse_args()
    if options.images < 0 or options.clips < 0 or options.images + options.clips == 0:
        parser.error("make at least one photo or clip")
    return options


def main() -> None:
    """Make the files, run everything, compare, tell."""
    options = parsed()
    more = options.more.split()
    with tempfile.TemporaryDirectory(prefix="liveseg-equality-") as name:
        folder = Path(name)
        others = sorted(options.photos.iterdir()) if options.photos else []
        photos = make_photos(folder / "photos", options.images, seed=SEED, photos=others)
        clips = make_clips(folder / "clips", options.clips, seed=SEED, seconds=options.seconds)
        inputs = [folder / kind for kind, made in (("photos", photos), ("clips", clips)) if made]
        record: dict[str, Any] = {
            "command": command_line("python benchmarks/batch/equality.py", sys.argv[1:]),
            **surroundings(),
            "images": len(photos),
            "clips": len(clips),
            "seed": SEED,
            "inputs_sha256": _digest([*photos, *clips]),
            "save": options.save,
            "options": more,
        }
        kinds = ["--save", options.save, *more]
        record["one_process"] = _by_run(inputs, folder / "run", kinds)
        ways = {"pool_1": ["--workers", "1"], "pool_2": ["--workers", "2"]}
        if not options.no_ray:
            ways["ray_2"] = ["--ray", "local", "--min-workers", "2", "--max-workers", "2"]
        for way, arguments in ways.items():
            record[way] = _by_batch([*photos, *clips], folder / way, [*kinds, *arguments, "--pieces-seconds", "0"])
            record[way] |= compared(folder / "run", folder / way)
            shutil.rmtree(folder / way)
        if options.cut:
            long = make_clips(folder / "long", options.cut, seed=SEED + 1, seconds=5.0, crf=4)
            record["pieces"] = _in_pieces(folder, long, more, steadied=False)
            steadied = _in_pieces(folder, long, more, steadied=True)
            record["pieces_steadied"] = steadied | {"tolerance": options.tolerance}
    record["equal"] = _is_equal(record, options.tolerance)
    write_record(record, options.result)
    sys.stderr.write(table(record))
    if not record["equal"]:
        raise SystemExit(1)


def compared(first: Path, second: Path) -> dict[str, Any]:
    """What differs between two folders of outputs; clips are looked into, too."""
    ours, theirs = _outputs(first), _outputs(second)
    both = sorted(set(ours) & set(theirs))
    different = [name for name in both if ours[name].read_bytes() != theirs[name].read_bytes()]
    found: dict[str, Any] = {
        "files": len(theirs),
        "missing": sorted(set(ours) - set(theirs))[:_NAMED],
        "extra": sorted(set(theirs) - set(ours))[:_NAMED],
        "different": len(different),
        "different_names": different[:_NAMED],
        "frames": 0,
        "different_frames": 0,
        "different_times": 0,
        "different_sound": 0,
    }
    for name in both:
        if not name.endswith((".mp4", ".nut")):
            continue
        one, other = _shown(ours[name]), _shown(theirs[name])
        found["frames"] += len(one[0])
        found["different_frames"] += _differing(one[0], other[0])
        found["different_times"] += _differing(one[1], other[1])
        found["different_sound"] += one[2] != other[2]
    return found


def masks_compared(first: Path, second: Path) -> dict[str, Any]:
    """How far the mask files of two folders agree: frames, times, and pixels that differ."""
    ours, theirs = _outputs(first), _outputs(second)
    names = sorted(name for name in ours if name.endswith(".nut"))
    found = {"clips": len(names), "missing": 0, "frames": 0, "different_times": 0, "pixels": 0, "different_pixels": 0}
    for name in names:
        if name not in theirs:
            found["missing"] += 1
            continue
        one, other = list(_masks(ours[name])), list(_masks(theirs[name]))
        found["frames"] += len(one)
        found["different_times"] += _differing([at for at, _ in one], [at for at, _ in other])
        for (_, mask), (_, again) in zip(one, other, strict=False):
            found["pixels"] += mask.size
            found["different_pixels"] += int((mask != again).sum())
    return found


def table(record: dict[str, Any]) -> str:
    """The record for people."""
    lines = [f"{'':12} {'seconds':>8} {'files':>7} {'different':>10} {'frames':>7} {'different':>10}"]
    for way in ("one_process", "pool_1", "pool_2", "ray_2"):
        if way in record:
            of = record[way]
            cells = [of.get(key, "") for key in ("files", "different", "frames", "different_frames")]
            lines.append(f"{way:12} {of['seconds']:8.1f} {cells[0]:>7} {cells[1]:>10} {cells[2]:>7} {cells[3]:>10}")
    for way in ("pieces", "pieces_steadied"):
        if way in record:
            of = record[way]
            share = of["different_pixels"] / max(of["pixels"], 1)
            what = f"{of['frames']} frames in {of['pieces']} pieces"
            lines.append(f"{way}: of {what} {of['different_times']} times and {share:.4%} of the pixels differ")
    return "\n".join([*lines, "equal" if record["equal"] else "NOT EQUAL", ""])


def _is_equal(record: dict[str, Any], tolerance: float) -> bool:
    ways = [record[way] for way in ("pool_1", "pool_2", "ray_2") if way in record]
    keys = ("missing", "extra", "different", "different_frames", "different_times", "different_sound")
    equal = all(not of[key] for of in ways for key in keys)
    for way, most in (("pieces", 0.0), ("pieces_steadied", tolerance)):
        if way in record:
            of = record[way]
            whole = of["pieces"] > of["clips"] and of["frames"] and not of["missing"] and not of["different_times"]
            equal = equal and bool(whole) and of["different_pixels"] <= most * of["pixels"]
    return equal


def _in_pieces(folder: Path, clips: Sequence[Path], more: Sequence[str], *, steadied: bool) -> dict[str, Any]:
    kinds = ["--save", "mask", "--smooth" if steadied else "--no-smooth", *more]
    whole, cut = folder / "whole", folder / "cut"
    _by_run([folder / "long"], whole, kinds)
    found = _by_batch(clips, cut, [*kinds, "--workers", "2", "--pieces-seconds", "1"])
    found |= masks_compared(whole, cut)
    shutil.rmtree(whole)
    shutil.rmtree(cut)
    return found


def _by_run(inputs: Sequence[Path], out: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """One process for each kind: `liveseg run` chooses another runtime for pictures than for videos."""
    began = time.perf_counter()
    for one in inputs:
        _liveseg("run", str(one), "-o", f"{out}/", "--threads", "1", "--quiet", *arguments)
    return {"seconds": round(time.perf_counter() - began, 2), "files": len(_outputs(out)), "arguments": [*arguments]}


def _by_batch(files: Sequence[Path], out: Path, arguments: Sequence[str]) -> dict[str, Any]:
    # A manifest gives the names: without one a batch, which does not know all files, tells `a.jpg` and `a.png` apart
    # by their extensions, and `liveseg run` by a number.
    manifest = out.with_suffix(".csv")
    with manifest.open("w", encoding="utf-8", newline="") as table:
        csv.writer(table).writerows([("location", "name"), *((path, path.stem) for path in files)])
    began = time.perf_counter()
    said = _liveseg("batch", str(manifest), "--out", str(out), "--threads-each", "1", "--json", *arguments)
    told = json.loads(said.splitlines()[-1])
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "pieces": told["pieces"],
        "failed": told["failed"],
        "arguments": [*arguments],
    }


def _liveseg(*arguments: str) -> str:
    command = [sys.executable, "-m", "liveseg", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST)
    if done.returncode != 0:
        raise SystemExit(f"{command_line('liveseg', arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


def _outputs(folder: Path) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: path for name, path in names.items() if not name.startswith("_liveseg/")}


def _shown(path: Path) -> tuple[list[str], list[Any], str]:
    """What a video shows: a hash of each frame, the frames' times, and a hash of its packets of sound."""
    if path.suffix == ".nut":
        frames = list(_masks(path))
        return [hashlib.sha256(mask.tobytes()).hexdigest() for _, mask in frames], [at for at, _ in frames], ""
    hashes, times, sound = [], [], hashlib.sha256()
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.stream.type == "audio" and packet.pts is not None:
                sound.update(f"{packet.pts} {packet.dts}".encode() + bytes(packet))
            elif packet.stream.type == "video":
                for frame in packet.decode():
                    hashes.append(hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest())
                    times.append(frame.pts * frame.time_base)
    return hashes, times, sound.hexdigest()


def _masks(path: Path) -> Iterator[tuple[Any, np.ndarray[Any, Any]]]:
    with MaskReader(path) as reader:
        yield from reader


def _differing(first: Sequence[Any], second: Sequence[Any]) -> int:
    different = sum(one != other for one, other in zip(first, second, strict=False))
    return different + abs(len(first) - len(second))


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
