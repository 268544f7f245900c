"""Who thinks: embedding models behind `polymem.core.ports.Embedder`.

Importing this package is cheap; numeric libraries load when a first text comes.
"""

from polymem.inference.embed import NOTICE_NO_EMBEDDER, EmbedderSpec, WarmEmbedder, open_embedder

__all__ = ["NOTICE_NO_EMBEDDER", "EmbedderSpec", "WarmEmbedder", "open_embedder"]
