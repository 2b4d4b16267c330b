from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from presage.cohort import Cohort, InputError, Recording, UnusableRecording
from presage.study import Encoder, EncoderCache
from presage.study.encoder import Arrays
from presage.study.lease import Holder


class Counting(Encoder):
    name = "counting"
    kind = "slide"
    factor: float = 1.0

    def encode(self, recording: Recording) -> Arrays:
        calls.append(recording.path)
        with fsspec.open(recording.path, "rb") as file:
            content = file.read()
        if content == b"bad":
            raise UnusableRecording("bad file", where=recording.path)
        values = np.frombuffer(content, dtype=np.uint8) * self.factor
        shape = values[: len(values) // 2 * 2].reshape(2, -1).T  # not contiguous
        return {"values": shape, "empty": np.zeros((0, 3)), "one": np.float32(2.5), "sure": np.array([True])}


calls: list[str] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    found = []
    for number in range(6):
        path = tmp_path / f"patient-{number}.bin"
        path.write_bytes(bytes(range(number, number + 8)))
        found.append(Recording(f"patient-{number}", "1", "slide", str(path), {"side": "L"}))
    return found


def check(arrays: Sequence[Arrays], factor: float = 1.0) -> None:
    for number, found in enumerate(arrays):
        expected = (np.arange(number, number + 8) * factor).reshape(2, -1).T
        np.testing.assert_array_equal(found["values"], expected)
        assert found["empty"].shape == (0, 3)
        assert found["one"].shape == ()
        assert found["one"] == np.float32(2.5)
        assert found["sure"].dtype == bool


@pytest.mark.parametrize("threads", [1, 3])
def test_nothing_is_encoded_twice_here_or_by_another_process(
    recordings: list[Recording], tmp_path: Path, threads: int
) -> None:
    steps: list[int] = []
    cache = EncoderCache(tmp_path / "c")
    check(cache.encoded(Counting(), recordings, threads=threads, progress=steps.append))
    assert (len(calls), sum(steps)) == (6, 6)
    check(cache.encoded(Counting(), recordings))
    check(EncoderCache(tmp_path / "c").encoded(Counting(), recordings[:6], progress=steps.append))
    assert (len(calls), sum(steps)) == (6, 12)
    check(pickle.loads(pickle.dumps(cache)).encoded(Counting(), recordings))
    assert len(calls) == 6


def test_content_settings_and_columns_make_the_entry_not_the_name(recordings: list[Recording], tmp_path: Path) -> None:
    cache = EncoderCache(tmp_path / "c")
    cache.encoded(Counting(), recordings)
    moved = tmp_path / "elsewhere.bin"
    Path(recordings[0].path).rename(moved)
    check(cache.encoded(Counting(), [Recording("other", "2", "slide", str(moved), {"side": "L"})]))
    assert len(calls) == 6
    check(cache.encoded(Counting(factor=2.0), recordings[1:2])[:0], 2.0)
    assert len(calls) == 7
    cache.encoded(Counting(), [Recording("other", "2", "slide", str(moved), {"side": "R"})])
    assert len(calls) == 8  # a reader may turn a right breast around
    moved.write_bytes(b"12345678")
    cache.encoded(Counting(), [Recording("other", "2", "slide", str(moved), {"side": "L"})])
    assert len(calls) == 9


def test_one_recording_asked_twice_is_encoded_once(recordings: list[Recording], tmp_path: Path) -> None:
    twice = EncoderCache(tmp_path / "c").encoded(Counting(), [recordings[0], recordings[0]])
    assert len(calls) == 1
    assert twice[0] is twice[1]


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "garbage"])
def test_a_damaged_entry_is_encoded_again_with_a_warning(
    recordings: list[Recording], tmp_path: Path, damage: str
) -> None:
    EncoderCache(tmp_path / "c").encoded(Counting(), recordings)
    entry = sorted((tmp_path / "c" / "encoded").rglob("*.safetensors"))[0]
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1  # within the arrays: the format itself would not notice
    entry.write_bytes({"truncate": content[:-5], "flip": content, "empty": b"", "garbage": os.urandom(200)}[damage])
    with pytest.warns(UserWarning, match="a damaged cache entry is encoded again"):
        check(EncoderCache(tmp_path / "c").encoded(Counting(), recordings))
    assert len(calls) == 7
    check(EncoderCache(tmp_path / "c").encoded(Counting(), recordings))
    assert len(calls) == 7


