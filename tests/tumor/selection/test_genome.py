"""Bases of an indexed genome, against the text itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.cohort import InputError
from presage.tumor.phantom_genome import draw_genome
from presage.tumor.selection import Genome


def test_bases_are_those_of_the_text(tmp_path: Path) -> None:
    drawn = draw_genome(12, seed=4, codons=80)
    genome = Genome(drawn.write_genome(tmp_path / "g.fa"))
    rng = np.random.default_rng(0)
    names = rng.choice(list(drawn.chromosomes), 500)
    at = np.array([int(rng.integers(1, len(drawn.chromosomes[name]) + 1)) for name in names])
    found = genome.around(pd.Series([f"chr{name}" for name in names]), pd.Series(at))
    for name, place, three in zip(names, at, found, strict=True):
        bases = drawn.chromosomes[name]
        expected = [bases[i] if 0 <= i < len(bases) else 255 for i in (place - 2, place - 1, place)]
        assert three.tolist() == expected
    ends = genome.around(pd.Series(["1", "9"]), pd.Series([1, 5]))
    assert ends[0, 0] == 255
    assert (ends[1] == 255).all()


def test_lower_case_unknown_and_uneven_lines(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">chr1\nacgN\nTT\n>chrM\nGG\n")
    (tmp_path / "g.fa.fai").write_text("chr1\t6\t6\t4\t5\nchrM\t2\t20\t4\t5\n")
    found = Genome(tmp_path / "g.fa").around(pd.Series(["1", "1", "MT"]), pd.Series([2, 5, 1]))
    assert found.tolist() == [[0, 1, 2], [255, 3, 3], [255, 2, 2]]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Genome(tmp_path / "absent.fa")
    (tmp_path / "a.fa").write_text(">1\nACGT\n")
    with pytest.raises(InputError, match="has no index") as error:
        Genome(tmp_path / "a.fa")
    assert "samtools faidx a.fa" in error.value.cure
    (tmp_path / "a.fa.fai").write_text("1\t400\t3\t4\t5\n")
    with pytest.raises(InputError, match=r"1 ends behind the end of a\.fa"):
        Genome(tmp_path / "a.fa")
    (tmp_path / "a.fa.fai").write_text("1\tfour\n")
    with pytest.raises(InputError, match="line 1 is no line of an index"):
        Genome(tmp_path / "a.fa")
    for bad in ("1\t4\t3\t0\t5", "1\t0\t3\t4\t5", "1\t-4\t3\t4\t5", "1\t4\t-3\t4\t5", "1\t4\t3\t4\t2"):
        (tmp_path / "a.fa.fai").write_text(f"{bad}\n")
        with pytest.raises(InputError, match="line 1: 1 has"):
            Genome(tmp_path / "a.fa")
    (tmp_path / "a.fa.fai").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="is no text") as error:
        Genome(tmp_path / "a.fa")
    assert error.value.where == "a.fa.fai"
    (tmp_path / "b.fa.gz").write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(InputError, match="is packed"):
        Genome(tmp_path / "b.fa.gz")
    (tmp_path / "c.fa").write_text("chromosome\tstart\n")
    with pytest.raises(InputError, match="is no FASTA"):
        Genome(tmp_path / "c.fa")
