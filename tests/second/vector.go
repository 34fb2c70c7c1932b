package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

type part struct {
	name string
	data []byte
}

// vector is one test case: its headers, and its parts in the order of the file.
type vector struct {
	headers map[string]string
	parts   []part
}

// readVector reads the form that tests/vectors/README.md describes.
func readVector(text string) (*vector, error) {
	head, body, ok := strings.Cut(text, "\n\n")
	if !ok {
		return nil, fmt.Errorf("no empty line between headers and parts")
	}
	v := &vector{headers: map[string]string{}}
	for _, line := range strings.Split(head, "\n") {
		name, value, ok := strings.Cut(line, ": ")
		if _, twice := v.headers[name]; !ok || twice {
			return nil, fmt.Errorf("malformed header %q", line)
		}
		v.headers[name] = value
	}
	if body == "" {
		return v, nil
	}
	return v, v.readParts(strings.Split(strings.TrimSuffix(body, "\n"), "\n"))
}

func (v *vector) readParts(lines []string) error {
	for i := 0; i < len(lines); {
		name, short, ok := strings.Cut(lines[i], ":")
		if i++; !ok || strings.HasPrefix(name, " ") {
			return fmt.Errorf("malformed part %q", name)
		}
		var text strings.Builder
		for ; i < len(lines) && strings.HasPrefix(lines[i], " "); i++ {
			text.WriteString(lines[i][1:])
		}
		data, err := base64.StdEncoding.Strict().DecodeString(text.String())
		if short != "" && text.Len() == 0 {
			data, err = oneByteManyTimes(strings.TrimSpace(short))
		}
		if err != nil {
			return fmt.Errorf("part %s: %w", name, err)
		}
		v.parts = append(v.parts, part{name, data})
	}
	return nil
}

// oneByteManyTimes reads "262145 of 20".
func oneByteManyTimes(text string) ([]byte, error) {
	count, octet, _ := strings.Cut(text, " of ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil, err
	}
	one, err := hex.DecodeString(octet)
	if err != nil || len(one) != 1 {
		return nil, fmt.Errorf("%q is not one byte: %v", octet, err)
	}
	return bytes.Repeat(one, n), nil
}

func (v *vector) header(name string) string { return v.headers[name] }

// number is a header that is a count; a vector without it is malformed, which no rule refuses.
func (v *vector) number(name string) int64 {
	n, err := strconv.ParseInt(v.header(name), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("header %s: %v", name, err))
	}
	return n
}

// all returns the parts of one name, in the order of the file.
func (v *vector) all(name string) [][]byte {
	var found [][]byte
	for _, p := range v.parts {
		if p.name == name {
			found = append(found, p.data)
		}
	}
	return found
}

// optional returns the part of that name, and whether it is there.
func (v *vector) optional(name string) ([]byte, bool) {
	found := v.all(name)
	if len(found) > 1 {
		panic("two parts " + name)
	}
	if len(found) == 0 {
		return nil, false
	}
	return found[0], true
}

// one returns the part of that name, which must be there.
func (v *vector) one(name string) []byte {
	data, ok := v.optional(name)
	if !ok {
		panic("no part " + name)
	}
	return data
}
