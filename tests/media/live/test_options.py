import pytest

from liveseg.errors import UsageError
from liveseg.media.address import parse_address
from liveseg.media.live.options import LiveOptions, ffmpeg_options


def told(text, **options):
    return ffmpeg_options(parse_address(text), LiveOptions(**options))


@pytest.mark.parametrize("text", ["rtsp://h/a", "rtmp://h/a/b", "http://h/a", "udp://h:1", "tcp://h:1", "srt://h:1"])
def test_no_address_of_the_network_leads_to_files(text):
    allowed = told(text)["protocol_whitelist"].split(",")
    assert not {"file", "concat", "data", "pipe", "subfile", "fd", "cache", "async"} & set(allowed)
    assert text.partition(":")[0] in allowed


def test_a_web_page_leads_to_no_other_service():
    assert set(told("https://h/a")["protocol_whitelist"].split(",")) == {
        "http", "https", "httpproxy", "tcp", "tls", "crypto",
    }  # fmt: skip


def test_the_transport_of_rtsp_is_the_one_asked_for():
    assert told("rtsp://h/a")["rtsp_transport"] == "tcp"
    assert told("rtsp://h/a", rtsp_transport="udp")["rtsp_transport"] == "udp"


def test_no_time_to_reconnect_means_not_even_for_files():
    assert told("http://h/a", reconnect=0)["reconnect"] == "0"
    assert told("http://h/a", reconnect=7.0, timeout=1.5) | {
        "reconnect": "1", "reconnect_delay_total_max": "7", "rw_timeout": "1500000",
    } == told("http://h/a", reconnect=7.0, timeout=1.5)  # fmt: skip


def test_a_day_to_reconnect_is_no_more_than_ffmpeg_can_count():
    assert int(told("http://h/a", reconnect=86400.0)["reconnect_delay_total_max"]) <= (2**32 - 1) // 1_000_000


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"timeout": -1}, {"reconnect": -0.1}])
def test_times_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        LiveOptions(**wrong)
