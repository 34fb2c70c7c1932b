package main

import (
	"cmp"
	"slices"
)

// A list in force (RK-2, RK-3): of an issuer, and of the delegation of that name where the issuer is not the brand.
type listInForce struct {
	*statement
	counts     bool
	delegation *statement
}

// A line is what a list in force says of something.
type line struct {
	what, action string
}

var strength = map[string]int{"": 0, "keep": 1, "replace": 2, "stop": 3}

// furnish takes delegations and lists, in whatever order: strangers' (`known`), and those that were verified when they
// came (`remembered`), which is the difference that RK-3 makes.
func (c *chain) furnish(known, remembered [][]byte) {
	read := func(raws [][]byte) []*statement {
		var found []*statement
		for _, data := range raws {
			attempt(func() {
				if s := open(openEnvelope(data)); s.str("root") == c.name {
					found = append(found, s)
				}
			})
		}
		return found
	}
	strangers, kept := read(known), read(remembered)
	all := append(slices.Clone(strangers), kept...)
	c.takeLists(all, kept, func(s *statement) bool { return s.str("issuer") == s.str("authority") })
	c.takeDelegations(strangers, kept)
	c.takeLists(all, kept, func(s *statement) bool { return s.str("issuer") != s.str("authority") })
}

// takeLists takes the lists of one sort, which are those of brands and the root, or those of delegations.
func (c *chain) takeLists(all, kept []*statement, sort func(*statement) bool) {
	counting, fallen := map[string]*statement{}, map[string]*statement{}
	for _, s := range all {
		if s.kind == "revocations" && sort(s) && c.vouches(s) && higher(s, counting[s.subject]) {
			counting[s.subject] = c.authenticate(s.envelope.raw, s.kind, s.str("authority"))
		}
	}
	for _, s := range kept {
		if s.kind == "revocations" && sort(s) && !c.vouches(s) && higher(s, fallen[s.subject]) {
			fallen[s.subject] = s
		}
	}
	for subject, s := range counting {
		var limit *statement
		if s.str("issuer") != s.str("authority") {
			// RK-4: whoever has signed it, the list of a delegation reaches no further than the delegation.
			if limit = c.last(subject); limit == nil {
				continue
			}
		}
		c.lists = append(c.lists, &listInForce{s, true, limit})
	}
	for subject, s := range fallen {
		if limit := c.last(subject); !c.ended(s, counting[subject], limit) {
			c.lists = append(c.lists, &listInForce{s, false, limit})
		}
	}
}

// last is the version of a delegation that counts, else the highest that is held, or nil.
func (c *chain) last(subject string) *statement {
	found := c.versions[subject]
	for _, d := range c.held {
		if c.versions[subject] != nil || d.subject != subject {
			continue
		}
		if higher(d, found) || (d.sequence == found.sequence && d.id < found.id) {
			found = d
		}
	}
	return found
}

func higher(s, than *statement) bool { return than == nil || s.sequence > than.sequence }

func (c *chain) vouches(s *statement) bool {
	return attempt(func() { c.authenticate(s.envelope.raw, s.kind, s.str("authority")) }) == nil
}

// ended is RK-3 for a list whose signatures no longer count. `counting` is the one of that issuer that counts, or nil;
// `limit` is the delegation that a delegation's list was signed under, without which it is nobody's.
func (c *chain) ended(s, counting, limit *statement) bool {
	if s.str("issuer") != s.str("authority") {
		return counting != nil || limit == nil || c.strongest(limit) != nil
	}
	if counting == nil {
		return false
	}
	if counting.sequence > s.sequence {
		return true
	}
	brand := c.brands[s.str("authority")]
	return brand != nil && brand.integer("revocations") > 0 && counting.sequence >= brand.integer("revocations")
}

// takeDelegations keeps of each delegation the highest version that the brand's own keys vouch for, and of those the ones
// that no list takes back (AU-6). A stranger's that the brand did not sign is nothing; a remembered one once was something.
func (c *chain) takeDelegations(strangers, kept []*statement) {
	for i, s := range append(slices.Clone(strangers), kept...) {
		if s.kind != "delegation" {
			continue
		}
		// Delegations count for nothing yet, so that only the brand's own keys can vouch (AU-2).
		vouched := c.vouches(s)
		if vouched || i >= len(strangers) {
			c.held = append(c.held, s)
		}
		before := c.versions[s.subject]
		if vouched && (higher(s, before) || c.takesThePlace(s, before)) {
			c.versions[s.subject] = s
		}
	}
	for _, d := range c.versions {
		if c.strongest(d) == nil {
			c.delegations = append(c.delegations, d)
		}
	}
	slices.SortFunc(c.delegations, func(a, b *statement) int { return cmp.Compare(a.subject, b.subject) })
}

// strongest is the strongest line in force that names a statement (RK-1, RK-4, RK-5), or nil.
func (c *chain) strongest(s *statement) *line {
	var found *line
	for _, list := range c.lists {
		if !list.speaksOf(s) {
			continue
		}
		for _, v := range list.get("revoked").list {
			what, action := v.str("what"), v.str("action")
			if !list.counts {
				action = "keep"
			}
			if what != s.id && what != s.kind+" "+s.subject {
				continue
			}
			if found == nil || strength[action] > strength[found.action] {
				found = &line{what, action}
			}
		}
	}
	return found
}

// speaksOf is RK-1's last sentence, RK-4 for what a delegation's list names, and RK-5.
func (l *listInForce) speaksOf(s *statement) bool {
	if s.kind == "revocations" {
		return false
	}
	if l.str("authority") == "root" {
		return s.kind == "brand"
	}
	if s.str("authority") != l.str("authority") {
		return false
	}
	return l.delegation == nil || attempt(func() { within(l.delegation, s) }) == nil
}

// isNotRevoked is RK-1.
func (c *chain) isNotRevoked(s *statement) {
	if l := c.strongest(s); l != nil {
		refuse("RK-1", "%s %s is taken back by %q", s.kind, s.subject, l.what)
	}
}

// listHeld is the sequence of a brand's own list that counts, 0 without one (RC-1).
func (c *chain) listHeld(brand string) int64 {
	for _, list := range c.lists {
		if list.counts && list.subject == brand+"/"+brand {
			return list.sequence
		}
	}
	return 0
}

// reached is RK-6: what the lists in force say of an installed revision, "none" where no line reaches it.
func (c *chain) reached(s *statement) string {
	action := ""
	say := func(l *line) {
		if l != nil && strength[l.action] > strength[action] {
			action = l.action
		}
	}
	say(c.strongest(s))
	brand := c.brands[s.str("authority")]
	if brand != nil {
		say(c.strongest(brand))
	}
	own := brand != nil && attempt(func() { meets(brand.get("keys"), s.envelope) }) == nil
	if signed := c.signedBy(s.envelope, s.str("authority")); !own && !anyCovers(signed, s) {
		for _, d := range c.held {
			vouched := d.str("authority") == s.str("authority") &&
				attempt(func() { meets(d.get("keys"), s.envelope); covered(d, s) }) == nil
			if vouched {
				say(c.strongest(d))
			}
		}
	}
	if action == "" {
		return "none"
	}
	return action
}
