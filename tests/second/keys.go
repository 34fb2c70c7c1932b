package main

import (
	"bytes"
	"slices"
)

// families of key types that this edition defines; it verifies all of them.
var families = map[string][]string{
	"classical": {"ed25519", "ecdsa-p256", "ecdsa-p384"},
	"ml-dsa":    {"ml-dsa-65"},
}

var keyForm = object(must("name", name), must("type", name), must("public", octets(1, 4096)))

var keySetForm = object(
	must("keys", list(1, 32, keyForm)),
	must("thresholds", list(1, 4, object(
		must("family", name),
		must("threshold", integer(1, 32)),
		must("presence", oneOf("required", "if_known")),
	))),
)

// keyID is computed, never read (KY-1).
func keyID(key *value) string {
	return hash([]byte("sealring key v1\x00"), []byte(key.str("type")), []byte{0}, key.get("public").bytes())
}

// material is what KY-2 asks of a key's bytes before anything is signed: how many there are, and how they begin.
var material = map[string]struct {
	length int
	begin  []byte
}{
	"ed25519":    {32, nil},
	"ecdsa-p256": {65, []byte{4}},
	"ecdsa-p384": {97, []byte{4}},
	"ml-dsa-65":  {1952, nil},
}

func checkKey(key *value) {
	wanted, known := material[key.str("type")]
	public := key.get("public").bytes()
	fits := len(public) == wanted.length && bytes.HasPrefix(public, wanted.begin)
	require(!known || fits, "KY-2", "no %s: %d bytes", key.str("type"), len(public))
}

// checkKeySet holds a key set to what it must be wherever it stands (KY-2, KY-3, TH-3).
func checkKeySet(set *value) {
	names, ids, count := map[string]bool{}, map[string]bool{}, map[string]int64{}
	for _, key := range set.get("keys").list {
		checkKey(key)
		require(!names[key.str("name")] && !ids[keyID(key)], "KY-3", "a key or its name stands twice")
		names[key.str("name")], ids[keyID(key)] = true, true
		for family, types := range families {
			if slices.Contains(types, key.str("type")) {
				count[family]++
			}
		}
	}
	seen := map[string]bool{}
	for _, t := range set.get("thresholds").list {
		family := t.str("family")
		require(!seen[family], "TH-3", "family %s twice", family)
		seen[family] = true
		require(families[family] == nil || count[family] >= t.integer("threshold"), "TH-3", "too few %s keys", family)
	}
}

// meets refuses an envelope that lacks a threshold of one key set (TH-1, TH-2).
func meets(set *value, e *envelope) {
	known := false
	for _, t := range set.get("thresholds").list {
		family := families[t.str("family")]
		if family == nil {
			require(t.str("presence") == "if_known", "TH-2", "family %s is required", t.str("family"))
			continue
		}
		known = true
		var good int64
		for _, key := range set.get("keys").list {
			sig, signed := e.signatures[keyID(key)]
			if signed && slices.Contains(family, key.str("type")) && counts(key, e.signed, sig) {
				good++
			}
		}
		require(good >= t.integer("threshold"), "TH-1", "%d good signatures of %d", good, t.integer("threshold"))
	}
	require(known, "TH-2", "no known family")
}
