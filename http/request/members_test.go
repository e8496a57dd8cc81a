package request

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"flashq/http/fault"
)

// What is counted is what encoding/json would make.
func TestCountItems(t *testing.T) {
	for _, list := range []string{
		`[]`, ` [ \n\t] `, `[1]`, `[1,2,3]`, `[[]]`, `[{}]`, `[[],[]]`, `[""]`, `["a,b"]`, `["]"]`, `["\\",","]`, `["\"",","]`,
		`[{"a":[1,2,{"b":3}]},[4,5],"[",null,true]`, `[[[[1,2],3],4],5]`,
	} {
		list = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(list)
		var items []json.RawMessage
		if err := json.Unmarshal([]byte(list), &items); err != nil {
			t.Fatal(list, err)
		}
		if n := countItems(json.RawMessage(strings.TrimSpace(list))); n != len(items) {
			t.Errorf("%s has %d items, counted %d", list, len(items), n)
		}
	}
}

func TestListJudgesItsCountFirst(t *testing.T) {
	for _, test := range []struct {
		list string
		n    int // it is refused for
	}{{`[]`, 0}, {`[1,2,3,4]`, 4}} {
		_, err := List("topics", json.RawMessage(test.list), 3, "It takes 1 to %d")
		var e *fault.Error
		if !errors.As(err, &e) || e.Details["actual_size"] != test.n {
			t.Errorf("%s: %v", test.list, err)
		}
	}
	if got, err := List("topics", json.RawMessage(`[1,2,3]`), 3, ""); err != nil || len(got) != 3 {
		t.Error(got, err)
	}
}

// An object of very many members is refused before they are all there.
func TestAnObjectHasABound(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"a":1`)
	for i := range mostMembers {
		text.WriteString(`,"` + strings.Repeat("b", i+1) + `":1`)
	}
	_, err := SplitObject([]byte(text.String() + "}"))
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.WrongType {
		t.Error(err)
	}
}
