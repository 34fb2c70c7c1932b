package main

import (
	"crypto/ed25519"
	"math/big"
	"slices"
)

// families of key types that this edition defines; of them, a device of this edition can verify Ed25519 alone.
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

func checkKey(key *value) {
	length := len(key.get("public").bytes())
	require(key.str("type") != "ed25519" || length == 32, "KY-2", "an Ed25519 key of %d bytes", length)
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
		if t.str("family") != "classical" {
			require(t.str("presence") == "if_known", "TH-2", "family %s is required", t.str("family"))
			continue
		}
		known = true
		var good int64
		for _, key := range set.get("keys").list {
			sig, signed := e.signatures[keyID(key)]
			if signed && key.str("type") == "ed25519" && strictlyVerifies(key.get("public").bytes(), e.signed, sig) {
				good++
			}
		}
		require(good >= t.integer("threshold"), "TH-1", "%d good signatures of %d", good, t.integer("threshold"))
	}
	require(known, "TH-2", "no known family")
}

// strictlyVerifies is KY-2. The library holds S below the order, uses no cofactor, and compares R as bytes with a
// point that it encodes itself; what it lets through is a key or an R of small order, and a key encoded twice.
func strictlyVerifies(key, message, sig []byte) bool {
	return len(key) == ed25519.PublicKeySize && len(sig) == ed25519.SignatureSize &&
		canonicalAndLarge(key) && canonicalAndLarge(sig[:32]) && ed25519.Verify(key, message, sig)
}

var fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))

// smallOrder are the y of the eight points whose order divides 8: 1, -1, 0, and the four of order 8, where doubling
// gives y = 0, so that d*y^4 + 2*y^2 - 1 = 0, and y^2 = (-1 +- sqrt(1 + d)) / d.
var smallOrder = func() []*big.Int {
	p := fieldPrime
	mod := func(n *big.Int) *big.Int { return n.Mod(n, p) }
	d := mod(new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p)))
	root := new(big.Int).ModSqrt(new(big.Int).Add(d, big.NewInt(1)), p)
	found := []*big.Int{big.NewInt(0), big.NewInt(1), new(big.Int).Sub(p, big.NewInt(1))}
	for _, r := range []*big.Int{root, new(big.Int).Neg(root)} {
		square := mod(new(big.Int).Mul(new(big.Int).Sub(r, big.NewInt(1)), new(big.Int).ModInverse(d, p)))
		if y := new(big.Int).ModSqrt(square, p); y != nil {
			found = append(found, y, new(big.Int).Sub(p, y))
		}
	}
	return found
}()

// canonicalAndLarge says whether 32 bytes encode a y below the prime that no point of small order has. The one other
// encoding that is not canonical, the sign of x = 0, has y = 1 or -1.
func canonicalAndLarge(encoded []byte) bool {
	reversed := slices.Clone(encoded)
	slices.Reverse(reversed)
	reversed[0] &= 0x7f
	y := new(big.Int).SetBytes(reversed)
	return y.Cmp(fieldPrime) < 0 && !slices.ContainsFunc(smallOrder, func(s *big.Int) bool { return s.Cmp(y) == 0 })
}
