"""The multimodal adaptation gate: what is seen and heard shifts the vector of each word."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from presage.cohort import InputError

# Keeps the shift finite where H is very short, as in the published code.
_EPSILON = 1e-6


class AdaptationGate(nn.Module):
    """Shifts text vectors by other modalities: Rahman et al., ACL 2020 (2020.acl-main.214), equations 1 to 5.

    For each token with text vector ``Z`` and vectors ``M_m`` of the modalities ``m``::

        g_m   = ReLU(W_hm [M_m; Z] + b_hm)
        H     = sum over m of g_m * (W_m M_m + b_m)
        alpha = min(beta * |Z| / (|H| + 1e-6), 1)        with |H| taken as 1 where it is 0
        out   = Dropout(LayerNorm(Z + alpha * H))

    Published with two modalities (visual, acoustic); the sum takes any number. Where a modality is missing, its term
    of the sum is left out whole, with gate and bias: a token that has none comes out as ``LayerNorm(Z)``.

    Parameters
    ----------
    width
        Length of a text vector.
    modalities
        Length of each modality's vector by its name, in the order in which they are added up.
    beta
        How long a shift may be, as a multiple of the text vector's length.
    dropout
        Share of the output's elements that are dropped in training.

    Raises
    ------
    InputError
        If a length is not positive or there is no modality.
    """

    def __init__(self, width: int, modalities: Mapping[str, int], *, beta: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()
        if not modalities or width < 1 or min(modalities.values()) < 1:
            raise InputError(
                f"a gate on text vectors of {width} numbers with modalities {dict(modalities)}",
                cure="name one modality at least, every vector with one number at least",
            )
        self.width, self.beta = width, beta
        self.widths = dict(modalities)
        self.gates = nn.ModuleDict({name: nn.Linear(size + width, width) for name, size in modalities.items()})
        self.shifts = nn.ModuleDict({name: nn.Linear(size, width) for name, size in modalities.items()})
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, text: Tensor, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The shifted text vectors, shape (..., width).

        Parameters
        ----------
        text
            Z, shape (..., width).
        modalities
            M by modality, shape (..., size); a modality that nobody has may be left out.
        present
            Which tokens have the modality, booleans of shape (...) or broadcastable to it; a modality that is not
            named here is there for every token. What stands in `modalities` where it is missing is never read, not
            even a NaN.

        Raises
        ------
        InputError
            If a modality is not one of the gate's, or an array has another shape.
        """
        shift = self.displacement(text, modalities, present)
        length = torch.linalg.vector_norm(shift, dim=-1, keepdim=True)
        length = torch.where(length == 0, torch.ones_like(length), length)
        limit = self.beta * torch.linalg.vector_norm(text, dim=-1, keepdim=True) / (length + _EPSILON)
        shifted: Tensor = self.dropout(self.norm(text + limit.clamp(max=1) * shift))
        return shifted

    def displacement(
        self, text: Tensor, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """H, before its length is limited, shape (..., width); parameters as for :meth:`forward`."""
        self._check(text, modalities)
        terms = [
            self._term(name, text, modalities[name], None if present is None else present.get(name))
            for name in self.widths
            if name in modalities
        ]
        return sum(terms[1:], start=terms[0]) if terms else torch.zeros_like(text)

    def _term(self, name: str, text: Tensor, value: Tensor, here: Tensor | None) -> Tensor:
        """``g * (W M + b)``, exactly zero where the modality is missing.

        The product with [M; Z] is taken in two parts, so that they are never copied side by side; the shift's bias is
        a column of its own beside W, which a missing modality meets with a zero.
        """
        there = torch.ones_like(value[..., :1])
        if here is not None:
            # Chosen and not multiplied: a NaN times zero would reach the sum.
            value = torch.where(here[..., None], value, torch.zeros_like(value))
            there = there * here[..., None]
        gate, shift = self.gates[name], self.shifts[name]
        assert isinstance(gate, nn.Linear)
        assert isinstance(shift, nn.Linear)
        of_text = linear(text, gate.weight[:, value.shape[-1] :], gate.bias).flatten(0, -2)
        opening = torch.addmm(of_text, value.flatten(0, -2), gate.weight[:, : value.shape[-1]].t()).view(text.shape)
        extended = torch.cat([shift.weight, shift.bias[:, None]], dim=1)
        return torch.relu(opening) * linear(torch.cat([value, there], dim=-1), extended)

    def _check(self, text: Tensor, modalities: Mapping[str, Tensor]) -> None:
        expected = {name: (*text.shape[:-1], size) for name, size in self.widths.items()}
        wrong = {name: tuple(value.shape) for name, value in modalities.items() if expected.get(name) != value.shape}
        if wrong or text.shape[-1] != self.width:
            raise InputError(
                f"text {tuple(text.shape)} with {wrong or 'modalities as expected'}",
                where="AdaptationGate",
                cure=f"give text (..., {self.width}) and {expected}",
            )
