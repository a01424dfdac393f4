"""The tab for videos: a real clip goes to a real service, and comes back to be played, sought and saved."""

from __future__ import annotations

import csv
import re
import time
from contextlib import contextmanager

import av
import pytest

DROP_ZONE = "Drop a video here"


@pytest.fixture(scope="module")
def small(start_service):
    """A service with a small network; a video at a time."""
    return start_service(size=97, threads=1, runtime="onnx", jobs_each=16)


@pytest.fixture
def video_tab(open_page):
    """`video_tab(service)`: the empty tab."""

    def opened(service, **options):
        guest = open_page(service, "#video", **options)
        guest.get_by_role("heading", name=DROP_ZONE).wait_for()
        return guest

    return opened


def add(guest, *paths):
    guest.locator("#panel-video input[type=file]").set_input_files(paths)


def state(guest):
    return guest.locator(".video-stage").get_attribute("data-state")


def wait_state(guest, *states, seconds=120):
    within = ", ".join(f".video-stage[data-state={own}]" for own in states)
    guest.locator(within).wait_for(timeout=1000 * seconds, state="attached")


@pytest.fixture(scope="module")
def finished(browser, small, samples):
    """A tab with a finished video; shared by the tests that only play it."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{small.url}/#video")
    page.get_by_role("heading", name=DROP_ZONE).wait_for()
    add(page, samples / "video_1.mp4")
    wait_state(page, "done")
    page.wait_for_function("() => document.querySelector('.video-stage video')?.readyState > 0")
    page.locator(".chart-band").first.wait_for(state="attached")
    yield page
    context.close()


@contextmanager
def narrow_way(guest, bytes_a_second):
    """Uploads take time until the block ends."""
    session = guest.context.new_cdp_session(guest.page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    session.send("Network.emulateNetworkConditions", limits)
    yield
    session.send("Network.emulateNetworkConditions", limits | {"uploadThroughput": -1})


def player(page, script):
    return page.locator(".video-stage video").evaluate(f"(own) => {script}")


def test_a_video_is_sent_made_and_played_with_its_sound(video_tab, small, samples):
    guest = video_tab(small)
    size = (samples / "video_1.mp4").stat().st_size
    seen, shares = [], []
    with narrow_way(guest, size / 2):
        add(guest, samples / "video_1.mp4")
        wait_state(guest, "uploading")
        head = guest.locator(".video-progress-head")
        head.get_by_text(re.compile(r"\d+ (KB|MB) of \d+ (KB|MB)")).wait_for()
    ends = time.monotonic() + 120
    while (now := state(guest)) != "done":
        assert time.monotonic() < ends
        assert now in {"uploading", "queued", "running"}
        if now not in seen:
            seen.append(now)
        share = guest.evaluate("() => document.querySelector('.video-progress [role=progressbar]')?.ariaValueNow")
        if now == "running" and share is not None:
            shares.append(float(share))
        if now == "running" and guest.locator(".video-preview:visible").count():
            seen.append("preview")
            # It has the form of the video already: nothing moves when it is done.
            form = guest.evaluate("() => document.querySelector('.video-stage').style.aspectRatio")
            assert form == "480 / 360"
        guest.wait_for_timeout(100)
    assert "running" in seen
    assert "preview" in seen, "no frame was shown while it was made"
    assert shares == sorted(shares)
    # A fast machine makes it between two looks at the page: how far it is was told at least once on the way.
    assert any(0 < share < 100 for share in shares)
    guest.wait_for_function("() => document.querySelector('.video-stage video')?.readyState > 0")
    assert player(guest, "own.duration") == pytest.approx(6.0, abs=0.1)
    player(guest, "own.play()")
    guest.wait_for_function("() => document.querySelector('.video-stage video').currentTime > 0.5")
    assert player(guest, "own.webkitAudioDecodedByteCount") > 0, "it has no sound"
    assert player(guest, "own.videoWidth") == 480


def test_the_chart_seeks_where_it_is_clicked_and_follows_the_player(finished):
    player(finished, "own.pause()")
    plot = finished.get_by_role("slider", name="Time in the video")
    box = plot.bounding_box()
    plot.click(position={"x": 0.75 * box["width"], "y": box["height"] / 2})
    assert player(finished, "own.currentTime") == pytest.approx(4.5, abs=0.1)
    assert float(plot.get_attribute("aria-valuenow")) == pytest.approx(4.5, abs=0.1)
    spoken = plot.get_attribute("aria-valuetext")
    assert spoken.startswith("0:04 of 0:06")
    assert "%" in spoken, "what is there is not told"
    # And back: the playhead goes where the player goes.
    player(finished, "{ own.currentTime = 1.5 }")
    finished.wait_for_function(
        "() => document.querySelector('.chart-playhead').style.insetInlineStart.startsWith('25')"
    )
    player(finished, "own.play()")
    finished.wait_for_function(
        "() => parseFloat(document.querySelector('.chart-playhead').style.insetInlineStart) > 30"
    )
    # While it plays, nothing is said: a screen reader would talk all the time.
    assert float(plot.get_attribute("aria-valuenow")) == pytest.approx(1.5, abs=0.1)
    player(finished, "own.pause()")


def test_the_chart_is_used_by_the_keyboard(finished):
    player(finished, "own.pause()")
    plot = finished.get_by_role("slider", name="Time in the video")
    plot.focus()
    finished.keyboard.press("Home")
    assert player(finished, "own.currentTime") == 0
    finished.keyboard.press("ArrowRight")
    finished.keyboard.press("ArrowRight")
    assert player(finished, "own.currentTime") == pytest.approx(2, abs=0.05)
    finished.keyboard.press("ArrowLeft")
    assert player(finished, "own.currentTime") == pytest.approx(1, abs=0.05)
    finished.keyboard.press("End")
    assert player(finished, "own.currentTime") == pytest.approx(6, abs=0.1)
    finished.keyboard.press("Home")
    finished.keyboard.press("Space")
    finished.wait_for_function("() => !document.querySelector('.video-stage video').paused")
    finished.keyboard.press("Space")
    assert player(finished, "own.paused")


def test_the_legend_switches_classes_of_the_chart(finished):
    rows = finished.locator(".video-side .legend-row[role=switch]")
    rows.first.wait_for()
    before = finished.locator(".chart-band").count()
    assert before == rows.count()
    rows.first.click()
    assert finished.locator(".chart-band").count() == before - 1
    finished.get_by_role("radio", name="Lines").check()
    assert finished.locator(".chart-line").count() == before - 1
    assert finished.locator(".chart-band").count() == 0
    finished.get_by_role("radio", name="Stacked").check()
    rows.first.click()
    assert finished.locator(".chart-band").count() == before


def test_result_and_areas_are_saved(finished, tmp_path):
    with finished.expect_download() as download:
        finished.get_by_role("link", name=re.compile("Download")).click()
    assert download.value.suggested_filename == "video_1_overlay.mp4"
    result = tmp_path / "result.mp4"
    download.value.save_as(result)
    with av.open(str(result)) as container:
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == 150
    with finished.expect_download() as download:
        finished.get_by_role("button", name="Areas as CSV").click()
    table = tmp_path / "areas.csv"
    download.value.save_as(table)
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
    assert rows[0][:2] == ["seconds", rows[0][1]]
    assert len(rows) > 100
    for row in rows[1:]:
        assert sum(map(float, row[1:])) == pytest.approx(1, abs=0.01)


@pytest.mark.long
def test_a_page_that_is_loaded_again_finds_its_videos(video_tab, small, samples):
    guest = video_tab(small)
    add(guest, samples / "video_1.mp4", samples / "video_2.mp4")
    guest.locator(".job").nth(1).wait_for()
    wait_state(guest, "queued", "running")
    guest.wait_for_function("() => JSON.parse(sessionStorage.getItem('liveseg.videos') ?? '[]').length === 2")
    guest.reload()
    guest.locator(".job").nth(1).wait_for()
    names = guest.locator(".job-name").all_inner_texts()
    assert sorted(names) == ["video_1.mp4", "video_2.mp4"]
    # The one sent last waits for the other.
    guest.locator(".job .tag[data-state=good]").nth(1).wait_for(timeout=120_000)
    for name in names:
        guest.get_by_role("button", name=re.compile(f"^{name}")).click()
        wait_state(guest, "done")
    # Another tab of the browser has videos of its own.
    other = guest.context.new_page()
    other.goto(f"{small.url}/#video")
    other.get_by_role("heading", name=DROP_ZONE).wait_for()


def test_a_video_is_cancelled_while_it_is_sent_and_while_it_is_made(video_tab, small, long_clip):
    guest = video_tab(small)
    jobs = len(small.service.videos._jobs)
    with narrow_way(guest, 20_000):
        add(guest, long_clip)
        wait_state(guest, "uploading")
        guest.locator(".video-below").get_by_role("button", name="Cancel").click()
        wait_state(guest, "cancelled")
    assert len(small.service.videos._jobs) == jobs, "the service has a job of a video that was not sent"
    # Once more, from the file that the page still has; now it is ended while it is made.
    guest.get_by_role("button", name="Try again").click()
    wait_state(guest, "running")
    guest.locator(".video-below").get_by_role("button", name="Cancel").click()
    wait_state(guest, "cancelled")
    newest = list(small.service.videos._jobs.values())[-1]
    assert newest.state == "cancelled"
    guest.get_by_role("button", name=f"Remove {long_clip.name}").first.click()
    guest.get_by_role("heading", name=DROP_ZONE).wait_for()


def test_what_is_no_video_is_said_to_be_none(video_tab, small, tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("these are notes, not pictures\n" * 100)
    guest = video_tab(small)
    guest.expected("status of 415|status of 422")
    add(guest, text)
    wait_state(guest, "failed")
    alert = guest.locator(".video-stage").get_by_role("alert")
    assert alert.inner_text().strip()
    assert guest.locator(".job .tag").inner_text() == "Failed"
    assert guest.get_by_role("button", name="Remove notes.mp4").is_visible()
    # The same file would be refused again.
    assert guest.get_by_role("button", name="Try again").count() == 0


@pytest.mark.long
def test_a_result_that_is_no_longer_kept_is_said_to_be_gone(video_tab, start_service, samples):
    service = start_service(size=97, threads=1, runtime="onnx", jobs_kept_seconds=2.0)
    guest = video_tab(service)
    guest.expected("status of 404|status of 410")
    add(guest, samples / "video_2.mp4")
    wait_state(guest, "done")
    ends = time.monotonic() + 30
    while any(job.state == "done" for job in list(service.service.videos._jobs.values())):
        assert time.monotonic() < ends
        time.sleep(0.1)
    guest.reload()
    wait_state(guest, "expired")
    assert "No longer kept" in guest.locator(".video-stage").inner_text()


def test_a_video_dropped_on_another_tab_comes_here(open_page, small, samples):
    guest = open_page(small, "#live")
    guest.get_by_role("button", name="Start the camera").wait_for()
    guest.drop(samples / "video_2.mp4")
    guest.locator("#panel-video .job").wait_for()
    assert guest.get_by_role("tab", name="Video").get_attribute("aria-selected") == "true"
    guest.get_by_role("button", name="Cancel video_2.mp4").click()


@pytest.mark.long
def test_with_a_token_the_player_needs_none(video_tab, start_service, samples):
    token = "correct-horse-battery-staple"  # noqa: S105
    service = start_service(size=97, threads=1, runtime="onnx", token=token)
    guest = video_tab(service)
    guest.expected("status of 401")
    guest.get_by_role("textbox", name="Token").fill(token)
    guest.get_by_role("button", name="Continue").click()
    add(guest, samples / "video_2.mp4")
    wait_state(guest, "done")
    guest.wait_for_function("() => document.querySelector('.video-stage video')?.readyState > 0")
    assert "ticket=" in player(guest, "own.currentSrc")
    assert token not in player(guest, "own.currentSrc")
