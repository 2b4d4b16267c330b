"""Expectations by context on a phantom genome whose rates and drivers are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.cohort import InputError
from presage.tumor.phantom_genome import PhantomGenome, draw_genome, draw_mutations, draw_rates
from presage.tumor.readers import Mutations, read_maf
from presage.tumor.selection import (
    CodingSequences,
    by_length,
    fit_background,
    genes_of,
    randomised,
    read_coding_sequences,
    select_genes,
    transcripts_of,
    uniformity,
)
from presage.tumor.selection.context import fit_rates, observe, opportunities
from presage.tumor.selection.context.changes import CLASSES, FOLDED, NAMES, OPPOSITE
from presage.tumor.selection.context.observed import coding_changes
from presage.tumor.selection.context.rates import groupings

RATES = draw_rates(cpg=20.0, apobec=6.0, seed=1)
# Every codon that ends a protein, and the amino acids of the others, spelled out apart from the source.
CODE = {
    "TTT": "F", "TTC": "F", "TTA": "L", "TTG": "L", "CTT": "L", "CTC": "L", "CTA": "L", "CTG": "L", "ATT": "I",
    "ATC": "I", "ATA": "I", "ATG": "M", "GTT": "V", "GTC": "V", "GTA": "V", "GTG": "V", "TCT": "S", "TCC": "S",
    "TCA": "S", "TCG": "S", "CCT": "P", "CCC": "P", "CCA": "P", "CCG": "P", "ACT": "T", "ACC": "T", "ACA": "T",
    "ACG": "T", "GCT": "A", "GCC": "A", "GCA": "A", "GCG": "A", "TAT": "Y", "TAC": "Y", "TAA": "*", "TAG": "*",
    "CAT": "H", "CAC": "H", "CAA": "Q", "CAG": "Q", "AAT": "N", "AAC": "N", "AAA": "K", "AAG": "K", "GAT": "D",
    "GAC": "D", "GAA": "E", "GAG": "E", "TGT": "C", "TGC": "C", "TGA": "*", "TGG": "W", "CGT": "R", "CGC": "R",
    "CGA": "R", "CGG": "R", "AGT": "S", "AGC": "S", "AGA": "R", "AGG": "R", "GGT": "G", "GGC": "G", "GGA": "G",
    "GGG": "G",
}  # fmt: skip


@pytest.fixture(scope="module")
def genome() -> PhantomGenome:
    return draw_genome(400, seed=0, codons=250)


@pytest.fixture(scope="module")
def folder(genome: PhantomGenome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("phantom-genome")
    genome.write_coding(made / "cds.fa.gz")
    genome.write_genome(made / "genome.fa")
    return made


@pytest.fixture(scope="module")
def sequences(folder: Path) -> CodingSequences:
    return read_coding_sequences(folder / "cds.fa.gz")


def drawn(genome: PhantomGenome, folder: Path, **how: object) -> Mutations:
    table = draw_mutations(genome, RATES, **{"mutations": 6000, "patients": 300, "shape": 8.0, **how})  # type: ignore[arg-type]
    table.to_csv(folder / "phantom.maf", sep="\t", index=False)
    return read_maf(folder / "phantom.maf", coding=True)


@pytest.fixture(scope="module")
def neutral(genome: PhantomGenome, folder: Path) -> Mutations:
    return drawn(genome, folder, seed=3)


def slowly(text: str) -> dict[tuple[str, str], int]:
    """Every change of a sequence, base by base: (class, context) -> number."""
    found: dict[tuple[str, str], int] = {}
    for at in range(1, len(text) - 1):
        for becomes in "ACGT":
            if becomes == text[at]:
                continue
            codon = text[at - at % 3 : at - at % 3 + 3]
            other = codon[: at % 3] + becomes + codon[at % 3 + 1 :]
            if at < 3 or (CODE[codon] != CODE[other] and "*" in CODE[codon] + CODE[other]):
                what = "truncating"
            else:
                what = "silent" if CODE[codon] == CODE[other] else "missense"
            key = (what, f"{text[at - 1 : at + 2]}>{text[at - 1]}{becomes}{text[at + 1]}")
            found[key] = found.get(key, 0) + 1
    return found


def test_opportunities_are_those_of_an_obvious_loop(genome: PhantomGenome, sequences: CodingSequences) -> None:
    room = opportunities(sequences)
    assert room.shape == (400, 3, 192)
    # Three changes of every base but the two at the ends.
    np.testing.assert_array_equal(room.sum(axis=(1, 2)), 3 * (np.diff(sequences.starts) - 2))
    for gene in (0, 1, 57, 399):
        text = "".join("ACGT"[base] for base in genome.sequences[genome.symbols.index(sequences.symbols[gene])])
        expected = slowly(text)
        found = {
            (CLASSES[what], NAMES[context]): int(room[gene, what, context])
            for what, context in np.argwhere(room[gene] > 0)
        }
        assert found == expected


def test_a_gene_that_is_counted_by_hand(tmp_path: Path) -> None:
    """ATG TGG TAA, without the first A and the last A, which have no neighbour."""
    (tmp_path / "a.fa").write_text(">ONE\nATGTGGTAA\n")
    room = opportunities(read_coding_sequences(tmp_path / "a.fa"))[0]
    by_class = dict(zip(CLASSES, room.sum(axis=1).tolist(), strict=True))
    # ATG: 6 changes of T and G lose the start. TGG: TGA and TAG, the other 7 missense. TAA: TGA keeps it, 5 lose it.
    assert by_class == {"silent": 1, "missense": 7, "truncating": 6 + 2 + 5}
    assert room[2, NAMES.index("TGG>TAG")] == 1
    assert room[0, NAMES.index("TAA>TGA")] == 1


def test_contexts_and_their_other_strand() -> None:
    assert len(set(NAMES)) == 192
    assert len(set(FOLDED.tolist())) == 96
    assert NAMES[OPPOSITE[NAMES.index("ACG>ATG")]] == "CGT>CAT"
    assert NAMES[FOLDED[NAMES.index("CGT>CAT")]] == "ACG>ATG"
    np.testing.assert_array_equal(OPPOSITE[OPPOSITE], np.arange(192))
    assert sorted(groupings(True)) == [1, 6, 7, 12, 14, 15, 30, 96, 192]
    assert sorted(groupings(False)) == [1, 6, 7, 15, 96]
    seven = groupings(False)[7]
    assert seven[NAMES.index("ACG>ATG")] == seven[NAMES.index("CGT>CAT")] != seven[NAMES.index("ACA>ATA")]


HEADERS = """\
>ENST00000000001.4 cds chromosome:GRCh37:16:1:9:-1 gene:ENSG1.2 gene_biotype:protein_coding gene_symbol:FIRST x
ATGTGGAAATAA
>ENST00000000002.1 cds chromosome:GRCh37:16:1:9:-1 gene:ENSG1.2 gene_symbol:FIRST
ATGTGGAAACCCTAA
>ENST00000000003.1 cds chromosome:GRCh37:HSCHR6_MHC:1:9:1 gene:ENSG1.2 gene_symbol:FIRST
ATGTGGAAACCCCCCTAA
>lcl|NC_000001.11_cds_NP_001.2_1 [gene=SECOND] [protein_id=NP_001.2] [location=complement(join(1..3,7..12))]
ATGTGG
AAATAA
>ENST9|ENSG9|OTTG|OTTT|THIRD-201|THIRD|20|UTR5:1-3|CDS:4-12|UTR3:13-20|
CCCATGTGGTAACCCCCCCC
>FOURTH
atgtggtaa
>ENST00000000005.1 cds chromosome:GRCh37:16:1:9:1 gene:ENSG5
ATGTGGTAA
>FIFTH
ATGTGGTA
>FIFTH
ATGTAATGGTAA
>SIXTH
TTGTGGTAA
>SEVENTH
ATGTNGTAA
"""


def test_headers_of_all_sources_and_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cds.fa"
    path.write_text(HEADERS)
    found = read_coding_sequences(path)
    assert found.symbols == ("FIRST", "FOURTH", "SECOND", "THIRD")
    # Longest on a chromosome; the longer one of an alternative scaffold is not it.
    assert found.transcripts == ("ENST00000000002", "", "NP_001", "ENST9")
    assert found.strands.tolist() == [-1, 0, -1, 0]
    assert found.codons.tolist() == [5, 3, 4, 3]
    assert found.genes().lengths.tolist() == [4, 2, 3, 2]
    assert found.refused == {
        "no gene symbol": 1, "unknown bases": 1, "length is no multiple of 3": 1, "no start codon": 1,
        "a stop codon inside": 1,
    }  # fmt: skip
    assert found.lost == ("FIFTH", "SEVENTH", "SIXTH")
    assert found.read == 11
    assert "unknown bases: 1 (SEVENTH)" in found.told()
    named = read_coding_sequences(path, transcripts=["ENST00000000001.9"])
    assert named.transcripts[0] == "ENST00000000001"


def test_files_that_are_no_coding_sequences(tmp_path: Path, folder: Path) -> None:
    def refused(name: str, text: str | bytes) -> InputError:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(InputError) as error:
            read_coding_sequences(tmp_path / name)
        return error.value

    protein = ">NP_1 [gene=TP53]\nMEEPQSDPSVEPPLSQETFSDLWKLLPENNVLSPLPSQAMDDLMLSPDDIEQWFTEDPGPDEAPRMPEAAP\n"
    assert "proteins" in refused("protein.fa", protein).what
    assert "no FASTA" in refused("table.tsv", "gene\tlength\nTP53\t393\n").what
    assert "holds no sequence" in refused("empty.fa", "").what
    none = refused("genes.fa", ">TP53\nCCATGTGGTAACC\n")
    assert "length is no multiple of 3: 1 (TP53)" in none.what
    assert "not whole transcripts" in none.cure
    whole = (folder / "cds.fa.gz").read_bytes()
    assert "cannot be read" in refused("cut.fa.gz", whole[: len(whole) // 2]).what
    with pytest.raises(InputError, match="no such file"):
        read_coding_sequences(tmp_path / "absent.fa")


def test_three_ways_to_the_same_contexts(
    genome: PhantomGenome, folder: Path, sequences: CodingSequences, neutral: Mutations
) -> None:
    genes = sequences.genes()
    by_change = observe(neutral, genes, sequences)
    by_genome = observe(neutral, genes, sequences, folder / "genome.fa")
    assert by_change.stranded
    assert by_change.placed > 5500
    # Of the first and last base a genome knows the neighbours, a coding sequence does not.
    assert by_genome.placed - by_change.placed == by_change.left["first or last base"]
    assert (by_genome.counts - by_change.counts).min() >= 0
    text = {name: "".join("ACGT"[base] for base in bases) for name, bases in genome.chromosomes.items()}
    around = [
        text[c][at - 6 : at + 5] for c, at in zip(neutral.table["chromosome"], neutral.table["start"], strict=True)
    ]
    bare = neutral.table.drop(columns=["cds_change", "transcript"])
    column = observe(replace(neutral, table=bare.assign(context=around)), genes, sequences)
    assert column.source == "context column"
    np.testing.assert_array_equal(column.counts, by_genome.counts)
    unknown = replace(sequences, strands=np.zeros_like(sequences.strands))
    folded = observe(neutral, genes, unknown, folder / "genome.fa")
    assert not folded.stranded
    assert folded.counts.sum() == by_genome.counts.sum()
    np.testing.assert_array_equal(
        np.bincount(FOLDED, by_genome.counts.sum(axis=(0, 1)), 192), folded.counts.sum((0, 1))
    )
    with pytest.raises(InputError, match="no way to know the contexts"):
        observe(replace(neutral, table=bare), genes, sequences)


def test_another_reference_is_refused_and_single_misfits_are_counted(
    folder: Path, sequences: CodingSequences, neutral: Mutations
) -> None:
    genes = sequences.genes()
    complement = replace(sequences, bases=3 - sequences.bases)
    with pytest.raises(InputError, match=r"of 5\d+ single-base changes do not fit .* where the sequence has [ACGT]"):
        observe(neutral, genes, complement)
    renamed = replace(sequences, transcripts=tuple(f"X{name}" for name in sequences.transcripts))
    with pytest.raises(InputError, match=r"is of ENST9\d+, the sequence of XENST9"):
        observe(neutral, genes, renamed)
    shifted = neutral.table.assign(start=neutral.table["start"] + 1)
    with pytest.raises(InputError, match=r"PHG\d+ \d:\d+ is [ACGT], the mutations have [ACGT]") as error:
        observe(replace(neutral, table=shifted), genes, sequences, folder / "genome.fa")
    assert "another genome build" in error.value.cure
    some = neutral.table.copy()
    some["cds_change"] = some["cds_change"].astype(object)
    snp = np.flatnonzero((some["class"] == "missense").to_numpy())
    some.loc[snp[:7], "cds_change"] = "c.999999A>C"
    some.loc[snp[7:10], "transcript"] = None
    found = observe(replace(neutral, table=some), genes, sequences)
    assert found.left["position behind the end"] == 7
    assert found.left["with context, called another class in the file"] == 0
    with pytest.raises(InputError, match=r"\d+ single-base changes have a context, 100 are needed"):
        observe(replace(neutral, table=neutral.table.head(60)), genes, sequences)


def test_rates_are_found_within_their_errors(sequences: CodingSequences) -> None:
    room = opportunities(sequences).sum(axis=0)
    mean = RATES * room * np.array([[1.0], [0.8], [0.5]])
    for number, least in ((300, 0), (40_000, 96)):
        seen = np.random.default_rng(number).poisson(mean * number / mean.sum())
        found = fit_rates(room, seen, stranded=True)
        assert found.groups >= least
        true = RATES * number / mean.sum()
        if least:
            z = (np.log(found.rates) - np.log(true))[np.unique(FOLDED)] / found.errors[np.unique(FOLDED)]
            assert 0.85 < z.std() < 1.2
            assert abs(z.mean()) < 0.35
            assert found.ratios["missense"][1] < 0.8 < found.ratios["missense"][2]
            assert found.ratios["truncating"][1] < 0.5 < found.ratios["truncating"][2]
        else:
            # Few mutations: few rates, with CpG apart.
            assert 7 <= found.groups <= 30
    strands = draw_rates(strand=3.0, seed=1) * room
    assert (
        fit_rates(room, np.random.default_rng(0).poisson(strands * 40_000 / strands.sum()), stranded=True).groups == 192
    )
    alike = np.random.default_rng(0).poisson(room * (1500 / room.sum()))
    assert fit_rates(room, alike, stranded=True).groups == 1


def test_p_values_are_uniform_without_selection(folder: Path, sequences: CodingSequences, neutral: Mutations) -> None:
    found = select_genes(neutral, None, sequences=sequences)
    assert found.context is not None
    for name in ("missense", "truncating"):
        _, low, high = found.context.rates.ratios[name]
        assert low < 1 < high
        assert high - low < 0.35
    excess = uniformity(randomised(found.counts, seed=0)["excess"])
    assert excess.ks > 0.01
    assert 0.8 < excess.inflation < 1.25
    assert found.selected() == []
    # The standard, length alone without a spread, calls genes that nobody selects.
    assert (by_length(found.counts)["q"] < 0.1).sum() > 3
    # With the sequence there is less left to explain than with the length.
    plain = select_genes(neutral, sequences.genes())
    assert found.background.shape > plain.background.shape
    assert any("96 rates by context" in limit for limit in found.limits)


def test_sequence_says_what_length_does_not(sequences: CodingSequences, neutral: Mutations) -> None:
    """Poisson deviance of each class: the sequence's expectation is nearer to what is seen, in all three."""
    found = select_genes(neutral, None, sequences=sequences)
    assert found.counts.sites is not None
    for name in CLASSES:
        seen = getattr(found.counts, name).astype(float)
        loss = {}
        for way, room in (("sequence", found.counts.sites[name]), ("length", found.counts.genes.lengths)):
            mean = room * seen.sum() / room.sum()
            loss[way] = float((mean - seen * np.log(mean)).sum())
        assert loss["sequence"] < loss["length"] - 15, name


