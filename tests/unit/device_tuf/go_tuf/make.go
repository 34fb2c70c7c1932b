//go:build ignore

// Writes the repository beside this file: root keys of three kinds, a second root, a delegation tree, hash prefixes.
//
//	go mod init make && go get github.com/theupdateframework/go-tuf/v2@v2.0.2 && go run make.go
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Whole seconds: fractions are not in the specification, and python-tuf refuses them.
var expires = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)

func must[T any](found T, err error) T {
	if err != nil {
		panic(err)
	}
	return found
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type signer struct {
	key  *metadata.Key
	sign signature.Signer
}

func newSigner(kind string) signer {
	var private crypto.PrivateKey
	var public crypto.PublicKey
	switch kind {
	case "rsa":
		key := must(rsa.GenerateKey(rand.Reader, 2048))
		made := must(signature.LoadRSAPSSSigner(key, crypto.SHA256, nil))
		return signer{must(metadata.KeyFromPublicKey(key.Public())), made}
	case "ecdsa":
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		private, public = key, key.Public()
	default:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		check(err)
		private, public = key, key.Public()
	}
	hash := crypto.Hash(0)
	if kind == "ecdsa" {
		hash = crypto.SHA256
	}
	return signer{must(metadata.KeyFromPublicKey(public)), must(signature.LoadSigner(private, hash))}
}

type signable interface {
	Sign(signature.Signer) (*metadata.Signature, error)
	ToFile(string, bool) error
}

func write(file string, role signable, by ...signer) {
	for _, one := range by {
		must(role.Sign(one.sign))
	}
	check(role.ToFile(filepath.Join("metadata", file), true))
}

func target(role *metadata.Metadata[metadata.TargetsType], name string) {
	data := []byte("go-tuf wrote " + name + "\n")
	info := must(metadata.TargetFile().FromBytes(name, data, "sha256", "sha512"))
	role.Signed.Targets[name] = info
	for _, digest := range info.Hashes {
		path := filepath.Join("targets", filepath.Dir(name), fmt.Sprintf("%s.%s", digest, filepath.Base(name)))
		check(os.MkdirAll(filepath.Dir(path), 0o755))
		check(os.WriteFile(path, data, 0o644))
	}
}

func main() {
	check(os.MkdirAll("metadata", 0o755))
	root := metadata.Root(expires)
	keys := map[string][]signer{}
	for _, name := range []string{metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS} {
		keys[name] = []signer{newSigner("ed25519")}
	}
	keys[metadata.ROOT] = append(keys[metadata.ROOT], newSigner("ecdsa"), newSigner("rsa"))
	for name, own := range keys {
		for _, one := range own {
			check(root.Signed.AddKey(one.key, name))
		}
	}
	root.Signed.Roles[metadata.ROOT].Threshold = 3
	write("1.root.json", root, keys[metadata.ROOT]...)
	next := newSigner("ecdsa")
	check(root.Signed.AddKey(next.key, metadata.TIMESTAMP))
	root.Signed.Roles[metadata.TIMESTAMP].Threshold = 2
	root.Signed.Version = 2
	root.ClearSignatures()
	write("2.root.json", root, keys[metadata.ROOT]...)
	keys[metadata.TIMESTAMP] = append(keys[metadata.TIMESTAMP], next)

	one, other := newSigner("ecdsa"), newSigner("rsa")
	top, docs, hashed := metadata.Targets(expires), metadata.Targets(expires), metadata.Targets(expires)
	target(top, "top.txt")
	target(docs, "docs/deep/file.txt")
	target(hashed, "anything")
	top.Signed.Delegations = &metadata.Delegations{
		Keys: map[string]*metadata.Key{must(one.key.ID()): one.key, must(other.key.ID()): other.key},
		Roles: []metadata.DelegatedRole{
			{Name: "docs", KeyIDs: []string{must(one.key.ID()), must(other.key.ID())}, Threshold: 2, Paths: []string{"docs/*/*.txt"}},
			{Name: "hashed", KeyIDs: []string{must(other.key.ID())}, Threshold: 1, Terminating: true, PathHashPrefixes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"}},
		},
	}
	write("1.targets.json", top, keys[metadata.TARGETS]...)
	write("1.docs.json", docs, one, other)
	write("1.hashed.json", hashed, other)
	snapshot, timestamp := metadata.Snapshot(expires), metadata.Timestamp(expires)
	for _, name := range []string{"targets", "docs", "hashed"} {
		snapshot.Signed.Meta[name+".json"] = metadata.MetaFile(1)
	}
	write("1.snapshot.json", snapshot, keys[metadata.SNAPSHOT]...)
	timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(1)
	write("timestamp.json", timestamp, keys[metadata.TIMESTAMP]...)
}
