"""Who of the labels in a transcript is the participant."""

from __future__ import annotations

from collections.abc import Mapping

from presage.cohort import InputError, UnusableRecording
from presage.cohort.tables import some
from presage.depression.transcript import INTERVIEWER, PARTICIPANT
from presage.depression.transcripts.utterances import Utterance

# What people call the two; compared without case.
PARTICIPANT_LABELS = frozenset(
    {"participant", "patient", "client", "subject", "interviewee", "proband", "respondent", "来访者", "患者", "被试"}
)
INTERVIEWER_LABELS = frozenset(
    {"ellie", "interviewer", "therapist", "clinician", "doctor", "researcher", "examiner", "psychiatrist"}
    | {"psychologist", "moderator", "assistant", "bot", "咨询师", "医生", "采访者"}
)


#: In ``participant_label``: whatever the file calls them, every turn is the participant's.
EVERYBODY = "*"


def speakers_of(
    utterances: list[Utterance], where: str, *, participant_label: str = "", interviewer_label: str = ""
) -> Mapping[str, str]:
    """The speaker (``participant``, ``interviewer`` or the label itself) of each label.

    Parameters
    ----------
    utterances
        Of one file.
    where
        The file, for messages.
    participant_label, interviewer_label
        The file's own names, from ``recordings.csv``; several are parted by ``|``, and ``*`` says that the participant
        alone speaks. Without, the usual names are known (participant, patient, client ...; interviewer, Ellie,
        therapist ...); one speaker alone is the participant, and of two speakers the other one is who the known one is
        not.

    Raises
    ------
    InputError
        If there are several speakers and nothing tells who is the participant.
    UnusableRecording
        If the participant says nothing, a label is given and nobody is named, or some utterances have a speaker and
        some have none.
    """
    labels = tuple(dict.fromkeys(utterance.label for utterance in utterances))
    if "" in labels and len(labels) > 1:
        line = next(utterance.line for utterance in utterances if not utterance.label)
        raise UnusableRecording(
            "turns without a speaker",
            "some turns name their speaker and this one does not",
            where=f"{where}, line {line}",
            cure="name the speaker of every turn",
        )
    if participant_label == EVERYBODY:
        return dict.fromkeys(labels, PARTICIPANT)
    if labels == ("",):
        if participant_label or interviewer_label:
            raise UnusableRecording(
                "no speaker named",
                "the table gives a speaker's label and the transcript names no speaker",
                where=where,
                cure="leave the label's cell empty where the participant alone speaks",
            )
        return {"": PARTICIPANT}
    known = {label: _known(label, participant_label, interviewer_label) for label in labels}
    if PARTICIPANT not in known.values():
        unknown = [label for label in labels if not known[label]]
        if participant_label or not unknown:
            raise UnusableRecording(
                "participant says nothing",
                f"nobody in the transcript is the participant; the speakers are {some(map(repr, labels))}",
                where=where,
                cure="correct participant_label in recordings.csv",
            )
        if len(unknown) > 1:
            raise InputError(
                f"who of the speakers {some(map(repr, labels))} is the participant?",
                where=where,
                cure="write the participant's label into a column participant_label of recordings.csv",
            )
        known[unknown[0]] = PARTICIPANT
    others = [label for label in labels if known[label] != PARTICIPANT]
    if len(others) == 1:
        known[others[0]] = INTERVIEWER
    return {label: speaker or label for label, speaker in known.items()}


def _known(label: str, participant_label: str, interviewer_label: str) -> str:
    plain = label.strip().casefold()
    named = {
        PARTICIPANT: {name.strip().casefold() for name in participant_label.split("|") if name.strip()},
        INTERVIEWER: {name.strip().casefold() for name in interviewer_label.split("|") if name.strip()},
    }
    for speaker, names in named.items():
        if plain in names:
            return speaker
    if plain in PARTICIPANT_LABELS and not named[PARTICIPANT]:
        return PARTICIPANT
    return INTERVIEWER if plain in INTERVIEWER_LABELS and not named[INTERVIEWER] else ""
