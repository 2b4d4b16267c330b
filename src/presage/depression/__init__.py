"""Interviews: language, prosody and face, and the networks that fuse them."""
