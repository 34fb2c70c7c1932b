package main

import (
	"slices"
	"time"
)

const tenMinutes = 10 * time.Minute

// chain is what a device trusts: today's root, and the latest statement about each brand.
type chain struct {
	root   *statement
	name   string // the id of version 1 of the root
	brands map[string]*statement

	versions    map[string]*statement // by subject: of each delegation the version that counts, also if revoked (AU-6)
	delegations []*statement          // those of them that are not revoked, by subject
	held        []*statement          // every version of a delegation that counts or once counted
	lists       []*listInForce
}

func open(e *envelope) *statement {
	s := readStatement(e.payload)
	s.id, s.envelope = e.id, e
	return s
}

func (c *chain) rootRole() *value { return c.root.get("roles").get("root") }

func (c *chain) brandRole() *value { return c.root.get("roles").get("brand") }

// anchored begins with the root that came with the device's image (RT-4).
func anchored(data []byte) *chain {
	s := open(openEnvelope(data))
	require(s.kind == "root", "ST-6", "a %s where the root belongs", s.kind)
	c := &chain{root: s, name: s.str("root"), brands: map[string]*statement{}, versions: map[string]*statement{}}
	if s.sequence == 1 {
		c.name = s.id
	}
	meets(c.rootRole(), s.envelope)
	return c
}

// takeRoot walks one version (RT-1 to RT-3); nothing of it is read before the root of today has signed it.
func (c *chain) takeRoot(data []byte) {
	e := openEnvelope(data)
	meets(c.rootRole(), e)
	next := open(e)
	require(next.kind == "root", "ST-6", "a %s where the root belongs", next.kind)
	require(next.str("root") == c.name, "ST-4", "a version of another root")
	require(next.sequence == c.root.sequence+1, "RT-2", "version %d after %d", next.sequence, c.root.sequence)
	meets(next.get("roles").get("root"), e)
	c.root = next
}

// counts is BR-1.
func (c *chain) counts(brand *statement) bool {
	return attempt(func() { meets(c.brandRole(), brand.envelope) }) == nil
}

// takeBrands takes one walk of statements about one brand (BR-1 to BR-3) and returns the last.
func (c *chain) takeBrands(walk [][]byte) *statement {
	var last, held *statement
	counting := false
	for i, data := range walk {
		next := open(openEnvelope(data))
		require(next.kind == "brand", "ST-6", "a %s where a brand belongs", next.kind)
		require(next.str("root") == c.name, "ST-4", "a brand of another root")
		if i == 0 {
			held = c.brands[next.subject]
			last, counting = held, held != nil && c.counts(held)
		}
		require(last == nil || last.subject == next.subject, "BR-2", "the walk changes its brand")
		if last != nil {
			c.follows(last, next, counting)
		}
		last, counting = next, true
	}
	meets(c.brandRole(), last.envelope)
	c.brands[last.subject] = last
	return last
}

// follows is BR-2, and FL-1 and FL-3 where the one before counts; one that counts no more is no floor (BR-3).
func (c *chain) follows(last, next *statement, counting bool) {
	if next.id == last.id {
		return
	}
	byRoot := attempt(func() { meets(c.rootRole(), next.envelope) }) == nil
	if !byRoot {
		meets(last.get("keys"), next.envelope)
	}
	require(!counting || next.sequence >= last.sequence, "FL-1", "sequence %d after %d", next.sequence, last.sequence)
	require(!counting || next.sequence > last.sequence, "FL-3", "another statement of sequence %d", next.sequence)
	require(byRoot || next.sequence == last.sequence+1, "BR-2", "sequence %d after %d", next.sequence, last.sequence)
}

// moment is the instant of a check as an authority sees it, and whether the clock proves it (TM-4, TM-5).
type moment struct {
	at     time.Time
	proven bool
}

// clock is the instant of the vector as it stands.
func (v *vector) clock() moment { return moment{v.instant("at"), v.header("proven") != "no"} }

