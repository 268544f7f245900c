"""The shapes of MEMANTO's REST API, a module for each part of it."""
