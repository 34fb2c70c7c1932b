// Command sealring-second judges test vectors, from the specification alone.
//
// It shares nothing with the implementation that wrote the vectors: not a line, not a language, not a library. Where
// both read one sentence of SPEC.md in two ways, a vector differs here.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var procedures = map[string]func(*vector) facts{
	"envelope":        checkEnvelope,
	"statement":       checkStatement,
	"root-walk":       checkRootWalk,
	"brand-walk":      checkBrandWalk,
	"chain":           checkChain,
	"kept":            checkKept,
	"approve":         checkApprove,
	"installed":       checkInstalled,
	"rollout":         checkRollout,
	"serial":          checkSerial,
	"agreement":       checkAgreement,
	"requires":        checkRequires,
	"map-proof":       checkMapProof,
	"map-key":         checkMapKey,
	"view":            checkView,
	"view-difference": checkViewDifference,
	"entry":           checkEntry,
	"log":             checkLog,
	"bundle":          checkBundle,
	"report":          checkReport,
	"halt":            checkHalt,
}

// facts are what an accepted vector states, by the names of its headers.
type facts map[string]string

// verdict runs the vector's procedure: what was accepted, or the refusal.
func verdict(v *vector) (found facts, refused *refusal, err error) {
	procedure, ok := procedures[v.header("check")]
	if !ok {
		return nil, nil, fmt.Errorf("no procedure %q", v.header("check"))
	}
	refused = attempt(func() { found = procedure(v) })
	return found, refused, nil
}

// judge says "ok", or what differs between the file and this reader.
func judge(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	v, err := readVector(string(text))
	if err != nil {
		return err.Error()
	}
	found, refused, err := verdict(v)
	if err != nil {
		return err.Error()
	}
	expected, got := v.header("expect"), "accepted"
	if refused != nil {
		got = "refused " + refused.rule
	}
	if got != expected {
		return fmt.Sprintf("expected %s, found %s (%v)", expected, got, refused)
	}
	return compare(v, found)
}

// given are the headers that a procedure is given; every other one states a fact.
var given = []string{"expect", "comment", "check", "at", "proven", "authority", "package", "model", "index", "size",
	"image-limit", "format", "chosen", "groups", "architecture", "agree", "generation", "seen"}

// compare holds the facts that the file states against those found; a file need not state them all.
func compare(v *vector, found facts) string {
	for name, stated := range v.headers {
		value, known := found[name]
		if !known && (slices.Contains(given, name) || name == "type") {
			continue
		}
		if value != stated {
			return fmt.Sprintf("%s: expected %q, found %q", name, stated, value)
		}
	}
	return "ok"
}

// vectorFiles lists every .vec file below a folder, in the order of their names.
func vectorFiles(folder string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".vec") {
			paths = append(paths, path)
		}
		return err
	})
	return paths, err
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sealring-second FOLDER-OF-VECTORS")
		os.Exit(2)
	}
	paths, err := vectorFiles(os.Args[1])
	if err != nil || len(paths) == 0 {
		fmt.Fprintf(os.Stderr, "sealring-second: no vectors in %s: %v\n", os.Args[1], err)
		os.Exit(2)
	}
	differ := 0
	for _, path := range paths {
		name, err := filepath.Rel(os.Args[1], path)
		if err != nil {
			name = path
		}
		answer := judge(path)
		if answer != "ok" {
			differ++
		}
		fmt.Printf("%s: %s\n", filepath.ToSlash(name), answer)
	}
	fmt.Printf("%d vectors, %d differ\n", len(paths), differ)
	if differ > 0 {
		os.Exit(1)
	}
}
