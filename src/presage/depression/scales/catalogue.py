"""The scales that are known, each with its sources."""

from __future__ import annotations

from difflib import get_close_matches

from presage.cohort import InputError
from presage.depression.scales.scale import Band, Scale

# The index of the Zung scale is the raw score as a percentage of 80, the largest one.
SDS_INDEX_PER_POINT = 1.25
#: Chinese norm of the index, by which the EATD corpus calls its volunteers depressed.
SDS_INDEX_CUTOFF = 53.0

_PHQ_SEVERITY = (
    Band(0, 4, "none or minimal"),
    Band(5, 9, "mild"),
    Band(10, 14, "moderate"),
    Band(15, 19, "moderately severe"),
)
# Guy's version: sleep, bodily and insight items reach 2, the others 4, which makes 52.
_HAMD_TO_2 = frozenset({4, 5, 6, 12, 13, 14, 16, 17})

_SCALES = (
    Scale(
        "phq2",
        "PHQ-2",
        ((0, 3),) * 2,
        (Band(0, 2, "negative screen"), Band(3, 6, "positive screen")),
        3,
        ("Kroenke, Spitzer and Williams, Med Care 2003;41:1284-1292",),
    ),
    Scale(
        "phq8",
        "PHQ-8",
        ((0, 3),) * 8,
        (*_PHQ_SEVERITY, Band(20, 24, "severe")),
        10,
        ("Kroenke et al., J Affect Disord 2009;114:163-173",),
    ),
    Scale(
        "phq9",
        "PHQ-9",
        ((0, 3),) * 9,
        (*_PHQ_SEVERITY, Band(20, 27, "severe")),
        10,
        ("Kroenke, Spitzer and Williams, J Gen Intern Med 2001;16:606-613",),
        suicidality=9,
    ),
    Scale(
        "gad7",
        "GAD-7",
        ((0, 3),) * 7,
        (Band(0, 4, "minimal"), Band(5, 9, "mild"), Band(10, 14, "moderate"), Band(15, 21, "severe")),
        10,
        ("Spitzer et al., Arch Intern Med 2006;166:1092-1097",),
    ),
    Scale(
        "sds",
        "Zung SDS",
        ((1, 4),) * 20,
        # An index (1.25 x raw score) of 50, 60 and 70.
        (Band(20, 39, "normal"), Band(40, 47, "mild"), Band(48, 55, "moderate"), Band(56, 80, "severe")),
        40,
        ("Zung, Arch Gen Psychiatry 1965;12:63-70", "McDowell, Measuring Health, 3rd edition 2006 (index bands)"),
        reversed_items=frozenset({2, 5, 6, 11, 12, 14, 16, 17, 18, 20}),
        suicidality=19,
    ),
    Scale(
        "hamd17",
        "HAM-D 17",
        tuple((0, 2) if number in _HAMD_TO_2 else (0, 4) for number in range(1, 18)),
        (Band(0, 7, "none"), Band(8, 16, "mild"), Band(17, 23, "moderate"), Band(24, 52, "severe")),
        8,
        (
            "Hamilton, J Neurol Neurosurg Psychiatry 1960;23:56-62",
            "Guy, ECDEU Assessment Manual for Psychopharmacology 1976 (item ranges)",
            "Zimmerman et al., J Affect Disord 2013;150:384-388 (bands)",
        ),
        rated_by="clinician",
        suicidality=3,
    ),
    Scale(
        "bdi2",
        "BDI-II",
        ((0, 3),) * 21,
        (Band(0, 13, "minimal"), Band(14, 19, "mild"), Band(20, 28, "moderate"), Band(29, 63, "severe")),
        14,
        ("Beck, Steer and Brown, Manual for the Beck Depression Inventory-II, 1996",),
        suicidality=9,
    ),
)


def scales() -> dict[str, Scale]:
    """Every known scale by name."""
    return {scale.name: scale for scale in _SCALES}


def scale_named(name: str) -> Scale:
    """The scale of that name.

    Raises
    ------
    InputError
        If it is not known.
    """
    known = scales()
    if name not in known:
        near = get_close_matches(name.lower(), known, n=1)
        raise InputError(
            f"there is no scale {name!r}",
            cure=f"did you mean {near[0]!r}?" if near else f"known scales: {', '.join(known)}",
        )
    return known[name]
