"""Neutral operations: one file each, with attributes, weight roles, output shape, mathematics and sentence."""