def test_unusable_recordings_are_raised_or_listed(recordings: list[Recording], tmp_path: Path) -> None:
    Path(recordings[2].path).write_bytes(b"bad")
    cache = EncoderCache(tmp_path / "c")
    steps: list[int] = []
    found = cache.encode_missing(Counting(), recordings, threads=2, progress=steps.append)
    assert {path: error.reason for path, error in found.items()} == {recordings[2].path: "bad file"}
    assert sum(steps) == 6
    with pytest.raises(UnusableRecording, match="bad file"):
        cache.encoded(Counting(), recordings)
    assert len(calls) == 7  # the others are kept


def test_what_is_kept_at_hand_is_bounded_and_read_only(recordings: list[Recording], tmp_path: Path) -> None:
    cache = EncoderCache(tmp_path / "c", memory=150)
    check(cache.encoded(Counting(), recordings))
    assert cache._held_bytes <= 150
    assert 0 < len(cache._held) < 6
    with pytest.raises(ValueError, match="read-only"):
        cache.encoded(Counting(), recordings)[5]["values"][0] = 1


def test_no_path_or_patient_is_kept(recordings: list[Recording], tmp_path: Path) -> None:
    EncoderCache(tmp_path / "c").encoded(Counting(), recordings)
    for path in (tmp_path / "c").rglob("*"):
        assert "patient" not in path.name
        if path.is_file():
            assert b"patient" not in path.read_bytes()


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "env"))
    assert EncoderCache().folder.address == str(tmp_path / "env")
    monkeypatch.delenv("PRESAGE_CACHE")
    assert EncoderCache().folder.address == str(Path.home() / ".cache" / "presage")


