"""When the page sends a camera's frames, and what it says about them: its arithmetic, without camera, line or clock."""

from __future__ import annotations

import pytest

SIMULATED = """async ({ frames, service, rate, seconds, lost, waited }) => {
    const { Pacing } = await import("./js/live/pacing.js");
    const pacing = new Pacing(rate || Infinity);
    const sent = [], answers = [], ages = [];
    let sequence = 0, newest = null, most = 0, free = 0;
    const next = (now) => {
        if (newest === null || !pacing.ready(now)) return;
        pacing.sent(++sequence, now);
        sent.push(now);
        most = Math.max(most, pacing.underWay.size);
        if (sequence !== lost) {
            const begins = Math.max(now, free);
            free = begins + service;
            answers.push({ at: free, sequence, taken: newest });
        }
        newest = null;
    };
    for (let now = 0; now < 1000 * seconds; now += 1) {
        while (answers.length && answers[0].at <= now) {
            const { sequence, taken } = answers.shift();
            pacing.answered(sequence, now, { waited, worked: service });
            ages.push(now - taken);
            next(now);
        }
        if (now % Math.round(1000 / frames) === 0) newest = now;
        next(now);
    }
    return { sent: sent.length, most, oldest: Math.max(...ages), last: ages.at(-1), roundTrip: pacing.roundTrip };
}"""


@pytest.fixture(scope="module")
def run(browser, service):
    """`run(script, argument)` in a tab of the service, where the page's modules can be imported."""
    page = browser.new_context().new_page()
    page.goto(f"{service.url}/")
    yield page.evaluate
    page.context.close()


def simulated(run, **given):
    return run(SIMULATED, {"frames": 30, "service": 20, "rate": 0, "seconds": 10, "lost": 0, "waited": 0} | given)


def test_a_fast_service_gets_every_frame_of_the_camera(run):
    told = simulated(run, service=10)
    assert told["sent"] == pytest.approx(300, abs=5)
    assert told["most"] == 1
    assert told["oldest"] <= 12


def test_a_slow_service_never_has_two_frames_and_the_age_does_not_grow(run):
    told = simulated(run, service=400)
    assert told["most"] == 1
    # One frame after the other, each as fresh as the camera's newest: its age is the work and at most a frame's time.
    assert told["sent"] == pytest.approx(25, abs=2)
    assert told["oldest"] <= 400 + 34
    assert told["roundTrip"] == pytest.approx(400, abs=2)


def test_a_target_rate_is_kept_on_average_although_the_camera_has_another(run):
    assert simulated(run, rate=12)["sent"] == pytest.approx(120, abs=2)
    assert simulated(run, rate=1)["sent"] == pytest.approx(10, abs=1)


def test_a_lost_answer_stops_nothing(run):
    told = simulated(run, lost=10)
    # A second frame is tried after a while, and its answer ends the wait for the first.
    assert told["most"] == 2
    assert told["sent"] > 200


def test_a_busy_service_gets_a_rest(run):
    alone = simulated(run, service=50, waited=0)["sent"]
    busy = simulated(run, service=50, waited=100)["sent"]
    assert alone == pytest.approx(200, abs=5)
    assert busy < alone / 2


def test_waits_before_new_tries_grow_and_end_at_a_quarter_of_a_minute(run):
    waits = run(
        """async () => {
            const { waitBefore } = await import("./js/live/pacing.js");
            return [1, 2, 3, 4, 5, 6, 7, 100].map((tries) => [waitBefore(tries, 0), waitBefore(tries, 0.999)]);
        }"""
    )
    middles = [(low + high) / 2 for low, high in waits]
    assert middles[:5] == sorted(middles[:5])
    assert middles[0] == pytest.approx(500, rel=0.02)
    assert middles[5] == middles[-1] == pytest.approx(15_000, rel=0.02)
    assert all(low < high for low, high in waits), "many pages would come back at the same time"


def test_the_meter_counts_spaces_between_frames_and_falls_when_they_stop(run):
    told = run(
        """async () => {
            const { Meter } = await import("./js/live/meter.js");
            const meter = new Meter();
            const none = meter.read(0);
            for (let frame = 0; frame <= 10; frame += 1)
                meter.show(100 * frame, { age: 50 + frame, waited: 2, worked: 20, dropped: frame === 5 ? 3 : 0 });
            return { none, steady: meter.read(1000), stalled: meter.read(2500), over: meter.read(9000) };
        }"""
    )
    assert told["none"]["rate"] is None
    assert told["none"]["age"] is None
    # 11 frames are 10 spaces of 100 ms.
    assert told["steady"]["rate"] == pytest.approx(10)
    assert told["steady"]["age"] == 55
    assert told["steady"]["dropped"] == 3
    assert told["stalled"]["rate"] < 3
    assert told["over"]["rate"] is None
