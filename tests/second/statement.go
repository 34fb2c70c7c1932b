package main

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

const largest = 1<<53 - 1

const namePattern = `[a-z0-9]+(?:-[a-z0-9]+)*`

var (
	name       = matching(namePattern, 40)
	fullName   = pair(namePattern)
	pattern    = pair(namePattern + `|\*`)
	channel    = matching(`[a-z0-9]+(?:[.-][a-z0-9]+)*/(?:stable|candidate|beta|edge)`, 60)
	text       = matching(`[ !#-\[\]-~]*`, 200)
	digest     = matching(`[0-9a-f]{64}`, 64)
	sequence   = integer(1, largest)
	count      = integer(0, largest)
	revision   = integer(1, 1<<31-1)
	words      = matching(`[!#-\[\]-~][ !#-\[\]-~]*`, 200) // a text that begins with something
	typeName   = matching(`[a-z][a-z0-9-]{0,31}`, 32)
	serialName = matching(`[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*`, 64)
	url        = matching(`https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*`, 200)
	kind       = oneOf("app", "base", "boot", "kernel", "os")
	duration   = integer(1, 7*day)
)

func oneOf(words ...string) shape { return matching(strings.Join(words, "|"), 100) }

// pair is a brand, a slash and what follows; each side keeps to the bounds of a name.
func pair(second string) shape {
	whole := matching(namePattern+`/(?:`+second+`)`, 81)
	return func(v *value) string {
		spelt := whole(v)
		for _, side := range strings.Split(v.text, "/") {
			need(len(side) <= 40, "a name above 40 characters")
		}
		return spelt
	}
}

// notes are the members of `x`: names of their own, in ascending order.
func notes(v *value) string {
	need(v.kind == 'o' && 1 <= len(v.list) && len(v.list) <= 16, "x without members, or with too many")
	var fields []field
	for _, n := range v.names {
		name(&value{kind: 's', text: n})
	}
	for _, n := range ascending(v.names) {
		fields = append(fields, must(n, text))
	}
	return object(fields...)(v)
}

const day = 86400

// A kindOfStatement is a row of the table in section 3.
type kindOfStatement struct {
	life    time.Duration
	subject func(*value) string
	members []field
}

func ownSubject(names ...string) func(*value) string {
	return func(v *value) string {
		parts := []string{v.str("authority")}
		for _, n := range names {
			parts = append(parts, v.str(n))
		}
		return strings.Join(parts, "/")
	}
}

func member(n string) func(*value) string { return func(v *value) string { return v.str(n) } }