def test_recordings_at_an_address(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/store/a.bin", bytes(range(8)))
    recording = Recording("p", "1", "slide", "memory://store/a.bin", {})
    for _ in range(2):
        check(EncoderCache(tmp_path / "c").encoded(Counting(), [recording]))
    assert len(calls) == 1


def test_a_folder_that_cannot_be_written_is_named(recordings: list[Recording], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/.*cannot be written to"):
        EncoderCache(tmp_path / "file").encoded(Counting(), recordings)


class Leaky(Counting):
    def encode(self, recording: Recording) -> Arrays:
        return {"values": np.array([np.nan])}


def test_nan_never_enters(recordings: list[Recording], tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match="gave NaN or infinity"):
        EncoderCache(tmp_path / "c").encoded(Leaky(), recordings[:1])


WRITER = """
import sys
import threading
import time
sys.path.insert(0, {labpack!r})
from labpack import Bytes
from presage.cohort import Recording
from presage.study import EncoderCache
import glob
recordings = [Recording(str(i), "1", "slide", p, {{}}) for i, p in enumerate(sorted(glob.glob(sys.argv[1] + "/*.bin")))]
arrays = EncoderCache(sys.argv[2]).encoded(Bytes(pause=0.001), recordings, threads=4)
print(sum(float(a["values"].sum()) for a in arrays))
"""


@pytest.mark.slow
def test_several_processes_may_fill_one_cache_at_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(60):
        (tmp_path / "in" / f"{number:02d}.bin").write_bytes(bytes((number + i) % 251 for i in range(32)))
    script = WRITER.format(labpack=str(Path(__file__).parent / "labpack"))
    command = [sys.executable, "-c", script, str(tmp_path / "in"), str(tmp_path / "c")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    sums = {process.communicate(timeout=60)[0] for process in started}
    assert len(sums) == 1
    assert len(list((tmp_path / "c" / "encoded").rglob("*.safetensors"))) == 60
    assert not list((tmp_path / "c").rglob("*.part"))


def test_encoding_ahead_is_bounded(recordings: list[Recording]) -> None:
    """Results that nobody has taken yet must not pile up: whole images would fill the memory."""
    many: Callable[..., Any] = Counting().encode_all
    stream = many(recordings * 20, threads=2)
    next(stream)
    assert len(calls) <= 6
    stream.close()
    assert len(calls) <= 8


class Slow(Counting):
    name = "slow"

    def encode(self, recording: Recording) -> Arrays:
        time.sleep(0.01)
        return super().encode(recording)


@pytest.mark.parametrize("claimed", [2, 256])
def test_two_who_miss_the_same_share_the_work_and_encode_nothing_twice(
    recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claimed: int
) -> None:
    monkeypatch.setattr("presage.study.cache._CLAIMED", claimed)
    steps: list[int] = []

    def ask(hold: bool) -> None:
        cache = EncoderCache(tmp_path / "c")
        if hold:
            check(cache.encoded(Slow(), recordings, progress=steps.append))
        else:
            cache.encode_missing(Slow(), recordings, progress=steps.append)

    threads = [threading.Thread(target=ask, args=(hold,)) for hold in (True, False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls) == sorted(recording.path for recording in recordings)
    assert sum(steps) == 3 * len(recordings)
    assert not [path for path in (tmp_path / "c" / "claims").rglob("*") if path.is_file()]


def test_what_a_dead_process_had_claimed_is_encoded_and_a_living_one_is_waited_for(
    recordings: list[Recording], tmp_path: Path
) -> None:
    cache = EncoderCache(tmp_path / "c")
    key = cache._keys(Counting(), recordings)[0]
    claim = tmp_path / "c" / "claims" / key[:2] / key
    claim.parent.mkdir(parents=True)
    claim.write_bytes(Holder(pid=2**22 + 1).to_bytes())
    check(cache.encoded(Counting(), recordings))
    assert (len(calls), claim.exists()) == (6, False)

    key = cache._keys(Counting(factor=2.0), recordings)[0]
    claim = tmp_path / "c" / "claims" / key[:2] / key
    claim.parent.mkdir(parents=True, exist_ok=True)
    claim.write_bytes(Holder(host="elsewhere").to_bytes())
    threading.Timer(0.2, claim.unlink).start()
    check(cache.encoded(Counting(factor=2.0), recordings), factor=2.0)
    assert calls[-1] == recordings[0].path
    assert len(calls) == 12


def test_what_is_worked_out_of_arrays_is_worked_out_once(make_cohort: Callable[..., Path], tmp_path: Path) -> None:
    from labpack import Bytes

    cohort = Cohort.read(str(make_cohort(6)))
    cache, calls = EncoderCache(tmp_path / "c"), []

    def work(arrays, recording):
        calls.append(recording.path)
        return arrays["values"][:2] * 2

    recordings = cohort.iter_recordings("slide")
    first = cache.derived(Bytes(), recordings, "double", work)
    again = cache.derived(Bytes(), recordings[::-1], "double", work)
    assert len(calls) == len(set(calls)) == 6
    for one, other, arrays in zip(first, again[::-1], cache.encoded(Bytes(), recordings), strict=True):
        np.testing.assert_array_equal(one, arrays["values"][:2] * 2)
        assert one is other
    # Another setting of the encoder, another piece of work, other bytes: worked out anew.
    cache.derived(Bytes(scale=2.0), recordings[:1], "double", work)
    cache.derived(Bytes(), recordings[:1], "other", work)
    Path(recordings[1].path).write_bytes(bytes(range(40, 90)))
    cache.derived(Bytes(), recordings[1:2], "double", work)
    assert len(calls) == 9
