"""Between SelfMemory's words and the core's, by resource. Pure functions: no request, no I/O."""