var types = map[string]kindOfStatement{
	"root": {5 * 366 * day, member("sequence"), []field{
		must("roles", object(must("root", keySetForm), must("brand", keySetForm))),
	}},
	"brand": {2 * 366 * day, member("brand"), []field{
		must("brand", name), must("keys", keySetForm), must("revocations", count),
	}},
	"delegation": {366 * day, ownSubject("delegation"), []field{
		must("delegation", name), must("keys", keySetForm),
		must("roles", set(1, 6, oneOf("model", "release", "revision", "revocations", "serial", "store"), itself)),
		must("packages", set(0, 64, pattern, itself)), must("models", set(0, 64, pattern, itself)),
		must("kinds", set(1, 5, kind, itself)),
	}},
	"model": {2 * 366 * day, ownSubject("model"), []field{
		must("model", name), must("architecture", name),
		must("packages", list(1, 256, object(must("package", fullName), must("channel", channel), must("kind", kind),
			must("presence", oneOf("required", "optional"))))),
		must("stores", list(1, 8, fullName)), must("agree", integer(1, 8)),
		must("offline_age", integer(0, 400*day)), must("serial", oneOf("required", "none")),
		must("end_of_support", instant), must("revocations", count), may("stack", fullName),
	}},
	"revision": {3 * 366 * day, ownSubject("package", "revision", "architecture"), []field{
		must("package", name), must("revision", revision), must("architecture", name), must("kind", kind),
		must("version", words), must("epoch", integer(0, 1000)),
		must("image", object(must("sha256", digest), must("size", integer(1, 1<<40)),
			must("content", oneOf("squashfs", "raw")), may("verity", digest))),
		must("purpose", oneOf("security", "feature")),
		may("requires", set(1, 32, object(must("package", fullName), must("revision", revision)), by("package"))),
		may("health", object(must("command", list(1, 16, words)), must("timeout", duration),
			must("soak", integer(0, 7*day)))),
		may("advisories", list(1, 32, words)), may("sbom", digest),
	}},
	"release": {180 * day, ownSubject("package", "channel"), []field{
		must("package", name), must("channel", channel),
		must("targets", set(1, 16, object(must("architecture", name), must("revision", revision),
			must("minimum", revision), may("previous", revision)), by("architecture"))),
		must("revocations", count),
		may("rollout", object(must("seed", digest), must("share", integer(0, 10000)),
			must("groups", set(0, 32, name, itself)), must("start", instant),
			must("error_threshold", integer(0, 10000)), must("silence", duration), must("halt", duration))),
		may("final", object(must("brand", digest), must("models", set(1, 64, digest, itself)),
			must("revisions", set(1, 64, digest, itself)))),
	}},
	"stack": {180 * day, ownSubject("stack"), []field{
		must("stack", name),
		must("parts", set(1, 256, object(must("package", fullName), must("architecture", name),
			must("revision", revision)), by("package", "architecture"))),
		must("revocations", count),
	}},
	"store": {366 * day, ownSubject("store"), []field{
		must("store", name), must("urls", list(1, 8, url)),
		must("tuf", object(must("version", sequence), must("sha256", digest))),
		must("max_age", integer(60, 14*day)), must("packages", set(1, 64, pattern, itself)),
		must("may_halt", boolean), must("revocations", count),
	}},
	"serial": {20 * 366 * day, ownSubject("model", "serial"), []field{
		must("model", name), must("serial", serialName), must("key", keyForm),
	}},
	"revocations": {366 * day, ownSubject("issuer"), []field{
		must("issuer", name),
		must("revoked", set(0, 256, object(
			must("what", matching(`[0-9a-f]{64}|[a-z]+ [A-Za-z0-9._/-]+`, 200)),
			must("since", instant), must("why", text), must("action", oneOf("keep", "replace", "stop"))), by("what"))),
	}},
}

// statement is a payload that obeys section 3, whoever signed it.
type statement struct {
	*value
	kind, subject   string
	sequence        int64
	issued, expires time.Time
	id              string
	envelope        *envelope
	under           []*statement // the delegations that alone vouch for it; none where the authority's own keys do
}

// readStatement reads a payload by ST-1 to ST-5, and by the rules that its type has for its own members.
func readStatement(payload []byte) *statement {
	require(len(payload) <= 65536, "ST-7", "%d bytes", len(payload))
	v, err := readJSON(payload)
	require(!errors.Is(err, errTooDeep), "ST-3", "%v", err)
	require(err == nil, "ST-1", "no JSON: %v", err)
	require(v.kind == 'o' && v.get("type") != nil && v.get("format") != nil, "ST-3", "no type or no format")
	fit(v.get("type"), anyString, "ST-3")
	fit(v.get("format"), sequence, "ST-3")
	known, ok := types[v.str("type")]
	require(ok && v.str("format") == "1", "ST-2", "type %s, format %s", v.str("type"), v.str("format"))
	fields := append([]field{
		must("type", anyString), must("format", sequence), must("root", digest), must("authority", name),
		must("sequence", sequence), must("issued", instant), must("expires", instant),
		may("not_before", instant), may("x", notes),
	}, known.members...)
	v = readDocument(payload, object(fields...), "ST-1", "ST-3")
	s := &statement{value: v, kind: v.str("type"), subject: known.subject(v), sequence: v.integer("sequence"),
		issued: v.instant("issued"), expires: v.instant("expires")}
	checkTimes(s, known.life*time.Second)
	checkAuthority(s)
	checkMembers(s)
	return s
}

// checkTimes is ST-5.
func checkTimes(s *statement, life time.Duration) {
	require(s.expires.After(s.issued), "ST-5", "it expires before it is issued")
	require(!s.expires.After(s.issued.Add(life)), "ST-5", "it lives too long")
	if s.get("not_before") != nil {
		waits := s.instant("not_before")
		require(!waits.Before(s.issued) && waits.Before(s.expires), "ST-5", "not_before lies outside its life")
	}
}

