"""Made-up mammograms whose risk is known: everything can be tested on them, and nothing learnt about people."""

from presage.breast.phantom.cohort import make_phantom
from presage.breast.phantom.risk import Woman, draw_women
from presage.breast.phantom.spectrum import spectral_exponent

__all__ = ["Woman", "draw_women", "make_phantom", "spectral_exponent"]
