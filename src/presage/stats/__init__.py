"""Clinical-validation statistics on arrays: numpy and scipy only."""

from presage.stats.checks import StatsError
from presage.stats.clustered import clustered_auc_interval, clustered_delong, compare_clustered
from presage.stats.crossvalidation import CrossValidated, compare_repeated_cv, repeated_cv, repeated_cv_auc
from presage.stats.discrimination import auc, auc_interval, compare_paired, compare_unpaired, delong
from presage.stats.operating import accuracy, proportion, sensitivity_at_specificity, specificity_at_sensitivity
from presage.stats.resampling import bootstrap_auc
from presage.stats.results import Comparison, Estimate

__all__ = [
    "Comparison",
    "CrossValidated",
    "Estimate",
    "StatsError",
    "accuracy",
    "auc",
    "auc_interval",
    "bootstrap_auc",
    "clustered_auc_interval",
    "clustered_delong",
    "compare_clustered",
    "compare_paired",
    "compare_repeated_cv",
    "compare_unpaired",
    "delong",
    "proportion",
    "repeated_cv",
    "repeated_cv_auc",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]