def test_planted_drivers_are_found(genome: PhantomGenome, folder: Path, sequences: CodingSequences) -> None:
    planted = {"PHG0010": ("missense", 40), "PHG0020": ("truncating", 14), "PHG0030": ("missense", 40)}
    mutations = drawn(genome, folder, seed=5, drivers=planted)
    found = select_genes(mutations, None, sequences=read_coding_sequences(
        folder / "cds.fa.gz", transcripts=transcripts_of(mutations)))  # fmt: skip
    assert set(planted) <= set(found.selected())
    assert len(found.selected()) <= 4
    assert found.context is not None
    assert set(planted) <= set(found.context.left_out)
    rows = found.table.set_index("gene")
    assert rows.loc["PHG0020", "p_truncating"] < 1e-4 < rows.loc["PHG0020", "p_missense"]


def test_one_hotspot_is_not_the_rate_of_its_context(sequences: CodingSequences, neutral: Mutations) -> None:
    """200 patients with one change: left out, the rate of its context is what it was."""
    plain = select_genes(neutral, None, sequences=sequences, hypermutated="keep").context
    one = neutral.table[(neutral.table["class"] == "missense") & neutral.table["cds_change"].notna()].iloc[[0]]
    spots = pd.concat([one] * 200, ignore_index=True)
    spots["patient"] = [f"PHANTOM-{number:04d}" for number in range(200)]
    both = replace(neutral, table=pd.concat([neutral.table.astype({"patient": str}), spots], ignore_index=True))
    found = select_genes(both, None, sequences=sequences, hypermutated="keep").context
    assert plain is not None
    assert found is not None
    assert one["gene"].iloc[0] in found.left_out
    np.testing.assert_allclose(found.rates.rates, plain.rates.rates, rtol=0.2)


