"""Speech in time: when somebody speaks, which word stands where, and what was said where nobody wrote it down."""
