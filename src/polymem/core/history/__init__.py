"""Memory through time: the past, findings, and trust."""
