"""Memories in and out: export, import, and other systems' formats."""
