"""What was said in an interview: words, turns, and who spoke. Times are seconds from the start of the recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

PARTICIPANT = "participant"
INTERVIEWER = "interviewer"


@dataclass(frozen=True)
class Word:
    """One word.

    Attributes
    ----------
    text
        As written.
    start
        Seconds.
    stop
        Seconds; None where only the beginning is known.
    """

    text: str
    start: float
    stop: float | None = None


@dataclass(frozen=True)
class Turn:
    """One stretch of speech of one speaker.

    Attributes
    ----------
    speaker
        ``"participant"``, ``"interviewer"``, or the file's own label of anybody else.
    text
        As written.
    start, stop
        Seconds; None where the file has no times.
    words
        Words with times, where the file (or an aligner) gives them.
    """

    speaker: str
    text: str
    start: float | None = None
    stop: float | None = None
    words: tuple[Word, ...] = ()

    @property
    def duration(self) -> float | None:
        """Seconds from start to stop, or None without times."""
        return None if self.start is None or self.stop is None else self.stop - self.start


@dataclass(frozen=True)
class Transcript:
    """The turns of an interview in the order in which they began.

    Attributes
    ----------
    turns
        Every speaker's.
    language
        Code such as ``en`` or ``zh``; empty where nobody said.
    encoding
        How the file's bytes were read.
    notes
        What a person should know although it stops nothing (a guessed encoding, overlapping turns).
    """

    turns: tuple[Turn, ...]
    language: str = ""
    encoding: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.turns)

    def __iter__(self) -> Iterator[Turn]:
        return iter(self.turns)

    def of(self, speaker: str) -> Transcript:
        """The turns of one speaker alone."""
        return replace(self, turns=tuple(turn for turn in self.turns if turn.speaker == speaker))

    def participant(self) -> Transcript:
        """The participant's turns alone: what a marker should see.

        Interviewers ask depressed people other questions; a marker that sees the prompts learns the interviewer's
        judgement (Burdisso et al., ClinicalNLP 2024, arXiv:2404.14463).
        """
        return self.of(PARTICIPANT)

    def prompts(self) -> Transcript:
        """The interviewer's turns alone, for the control that shows what prompts give away."""
        return self.of(INTERVIEWER)

    @property
    def text(self) -> str:
        """All turns, one per line."""
        return "\n".join(turn.text for turn in self.turns)

    @property
    def words(self) -> tuple[Word, ...]:
        """Words with times, of all turns; empty where the file has none."""
        return tuple(word for turn in self.turns for word in turn.words)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, in order of appearance."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    @property
    def timed(self) -> bool:
        """Whether every turn has a start and a stop."""
        return all(turn.duration is not None for turn in self.turns)

    @property
    def end(self) -> float | None:
        """Seconds at which the last turn stops, or None where no turn has a time."""
        times = [time for turn in self.turns for time in (turn.start, turn.stop) if time is not None]
        return max(times, default=None)
