"""Texts made of memories: answers, summaries, shorter versions, extracted statements."""
