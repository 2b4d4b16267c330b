"""Prosody: how something is said. Frame by frame, and summed up over an answer."""