def test_panels_covariates_and_genes_without_a_sequence(sequences: CodingSequences, neutral: Mutations) -> None:
    names = [*sequences.symbols, "LOST1", "LOST2"]
    genes = genes_of(names, [*(sequences.codons - 1), 100, 200])
    rng = np.random.default_rng(0)
    found = select_genes(neutral, genes, sequences=sequences, covariates=rng.normal(size=(len(names), 2)))
    assert len(found.table) == 400
    assert any("2 gene(s) have no coding sequence and are not tested, such as LOST1, LOST2" in x for x in found.limits)
    assert abs(found.background.coefficients["covariate 2"]) < 0.2
    lost = pd.concat([neutral.table, neutral.table.head(3).assign(gene="LOST1")], ignore_index=True)
    assert select_genes(replace(neutral, table=lost), genes, sequences=sequences).counts.unknown == {"LOST1": 3}
    panel = genes.panel(list(sequences.symbols[:120]))
    small = select_genes(neutral, panel, sequences=sequences)
    assert len(small.table) == 120
    assert uniformity(randomised(small.counts, seed=1)["excess"]).ks > 0.01
    with pytest.raises(InputError, match="none of the genes has a coding sequence"):
        select_genes(neutral, genes_of(["A"], [10]), sequences=sequences)
    with pytest.raises(InputError, match="need their protein lengths"):
        select_genes(neutral, None)


