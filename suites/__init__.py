"""Suites that come with Goldbench: one YAML file each, read by name."""
