package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

const payloadType = "application/vnd.sealring.assertion+json"

// envelope is a DSSE envelope in its one spelling (EN-1 to EN-4); of its payload nothing is read yet.
type envelope struct {
	payload    []byte
	signatures map[string][]byte // by key id
	signed     []byte            // the bytes that a key signs
	id, digest string
	raw        []byte
}

var envelopeForm = object(
	must("payload", octets(0, 1<<30)),
	must("payloadType", anyString),
	must("signatures", list(0, 1<<30, object(must("keyid", digest), must("sig", octets(1, 1<<30))))),
)

func hash(data ...[]byte) string {
	sum := sha256.Sum256(bytes.Join(data, nil))
	return hex.EncodeToString(sum[:])
}

// bounds are what an envelope of one payload type may hold.
type bounds struct {
	payloadType                  string
	longest, payload, signatures int
}

func openEnvelope(data []byte) *envelope {
	return openBounded(data, bounds{payloadType, 262144, 65536, 32})
}

func openBounded(data []byte, most bounds) *envelope {
	require(len(data) <= most.longest, "EN-1", "%d bytes", len(data))
	v := readDocument(data, envelopeForm, "EN-2", "EN-2")
	require(v.str("payloadType") == most.payloadType, "EN-3", "payload type %q", v.str("payloadType"))
	e := &envelope{payload: v.get("payload").bytes(), signatures: map[string][]byte{}, digest: hash(data), raw: data}
	require(len(e.payload) <= most.payload, "EN-4", "a payload of %d bytes", len(e.payload))
	signatures := v.get("signatures").list
	require(len(signatures) <= most.signatures, "EN-4", "%d signatures", len(signatures))
	last := ""
	for _, s := range signatures {
		sig := s.get("sig").bytes()
		require(len(sig) <= 4096, "EN-4", "a signature of %d bytes", len(sig))
		require(s.str("keyid") > last, "EN-4", "key ids do not ascend")
		last = s.str("keyid")
		e.signatures[last] = sig
	}
	e.signed = fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(most.payloadType), most.payloadType, len(e.payload), e.payload)
	e.id = hash(e.signed)
	return e
}

func checkEnvelope(v *vector) facts {
	e := openEnvelope(v.one("envelope"))
	return facts{"id": e.id, "digest": e.digest}
}
