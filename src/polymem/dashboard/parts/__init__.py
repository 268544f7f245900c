"""What pages are made of. Texts of memories, and names that people gave, go through `elements.text` or `markdown`."""
