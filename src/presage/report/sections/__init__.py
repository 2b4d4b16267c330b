"""From findings to parts of a page: each renderer draws the section of one analysis."""
