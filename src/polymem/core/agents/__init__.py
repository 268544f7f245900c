"""Agents and the sessions they work in."""
