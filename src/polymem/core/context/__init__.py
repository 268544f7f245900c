"""The document that starts a conversation."""
