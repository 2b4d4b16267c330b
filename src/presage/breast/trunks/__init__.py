"""Trunks: ImageNet networks whose feature maps markers read."""

from presage.breast.trunks.trunk import TRUNK_NAMES, Trunk, trunk_named

__all__ = ["TRUNK_NAMES", "Trunk", "trunk_named"]
