"""Drawings: hand-written SVG, small, the same bytes everywhere, at home in light and dark."""
