package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func checkRootWalk(v *vector) facts {
	c := readChain(v)
	v.clock().current(c.root)
	return facts{"version": decimal(c.root.sequence), "root-id": c.name}
}

func checkBrandWalk(v *vector) facts {
	c := readChain(v)
	last := c.takeBrands(v.all("brand"))
	v.clock().current(last)
	return facts{"sequence": decimal(last.sequence)}
}

func checkChain(v *vector) facts {
	c, authority := readChain(v), v.header("authority")
	s := c.authenticate(v.one("statement"), v.header("type"), authority)
	held := slices.Concat(v.all("known"), v.all("remembered"), v.all("floor"))
	c.aboveFloor(s, c.floor(held, s))
	c.isNotRevoked(s)
	c.moment(v, s).isCurrent(s)
	return facts{"id": s.id, "subject": s.subject, "under": under(s)}
}

// checkKept is FL-4: the highest, each whose signers no single higher one has all of, and above 8 of those first the ones
// that have a signer whom no higher one has.
func checkKept(v *vector) facts {
	c := readChain(v)
	var found []*statement
	for _, data := range v.all("floor") {
		attempt(func() { found = append(found, c.authenticate(data, v.header("type"), v.header("authority"))) })
	}
	slices.SortFunc(found, func(a, b *statement) int { return cmp.Compare(b.sequence, a.sequence) })
	var useful, own, rest []*statement
	seen := map[string]bool{}
	for _, s := range found {
		signers := c.signers(s)
		within := func(higher *statement) bool { return len(missing(signers, c.signers(higher))) == 0 }
		if slices.ContainsFunc(useful, within) {
			continue
		}
		useful = append(useful, s)
		if len(missing(signers, seen)) > 0 {
			own = append(own, s)
		} else {
			rest = append(rest, s)
		}
		maps.Copy(seen, signers)
	}
	kept := append(own, rest...)
	kept = kept[:min(8, len(kept))]
	slices.SortFunc(kept, func(a, b *statement) int { return cmp.Compare(b.sequence, a.sequence) })
	var sequences []string
	for _, s := range kept {
		sequences = append(sequences, decimal(s.sequence))
	}
	return facts{"kept": strings.Join(sequences, " ")}
}

// signers are the keys of its brand that have signed a statement.
func (c *chain) signers(s *statement) map[string]bool {
	found := map[string]bool{}
	for _, key := range c.brands[s.str("authority")].get("keys").get("keys").list {
		sig, signed := s.envelope.signatures[keyID(key)]
		if signed && counts(key, s.envelope.signed, sig) {
			found[keyID(key)] = true
		}
	}
	return found
}

// missing are the members of one set that another has not.
func missing(of, from map[string]bool) []string {
	var found []string
	for key := range of {
		if !from[key] {
			found = append(found, key)
		}
	}
	return found
}

// under names the delegations that alone vouch for a statement.
func under(s *statement) string {
	var names []string
	for _, d := range s.under {
		names = append(names, d.str("delegation"))
	}
	return strings.Join(names, " ")
}

func checkInstalled(v *vector) facts {
	c := readChain(v)
	return facts{"action": c.reached(open(openEnvelope(v.one("installed"))))}
}

// checkSerial is SN-1 for a device whose Ed25519 key has the public half `device`, if it has one.
func checkSerial(v *vector) facts {
	c, maker := readChain(v), v.header("authority")
	take := func(kind string, data []byte) *statement {
		s := c.authenticate(data, kind, maker)
		c.isNotRevoked(s)
		v.clock().isCurrent(s)
		return s
	}
	model := take("model", v.one("model"))
	var serial *statement
	if data, held := v.optional("serial"); held {
		serial = take("serial", data)
	}
	if model.str("serial") == "none" {
		return facts{}
	}
	device, has := v.optional("device")
	require(serial != nil && has, "SN-1", "no serial, or no key")
	require(serial.str("model") == model.str("model"), "SN-1", "a serial of the model %s", serial.str("model"))
	key := serial.get("key")
	same := key.str("type") == "ed25519" && string(key.get("public").bytes()) == string(device)
	require(same, "SN-1", "a serial of another device")
	return facts{}
}

// checkAgreement is AG-1: each part `shown` is what a fresh store that showed the statement has for TUF root keys.
func checkAgreement(v *vector) facts {
	agree, stores := v.number("agree"), v.all("shown")
	require(apart(stores, nil) >= agree, "AG-1", "fewer than %d stores", agree)
	return facts{"stores": decimal(apart(stores, nil))}
}

// apart is how many of the stores can be chosen so that no two have a key in common, none of them one of those taken.
func apart(stores [][]byte, taken []string) int64 {
	if len(stores) == 0 {
		return 0
	}
	most := apart(stores[1:], taken)
	var keys []string
	for key := range slices.Chunk(stores[0], 32) {
		keys = append(keys, string(key))
	}
	if !slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(taken, key) }) {
		most = max(most, 1+apart(stores[1:], append(slices.Clone(taken), keys...)))
	}
	return most
}

// checkRequires is RQ-1: `generation` is what will run, as packages and their revisions with `=` between.
func checkRequires(v *vector) facts {
	s := readStatement(v.one("payload"))
	running := map[string]string{}
	for _, word := range strings.Fields(v.header("generation")) {
		name, number, _ := strings.Cut(word, "=")
		running[name] = number
	}
	if s.get("requires") != nil {
		for _, wanted := range s.get("requires").list {
			n, err := strconv.ParseInt(running[wanted.str("package")], 10, 64)
			require(err == nil && n >= wanted.integer("revision"), "RQ-1", "no %s", wanted.str("package"))
		}
	}
	return facts{}
}

// checkRollout is RO-1 and RO-2: what a release means for one device.
func checkRollout(v *vector) facts {
	release := readStatement(v.one("payload"))
	target := targetFor(release, v.header("architecture"))
	require(target != nil, "RL-3", "no target")
	yes, chosen := isChosen(v, release.get("rollout")), "no"
	if yes {
		chosen = "yes"
	}
	return facts{"chosen": chosen, "revision": decimal(meant(target, yes))}
}

// isChosen is RO-1; a release without a rollout is for all.
func isChosen(v *vector, plan *value) bool {
	if plan == nil {
		return true
	}
	if v.instant("at").Before(plan.instant("start")) {
		return false
	}
	for _, group := range strings.Fields(v.header("groups")) {
		if slices.ContainsFunc(plan.get("groups").list, func(g *value) bool { return g.text == group }) {
			return true
		}
	}
	seed, err := hex.DecodeString(plan.str("seed"))
	if err != nil {
		panic(err) // its shape was checked before
	}
	mac := hmac.New(sha256.New, v.one("secret"))
	mac.Write(seed)
	drawn := new(big.Int).SetBytes(mac.Sum(nil)[:8])
	drawn.Rsh(drawn.Mul(drawn, big.NewInt(10000)), 64)
	return drawn.Int64() < plan.integer("share")
}

// meant is RO-2.
func meant(target *value, chosen bool) int64 {
	if previous := target.get("previous"); !chosen && previous != nil && previous.number() >= target.integer("minimum") {
		return previous.number()
	}
	return target.integer("revision")
}
