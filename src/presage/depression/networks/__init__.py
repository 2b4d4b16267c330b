"""Networks that fuse the words of an interview with what is heard and seen."""
