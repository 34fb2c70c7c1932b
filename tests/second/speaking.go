package main

import (
	"slices"
	"strings"
)

// authenticate reads a statement that its authority signed (AU-1, AU-2), however old it is: by the brand's own keys, or by
// those of delegations that cover it.
func (c *chain) authenticate(data []byte, kind, authority string) *statement {
	if authority == "root" {
		return c.authenticateRoots(data, kind)
	}
	brand := c.brands[authority]
	require(brand != nil && c.counts(brand), "BR-1", "the root does not vouch for %s", authority)
	e := openEnvelope(data)
	own := attempt(func() { meets(brand.get("keys"), e) })
	signed := c.signedBy(e, authority)
	if own != nil && len(signed) == 0 {
		panic(own)
	}
	s := open(e)
	c.isAskedFor(s, kind, authority)
	if own != nil {
		s.under = covering(signed, s)
	}
	return s
}

func (c *chain) isAskedFor(s *statement, kind, authority string) {
	require(s.kind == kind, "ST-6", "a %s where a %s was asked for", s.kind, kind)
	require(s.str("authority") == authority, "AU-1", "a statement of %s", s.str("authority"))
	require(s.str("root") == c.name, "ST-4", "a statement of another root")
}

// authenticateRoots is for the one statement of the root that is neither a root nor a brand (AU-2).
func (c *chain) authenticateRoots(data []byte, kind string) *statement {
	require(kind == "revocations", "BR-1", "the root says no %s", kind)
	e := openEnvelope(data)
	meets(c.rootRole(), e)
	s := open(e)
	c.isAskedFor(s, kind, "root")
	return s
}

// signedBy are the delegations of a brand that count and whose threshold an envelope meets, by name.
func (c *chain) signedBy(e *envelope, brand string) []*statement {
	var found []*statement
	for _, d := range c.delegations {
		if d.str("authority") == brand && attempt(func() { meets(d.get("keys"), e) }) == nil {
			found = append(found, d)
		}
	}
	return found
}

// covering are those delegations that cover a statement; where none does, what the first one lacks is the refusal.
func covering(signed []*statement, s *statement) []*statement {
	var found []*statement
	var lacks *refusal
	for _, d := range signed {
		refused := attempt(func() { covered(d, s) })
		if refused == nil {
			found = append(found, d)
		} else if lacks == nil {
			lacks = refused
		}
	}
	if len(found) == 0 {
		panic(lacks)
	}
	return found
}

func anyCovers(signed []*statement, s *statement) bool {
	return slices.ContainsFunc(signed, func(d *statement) bool { return attempt(func() { covered(d, s) }) == nil })
}

// covered is AU-3, AU-4 and AU-5 for all that a statement says.
func covered(d, s *statement) {
	role := s.kind
	if role == "stack" {
		role = "release"
	}
	require(lists(d, "roles", role), "AU-3", "no role for a %s", s.kind)
	require(s.get("final") == nil, "AU-5", "a final release")
	if s.kind == "revocations" {
		require(s.str("issuer") == d.str("delegation"), "AU-5", "the list of %s", s.str("issuer"))
		for _, line := range s.get("revoked").list {
			if kind, subject, named := strings.Cut(line.str("what"), " "); named {
				subjectWithin(d, kind, subject)
			}
		}
		return
	}
	within(d, s)
}

// within is AU-3 and AU-4, roles apart.
func within(d, s *statement) {
	subjectWithin(d, s.kind, s.subject)
	var patterns, kinds []string
	switch s.kind {
	case "revision":
		kinds = append(kinds, s.str("kind"))
		patterns = texts(s.get("requires"), "package")
	case "stack":
		patterns = texts(s.get("parts"), "package")
	case "model":
		patterns, kinds = texts(s.get("packages"), "package"), texts(s.get("packages"), "kind")
	case "store":
		patterns = ascendingTexts(s.get("packages").list)
	}
	for _, p := range patterns {
		require(coversPattern(d, "packages", p), "AU-3", "the package %s", p)
	}
	for _, k := range kinds {
		require(lists(d, "kinds", k), "AU-3", "the kind %s", k)
	}
}

// subjectWithin is what AU-3 and AU-4 ask of a type and a subject alone. The subject begins with the brand's name.
func subjectWithin(d *statement, kind, subject string) {
	parts := strings.Split(subject, "/")
	require(len(parts) >= 2, "AU-4", "the subject %s", subject)
	second := parts[0] + "/" + parts[1]
	switch kind {
	case "revision", "release":
		require(coversPattern(d, "packages", second), "AU-3", "the package %s", second)
	case "model", "serial":
		require(coversPattern(d, "models", second), "AU-3", "the model %s", second)
	default:
		own := d.str("delegation")
		named := (kind == "store" || kind == "stack") && (parts[1] == own || strings.HasPrefix(parts[1], own+"-"))
		require(named, "AU-4", "the %s %s", kind, subject)
	}
}

// lists says whether a list of a delegation's has this very word.
func lists(d *statement, member, word string) bool {
	return slices.ContainsFunc(d.get(member).list, func(v *value) bool { return v.text == word })
}

// coversPattern says whether all that a pattern covers is covered by a delegation's `packages` or `models`.
func coversPattern(d *statement, member, wanted string) bool {
	return slices.ContainsFunc(d.get(member).list, func(v *value) bool { return covers(v.text, wanted) })
}

// texts are one member of every object in a list that may be left out.
func texts(list *value, member string) []string {
	var found []string
	if list != nil {
		for _, v := range list.list {
			found = append(found, v.str(member))
		}
	}
	return found
}
