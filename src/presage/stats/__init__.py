"""Clinical-validation statistics on arrays: numpy and scipy only."""

from presage.stats.checks import StatsError
from presage.stats.discrimination import auc, auc_interval, compare_paired, compare_unpaired, delong
from presage.stats.operating import accuracy, proportion, sensitivity_at_specificity, specificity_at_sensitivity
from presage.stats.results import Comparison, Estimate

__all__ = [
    "Comparison",
    "Estimate",
    "StatsError",
    "accuracy",
    "auc",
    "auc_interval",
    "compare_paired",
    "compare_unpaired",
    "delong",
    "proportion",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]
