package main

import "time"

const tenMinutes = 10 * time.Minute

// chain is what a device trusts: today's root, and the latest statement about each brand.
type chain struct {
	root   *statement
	name   string // the id of version 1 of the root
	brands map[string]*statement
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
	c := &chain{root: s, name: s.str("root"), brands: map[string]*statement{}}
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

// authenticate reads a statement that its authority signed (AU-1, AU-2), however old it is.
func (c *chain) authenticate(data []byte, kind, authority string) *statement {
	brand := c.brands[authority]
	require(brand != nil && c.counts(brand), "BR-1", "the root does not vouch for %s", authority)
	e := openEnvelope(data)
	meets(brand.get("keys"), e)
	s := open(e)
	require(s.kind == kind, "ST-6", "a %s where a %s was asked for", s.kind, kind)
	require(s.str("authority") == authority, "AU-1", "a statement of %s", s.str("authority"))
	require(s.str("root") == c.name, "ST-4", "a statement of another root")
	return s
}

// moment is the instant of a check as an authority sees it, and whether the clock proves it (TM-4, TM-5).
type moment struct {
	at     time.Time
	proven bool
}

// clock is the instant of the vector as it stands.
func (v *vector) clock() moment { return moment{v.instant("at"), v.header("proven") != "no"} }

// moment raises the clock by the dates of the root, of the authority's brand, and of its statements seen.
func (c *chain) moment(v *vector, authority string) moment {
	m, floor := v.clock(), c.root.issued
	raise := func(s *statement) {
		if s.issued.After(floor) {
			floor = s.issued
		}
	}
	if brand := c.brands[authority]; brand != nil && c.counts(brand) {
		raise(brand)
	}
	for _, data := range v.all("seen") {
		var s *statement
		attempt(func() { s = c.authenticate(data, readStatement(openEnvelope(data).payload).kind, authority) })
		if s != nil {
			raise(s)
		}
	}
	m.proven = m.proven && !m.at.Add(tenMinutes).Before(floor)
	if floor.After(m.at) {
		m.at = floor
	}
	return m
}

// current is TM-1 to TM-3.
func (m moment) current(s *statement) {
	require(m.at.Before(s.expires), "TM-1", "%s %s expired", s.kind, s.subject)
	require(!m.proven || !s.issued.After(m.at.Add(tenMinutes)), "TM-2", "%s %s is issued ahead", s.kind, s.subject)
	if s.get("not_before") != nil {
		require(!m.at.Before(s.instant("not_before")), "TM-3", "%s %s waits", s.kind, s.subject)
	}
}

// floor is the highest remembered statement of the subject that counts under today's keys (FL-2).
func (c *chain) floor(remembered [][]byte, s *statement) *statement {
	var highest *statement
	for _, data := range remembered {
		attempt(func() {
			held := c.authenticate(data, s.kind, s.str("authority"))
			if held.subject == s.subject && (highest == nil || held.sequence > highest.sequence) {
				highest = held
			}
		})
	}
	return highest
}

// aboveFloor is FL-1 and FL-3.
func aboveFloor(s, floor *statement) {
	if floor == nil || s.id == floor.id {
		return
	}
	require(s.sequence >= floor.sequence, "FL-1", "sequence %d below %d", s.sequence, floor.sequence)
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

// readChain begins with the anchor and takes roots and held brands in the order of the file.
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
	return c
}
