"""Study: cohort + outcome + standard + markers + validation, run as tasks and gathered into findings."""

from presage.study.cache import EncoderCache
from presage.study.encoder import Encoder
from presage.study.marker import Explanation, Marker, Reason, Resources
from presage.study.plan import Study

__all__ = ["Encoder", "EncoderCache", "Explanation", "Marker", "Reason", "Resources", "Study"]