// moment raises the clock by the dates that bound a statement's time (TM-4): those of the root, of its brand, and of what
// its brand said; where only delegations vouch for it, also of what was said under them, by the earliest of them.
func (c *chain) moment(v *vector, s *statement) moment {
	latest := map[string]time.Time{"root": c.root.issued}
	raise := func(whose string, seen *statement) {
		if seen.issued.After(latest[whose]) {
			latest[whose] = seen.issued
		}
	}
	for name, brand := range c.brands {
		if c.counts(brand) {
			raise(name, brand)
		}
	}
	for _, data := range v.all("seen") {
		var seen *statement
		attempt(func() {
			read := open(openEnvelope(data))
			seen = c.authenticate(data, read.kind, read.str("authority"))
		})
		if seen != nil {
			for _, whose := range seen.vouchers() {
				raise(whose, seen)
			}
		}
	}
	floor := later(latest["root"], latest[s.str("authority")])
	if len(s.under) > 0 {
		whose := s.vouchers()
		earliest := slices.MinFunc(whose, func(a, b string) int { return latest[a].Compare(latest[b]) })
		floor = later(floor, latest[earliest])
	}
	return v.clock().raised(floor)
}

// vouchers are the delegations that alone vouch for a statement, by subject; else its authority.
func (s *statement) vouchers() []string {
	var subjects []string
	for _, d := range s.under {
		subjects = append(subjects, d.subject)
	}
	if len(subjects) == 0 {
		subjects = append(subjects, s.str("authority"))
	}
	return subjects
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// raised is the later of clock and floor; a clock that lies behind the floor proves nothing (TM-5).
func (m moment) raised(floor time.Time) moment {
	return moment{later(m.at, floor), m.proven && !m.at.Add(tenMinutes).Before(floor)}
}

// current is TM-1 to TM-3.
func (m moment) current(s *statement) { m.judge(s, false) }

func (m moment) judge(s *statement, lifted bool) {
	require(lifted || m.at.Before(s.expires), "TM-1", "%s %s expired", s.kind, s.subject)
	require(!m.proven || !s.issued.After(m.at.Add(tenMinutes)), "TM-2", "%s %s is issued ahead", s.kind, s.subject)
	if s.get("not_before") != nil {
		require(!m.at.Before(s.instant("not_before")), "TM-3", "%s %s waits", s.kind, s.subject)
	}
}

// isCurrent is time for a statement, and for one of those delegations that alone vouch for it (AU-6).
func (m moment) isCurrent(s *statement) { m.isCurrentOr(s, false) }

// isCurrentOr is isCurrent for a statement whose end of life may have been lifted (EL-2).
func (m moment) isCurrentOr(s *statement, lifted bool) {
	m.judge(s, lifted)
	var refused *refusal
	for _, d := range s.under {
		refused = attempt(func() { m.current(d) })
		if refused == nil {
			return
		}
	}
	if refused != nil {
		panic(refused)
	}
}

// floor is the highest remembered statement of the subject that counts under today's keys (FL-2). Of two with one
// sequence the first stands, unless a line names it by its id and not the other (FL-5).
func (c *chain) floor(remembered [][]byte, s *statement) *statement {
	var highest *statement
	for _, data := range remembered {
		attempt(func() {
			held := c.authenticate(data, s.kind, s.str("authority"))
			if held.subject == s.subject && (higher(held, highest) || c.takesThePlace(held, highest)) {
				highest = held
			}
		})
	}
	return highest
}

// takesThePlace is FL-5.
func (c *chain) takesThePlace(s, of *statement) bool {
	byID := func(s *statement) bool {
		l := c.strongest(s)
		return l != nil && l.what == s.id
	}
	return s.id != of.id && s.sequence == of.sequence && byID(of) && !byID(s)
}

// aboveFloor is FL-1 and FL-3.
func (c *chain) aboveFloor(s, floor *statement) {
	if floor == nil || s.id == floor.id {
		return
	}
	require(s.sequence >= floor.sequence, "FL-1", "sequence %d below %d", s.sequence, floor.sequence)
	if c.takesThePlace(s, floor) {
		return
	}
	require(s.sequence > floor.sequence, "FL-3", "another statement of sequence %d", s.sequence)
	if s.kind == "revision" {
		same := s.get("image").str("sha256") == floor.get("image").str("sha256")
		require(same, "FL-3", "a second image of one revision")
	}
}

func (v *vector) instant(name string) time.Time {
	at, err := time.Parse(time.RFC3339, v.header(name))
	if err != nil {
		panic(err)
	}
	return at
}

// readChain begins with the anchor and takes roots and held brands in the order of the file, then what else is known.
func readChain(v *vector) *chain {
	c := anchored(v.one("anchor"))
	for _, p := range v.parts {
		switch p.name {
		case "root":
			c.takeRoot(p.data)
		case "held":
			c.takeBrands([][]byte{p.data})
		}
	}
	c.furnish(v.all("known"), v.all("remembered"))
	return c
}
