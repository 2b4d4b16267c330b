"""Whatever the file holds: a transcript whose times are in order, or a refusal that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depression.recordings import recording
from presage.cohort import InputError
from presage.depression import Transcript, read_transcript

HEADERS = ["start_time\tstop_time\tspeaker\tvalue", "start,stop,speaker,text", "WEBVTT", "text"]
ROWS = ["00:00:01,000 --> 00:00:02,000", "0,1,Patient,a", "1\t2\tEllie\tb", "Patient: a", "<v Ann>x</v>", "5,2,P,c"]
PIECES = st.sampled_from([*HEADERS, *ROWS, "1", "", '"', ";", "\t", "-->", "\ufeff", "NOTE"])


def read_or_refuse(path: Path) -> Transcript | None:
    try:
        return read_transcript(recording(path))
    except InputError as refusal:
        if str(path) not in refusal.where or not refusal.what:
            pytest.fail(f"a refusal without its file or its reason: {refusal}")
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.lists(PIECES, max_size=8).map(lambda lines: "\n".join(lines).encode()), st.binary(max_size=80)
    ),
    ending=st.sampled_from(["txt", "csv", "tsv", "srt", "vtt"]),
)
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    transcript = read_or_refuse(path)
    if transcript is None:
        return
    assert len(transcript) > 0
    starts = [turn.start for turn in transcript if turn.start is not None]
    assert starts == sorted(starts)
    assert all(turn.duration is None or turn.duration >= 0 for turn in transcript)
    assert all(turn.text.strip() for turn in transcript)
    assert "participant" in transcript.speakers


def test_a_binary_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(1, 256)) * 4)
    with pytest.raises(InputError):
        read_transcript(recording(path))
