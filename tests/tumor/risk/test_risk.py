"""Risk of a patient: made-up follow-up with a known hazard, a study from end to end, and tables in MC3's manner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.cohort import Cohort, InputError, Outcome
from presage.stats.concordance import harrell_c
from presage.stats.cox import cox
from presage.study import Resources, Study
from presage.study.run import run_study
from presage.tumor.risk import StageAge, TumorRisk, make_risk_cohort
from presage.tumor.risk.cox import PenalisedCox
from presage.tumor.risk.kind import MutationsKind

OUTCOME = Outcome("os_days", "time-to-event", event="os_event", label="death")


def patients(n: int, seed: int = 0) -> pd.DataFrame:
    """Phantom patients: hazard by stage, age and GOOD; BAD and the burden do nothing."""
    random = np.random.default_rng(seed)
    stage = random.integers(1, 4, n)
    age = random.normal(60, 10, n)
    good, bad = random.random(n) < 0.4, random.random(n) < 0.5
    hazard = np.exp(0.7 * (stage - 2) + 0.04 * (age - 60) - 1.8 * good) / 1500
    death, end = random.exponential(1 / hazard), random.uniform(300, 4000, n)
    return pd.DataFrame(
        {
            "os_days": np.minimum(death, end),
            "os_event": (death <= end).astype(int),
            "stage": np.array(["I", "II", "III"])[stage - 1],
            "age": age,
            "burden": random.integers(5, 80, n),
            "mut_GOOD": good.astype(int),
            "mut_BAD": bad.astype(int),
            "mut_RARE": (np.arange(n) == 3).astype(int),
        },
        index=pd.Index([f"p{i:04d}" for i in range(n)], name="patient_id"),
    )


def cohort_of(table: pd.DataFrame) -> Cohort:
    empty = pd.DataFrame(columns=["patient_id", "visit", "kind", "path"])
    return Cohort(table, empty, phantom=True, outcome_columns=OUTCOME.columns).with_outcome(OUTCOME)


@pytest.fixture(scope="module")
def train() -> Cohort:
    return cohort_of(patients(500))


@pytest.fixture(scope="module")
def test() -> Cohort:
    return cohort_of(patients(400, seed=1))


@pytest.fixture(scope="module")
def fitted(train: Cohort) -> TumorRisk:
    return TumorRisk().fit(train, Resources(seed=1))


def test_hardly_penalised_it_is_the_plain_model(train: Cohort) -> None:
    columns = train.patients[["age", "mut_GOOD"]].to_numpy(dtype=float)
    event, time = train.targets()["event"], train.targets()["time"]
    ours = PenalisedCox.fit(columns, event, time, strengths=(1e-6,))
    plain = cox(event, time, columns)
    assert ours.weights / ours.spread == pytest.approx(plain.coefficients, rel=1e-3)
    assert ours.risk(columns[:5], 1000) == pytest.approx(plain.risk(columns[:5], [1000])[:, 0], rel=1e-2)


def test_a_gene_that_matters_beats_stage_and_age(train: Cohort, test: Cohort, fitted: TumorRisk) -> None:
    event, time = test.targets()["event"], test.targets()["time"]
    standard = StageAge().fit(train).score(test.blinded())
    risk = fitted.score(test.blinded())
    assert ((risk > 0) & (risk < 1)).all()
    assert harrell_c(event, time, risk).estimate.value > harrell_c(event, time, standard).estimate.value + 0.03


def test_a_strong_penalty_leaves_stage_and_age_alone(train: Cohort) -> None:
    event, time = train.targets()["event"], train.targets()["time"]
    columns = train.patients[["age", "mut_GOOD"]].to_numpy(dtype=float)
    found = PenalisedCox.fit(columns, event, time, spared=1, strengths=(1000.0,))
    alone = PenalisedCox.fit(columns[:, :1], event, time, spared=1, strengths=(1000.0,))
    assert abs(found.weights[1]) < 1e-3
    assert found.weights[0] == pytest.approx(alone.weights[0], rel=1e-2)


def test_genes_are_chosen_in_the_training_patients_and_without_the_outcome(fitted: TumorRisk) -> None:
    assert fitted._chosen == ["BAD", "GOOD"]
    reasons = fitted.reasons(cohort_of(patients(50, seed=2)).blinded(), "p0003")
    assert any("GOOD mutated" in reason.words for reason in reasons)


def test_missing_values_and_unknown_stages_have_a_score(fitted: TumorRisk) -> None:
    table = patients(20, seed=4)
    table.loc[table.index[:3], ["age", "burden"]] = np.nan
    table.loc[table.index[0], "stage"] = None
    table.loc[table.index[1], "stage"] = "X"
    assert np.isfinite(fitted.score(cohort_of(table).blinded())).all()


def test_saved_and_taken_back_it_scores_the_same(fitted: TumorRisk, test: Cohort) -> None:
    again = TumorRisk()
    again.restore(*fitted.state())
    assert np.array_equal(again.score(test.blinded()), fitted.score(test.blinded()))


def test_outcomes_and_columns_that_are_not_there_are_refused(train: Cohort) -> None:
    with pytest.raises(InputError, match="is an outcome"):
        TumorRisk(burden="os_days").fit(train)
    with pytest.raises(InputError, match="no column 'grade'"):
        StageAge(stage="grade").fit(train)
    with pytest.raises(InputError, match="begins with"):
        TumorRisk(prefix="gene:").fit(train)
    with pytest.raises(InputError, match="needs an outcome with its time"):
        StageAge().fit(train.blinded())


MAF = "Hugo_Symbol Chromosome Start_Position End_Position Variant_Classification Variant_Type Reference_Allele " \
    "Tumor_Seq_Allele2 Tumor_Sample_Barcode"  # fmt: skip


def test_a_study_from_a_maf_and_a_clinical_table(tmp_path: Path) -> None:
    table = patients(120, seed=6)
    ids = [f"TCGA-AA-{1000 + i}" for i in range(120)]
    rows = [MAF.split()]
    for number, (pid, row) in enumerate(zip(ids, table.itertuples(), strict=True)):
        # The second sample is a metastasis, and is not the patient's.
        samples = [f"{pid}-01A-11D-0001-08"] + ([f"{pid}-06A-11D-0001-08"] if number == 0 else [])
        for sample in samples:
            for gene, kind in (("GOOD", "Missense_Mutation"), ("BAD", "Nonsense_Mutation"), ("NONE", "Silent")):
                if gene == "NONE" or getattr(row, f"mut_{gene}"):
                    rows.append([gene, "1", str(1000 + number), str(1000 + number), kind, "SNP", "C", "T", sample])
    maf = tmp_path / "x.maf"
    maf.write_text("\n".join("\t".join(row) for row in rows) + "\n")
    clinical = pd.DataFrame(
        {
            "Tumor_Sample_Barcode_min": ids,
            "CDR_OS": table["os_event"].to_numpy(),
            "CDR_OS.time": table["os_days"].round().astype(int).to_numpy(),
            "CDR_age_at_initial_pathologic_diagnosis": table["age"].round().to_numpy(),
            "CDR_ajcc_pathologic_tumor_stage": ("Stage " + table["stage"] + "A").to_numpy(),
        }
    )
    clinical.to_csv(tmp_path / "clin.tsv", sep="\t", index=False)
    folder = tmp_path / "cohort"
    summary = make_risk_cohort(maf, tmp_path / "clin.tsv", str(folder), build="hg19")
    assert summary.n_patients == 120
    made = Cohort.read(str(folder)).patients
    assert made["mut_GOOD"].tolist() == table["mut_GOOD"].tolist()
    assert "mut_NONE" not in made
    kind = MutationsKind()
    first = Cohort.read(str(folder)).iter_recordings("mutations")[0]
    assert len(kind.read(first)) == made["burden"].iloc[0]
    assert kind.show(Cohort.read(str(folder)), tmp_path / "shown.png").stat().st_size > 1000
    assert made["burden"].tolist() == (1 + table["mut_GOOD"] + table["mut_BAD"]).tolist()
    assert made["stage"].tolist() == table["stage"].tolist()
    (tmp_path / "study.yaml").write_text(
        f"""title: Risk
cohort: {folder}
outcome: {{column: os_days, event: os_event, kind: time-to-event, label: death}}
standard: {{marker: stage-age, name: Stage and age}}
markers: [{{marker: tumor-risk, name: Tumour risk}}]
validation: {{folds: 3, repeats: 1, seed: 1}}
engine: {{name: local, workers: 1}}
report: {{horizon: 1095.75}}
"""
    )
    findings = run_study(Study.read(str(tmp_path / "study.yaml")), tmp_path / "run")
    section = findings.document["sections"]["survival"]
    assert {entry["name"] for entry in section["scores"]} == {"Stage and age", "Tumour risk"}
    assert all("calibration" in entry for entry in section["scores"])
