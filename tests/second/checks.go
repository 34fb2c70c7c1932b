package main

import (
	"slices"
	"strconv"
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
	aboveFloor(s, c.floor(v.all("floor"), s))
	c.moment(v, authority).current(s)
	return facts{"id": s.id, "subject": s.subject}
}

// approval is what section 8 looks at: one package of one model.
type approval struct {
	model, store, release, revision, before *statement
	brands                                  []*statement // the model's and the package's
	packageName                             string
}

func checkApprove(v *vector) facts {
	c, maker, wanted := readChain(v), v.header("authority"), v.header("package")
	publisher := brandOf(wanted)
	a := &approval{packageName: wanted}
	a.model = c.authenticate(v.one("model"), "model", maker)
	a.store = c.authenticate(v.one("store"), "store", maker)
	a.release = c.authenticate(v.one("release"), "release", publisher)
	a.revision = c.authenticate(v.one("revision"), "revision", publisher)
	a.brands = []*statement{c.brands[maker], c.brands[publisher]}
	if before, held := v.optional("before"); held {
		a.before = c.authenticate(before, "release", publisher)
		aboveFloor(a.release, a.before)
	}
	for _, s := range append(a.brands, c.root, a.model, a.release, a.revision) {
		v.clock().current(s)
	}
	a.fits()
	a.isOfThisEdition()
	return facts{"revision": decimal(a.revision.integer("revision"))}
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

// fits is SR-2, RL-2 to RL-4 and RV-1.
func (a *approval) fits() {
	covered := func(p *value) bool { return covers(p.text, a.packageName) }
	require(slices.ContainsFunc(a.store.get("packages").list, covered), "SR-2", "the store is not for %s", a.packageName)
	line, architecture := a.row(), a.model.str("architecture")
	follows := a.packageName + "/" + line.str("channel")
	require(a.release.subject == follows, "RL-2", "%s is released, %s is followed", a.release.subject, follows)
	target := targetFor(a.release, architecture)
	require(target != nil, "RL-3", "no target for %s", architecture)
	if a.before != nil && a.before.subject == a.release.subject {
		if old := targetFor(a.before, architecture); old != nil {
			least := old.integer("minimum")
			require(target.integer("revision") >= least && target.integer("minimum") >= least, "RL-4", "below %d", least)
		}
	}
	built := a.packageName + "/" + target.str("revision") + "/" + architecture
	require(a.revision.subject == built, "RV-1", "%s is built, %s is released", a.revision.subject, built)
	require(a.revision.str("kind") == line.str("kind"), "RV-1", "a %s, not a %s", a.revision.str("kind"), line.str("kind"))
}

// isOfThisEdition is RC-1 and ED-1.
func (a *approval) isOfThisEdition() {
	for _, s := range append(a.brands, a.model, a.store, a.release) {
		require(s.integer("revocations") == 0, "RC-1", "%s %s names a revocation list", s.kind, s.subject)
	}
	require(a.model.integer("agree") == 1, "ED-1", "stores must agree")
	require(a.model.str("serial") == "none", "ED-1", "a serial is required")
	require(a.model.get("stack") == nil, "ED-1", "a stack")
	require(a.release.get("rollout") == nil, "ED-1", "a rollout")
	require(a.revision.get("requires") == nil, "ED-1", "requirements")
	require(a.revision.integer("epoch") == 0, "ED-1", "an epoch")
	require(a.revision.str("kind") == "app", "ED-1", "the kind %s", a.revision.str("kind"))
	content := a.revision.get("image").str("content")
	require(content == "squashfs", "ED-1", "the content %s", content)
}
