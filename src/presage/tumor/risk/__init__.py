"""The risk of an individual patient from the tumour's mutations, beside stage and age."""

from presage.tumor.risk.markers import StageAge, TumorRisk
from presage.tumor.risk.tables import make_risk_cohort, read_risk_cohort, risk_table

__all__ = ["StageAge", "TumorRisk", "make_risk_cohort", "read_risk_cohort", "risk_table"]
