package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// value is JSON as it was read, whatever its spelling; a member that stands twice is kept twice.
type value struct {
	kind  byte // 'o' object, 'a' array, 's' string, 'n' number, '?' true, false or null
	text  string
	names []string
	list  []*value
}

// get returns a member, the last one of that name, or nil.
func (v *value) get(name string) *value {
	for i := len(v.names) - 1; i >= 0; i-- {
		if v.names[i] == name {
			return v.list[i]
		}
	}
	return nil
}

func (v *value) str(name string) string { return v.get(name).text }

func (v *value) integer(name string) int64 { return v.get(name).number() }

func (v *value) number() int64 {
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		panic(err) // its shape was checked before
	}
	return n
}

func (v *value) bytes() []byte {
	data, err := base64.StdEncoding.DecodeString(v.text)
	if err != nil {
		panic(err) // its shape was checked before
	}
	return data
}

func (v *value) instant(name string) time.Time {
	at, err := time.Parse(time.RFC3339, v.str(name))
	if err != nil {
		panic(err) // its shape was checked before
	}
	return at
}

// deepest is a bound beyond all shapes: what lies deeper is out of bounds, whatever it is, and is not read.
const deepest = 100

var errTooDeep = errors.New("out of bounds: nested too deep")

// readJSON reads one JSON text and nothing after it.
func readJSON(data []byte) (*value, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	v, err := readValue(decoder, deepest)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("something after the end")
	}
	return v, nil
}

func readValue(decoder *json.Decoder, depth int) (*value, error) {
	if depth == 0 {
		return nil, errTooDeep
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		return readMembers(decoder, t, depth-1)
	case string:
		return &value{kind: 's', text: t}, nil
	case json.Number:
		return &value{kind: 'n', text: t.String()}, nil
	}
	return &value{kind: '?', text: fmt.Sprint(token)}, nil
}

func readMembers(decoder *json.Decoder, open json.Delim, depth int) (*value, error) {
	v := &value{kind: 'a'}
	if open == '{' {
		v.kind = 'o'
	}
	for decoder.More() {
		if v.kind == 'o' {
			name, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			v.names = append(v.names, name.(string))
		}
		member, err := readValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, member)
	}
	_, err := decoder.Token()
	return v, err
}

// A shape checks a value against its bounds and returns its one spelling; what does not fit is a misfit.
type shape func(*value) string

type misfit string

// readDocument reads a JSON text of a shape. What has not the shape is refused by the rule `bounds`, what is no JSON
// or another spelling of it by the rule `spelling`.
func readDocument(data []byte, form shape, spelling, bounds string) *value {
	v, err := readJSON(data)
	require(!errors.Is(err, errTooDeep), bounds, "%v", err)
	require(err == nil, spelling, "no JSON: %v", err)
	text := fit(v, form, bounds)
	require(text == string(data), spelling, "another spelling")
	return v
}

// fit returns the one spelling of a value, or refuses a misfit by a rule.
func fit(v *value, form shape, rule string) (text string) {
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case misfit:
			refuse(rule, "%s", string(fault))
		default:
			panic(fault)
		}
	}()
	return form(v)
}

func need(holds bool, why string) {
	if !holds {
		panic(misfit(why))
	}
}

// matching is a string that a pattern covers from end to end.
func matching(pattern string, longest int) shape {
	whole := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	return func(v *value) string {
		need(v.kind == 's' && len(v.text) <= longest && whole.MatchString(v.text), "not of the form "+pattern)
		return `"` + v.text + `"`
	}
}

// anyString is a string of any letters, spelt without escapes.
func anyString(v *value) string {
	need(v.kind == 's', "no string")
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v.text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

var plainInteger = regexp.MustCompile(`\A-?(0|[1-9][0-9]*)\z`)

func integer(least, most int64) shape {
	return func(v *value) string {
		need(v.kind == 'n' && len(v.text) <= 20 && plainInteger.MatchString(v.text), "no integer")
		n, err := strconv.ParseInt(v.text, 10, 64)
		need(err == nil && least <= n && n <= most, "integer out of bounds")
		return v.text
	}
}

func boolean(v *value) string {
	need(v.kind == '?' && v.text != "<nil>", "neither true nor false")
	return v.text
}

// octets are base64; what decodes in another spelling is spelt again, and so differs.
func octets(least, most int) shape {
	return func(v *value) string {
		need(v.kind == 's', "no string")
		data, err := base64.StdEncoding.DecodeString(v.text)
		need(err == nil && least <= len(data) && len(data) <= most, "no base64, or of another length")
		return `"` + base64.StdEncoding.EncodeToString(data) + `"`
	}
}

var anyInstant = regexp.MustCompile(`\A(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|[+-]\d\d:\d\d)\z`)

// instant reads any RFC 3339 time and spells it in whole seconds of UTC.
func instant(v *value) string {
	need(v.kind == 's' && anyInstant.MatchString(v.text), "no instant")
	at, err := time.Parse(time.RFC3339, strings.ToUpper(strings.Replace(v.text, " ", "T", 1)))
	need(err == nil, "no such instant")
	return `"` + at.UTC().Format("2006-01-02T15:04:05Z") + `"`
}

// field is a member of an object.
type field struct {
	name     string
	form     shape
	optional bool
}

func must(name string, form shape) field { return field{name, form, false} }

func may(name string, form shape) field { return field{name, form, true} }

// object has these members and no others, spelt in this order.
func object(fields ...field) shape {
	return func(v *value) string {
		need(v.kind == 'o', "no object")
		known := map[string]bool{}
		for _, f := range fields {
			known[f.name] = true
		}
		for _, name := range v.names {
			need(known[name], "an unknown member")
		}
		var members []string
		for _, f := range fields {
			member := v.get(f.name)
			need(member != nil || f.optional, "no member "+f.name)
			if member != nil {
				members = append(members, `"`+f.name+`":`+f.form(member))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	}
}

func spellings(v *value, least, most int, form shape) []string {
	need(v.kind == 'a' && least <= len(v.list) && len(v.list) <= most, "no list, or of another length")
	var items []string
	for _, item := range v.list {
		items = append(items, form(item))
	}
	return items
}

// list is an array in the order of its maker.
func list(least, most int, form shape) shape {
	return func(v *value) string { return "[" + strings.Join(spellings(v, least, most, form), ",") + "]" }
}

// set is an array that is spelt in strictly ascending order of what `key` takes from an item.
func set(least, most int, form shape, key func(*value) string) shape {
	return func(v *value) string {
		items := map[string]string{}
		var keys []string
		for i, item := range spellings(v, least, most, form) {
			k := key(v.list[i])
			if _, twice := items[k]; !twice {
				keys = append(keys, k)
			}
			items[k] = item
		}
		sort.Strings(keys)
		var sorted []string
		for _, k := range keys {
			sorted = append(sorted, items[k])
		}
		return "[" + strings.Join(sorted, ",") + "]"
	}
}

func itself(v *value) string { return v.text }

// by joins members with a slash; the order is that of the joined text.
func by(names ...string) func(*value) string {
	return func(v *value) string {
		var keys []string
		for _, name := range names {
			keys = append(keys, v.str(name))
		}
		return strings.Join(keys, "/")
	}
}

// row is an array of a fixed length with a shape for each place.
func row(forms ...shape) shape {
	return func(v *value) string {
		need(v.kind == 'a' && len(v.list) == len(forms), "a row of another length")
		var items []string
		for i, form := range forms {
			items = append(items, form(v.list[i]))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
}
