package main

import "fmt"

// refusal is a rule of SPEC.md saying no. Within this program it travels as a panic, so that each check reads like the
// sentence that it checks; attempt is where it ends.
type refusal struct {
	rule, why string
}

func (r *refusal) String() string {
	if r == nil {
		return "no refusal"
	}
	return r.rule + ": " + r.why
}

// refuse ends the procedure by a rule.
func refuse(rule, why string, values ...any) {
	panic(&refusal{rule, fmt.Sprintf(why, values...)})
}

// require refuses by a rule what does not hold.
func require(holds bool, rule, why string, values ...any) {
	if !holds {
		refuse(rule, why, values...)
	}
}

// attempt runs a check and returns its refusal, or nil. Any other panic is a fault of this program and goes on.
func attempt(check func()) (refused *refusal) {
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case *refusal:
			refused = fault
		default:
			panic(fault)
		}
	}()
	check()
	return nil
}
