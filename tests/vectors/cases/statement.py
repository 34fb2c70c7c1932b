"""Payloads: every type as it should be, and bytes that two readers would read differently (SPEC ST)."""

from sealring.strict import encode
from tests.samples import EVERY_TYPE
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case

RELEASE = encode(WORLD.release(3))
REVISION = encode(WORLD.revision())
STORE = encode(WORLD.store())


def payload_case(name: str, rule: str, comment: str, payload: bytes, **facts: str) -> Case:
    return case(f"statement/{name}", rule, comment, "statement", ("payload", payload), **facts)


def changed(raw: bytes, old: bytes, new: bytes) -> bytes:
    assert raw.count(old) >= 1, old
    return raw.replace(old, new, 1)


def _accepted() -> Cases:
    for name, statement in EVERY_TYPE.items():
        comment = f"every member of the type {statement.type}" + (" that may be there" if "-" in name else "")
        yield payload_case(
            f"good-{name}", ACCEPTED, comment, encode(statement), type=statement.type, subject=statement.subject
        )


def _spelling() -> Cases:
    raw, at = RELEASE, b'"sequence":3'
    yield payload_case(
        "duplicate-member",
        "ST-1",
        "a second sequence: one reader takes the first, another the last",
        changed(raw, at, b'"sequence":1,"sequence":3'),
    )
    yield payload_case(
        "duplicate-type", "ST-1", "the type twice", changed(raw, b'{"type"', b'{"type":"release","type"')
    )
    yield payload_case(
        "another-order",
        "ST-1",
        "type is not first",
        changed(raw, b'{"type":"release","format":1', b'{"format":1,"type":"release"'),
    )
    yield payload_case("blank", "ST-1", "a blank after a comma", changed(raw, b',"format"', b', "format"'))
    yield payload_case("newline-after", "ST-1", "a newline at the end, as an editor leaves it", raw + b"\n")
    yield payload_case("trailing-object", "ST-1", "a second statement behind the first", raw + raw)
    yield payload_case(
        "escape-in-name",
        "ST-1",
        "the package's name with an escape: the same text, other bytes",
        changed(raw, b'"tool"', rb'"t\u006fol"'),
    )
    yield payload_case("truncated", "ST-1", "cut off in the middle", raw[: len(raw) // 2])
    yield payload_case("empty", "ST-1", "no bytes", b"")
    yield payload_case("not-utf-8", "ST-1", "bytes that are no text in a string", changed(raw, b'"tool"', b'"to\xff"'))
    yield payload_case(
        "null-optional", "ST-3", "an absent member spelt as null", changed(raw, b',"package"', b',"x":null,"package"')
    )
    yield payload_case("comment", "ST-1", "a comment, which some readers take", changed(raw, b"{", b"{/* */"))
    yield payload_case("single-quotes", "ST-1", "quotes that JSON has not", raw.replace(b'"', b"'"))


def _instants() -> Cases:
    raw, good = RELEASE, b'"issued":"2026-03-01T12:00:00Z"'
    texts = {
        "without-zone": ("2026-03-01T12:00:00", "ST-3", "no zone: each reader would take its own"),
        "with-offset": ("2026-03-01T14:00:00+02:00", "ST-1", "the same instant in another zone"),
        "zero-offset": ("2026-03-01T12:00:00+00:00", "ST-1", "the same instant with +00:00"),
        "fraction": ("2026-03-01T12:00:00.500000Z", "ST-1", "half a second"),
        "zero-fraction": ("2026-03-01T12:00:00.000Z", "ST-1", "a fraction of nothing"),
        "with-blank": ("2026-03-01 12:00:00Z", "ST-1", "a blank for the T"),
        "lower-case": ("2026-03-01t12:00:00z", "ST-1", "t and z in lower case"),
        "no-such-day": ("2026-02-30T12:00:00Z", "ST-3", "the 30th of February"),
        "leap-second": ("2026-06-30T23:59:60Z", "ST-3", "second 60: not every clock has it"),
        "only-a-date": ("2026-03-01", "ST-3", "a date without a time"),
    }
    for name, (text, rule, comment) in texts.items():
        yield payload_case(f"instant-{name}", rule, comment, changed(raw, good, b'"issued":"%s"' % text.encode()))
    yield payload_case("instant-as-number", "ST-3", "seconds since 1970", changed(raw, good, b'"issued":1772366400'))
    model = encode(EVERY_TYPE["model"])
    yield payload_case(
        "instant-with-offset-inside",
        "ST-1",
        "the end of support in another zone",
        changed(model, b'"end_of_support":"2036-02-27T12:00:00Z"', b'"end_of_support":"2036-02-27T12:00:00+01:00"'),
    )
    lists = encode(EVERY_TYPE["revocations"])
    yield payload_case(
        "instant-without-zone-inside",
        "ST-3",
        "revoked since, in no zone",
        changed(lists, b'"since":"2026-03-01T12:00:00Z"', b'"since":"2026-03-01T12:00:00"'),
    )


def _numbers() -> Cases:
    raw, at = RELEASE, b'"sequence":3'
    numbers = {
        "float": (b"3.0", "a fraction: 3.0 is not how 3 is spelt"),
        "exponent": (b"3e0", "an exponent"),
        "zero": (b"0", "sequences begin at 1"),
        "negative": (b"-1", "below every floor"),
        "above-2-53": (b"9007199254740992", "2^53, which a float holds and 2^53 + 1 does not"),
        "huge": (b"9" * 3000, "3,000 digits: the time to read them is the attack"),
        "huge-float": (b"1e400", "beyond every float"),
        "true": (b"true", "true for 1"),
        "string": (b'"3"', "a number in quotes"),
    }
    for name, (text, comment) in numbers.items():
        yield payload_case(f"sequence-{name}", "ST-3", comment, changed(raw, at, b'"sequence":' + text))
    yield payload_case("sequence-leading-zero", "ST-1", "03, which JSON has not", changed(raw, at, b'"sequence":03'))
    yield payload_case(
        "sequence-largest",
        ACCEPTED,
        "2^53 - 1, the largest integer of all JSON readers",
        changed(raw, at, b'"sequence":9007199254740991'),
        type="release",
        subject="acme/tool/latest/stable",
    )
    yield payload_case("revision-too-large", "ST-3", "2^31", changed(raw, b'"revision":3', b'"revision":2147483648'))


def _bounds() -> Cases:
    raw, name = RELEASE, b'"package":"tool"'
    yield payload_case(
        "unknown-member", "ST-3", "a member that format 1 has not", changed(raw, name, b'"pakage":"x",' + name)
    )
    yield payload_case("missing-member", "ST-3", "no count of revocations", changed(raw, b',"revocations":0', b""))
    for title, text, comment in (
        ("path", b"../../etc", "a name that climbs out of a folder"),
        ("empty", b"", "no name"),
        ("capital", b"Tool", "a capital letter"),
        ("hyphen-first", b"-tool", "a name that a command would take for an option"),
        ("two-hyphens", b"to--ol", "two hyphens in a row"),
        ("newline", b"tool\\n", "a newline at the end, which a pattern with $ lets through"),
        ("not-ascii", "t\u043eol".encode(), "a look-alike letter of another alphabet"),
        ("too-long", b"t" * 41, "41 characters"),
    ):
        yield payload_case(f"name-{title}", "ST-3", comment, changed(raw, name, b'"package":"%s"' % text))
    for title, text, comment in (
        ("long-half", b"acme/" + b"t" * 41, "a full name whose second half has 41 characters"),
        ("two-slashes", b"acme/tool/x", "a full name of three parts"),
    ):
        pattern = changed(STORE, b'"acme/*"', b'"%s"' % text)
        yield payload_case(f"full-name-{title}", "ST-3", comment, pattern)
    url = b"http://127.0.0.1:1"
    for title, text, comment in (
        ("user", b"http://a@store.example", "a user in an address, who would be sent along"),
        ("dots", b"https://store.example/../x", "a path that climbs"),
        ("port", b"https://store.example:65536", "a port that there is not"),
        ("no-host", b"http://[]", "no host"),
        ("query", b"https://store.example/?x=1", "a query"),
        ("file", b"file:///etc/passwd", "not the network"),
    ):
        yield payload_case(f"url-{title}", "ST-3", comment, changed(STORE, url, text))
    for title, text in (("ipv6", b"http://[2001:db8::1]:8080/a/b"), ("last-port", b"https://store.example:65535")):
        named = changed(STORE, url, text)
        yield payload_case(f"url-{title}", ACCEPTED, "an address", named, type="store", subject="acme/main")
    yield payload_case(
        "channel-without-risk", "ST-3", "a channel that has no risk", changed(raw, b"latest/stable", b"latest")
    )
    yield payload_case(
        "digest-in-capitals", "ST-3", "a digest in upper case", changed(REVISION, b'"sha256":"e3b0', b'"sha256":"E3B0')
    )
    yield payload_case(
        "deep-nesting",
        "ST-3",
        "10,000 brackets where a name belongs",
        changed(raw, b'"tool"', b"[" * 10_000 + b"]" * 10_000),
    )
    yield payload_case(
        "deep-nesting-in-unknown-member",
        "ST-3",
        "10,000 brackets in a member that nobody knows",
        changed(raw, name, b'"y":' + b"[" * 10_000 + b"]" * 10_000 + b"," + name),
    )
    yield payload_case(
        "image-too-large",
        "ST-3",
        "a size of 2^40 + 1: reserving it would fill any disk",
        changed(REVISION, b'"size":1', b'"size":1099511627777'),
    )
    yield payload_case("too-large", "ST-7", "65,537 bytes, refused before they are parsed", b" " * 65_537)
    many = b",".join(b'{"architecture":"a%02d","revision":3,"minimum":1}' % n for n in range(17))
    yield payload_case(
        "too-many-targets",
        "ST-3",
        "17 targets",
        changed(raw, b'[{"architecture":"amd64","revision":3,"minimum":1}]', b"[%s]" % many),
    )
    yield payload_case(
        "quote-in-text",
        "ST-3",
        "an escaped quote in a text",
        changed(REVISION, b'"version":"1.1"', rb'"version":"1\".1"'),
    )
    yield payload_case(
        "url-with-user",
        "ST-3",
        "a user before the host: a reader may show another host",
        changed(encode(WORLD.store()), b"http://127.0.0.1:1", b"http://good@127.0.0.1:1"),
    )


def _formats() -> Cases:
    yield payload_case(
        "newer-format",
        "ST-2",
        "format 2 is told apart, so that an old device skips it",
        changed(RELEASE, b'"format":1', b'"format":2'),
    )
    yield payload_case(
        "newer-format-new-members",
        "ST-2",
        "format 2 with members that nobody knows yet",
        b'{"type":"release","format":2,"new":[1,2,{"a":null}]}',
    )
    yield payload_case(
        "unknown-type", "ST-2", "a type of a later edition", b'{"type":"halt","format":1,"what":"acme/tool"}'
    )
    yield payload_case("no-type", "ST-3", "no type at all", RELEASE.replace(b'"type":"release",', b""))
    yield payload_case("format-zero", "ST-3", "there is no format 0", changed(RELEASE, b'"format":1', b'"format":0'))
    yield payload_case(
        "format-huge",
        "ST-3",
        "a format of 3,000 digits is no newer format",
        changed(RELEASE, b'"format":1', b'"format":' + b"9" * 3000),
    )


def cases() -> Cases:
    for part in (_accepted, _spelling, _instants, _numbers, _bounds, _formats):
        yield from part()
