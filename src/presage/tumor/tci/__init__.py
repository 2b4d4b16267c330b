"""Tumour-specific causal inference: which alteration of one tumour explains what is unusual in its expression.

`changed` is the published method on genes that changed or did not; `continuous` is its counterpart without a threshold.
"""

from presage.tumor.tci.base import Evidence, LeakRule, Pairs, Posterior
from presage.tumor.tci.changed import Inference
from presage.tumor.tci.continuous import EFFECT, Continuous
from presage.tumor.tci.exchange import exchanged
from presage.tumor.tci.prior import LEAK_PRIOR, LEAK_PRIOR_OF_ALL, frequency_prior

__all__ = [
    "EFFECT",
    "LEAK_PRIOR",
    "LEAK_PRIOR_OF_ALL",
    "Continuous",
    "Evidence",
    "Inference",
    "LeakRule",
    "Pairs",
    "Posterior",
    "exchanged",
    "frequency_prior",
]
