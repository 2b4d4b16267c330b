"""Tracks of faces drawn over time."""

from __future__ import annotations

from pathlib import Path

from presage.cohort import Cohort, UnusableRecording
from presage.depression.face.measures import NAMES
from presage.depression.face.track_file import read_track

_SHOWN = {"eye_aperture": "#0072B2", "mouth_corners": "#D55E00", "yaw": "#009E73"}


def draw_tracks(cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
    """Write a PNG with a panel for each of the first recordings; gaps are frames without a face."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    recordings = cohort.iter_recordings("face-track")[:limit]
    figure = Figure(figsize=(9, 1 + 1.1 * max(1, len(recordings))), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(max(1, len(recordings)), 1, squeeze=False)[:, 0]
    for panel, recording in zip(panels, recordings, strict=False):
        panel.set_ylabel(f"{recording.patient_id}\nvisit {recording.visit}", rotation=0, ha="right", fontsize=7)
        panel.tick_params(labelsize=6)
        try:
            times, values = read_track(recording.path)
        except UnusableRecording as error:
            panel.text(0.5, 0.5, error.reason, color="#D55E00", ha="center", transform=panel.transAxes)
            continue
        for name, colour in _SHOWN.items():
            column = values[:, NAMES.index(name)]
            # One axis for three units: each as a share of its own scale.
            scale = 30.0 if name == "yaw" else 0.3
            panel.plot(times, column / scale, color=colour, lw=0.8, label=name.replace("_", " "))
    panels[-1].set_xlabel("seconds")
    if recordings:
        panels[0].legend(fontsize=6, ncols=3, loc="upper right", title="per 0.3 eye widths/distances, per 30 degrees")
    figure.savefig(out, dpi=110)
    return out
