"""Configurations as text: parsed, compared, fingerprinted."""
