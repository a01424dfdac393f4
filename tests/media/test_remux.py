"""Moving the index to the front changes neither a packet nor its time."""

import av
import numpy as np
import pytest

from liveseg.media.remux import remux

FRAGMENTS = {
    "movflags": "frag_keyframe+delay_moov+default_base_moof",
    "frag_duration": "1000000",
    "video_track_timescale": "12800",
}


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_packets_and_times_are_the_same_and_the_index_is_in_front(clips, codec):
    options = {"bf": "3"} if codec == "libx264" else {"x265-params": "log-level=error:bframes=3"}
    sound = clips.Sound(clips.clicks([0.5, 1.5], 3))
    before = clips.write("before.mp4", 75, codec=codec, options=options, container_options=FRAGMENTS, sound=sound)
    assert clips.boxes(before).count("moof") >= 3
    after = clips.folder / "after.mp4"
    remux(before, after, "mp4", {"movflags": "faststart", "video_track_timescale": "12800"})
    kinds = clips.boxes(after)
    assert kinds.index("moov") < kinds.index("mdat")
    assert "moof" not in kinds
    for kind in ("video", "audio"):
        old, new = clips.packets_of(before, kind), clips.packets_of(after, kind)
        assert len(old) > 70
        assert [packet[:2] for packet in new] == [packet[:2] for packet in old]
        assert [packet[3] for packet in new] == [packet[3] for packet in old]
    assert min(packet[1] for packet in clips.packets_of(after)) < 0  # the B-frames did reorder something
    with av.open(str(after)) as container:
        assert container.streams.video[0].codec_context.codec_tag == ("avc1" if codec == "libx264" else "hvc1")
        numbers = [clips.number_of(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert numbers == list(range(75))
    assert clips.click_times(after) == pytest.approx([0.5, 1.5], abs=0.002)


def test_a_target_that_cannot_be_written_is_an_os_error(clips):
    before = clips.write("before.mp4", 3)
    with pytest.raises(OSError, match="No such file"):
        remux(before, clips.folder / "nowhere" / "after.mp4", "mp4", {})


def test_colours_and_shape_are_described_as_before(clips):
    frame = clips.planes_frame([np.full((64, 96), 100, np.uint8), *(np.full((32, 48), 128, np.uint8) for _ in "uv")])
    tags = {"colorspace": 1, "color_range": 1, "color_trc": 1, "color_primaries": 1}
    before = clips.write("before.mp4", [frame], tags=tags, container_options=FRAGMENTS)
    after = clips.folder / "after.mp4"
    remux(before, after, "mp4", {"movflags": "faststart"})
    assert b"colrnclx" in after.read_bytes()
    with av.open(str(after)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.color_trc, context.color_primaries) == (1, 1, 1, 1)
