package main

import (
	"bytes"
	"slices"
	"strings"
)

// proof reads a joint proof from its front (MP-4).
type proof struct {
	rest  []byte
	found map[string]string // by key: present, absent or removed
}

func (p *proof) take(n int) []byte {
	require(len(p.rest) >= n, "MP-4", "the proof ends early")
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

// step is one turn on the way down: a bit of the key, and which side it leads to.
type step struct {
	index int
	right bool
}

func bit(key []byte, index int) bool { return key[index/8]>>(7-index%8)&1 == 1 }

func checkMapProof(v *vector) facts {
	keys, root, data := v.all("key"), v.one("root"), v.one("proof")
	require(1 <= len(keys) && len(keys) <= 64, "MP-4", "%d keys", len(keys))
	require(len(data) <= 262144, "MP-4", "%d bytes", len(data))
	for _, key := range keys {
		require(len(key) == 32, "MP-4", "a key of %d bytes", len(key))
	}
	p := &proof{data, map[string]string{}}
	require(p.take(1)[0] == 1, "MP-4", "another version")
	var top []byte
	if len(p.rest) > 0 && p.rest[0] == 0 {
		p.take(1)
		p.absent(keys)
		top = sum([]byte{2})
	} else {
		top = p.element(keys, nil)
	}
	require(len(p.rest) == 0, "MP-4", "%d bytes too many", len(p.rest))
	require(bytes.Equal(top, root), "MP-3", "it leads to another root")
	var words []string
	for _, key := range keys {
		words = append(words, p.found[string(key)])
	}
	return facts{"found": strings.Join(words, " ")}
}

func (p *proof) absent(keys [][]byte) {
	for _, key := range keys {
		p.found[string(key)] = "absent"
	}
}

func (p *proof) present(key, value []byte) []byte {
	p.found[string(key)] = "present"
	if readLeafValue(value).removed() {
		p.found[string(key)] = "removed"
	}
	return sum([]byte{0}, key, value)
}

// element reads one element for the keys that lead here, and returns its hash.
func (p *proof) element(keys [][]byte, way []step) []byte {
	kind := p.take(1)[0]
	switch {
	case kind == 1:
		require(len(keys) == 1, "MP-4", "%d keys lead to one leaf", len(keys))
		return p.present(keys[0], p.take(72))
	case kind == 2:
		return p.otherLeaf(keys, way)
	case kind >= 64:
		return p.inner(kind, keys, way)
	}
	refuse("MP-4", "element %d", kind)
	return nil
}

func (p *proof) otherLeaf(keys [][]byte, way []step) []byte {
	key, value := p.take(32), p.take(72)
	for _, s := range way {
		require(bit(key, s.index) == s.right, "MP-4", "a leaf on the way of another key")
	}
	require(len(keys) != 1 || !bytes.Equal(keys[0], key), "MP-4", "the key asked for is spelt out")
	p.absent(keys)
	if slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
		return p.present(key, value)
	}
	readLeafValue(value)
	return sum([]byte{0}, key, value)
}

func (p *proof) inner(kind byte, keys [][]byte, way []step) []byte {
	index, ahead := 0, int(kind&63)
	if len(way) > 0 {
		index = way[len(way)-1].index + 1
	}
	if ahead == 63 {
		ahead = int(p.take(1)[0])
		require(ahead >= 63, "MP-4", "a short number in the long form")
	}
	index += ahead
	require(index < 256, "MP-4", "a way beyond the last bit")
	var left, right [][]byte
	for _, key := range keys {
		if bit(key, index) {
			right = append(right, key)
		} else {
			left = append(left, key)
		}
	}
	leftGiven, rightGiven := kind>>6 == 2, kind>>6 == 3
	require(leftGiven == (len(left) == 0) && rightGiven == (len(right) == 0), "MP-4", "a side too many or too few")
	hashes := [2][]byte{}
	if leftGiven {
		hashes[0] = p.take(32)
	}
	if rightGiven {
		hashes[1] = p.take(32)
	}
	if !leftGiven {
		hashes[0] = p.element(left, append(slices.Clone(way), step{index, false}))
	}
	if !rightGiven {
		hashes[1] = p.element(right, append(slices.Clone(way), step{index, true}))
	}
	return sum([]byte{1, byte(index)}, hashes[0], hashes[1])
}
