"""Is response to treatment followed? Correlation within made-up people, as planted and as found by the markers.

    python benchmarks/phantom_course.py [--people 160] [--folder DIR]

Planted: the correlation of each sign with the HAM-D within people over three visits, by simulation of 20,000 people.
Found: that of each marker, fitted on other people's first visit and scoring each visit out of fold. A marker reads the
sign from few sentences and seconds and so cannot quite reach it. Phantom data.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from presage.depression.phantom.cohort import make_phantom
from presage.depression.phantom.signs import oracle_course
from presage.study import Study
from presage.study.course import open_visits, score_visits
from presage.study.folder import folder_at
from presage.study.run import run_study

# Settings of each marker, and the sign that it reads. The network's are the demonstration's, with fewer trainings.
_NETWORK = {"fusion": "gate", "seeds": 3, "epochs": 30, "new_learning_rate": 0.003}
_MEMBERS = ["language", "language-measures", "prosody", "face"]
MARKERS: dict[str, tuple[dict[str, Any], str]] = {
    "Language": ({"marker": "language"}, "language"),
    "Language measures": ({"marker": "language-measures"}, "language"),
    "Prosody": ({"marker": "prosody"}, "prosody"),
    "Face": ({"marker": "face"}, "face"),
    "Fused, network": ({"marker": "fusion", **_NETWORK}, "all"),
    "Fused, linear": ({"marker": "late-fusion", "members": _MEMBERS}, "all"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=160)
    parser.add_argument("--folder", type=Path, default=None)
    chosen = parser.parse_args()
    place = chosen.folder or Path(tempfile.mkdtemp())
    make_phantom(place / "phantom", people=chosen.people)
    study = Study.model_validate(
        {
            "cohort": str(place / "phantom"),
            "outcome": {"column": "hamd", "kind": "scale", "cutoff": 17, "label": "HAM-D"},
            "standard": {"marker": "questionnaire", "name": "PHQ-9", "column": "phq9"},
            "markers": [{**settings, "name": name} for name, (settings, _) in MARKERS.items()],
            "recordings": {"visit": ["1"]},
            "validation": {"folds": 5, "seed": 5},
            "engine": {"workers": 1},
        }
    )
    run_study(study, place / "run")
    section = score_visits(open_visits(folder_at(place / "run"), ["phq9"])).document["sections"]["course"]
    print(f"{chosen.people} made-up people, {section['n_rows']} visits\n")
    print("| score | planted | found | 95 % CI | share of the planted |\n|---|---|---|---|---|")
    for entry in section["scores"]:
        planted = oracle_course(MARKERS.get(entry["name"], ({}, "phq9"))[1], people=20_000)
        within = entry["within"]
        interval = f"{within['low']:.2f} to {within['high']:.2f}"
        share = within["value"] / planted
        print(f"| {entry['name']} | {planted:.2f} | {within['value']:.2f} | {interval} | {share:.0%} |")


if __name__ == "__main__":
    main()
