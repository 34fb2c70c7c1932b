"""What stands in paths and headers, by name: one name means one thing in every path (SPEC section 13)."""

from collections.abc import Mapping
from typing import Final

from sealring.names import MAX_INTEGER
from sealring_server.openapi.describe import Part, Schema

HEX: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
NAME: Final[Schema] = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$"}
TOKEN: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
_KEYS: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}(,[0-9a-f]{64}){0,63}$"}
_SUBJECT: Final[Schema] = {"type": "string", "pattern": "^[a-z0-9~][a-z0-9~./-]{0,199}$"}

_TABLE: Final = (
    Part("version", "version of the root", NUMBER),
    Part("brand", "name of a brand", NAME),
    Part("model", "name of a model, without its brand", NAME),
    Part("name", "name of a brand, or `root`", NAME),
    Part("sequence", "sequence of a statement or entry", NUMBER),
    Part("kind", "type of a statement", NAME),
    Part("format", "format of a statement", NUMBER),
    Part("subject", "what a statement is about; its slashes are part of the path", _SUBJECT),
    Part("digest", "SHA-256 of what is asked for", HEX),
    Part("root", "a map root that the store had", HEX),
    Part("keys", "1 to 64 keys of the map, ascending, by commas", _KEYS),
    Part("size", "how many of the log's first entries", NUMBER),
    Part("index", "which of them, from 0", COUNT),
    Part("first", "number of the first entry", NUMBER),
    Part("token", "what the store called an open publication", TOKEN),
)
PATH: Final[Mapping[str, Part]] = {part.name: part for part in _TABLE}

HEADERS: Final[Mapping[str, Part]] = {
    part.name: part
    for part in (
        Part("Cache-Control", "who may keep this, and for how long", {"type": "string"}, required=True),
        Part("ETag", "names these very bytes", {"type": "string"}, required=True),
        Part("Content-Range", "which bytes these are, and of how many", {"type": "string"}, required=True),
        Part("Accept-Ranges", "ranges of bytes can be asked for", {"const": "bytes"}, required=True),
        Part("Upload-Offset", "how many bytes are here", {"type": "string", "pattern": "^[0-9]+$"}, required=True),
        Part("Upload-Length", "how many there will be", {"type": "string", "pattern": "^[0-9]+$"}, required=True),
        Part("Tus-Resumable", "the version of tus", {"const": "1.0.0"}, required=True),
        Part("Tus-Version", "the version of tus", {"const": "1.0.0"}, required=True),
    )
}
