"""The bytes of images: where they come in, and where they lie (SPEC PB-2, PB-3, PB-11)."""

from sealring_server.images.driver import CHUNK, Images, Source

__all__ = ["CHUNK", "Images", "Source"]
