package main

import (
	"encoding/hex"
	"time"
)

const reportType = "application/vnd.sealring.report+json"

var reportForm = object(
	must("format", integer(1, 1)), must("root", digest), must("store", fullName), must("model", fullName),
	may("serial", serialName), must("device", digest), must("number", sequence), must("at", instant),
	must("package", fullName), must("ground", digest), must("revision", revision), may("previous", revision),
	must("event", oneOf("begun", "good", "rolled-back", "failed")), may("reason", text),
)

// checkReport is RP-1, and RP-3 where a serial is held.
func checkReport(v *vector) facts {
	e := openBounded(v.one("report"), bounds{reportType, 8 << 10, 4 << 10, 1})
	report := readDocument(e.payload, reportForm, "RP-1", "RP-1")
	require(len(e.signatures) == 0 || report.get("serial") != nil, "RP-1", "signed, and no serial")
	found := facts{"number": report.get("number").text, "event": report.str("event")}
	data, held := v.optional("serial")
	if !held {
		return found
	}
	c := readChain(v)
	serial := c.authenticate(data, "serial", v.header("authority"))
	c.isNotRevoked(serial)
	v.clock().isCurrent(serial)
	named := report.get("serial") != nil && report.str("model")+"/"+report.str("serial") == serial.subject
	require(named && report.str("root") == serial.str("root"), "RP-3", "another serial or root")
	key := serial.get("key")
	require(counts(key, e.signed, e.signatures[keyID(key)]), "RP-3", "the serial's key has not signed")
	return found
}

var haltForm = object(
	must("format", integer(1, 1)), must("root", digest), must("release", subject), must("id", digest),
	must("reason", text), must("time", instant),
)

// checkHalt is HL-1 and HL-3: whether a device may begin a release of which a store has proven this halt.
func checkHalt(v *vector) facts {
	release := open(openEnvelope(v.one("release")))
	data, leaf := v.one("halt"), readLeafValue(v.one("leaf"))
	require(leaf.id == hash(data) && leaf.digest == leaf.id, "HL-1", "the leaf is of another document")
	require(len(data) <= 1024, "HL-1", "%d bytes", len(data))
	halt := readDocument(data, haltForm, "HL-1", "HL-1")
	here := halt.str("root") == hex.EncodeToString(v.one("root")) && halt.str("release") == release.subject
	require(here, "HL-1", "the halt of %s", halt.str("release"))
	plan := release.get("rollout")
	if plan == nil || halt.str("id") != release.id || halt.str("root") != release.str("root") {
		return facts{}
	}
	now := v.instant("at")
	since := earlier(halt.instant("time"), now)
	if v.header("seen") != "" {
		since = earlier(since, v.instant("seen"))
	}
	until := since.Add(time.Duration(plan.integer("halt")) * time.Second)
	require(!now.Before(until), "HL-3", "halted until %s", until)
	return facts{}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
