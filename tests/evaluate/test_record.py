import json

import pytest

from liveseg.errors import MediaError, SinkError, SourceNotFoundError, UsageError
from liveseg.evaluate.counts import ImageCounts
from liveseg.evaluate.record import Record, read_header, read_images

HEADER = {
    "version": "1",
    "images_digest": "d",
    "classes": ["a", "b"],
    "model": "lite",
    "precision": "float32",
    "settings": {"tta": "off", "weights": {"sha256": {"x": "1"}}},
    "run": {"workers": 1},
}


def image(number):
    return ImageCounts(f"ü/{number}", ((0, 1, 7),), ((1, 2, 3, 4, 5),), ((14, 7, 3, 400),), {"infer": 3.25})


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "deep" / "record.jsonl"
    with Record(target, HEADER) as record:
        assert list(record.past()) == []
        for number in range(3):
            record.add(image(number), 0.5 + number)
    return target


def test_a_record_gives_back_what_it_took(path):
    with Record(path, HEADER | {"run": {"workers": 4}}) as record:
        assert list(record.past()) == [(image(number), 0.5 + number) for number in range(3)]
        record.add(image(3), 1.0)
    assert [counts.key for counts, _ in read_images(path)] == [f"ü/{number}" for number in range(4)]
    assert read_header(path)["run"] == {"workers": 1}


def test_a_line_is_on_the_disk_when_it_was_added(path):
    record = Record(path, HEADER)
    record.add(ImageCounts("bad", bad="broken"), 0.1)
    counts, _ = list(read_images(path))[-1]
    assert (counts.key, counts.bad, counts.pairs) == ("bad", "broken", ())
    record.close()


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_dropped_and_written_again(path, cut):
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with Record(path, HEADER) as record:
        assert [counts.key for counts, _ in record.past()] == ["ü/0", "ü/1"]
        record.add(image(2), 2.5)
    assert path.read_bytes() == whole


def test_a_record_cut_in_its_first_line_begins_anew(path):
    path.write_bytes(path.read_bytes()[:60])
    with Record(path, HEADER) as record:
        assert list(record.past()) == []
    assert read_header(path)["model"] == "lite"
    path.write_bytes(b"")
    Record(path, HEADER).close()
    assert read_header(path)["model"] == "lite"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"precision": "int8"}, "its precision is float32, not int8"),
        ({"settings": {"tta": "flip", "weights": {"sha256": {"x": "1"}}}}, "its tta is off, not flip"),
        ({"settings": {"tta": "off", "weights": {"sha256": {"x": "2"}}}}, "its weights are others"),
        ({"images_digest": "e"}, "its images are others"),
        ({"classes": ["a"]}, "its classes are others"),
        ({"version": "2"}, "its version is 1, not 2"),
    ],
)
def test_a_record_of_another_evaluation_is_refused_and_left_as_it_is(path, change, message):
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"{message}; name another record, or remove it"):
        Record(path, HEADER | change)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"a letter to a friend", b'{"liveseg": "evaluation", "schema": 1}\n', b"\xff\xd8\xff"]
)
def test_a_file_that_is_no_record_is_not_written_over(tmp_path, content):
    path = tmp_path / "letter.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no record of liveseg eval"):
        Record(path, HEADER)
    with pytest.raises(UsageError, match="is no record of liveseg eval"):
        read_header(path)
    assert path.read_bytes() == content


def test_a_damaged_line_in_the_middle_is_named(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"key": 1}\n', *lines[3:]]))
    with pytest.raises(UsageError, match="damaged at line 3"):
        list(read_images(path))


@pytest.mark.parametrize(
    "content",
    ['"pairs":[[2,0,7]]', '"pairs":[[0,3,7]]', '"pairs":[[0,-1,7]]', '"pairs":[[0,1]]', '"edges":[[2,1,1,1,1]]',
     '"bins":[[15,1,1,1]]'],
)  # fmt: skip
def test_a_line_with_classes_that_the_record_does_not_have_is_named(path, content):
    with path.open("a", encoding="utf-8") as file:
        file.write(f'{{"key":"x","seconds":1,{content}}}\n')
    with pytest.raises(UsageError, match="damaged at line 5"):
        list(read_images(path))


def test_two_runs_cannot_write_one_record(path):
    with Record(path, HEADER) as record:
        record.add(image(3), 1)
        with pytest.raises(SinkError, match="another run is writing it; choose another name"):
            Record(path, HEADER)
        record.add(image(4), 1)
    with pytest.raises(UsageError, match="another evaluation"):
        Record(path, HEADER | {"model": "other"})
    with Record(path, HEADER) as record:
        assert len(list(record.past())) == 5, "whoever was refused has given it back"


def test_a_record_that_cannot_be_is_said_so(tmp_path, path):
    with pytest.raises(SinkError, match=r"cannot write .*: that is a folder; name a file in it"):
        Record(tmp_path, HEADER)
    with pytest.raises(SourceNotFoundError, match="no such file"):
        read_header(tmp_path / "none")
    header = json.loads(path.read_bytes().splitlines()[0])
    path.write_text(json.dumps(header | {"schema": 99}) + "\n", encoding="utf-8")
    with pytest.raises(MediaError, match="newer liveseg"):
        read_header(path)
