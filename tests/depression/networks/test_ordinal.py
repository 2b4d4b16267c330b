from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from presage.cohort import InputError
from presage.depression.networks.ordinal import OrdinalHead, thresholds_for


def head(**changes: object) -> OrdinalHead:
    torch.manual_seed(0)
    made = OrdinalHead(3, [5, 10, 15, 20], 10, lowest=0, highest=24, **changes)
    torch.nn.init.normal_(made.severity.weight)
    torch.nn.init.normal_(made.steps)
    return made


def test_borders_rise_so_that_no_threshold_contradicts_another() -> None:
    chances = torch.sigmoid(head().logits(torch.linspace(-30, 30, 200)))
    assert (chances.diff(dim=1) <= 0).all()
    assert (head().borders().diff() > 0).all()


def test_predicted_score_and_chance_of_a_case_rise_with_the_severity() -> None:
    severity = torch.linspace(-12, 12, 300, dtype=torch.float64)
    predicted = head().predicted(severity)
    assert (predicted.diff() > 0).all()
    ends = head().predicted(torch.tensor([-40.0, 40.0]))
    assert ends.tolist() == pytest.approx([0, 20], abs=1e-3)
    # What the head gives is the logit at the cut-off itself.
    assert torch.allclose(head().logits(severity)[:, 1], severity)


def test_the_predicted_score_is_the_expectation_over_the_intervals() -> None:
    made, severity = head(), torch.tensor([0.3])
    p5, p10, p15, p20 = torch.sigmoid(made.logits(severity))[0].tolist()
    by_interval = 0 * (1 - p5) + 5 * (p5 - p10) + 10 * (p10 - p15) + 15 * (p15 - p20) + 20 * p20
    assert made.predicted(severity).item() == pytest.approx(by_interval, abs=1e-5)


def test_the_loss_is_the_mean_over_thresholds_and_the_cutoffs_own() -> None:
    made, severity = head(cutoff_share=0.25), torch.tensor([-1.0, 0.4, 2.0])
    scores, cases = torch.tensor([4.0, 10.0, 24.0], dtype=torch.float64), torch.tensor([False, True, True])
    reached = torch.tensor([[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=torch.float32)
    spread = [binary_cross_entropy_with_logits(made.logits(severity)[:, k], reached[:, k]).item() for k in range(4)]
    alone = binary_cross_entropy_with_logits(severity, cases.float()).item()
    assert made.loss(severity, scores, cases).item() == pytest.approx(0.75 * np.mean(spread) + 0.25 * alone, abs=1e-6)


def test_it_starts_with_the_shares_of_the_training_patients() -> None:
    made, scores = OrdinalHead(3, [5, 10, 15, 20], 10, highest=24), np.random.default_rng(1).integers(0, 25, 400)
    made.start_at(scores.astype(float))
    found = torch.sigmoid(made.logits(made(torch.zeros(1, 3))))[0]
    for chance, cut in zip(found.tolist(), (5, 10, 15, 20), strict=True):
        assert chance == pytest.approx((scores >= cut).mean(), abs=0.01)


def test_a_binary_outcome_is_a_logistic_head() -> None:
    made = OrdinalHead(3, [1], 1)
    torch.nn.init.normal_(made.severity.weight)
    severity = made(torch.randn(5, 3))
    scores = torch.tensor([0.0, 1, 1, 0, 1], dtype=torch.float64)
    expected = binary_cross_entropy_with_logits(severity, scores.float())
    assert torch.allclose(made.loss(severity, scores, scores > 0), expected.to(severity.dtype))
    assert torch.allclose(made.predicted(severity), torch.sigmoid(severity))


def test_thresholds_are_scores_of_patients_and_the_cutoff() -> None:
    scores = np.random.default_rng(0).integers(0, 25, 300).astype(float)
    found = thresholds_for(scores, 10.0)
    assert found == sorted(set(found))
    assert 10.0 in found
    assert min(found) > scores.min()
    assert len(found) <= 9
    assert thresholds_for(np.array([0.0, 1, 0, 1]), 1.0) == [1.0]


@pytest.mark.parametrize("cuts", [[], [5, 15], [10, 5], [0, 10], [10, 25]])
def test_thresholds_that_do_not_fit_the_scale_are_refused(cuts: list[float]) -> None:
    with pytest.raises(InputError, match="cut-off 10"):
        OrdinalHead(3, cuts, 10, lowest=0, highest=24)
