"""Builds each role from settings: which port gets which adapter."""
