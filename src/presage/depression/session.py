"""What belongs together: transcript, sound and pictures of one patient at one visit, for one task or answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from presage.cohort import Cohort, InputError, Recording

KINDS = ("transcript", "audio", "video", "face-track")


@dataclass(frozen=True)
class Session:
    """The recordings of one conversation, or of one answer in it.

    Attributes
    ----------
    patient_id, visit, task, answer
        As in ``recordings.csv``; task and answer are empty where the table has none.
    transcript, audio, video, face_track
        Its recordings; None where there is none. The track of the face was made elsewhere.
    """

    patient_id: str
    visit: str
    task: str = ""
    answer: str = ""
    transcript: Recording | None = field(default=None, repr=False)
    audio: Recording | None = field(default=None, repr=False)
    video: Recording | None = field(default=None, repr=False)
    face_track: Recording | None = field(default=None, repr=False)

    @property
    def sound(self) -> Recording | None:
        """Where the sound is: the audio file, else the video."""
        return self.audio or self.video

    def of(self, kind: str) -> Recording | None:
        """Its recording of a kind."""
        return dict(zip(KINDS, (self.transcript, self.audio, self.video, self.face_track), strict=True))[kind]

    @property
    def title(self) -> str:
        """Patient, visit, task and answer in words."""
        return " ".join(part for part in (self.patient_id, f"visit {self.visit}", self.task, self.answer) if part)


def sessions(cohort: Cohort) -> list[Session]:
    """The sessions of a cohort, in the order of its recordings.

    Raises
    ------
    InputError
        If one session has two recordings of a kind: which of them belongs to which must not be guessed.
    """
    groups: dict[tuple[str, str, str, str], dict[str, Recording]] = {}
    for recording in cohort.iter_recordings():
        if recording.kind not in KINDS:
            continue
        key = (recording.patient_id, recording.visit, recording.get("task"), recording.get("answer"))
        found = groups.setdefault(key, {})
        if recording.kind in found:
            raise InputError(
                f"patient {key[0]}, visit {key[1]} has two recordings of kind {recording.kind}: "
                f"{cohort.relative(found[recording.kind].path)} and {cohort.relative(recording.path)}",
                where="recordings.csv",
                cure="tell them apart by the columns visit, task or answer",
            )
        found[recording.kind] = recording
    return [Session(*key, *(found.get(kind) for kind in KINDS)) for key, found in groups.items()]


def alone(cohort: Cohort) -> list[Session]:
    """Each recording of sound as a session of its own, for those who read nothing beside it."""
    return [
        Session(r.patient_id, r.visit, r.get("task"), r.get("answer"), audio=r) for r in cohort.iter_recordings("audio")
    ]
