"""The store's TUF roles as their operator reads them: keys, thresholds, expiry, what is pending (SPEC TF-1, TF-9)."""

from collections.abc import Iterator
from typing import Any

from sealring.names import spell
from sealring.request.tuf_root import parse_root
from sealring.tuf_keys import public_of
from sealring_server.here import StoreHere
from sealring_server.key_folder import OnlineKey
from sealring_server.tuf_packages import WARNING
from sealring_server.tuf_repo import expiries, newest_root, packages_key


def shown(here: StoreHere) -> dict[str, Any]:
    """What `sealring-store tuf show` tells, as one object."""
    with here.database.reading() as connection:
        root = parse_root(newest_root(connection))
        expires, packages = expiries(connection), packages_key(connection)
    listed = {one.id: one for one in here.online.keys.read()}
    keys = {**root.signed.keys, **({packages.keyid: packages} if packages is not None else {})}
    roles = {name: (role.threshold, role.keyids) for name, role in root.signed.roles.items()}
    if packages is not None:
        roles["packages"] = (1, [packages.keyid])
    pending = [one for one in listed.values() if one.id not in keys and one.root > root.signed.version]
    return {
        "format": 1,
        "version": root.signed.version,
        "roles": {
            name: {
                "threshold": threshold,
                "expires": spell(expires[name]) if name in expires else None,
                "keys": [_key(ident, keys[ident], listed.get(ident)) for ident in idents],
            }
            for name, (threshold, idents) in roles.items()
        },
        "pending": [{"id": one.id, "role": one.role, "place": one.place, "root": one.root} for one in pending],
    }


def shown_in_words(found: dict[str, Any]) -> Iterator[str]:
    """The same, in lines for people."""
    yield f"TUF root {found['version']}"
    for name, role in found["roles"].items():
        count = len(role["keys"])
        yield f"role {name}: {role['threshold']} of {count} key{'' if count == 1 else 's'}, expires {role['expires']}"
        for key in role["keys"]:
            yield f"  {key['type']} {key['fingerprint'][:16]} (TUF id {key['id'][:16]}), {key['place']}"
    for one in found["pending"]:
        yield f"pending for root {one['root']}: role {one['role']}, TUF id {one['id'][:16]}, {one['place']}"
    if "packages" in found["roles"]:
        yield WARNING


def _key(ident: str, key: Any, listed: OnlineKey | None) -> dict[str, Any]:
    public = public_of(key)
    return {
        "id": ident,
        "type": public.type if public is not None else key.keytype,
        "fingerprint": public.id if public is not None else "",
        "place": listed.place if listed is not None else "not on this machine",
    }
