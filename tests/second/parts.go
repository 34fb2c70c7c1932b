package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// envelopeOf is BN-4: the bytes of the one envelope that a statement in parts stands for.
func envelopeOf(parts []byte) []byte {
	take := func(n int) []byte {
		require(n <= len(parts), "BN-4", "%d bytes where %d are left", n, len(parts))
		taken := parts[:n]
		parts = parts[n:]
		return taken
	}
	payload := take(int(binary.BigEndian.Uint32(take(4))))
	count := int(take(1)[0])
	require(1 <= count && count <= 32, "BN-4", "%d signatures", count)
	var signatures []string
	last := ""
	for range count {
		keyid := hex.EncodeToString(take(32))
		require(keyid > last, "BN-4", "key ids do not ascend")
		last = keyid
		length := int(binary.BigEndian.Uint16(take(2)))
		require(1 <= length && length <= 8192, "BN-4", "a signature of %d bytes", length)
		sig := base64.StdEncoding.EncodeToString(take(length))
		signatures = append(signatures, fmt.Sprintf(`{"keyid":"%s","sig":"%s"}`, keyid, sig))
	}
	require(len(parts) == 0, "BN-4", "something after the last signature")
	made := fmt.Appendf(nil, `{"payload":"%s","payloadType":"%s","signatures":[%s]}`,
		base64.StdEncoding.EncodeToString(payload), payloadType, strings.Join(signatures, ","))
	require(len(made) <= 262144, "BN-4", "they make %d bytes", len(made))
	openEnvelope(made)
	return made
}