def test_a_covariate_is_found_beside_the_context(genome: PhantomGenome, folder: Path) -> None:
    """Rates are drawn 1.5 times as high per standard deviation: the coefficient is its logarithm."""
    sequences = read_coding_sequences(folder / "cds.fa.gz")
    covariate = np.random.default_rng(1).normal(size=400)
    mutations = drawn(genome, folder, seed=6, mutations=20_000, patients=4000)
    kept = np.random.default_rng(2).random(len(mutations.table)) < 0.3 * 1.5 ** np.clip(
        pd.Series(covariate, sequences.symbols)[mutations.table["gene"].astype(str)].to_numpy(), -2, 2
    )
    thinned = replace(mutations, table=mutations.table[kept].reset_index(drop=True))
    found = select_genes(thinned, None, sequences=sequences, covariates=covariate[:, None], hypermutated="keep")
    assert found.background.coefficients["covariate 1"] == pytest.approx(np.log(1.5), abs=0.08)


def test_sites_in_proportion_to_length_change_nothing(sequences: CodingSequences, neutral: Mutations) -> None:
    counts = select_genes(neutral, sequences.genes()).counts
    plain = fit_background(counts)
    same = fit_background(replace(counts, sites=dict.fromkeys(CLASSES, counts.genes.lengths)))
    for name, values in plain.expected.items():
        np.testing.assert_allclose(same.expected[name], values, rtol=1e-6)
    assert same.shape == pytest.approx(plain.shape, rel=1e-6)


@pytest.mark.data
def test_coding_changes_of_mc3_are_understood(research_data: Path) -> None:
    """Their sequences cannot be had here; but the bases that they name are the alleles of either strand."""
    mutations = read_maf(research_data / "tumor" / "mc3" / "PAAD.MC3.maf.tsv.gz", build="hg19", coding=True)
    table = mutations.table
    kept = table["class"].isin(["silent", "missense"]) & (table["variant_type"] == "SNP")
    found = coding_changes(table.loc[kept, "cds_change"])
    assert (found["position"] > 0).mean() > 0.99
    reference = table.loc[kept, "reference"].astype(object).map({base: n for n, base in enumerate("ACGT")}).to_numpy()
    known = (found["position"] > 0).to_numpy()
    same = found["base"].to_numpy()[known] == reference[known]
    other = 3 - found["base"].to_numpy()[known] == reference[known]
    assert (same | other).all()
    assert len(transcripts_of(mutations)) == table["gene"].nunique()
