package main

import "slices"

// approval is what section 8 looks at: one package of one model.
type approval struct {
	*chain
	model, store, release, stack, revision, before *statement
	brands                                         []*statement // the model's and the package's
	packageName                                    string
	chosen                                         bool
}

func checkApprove(v *vector) facts {
	c, maker, wanted := readChain(v), v.header("authority"), v.header("package")
	publisher := brandOf(wanted)
	a := &approval{chain: c, packageName: wanted, chosen: v.header("chosen") != "no"}
	a.model = c.authenticate(v.one("model"), "model", maker)
	a.store = c.authenticate(v.one("store"), "store", maker)
	a.revision = c.authenticate(v.one("revision"), "revision", publisher)
	if data, stacked := v.optional("stack"); stacked {
		a.stack = c.authenticate(data, "stack", publisher)
	} else {
		a.release = c.authenticate(v.one("release"), "release", publisher)
	}
	a.brands = []*statement{c.brands[maker], c.brands[publisher]}
	if before, held := v.optional("before"); held {
		a.before = c.authenticate(before, "release", publisher)
		if a.release != nil {
			c.aboveFloor(a.release, a.before)
		}
	}
	a.counts(v.clock())
	require(slices.ContainsFunc(a.store.get("packages").list, func(p *value) bool { return covers(p.text, wanted) }),
		"SR-2", "the store is not for %s", wanted)
	a.fits(v.clock())
	a.isOfThisEdition()
	if data, runs := v.optional("running"); runs {
		running := c.authenticate(data, "revision", publisher)
		require(a.revision.integer("epoch") >= running.integer("epoch"), "EP-1", "a lower epoch")
	}
	return facts{"revision": decimal(a.revision.integer("revision"))}
}

// ground is why the revision is installed: a release, or a stack.
func (a *approval) ground() *statement {
	if a.stack != nil {
		return a.stack
	}
	return a.release
}

// counts is RK-1, RC-1, the times, and EL-1 and EL-2, which keep the last release from expiring.
func (a *approval) counts(clock moment) {
	lifted := map[string]bool{}
	if a.release != nil && a.release.get("final") != nil {
		meets(a.brandRole(), a.release.envelope)
		final := a.release.get("final")
		lifted[a.release.id], lifted[final.str("brand")] = true, true
		for _, id := range append(slices.Clone(final.get("models").list), final.get("revisions").list...) {
			lifted[id.text] = true
		}
	}
	said := append(slices.Clone(a.brands), a.model, a.store, a.ground(), a.revision)
	for _, s := range said {
		a.isNotRevoked(s)
	}
	for _, s := range said {
		if s.get("revocations") != nil {
			authority := s.str("authority")
			if s.kind == "brand" {
				authority = s.str("brand")
			}
			require(a.listHeld(authority) >= s.integer("revocations"), "RC-1", "%s names a later list", s.subject)
		}
	}
	for _, s := range append(slices.Clone(a.brands), a.root, a.model, a.ground(), a.revision) {
		clock.isCurrentOr(s, lifted[s.id])
	}
}

// row is the model's line about the package.
func (a *approval) row() *value {
	for _, p := range a.model.get("packages").list {
		if p.str("package") == a.packageName {
			return p
		}
	}
	refuse("MD-1", "the model does not list %s", a.packageName)
	return nil
}

// targetFor is a release's target for an architecture, or nil.
func targetFor(release *statement, architecture string) *value {
	for _, t := range release.get("targets").list {
		if t.str("architecture") == architecture {
			return t
		}
	}
	return nil
}

// fits is RL-2 to RL-4, SK-1 and SK-2, RV-1, and AU-3 for the kind, by a delegation that is current itself.
func (a *approval) fits(clock moment) {
	line, architecture := a.row(), a.model.str("architecture")
	number := a.released(line, architecture)
	built := a.packageName + "/" + decimal(number) + "/" + architecture
	require(a.revision.subject == built, "RV-1", "%s is built, %s is wanted", a.revision.subject, built)
	kind := a.revision.str("kind")
	require(kind == line.str("kind"), "RV-1", "a %s, not a %s", kind, line.str("kind"))
	under := a.ground().under
	given := func(d *statement) bool {
		return lists(d, "kinds", kind) && attempt(func() { clock.current(d) }) == nil
	}
	require(len(under) == 0 || slices.ContainsFunc(under, given), "AU-3", "a %s was not given", kind)
}

// released is the number that the release or stack means for this device.
func (a *approval) released(line *value, architecture string) int64 {
	channel := a.packageName + "/" + line.str("channel")
	least := int64(0)
	if a.before != nil && a.before.subject == channel {
		if old := targetFor(a.before, architecture); old != nil {
			least = old.integer("minimum")
		}
	}
	if a.stack != nil {
		follows := a.model.get("stack") != nil && a.model.str("stack") == a.stack.subject
		require(follows, "SK-1", "the model does not follow %s", a.stack.subject)
		for _, p := range a.stack.get("parts").list {
			if p.str("package") == a.packageName && p.str("architecture") == architecture {
				require(p.integer("revision") >= least, "SK-2", "below %d", least)
				return p.integer("revision")
			}
		}
		refuse("SK-1", "the stack does not list %s", a.packageName)
	}
	require(a.release.subject == channel, "RL-2", "%s is released, %s is followed", a.release.subject, channel)
	target := targetFor(a.release, architecture)
	require(target != nil, "RL-3", "no target for %s", architecture)
	require(target.integer("revision") >= least && target.integer("minimum") >= least, "RL-4", "below %d", least)
	return meant(target, a.chosen)
}

// isOfThisEdition is ED-1.
func (a *approval) isOfThisEdition() {
	require(a.revision.str("kind") == "app", "ED-1", "the kind %s", a.revision.str("kind"))
	content := a.revision.get("image").str("content")
	require(content == "squashfs", "ED-1", "the content %s", content)
}