// checkAuthority is AU-1, and RT-3 for the name of the root.
func checkAuthority(s *statement) {
	ofRoot := s.kind == "root" || s.kind == "brand"
	require(!ofRoot || s.str("authority") == "root", "AU-1", "%s of authority %s", s.kind, s.str("authority"))
	require(s.kind != "brand" || s.str("brand") != "root", "AU-1", "a brand named root")
	others := map[string]bool{"delegation": true}
	require(!others[s.kind] || s.str("authority") != "root", "AU-2", "a %s of the root", s.kind)
	if s.kind == "root" {
		zeros := s.str("root") == strings.Repeat("0", 64)
		require(zeros == (s.sequence == 1), "RT-3", "version %d names the root %s", s.sequence, s.str("root"))
	}
}

// checkMembers is what a type asks of its own members.
func checkMembers(s *statement) {
	switch s.kind {
	case "root":
		checkKeySet(s.get("roles").get("root"))
		checkKeySet(s.get("roles").get("brand"))
	case "brand":
		checkKeySet(s.get("keys"))
	case "delegation":
		checkKeySet(s.get("keys"))
		for _, p := range append(s.get("packages").list, s.get("models").list...) {
			require(brandOf(p.text) == s.str("authority"), "AU-2", "it delegates %s", p.text)
		}
		require(s.str("delegation") != s.str("authority"), "AU-2", "a delegation with the brand's name")
	case "stack":
		for _, p := range texts(s.get("parts"), "package") {
			require(brandOf(p) == s.str("authority"), "AU-1", "a stack with the part %s", p)
		}
	case "revocations":
		checkLines(s)
	case "serial":
		checkKey(s.get("key"))
	case "store":
		urls := s.get("urls").list
		require(len(ascendingTexts(urls)) == len(urls), "ST-1", "one URL twice")
	case "model":
		checkModel(s)
	case "release":
		for _, t := range s.get("targets").list {
			require(t.integer("minimum") <= t.integer("revision"), "RL-1", "a minimum above the revision")
		}
	}
}

// checkLines is RK-4, as far as a list tells by itself: the lines by subject, and who says `stop`.
func checkLines(s *statement) {
	authority := s.str("authority")
	require(authority != "root" || s.str("issuer") == "root", "AU-2", "a list of the root by %s", s.str("issuer"))
	for _, v := range s.get("revoked").list {
		kind, subject, named := strings.Cut(v.str("what"), " ")
		ofBrand := authority != "root" && brandOf(subject) == authority && subject != authority
		ofRoot := authority == "root" && kind == "brand" && len(subject) <= 40 && brandNamed.MatchString(subject)
		require(!named || ofBrand || ofRoot, "RK-4", "%s takes back the %s", authority, v.str("what"))
		delegated := s.str("issuer") != authority
		require(!delegated || v.str("action") != "stop", "RK-4", "a delegation's list stops")
	}
}

var brandNamed = regexp.MustCompile(`\A` + namePattern + `\z`)

// checkModel is MD-1 and SR-1.
func checkModel(s *statement) {
	last := ""
	for _, p := range s.get("packages").list {
		require(p.str("package") > last, "MD-1", "packages do not ascend")
		last = p.str("package")
	}
	stores := map[string]bool{}
	for _, store := range s.get("stores").list {
		require(brandOf(store.text) == s.str("authority"), "SR-1", "the store %s is another brand's", store.text)
		require(!stores[store.text], "MD-1", "the store %s twice", store.text)
		stores[store.text] = true
	}
	require(s.integer("agree") <= int64(len(stores)), "MD-1", "more agreement than stores")
}

func ascendingTexts(values []*value) []string {
	var texts []string
	for _, v := range values {
		texts = append(texts, v.text)
	}
	return ascending(texts)
}

func brandOf(fullName string) string {
	brand, _, _ := strings.Cut(fullName, "/")
	return brand
}

// covers says whether a pattern covers a package.
func covers(pattern, fullName string) bool {
	return pattern == fullName || pattern == brandOf(fullName)+"/*"
}

func checkStatement(v *vector) facts {
	s := readStatement(v.one("payload"))
	return facts{"type": s.kind, "subject": s.subject}
}
