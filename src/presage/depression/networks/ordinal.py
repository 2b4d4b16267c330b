"""One head for a questionnaire's score and for its cut-off: a severity, and what it says of each threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from presage.cohort import InputError

# Share of a threshold at which neither side may be empty when the head starts.
_EDGE = 0.02


class OrdinalHead(nn.Module):
    """Severity ``s = w x``, and for each threshold ``P(scale >= t_k) = sigmoid(s - b_k)`` with ``b_1 <= b_2 <= ...``.

    The cumulative-link model (McCullagh, J R Stat Soc B 1980;42:109) behind a network, trained as in CORAL (Cao,
    Mirjalili and Raschka, Pattern Recognition Letters 2020;140:325) with the mean of the thresholds' binary losses.
    One of the thresholds is the cut-off, so that the severity, the predicted score and the probability of a case
    rise together and never disagree about the order of two patients. A binary outcome is the scale with one threshold:
    a logistic head.

    Parameters
    ----------
    width
        Length of the vectors.
    thresholds
        Scores at which the scale is cut, rising; the cut-off is one of them.
    cutoff
        A patient with this score or more is a case.
    lowest, highest
        Ends of the scale.
    cutoff_share
        Weight of the cut-off's loss beside the mean over all thresholds, 0 to 1.

    Raises
    ------
    InputError
        If the thresholds do not rise inside the scale or leave out the cut-off.
    """

    cuts: Tensor

    def __init__(
        self,
        width: int,
        thresholds: Sequence[float],
        cutoff: float,
        *,
        lowest: float = 0.0,
        highest: float = 1.0,
        cutoff_share: float = 0.5,
    ) -> None:
        super().__init__()
        cuts = [float(value) for value in thresholds]
        if not cuts or cuts != sorted(set(cuts)) or cutoff not in cuts or cuts[0] <= lowest or cuts[-1] > highest:
            raise InputError(
                f"thresholds {cuts} of a scale from {lowest} to {highest} with cut-off {cutoff}",
                cure="rising thresholds above the lowest score, the cut-off among them",
            )
        self.lowest, self.highest, self.cutoff_share = lowest, highest, cutoff_share
        self.register_buffer("cuts", torch.tensor(cuts, dtype=torch.float64))
        self.at_cutoff = cuts.index(cutoff)
        self.severity = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.severity.weight)
        self.first = nn.Parameter(torch.zeros(()))
        self.steps = nn.Parameter(torch.full((len(cuts) - 1,), 0.0))

    def start_at(self, scores: NDArray[np.float64]) -> None:
        """Begin with the shares of the training patients at or above each threshold."""
        shares = np.array([(scores >= cut).mean() for cut in self.cuts.cpu().numpy()]).clip(_EDGE, 1 - _EDGE)
        borders = -np.log(shares / (1 - shares))
        gaps = np.maximum(np.diff(borders), 1e-2)
        with torch.no_grad():
            self.first.fill_(float(borders[0]))
            self.steps.copy_(torch.from_numpy(np.log(np.expm1(gaps))))

    def borders(self) -> Tensor:
        """b, shape (thresholds,)."""
        return torch.cat([self.first[None], self.first + softplus(self.steps).cumsum(0)])

    def forward(self, vectors: Tensor) -> Tensor:
        """Severity less the cut-off's border: the logit of being a case, shape (n,), from vectors (n, width)."""
        found: Tensor = self.severity(vectors)[:, 0] - self.borders()[self.at_cutoff]
        return found

    def logits(self, severity: Tensor) -> Tensor:
        """Logit of reaching each threshold, shape (n, thresholds), from what :meth:`forward` gave."""
        borders = self.borders()
        return severity[:, None] - (borders - borders[self.at_cutoff])

    def loss(self, severity: Tensor, scores: Tensor, cases: Tensor) -> Tensor:
        """Mean over patients of the weighted binary losses.

        Parameters
        ----------
        severity
            From :meth:`forward`, shape (n,).
        scores
            On the scale, shape (n,); for a binary outcome 0 and 1.
        cases
            1 where the patient is a case, shape (n,): given, as a clinic may have other grounds than the score.
        """
        reached = (scores[:, None] >= self.cuts).to(severity.dtype)
        over_all = binary_cross_entropy_with_logits(self.logits(severity), reached)
        at_cutoff = binary_cross_entropy_with_logits(severity, cases.to(severity.dtype))
        return (1 - self.cutoff_share) * over_all + self.cutoff_share * at_cutoff

    def predicted(self, severity: Tensor) -> Tensor:
        """Expected score, shape (n,): P(scale >= t) summed over the scale, constant between two thresholds."""
        above = torch.sigmoid(self.logits(severity))
        edges = torch.cat([self.cuts.new_tensor([self.lowest]), self.cuts])
        return self.lowest + (above * torch.diff(edges).to(above.dtype)).sum(dim=1)


def thresholds_for(scores: NDArray[np.float64], cutoff: float, most: int = 8) -> list[float]:
    """Where to cut a scale: quantiles of the training patients' scores, and the cut-off.

    Only scores that some patient has are used, and never the lowest, which everybody reaches.
    """
    levels = np.quantile(scores, np.linspace(0, 1, most + 2)[1:-1], method="inverted_cdf")
    return sorted({float(value) for value in levels if value > scores.min()} | {float(cutoff)})
