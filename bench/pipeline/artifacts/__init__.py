"""What each stage writes, read back: one file a stage, which alone knows the names of the stage's files."""
