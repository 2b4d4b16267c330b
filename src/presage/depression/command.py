"""``presage depression transcribe``: transcripts of recordings that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def transcribe(
    cohort: Annotated[str, typer.Argument(help="Cohort folder.")],
    participant_alone: Annotated[
        bool,
        typer.Option("--participant-alone", help="Nobody but the participant is heard in the recordings."),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a faster-whisper model; without it, Moonshine tiny, which knows English alone."),
    ] = None,
    language: Annotated[str, typer.Option(help="Code of the language, such as en or zh.")] = "en",
) -> None:
    """Recognise what is said in recordings without a transcript, and add the transcripts to the cohort.

    Recognition does not tell speakers apart: recordings in which an interviewer is heard need the participant's channel
    in `recordings.csv`. Recognised words are guesses, a transcript by hand is better. A call that was interrupted goes
    on.
    """
    from presage.cohort import Cohort
    from presage.depression.speech.transcription import FOLDER, transcribe_cohort, without_transcript
    from presage.study.progress import terminal_progress

    found = Cohort.read(cohort)
    if not without_transcript(found):
        typer.echo("every session with sound has a transcript: nothing is to be done")
        return
    progress = terminal_progress()
    progress.start("Recognising speech", max(1, len(without_transcript(found))))
    try:
        added, failed = transcribe_cohort(
            found,
            model=None if model is None else str(model),
            language=language,
            participant_alone=participant_alone,
            progress=progress.advance,
        )
    finally:
        progress.finish()
    typer.echo(f"{added} transcript(s) by recognition -> {FOLDER}/ in the cohort, for its owner alone")
    for file, reason in failed:
        typer.echo(f"no transcript: {file}: {reason}")
    if added:
        typer.echo(f"next: presage show {cohort}; read some of the transcripts before a study does")
