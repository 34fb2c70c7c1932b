package main

import (
	"encoding/binary"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const firstLine = "sealring bundle 1\n"

// entryKind is a row of BN-2.
type entryKind struct {
	longest uint64
	named   func(string) bool
}

func unnamed(name string) bool { return name == "" }

var (
	fileName  = regexp.MustCompile(`\A[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*\z`)
	imageName = regexp.MustCompile(`\A[0-9a-f]{64}\z`)
	proofName = regexp.MustCompile(`\A[0-9a-f]{64}/[0-9a-f]{64}(?:,[0-9a-f]{64})*\z`)
	waysName  = regexp.MustCompile(`\A[0-9a-f]{64}/[0-9a-f]{64}\z`)
	pathName  = regexp.MustCompile(`\A[1-9][0-9]{0,15}/[1-9][0-9]{0,15}\z`)
)

func ascendingProofName(name string) bool {
	_, keys, _ := strings.Cut(name, "/")
	list := strings.Split(keys, ",")
	return proofName.MatchString(name) && len(list) <= 64 && slices.Equal(list, ascending(list))
}

func logPathName(name string) bool {
	if !pathName.MatchString(name) {
		return false
	}
	for _, side := range strings.Split(name, "/") {
		if n, err := strconv.ParseInt(side, 10, 64); err != nil || n > largest {
			return false
		}
	}
	return true
}

// ascending returns the words in ascending order, each once.
func ascending(words []string) []string {
	sorted := slices.Clone(words)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

func entryKinds(imageLimit uint64) map[byte]entryKind {
	return map[byte]entryKind{
		0:  {0, unnamed},
		1:  {256 << 10, unnamed},
		2:  {512 << 10, func(n string) bool { return len(n) <= 255 && fileName.MatchString(n) }},
		3:  {1 << 20, unnamed},
		4:  {256 << 10, ascendingProofName},
		5:  {2 << 10, logPathName},
		6:  {256 << 10, unnamed},
		7:  {1 << 20, waysName.MatchString},
		8:  {8 << 10, unnamed},
		9:  {1 << 10, unnamed},
		16: {imageLimit, imageName.MatchString},
	}
}

func checkBundle(v *vector) facts {
	limit := uint64(0)
	if v.header("image-limit") != "" {
		limit = uint64(v.number("image-limit"))
	}
	kinds := entryKinds(limit)
	rest, ok := strings.CutPrefix(string(v.one("bundle")), firstLine)
	require(ok, "BN-1", "another first line")
	take := func(n uint64) string {
		require(uint64(len(rest)) >= n, "BN-1", "the bundle is cut off")
		taken := rest[:n]
		rest = rest[n:]
		return taken
	}
	entries, small := int64(0), uint64(0)
	lastKind, lastName := byte(0), ""
	var statements []string
	for {
		head := []byte(take(11))
		kind, length := head[0], binary.BigEndian.Uint64(head[3:])
		known, ok := kinds[kind]
		require(ok, "BN-2", "kind %d", kind)
		require(length <= known.longest, "BN-2", "%d bytes of kind %d", length, kind)
		name := take(uint64(binary.BigEndian.Uint16(head[1:])))
		require(known.named(name), "BN-1", "a name that kind %d has not", kind)
		if kind == 0 {
			break
		}
		require(kind >= lastKind, "BN-1", "kinds descend")
		require(kind != lastKind || name == "" || name > lastName, "BN-1", "names do not ascend")
		lastKind, lastName = kind, name
		if kind != 16 {
			small += 11 + uint64(len(name)) + length
		}
		entries++
		require(small <= 64<<20 && entries <= 100000, "BN-2", "too much in one bundle")
		data := []byte(take(length))
		if kind == 6 {
			data = envelopeOf(data)
		}
		if kind == 1 || kind == 6 {
			statements = append(statements, hash(data))
		}
	}
	require(rest == "", "BN-1", "something after the end")
	return facts{"entries": decimal(entries), "statements": strings.Join(statements, " ")}
}
