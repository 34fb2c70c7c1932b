package main

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// checkMapKey is MP-1.
func checkMapKey(v *vector) facts {
	kind, about := v.header("type"), string(v.one("subject"))
	fit(&value{kind: 's', text: kind}, typeName, "MP-1")
	fit(&value{kind: 's', text: about}, subject, "MP-1")
	spelt := "\x00" + decimal(v.number("format")) + "\x00" + about
	return facts{"key": hash([]byte("sealring map key v1\x00"), v.one("root"), []byte(kind+spelt))}
}

// leafValue is a leaf of the map (MP-2).
type leafValue struct {
	sequence   uint64
	id, digest string
}

func readLeafValue(data []byte) leafValue {
	require(len(data) == 72, "MP-2", "a value of %d bytes", len(data))
	value := leafValue{binary.BigEndian.Uint64(data), hex.EncodeToString(data[8:40]), hex.EncodeToString(data[40:72])}
	zeros := strings.Repeat("0", 64)
	require(1 <= value.sequence && value.sequence <= largest, "MP-2", "sequence %d", value.sequence)
	require((value.id == zeros) == (value.digest == zeros), "MP-2", "half a tombstone")
	return value
}

func (l leafValue) removed() bool { return l.id == strings.Repeat("0", 64) }

var subject = matching(`[!#-\[\]-~]{1,512}`, 512)

var viewForm = object(
	must("format", integer(1, 1)), must("root", digest), must("model", fullName),
	must("statements", set(0, 4096, row(typeName, sequence, subject, sequence, digest, digest), rowKey)),
)

// rowKey orders rows by type, then format as a number, then subject.
func rowKey(v *value) string {
	format := v.list[1].text
	return v.list[0].text + "\x00" + strings.Repeat("0", 20-len(format)) + format + "\x00" + v.list[2].text
}

func checkView(v *vector) facts {
	data := v.one("view")
	require(len(data) <= 1<<20, "VW-1", "%d bytes", len(data))
	leaf := readLeafValue(v.one("leaf"))
	require(leaf.id == leaf.digest && leaf.id == hash(data), "VW-3", "the leaf is of another document")
	view := readDocument(data, viewForm, "VW-1", "VW-1")
	for _, row := range view.get("statements").list {
		zeros := strings.Repeat("0", 64)
		require(row.list[4].text != zeros && row.list[5].text != zeros, "VW-1", "a removal is listed")
	}
	require(view.str("root") == hex.EncodeToString(v.one("root")), "VW-3", "a view of another root")
	require(view.str("model") == v.header("model"), "VW-3", "a view of the model %s", view.str("model"))
	return facts{"rows": decimal(int64(len(view.get("statements").list)))}
}

var entryForm = object(
	must("format", integer(1, 1)), must("root", digest), must("map", digest), must("size", count),
	must("sequence", sequence), must("time", instant), must("previous", digest), must("log", digest),
)

// readEntry is CT-1.
func readEntry(data []byte, root string) *value {
	require(len(data) <= 1024, "CT-1", "%d bytes", len(data))
	entry := readDocument(data, entryForm, "CT-1", "CT-1")
	require(entry.str("root") == root, "CT-1", "an entry of another root")
	first := entry.integer("sequence") == 1
	require(first == (entry.str("previous") == strings.Repeat("0", 64)), "CT-1", "first, and not first")
	require(first == (entry.str("log") == hash()), "CT-1", "a history that does not fit the sequence")
	return entry
}

func checkEntry(v *vector) facts {
	root, data := hex.EncodeToString(v.one("root")), v.one("entry")
	entry := readEntry(data, root)
	path, came := v.optional("path")
	needed := false
	if held, any := v.optional("held"); any {
		needed = succeeds(entry, data, readEntry(held, root), held, path, came)
	}
	require(needed || !came, "LG-2", "a path that nothing needs")
	return facts{"sequence": decimal(entry.integer("sequence"))}
}

// succeeds is CT-2, CT-3 and LG-2; it says whether the path was needed.
func succeeds(entry *value, data []byte, last *value, held, path []byte, came bool) bool {
	now, then := entry.integer("sequence"), last.integer("sequence")
	require(now >= then, "CT-2", "entry %d after %d", now, then)
	switch now - then {
	case 0:
		require(string(data) == string(held), "CT-3", "another entry %d", now)
		return false
	case 1:
		require(entry.str("previous") == hash(held), "CT-3", "entry %d follows another entry", now)
		return false
	}
	require(came, "LG-2", "no path")
	logged, err := hex.DecodeString(entry.str("log"))
	require(err == nil, "CT-1", "no digest")
	inLog(sum([]byte{0}, held), then-1, now-1, path, logged)
	return true
}

func sum(data ...[]byte) []byte {
	raw, err := hex.DecodeString(hash(data...))
	if err != nil {
		panic(err)
	}
	return raw
}

// inLog is an inclusion path of RFC 6962, section 2.1.1: the tree below a place is split at the largest power of two.
func inLog(leaf []byte, index, size int64, path, root []byte) {
	require(0 <= index && index < size, "LG-2", "entry %d of %d", index, size)
	require(len(path)%32 == 0, "LG-2", "a path of %d bytes", len(path))
	found, rest := subtree(leaf, index, size, path)
	require(len(rest) == 0, "LG-2", "a path with more than it needs")
	require(string(found) == string(root), "LG-2", "the path leads elsewhere")
}

// subtree takes hashes from the front of the path, lowest first, and returns what is left of it.
func subtree(leaf []byte, index, size int64, path []byte) (found, rest []byte) {
	if size == 1 {
		return leaf, path
	}
	split := int64(1)
	for split*2 < size {
		split *= 2
	}
	left := index < split
	if left {
		found, rest = subtree(leaf, index, split, path)
	} else {
		found, rest = subtree(leaf, index-split, size-split, path)
	}
	require(len(rest) >= 32, "LG-2", "a path that ends early")
	if left {
		return sum([]byte{1}, found, rest[:32]), rest[32:]
	}
	return sum([]byte{1}, rest[:32], found), rest[32:]
}

func checkLog(v *vector) facts {
	inLog(v.one("leaf"), v.number("index"), v.number("size"), v.one("path"), v.one("root"))
	return facts{}
}
