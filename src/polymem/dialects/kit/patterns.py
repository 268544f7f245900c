"""What a pattern of a document can say of texts; the core enforces it and has the better sentences."""

NOT_BLANK = r"[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*"
"""Says something, and holds no NUL. The separators of information and the next line are blank, too, and a pattern does
not count them as space."""
