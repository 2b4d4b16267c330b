"""Who, when, what was recorded, what happened: reading, checking and splitting a cohort."""

from presage.cohort.check import CheckReport, check_cohort
from presage.cohort.cohort import Cohort
from presage.cohort.errors import InputError, UnusableRecording
from presage.cohort.flow import Flow
from presage.cohort.kinds import RecordingKind, kind_named, kinds
from presage.cohort.outcome import Outcome
from presage.cohort.recording import Recording
from presage.cohort.splits import Splits, make_splits, read_splits

__all__ = [
    "CheckReport",
    "Cohort",
    "Flow",
    "InputError",
    "Outcome",
    "Recording",
    "RecordingKind",
    "Splits",
    "UnusableRecording",
    "check_cohort",
    "kind_named",
    "kinds",
    "make_splits",
    "read_splits",
]
