"""Between MEMANTO's words and the core's: pure functions, no request, no I/O.

agent ↔ project, type ↔ kind, source ↔ an entry of the metadata, min_similarity ↔ relevance floor.
"""
