"""Faces in video: found, followed and measured; frames without one are counted, never invented."""
