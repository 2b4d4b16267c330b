"""PHANTOM interviews: made-up people with planted signs in words, voice and face, and a known best answer."""
