"""Outputs of the stages, read back. One file a stage; it alone knows the names of the stage's files."""
