package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"slices"
)

// counts says whether a signature by this key counts (KY-2); of an unknown type none does (KY-4).
func counts(key *value, message, sig []byte) bool {
	public := key.get("public").bytes()
	switch key.str("type") {
	case "ed25519":
		return ed25519Counts(public, message, sig)
	case "ecdsa-p256":
		digest := sha256.Sum256(message)
		return ecdsaCounts(elliptic.P256(), public, digest[:], sig)
	case "ecdsa-p384":
		digest := sha512.Sum384(message)
		return ecdsaCounts(elliptic.P384(), public, digest[:], sig)
	case "ml-dsa-65":
		return mldsaCounts(public, message, sig)
	}
	return false
}

// ecdsaCounts is KY-2 for ECDSA: two numbers of fixed length in range, the second in the lower half.
func ecdsaCounts(curve elliptic.Curve, public, digest, sig []byte) bool {
	order := curve.Params().N
	half := (order.BitLen() + 7) / 8
	if len(sig) != 2*half {
		return false
	}
	r, s := new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:])
	low := new(big.Int).Rsh(order, 1)
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(order) >= 0 || s.Cmp(low) > 0 {
		return false
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, public)
	return err == nil && ecdsa.Verify(key, digest, r, s)
}

// mldsaCounts is KY-2 for ML-DSA-65: FIPS 204 as it stands, pure, with an empty context.
func mldsaCounts(public, message, sig []byte) bool {
	key, err := mldsa.NewPublicKey(mldsa.MLDSA65(), public)
	return err == nil && mldsa.Verify(key, message, sig, &mldsa.Options{}) == nil
}

// ed25519Counts is KY-2 for Ed25519. The library holds S below the order, uses no cofactor, and compares R as bytes with a
// point that it encodes itself; what it lets through is a key or an R of small order, and a key encoded twice.
func ed25519Counts(key, message, sig []byte) bool {
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
