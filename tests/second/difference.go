package main

import (
	"encoding/hex"
	"slices"
	"strings"
)

var differenceForm = object(
	must("format", integer(1, 1)),
	must("removed", set(0, 4096, row(typeName, sequence, subject), rowKey)),
	must("changed", set(0, 4096, row(typeName, sequence, subject, sequence, digest, digest), rowKey)),
)

// checkViewDifference is BN-5, for a view that is held.
func checkViewDifference(v *vector) facts {
	base := readDocument(v.one("view"), viewForm, "VW-1", "VW-1")
	data := v.one("difference")
	require(len(data) <= 1<<20, "BN-5", "%d bytes", len(data))
	difference := readDocument(data, differenceForm, "BN-5", "BN-5")
	rows := map[string]string{}
	for _, r := range base.get("statements").list {
		rows[rowKey(r)] = spelt(r)
	}
	removed, changed := difference.get("removed").list, difference.get("changed").list
	for _, r := range removed {
		_, there := rows[rowKey(r)]
		require(there, "BN-5", "%q is not there to be removed", rowKey(r))
		delete(rows, rowKey(r))
	}
	for _, r := range changed {
		same := func(other *value) bool { return rowKey(other) == rowKey(r) }
		require(!slices.ContainsFunc(removed, same), "BN-5", "%q is removed and changed", rowKey(r))
		zeros := strings.Repeat("0", 64)
		require(r.list[4].text != zeros && r.list[5].text != zeros, "BN-5", "a removal is listed")
		rows[rowKey(r)] = spelt(r)
	}
	made := []byte(`{"format":1,"root":"` + base.str("root") + `","model":"` + base.str("model") + `","statements":[`)
	made = append(made, strings.Join(inOrder(rows), ",")+"]}"...)
	require(hash(made) == hex.EncodeToString(v.one("to")), "BN-5", "it leads to another view")
	require(len(made) <= 1<<20 && len(rows) <= 4096, "BN-5", "what comes out is too large")
	return facts{"rows": decimal(int64(len(rows)))}
}

// spelt is a row of a view in its one spelling.
func spelt(v *value) string {
	return row(typeName, sequence, subject, sequence, digest, digest)(v)
}

// inOrder returns what stands under the keys, in ascending order of these.
func inOrder(rows map[string]string) []string {
	var keys, found []string
	for key := range rows {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		found = append(found, rows[key])
	}
	return found
}
