package http

import (
	"cmp"
	"math"
	"sort"
	"strconv"
	"strings"

	"flashq/http/request"
	"flashq/http/schema"
)

// mostListed is how many items of a long list an answer has.
const mostListed = 10_000

var limitType = schema.Int(1, mostListed).Else(mostListed).Like(100).Says("how many items at most")

// window is which part of a long, sorted list is asked for: so many items after a name. The zero window shows what an
// answer has room for.
type window struct {
	after string
	limit int // 0: mostListed
}

func (w *window) setLimit(v request.Value) (err error) {
	w.limit, err = v.Int()
	return err
}

// setAfter takes a name; field says of what.
func (w *window) setAfter(field string, v request.Value) (err error) {
	w.after, err = v.NameOf(field)
	return err
}

func (w window) most() int { return cmp.Or(w.limit, mostListed) }

// cut gives the part of a list, sorted by name, that the window shows, and the last name if there are more.
func cut[T any](w window, list []T, name func(T) string) (part []T, last string) {
	from := 0
	if w.after != "" {
		from = sort.Search(len(list), func(i int) bool { return name(list[i]) > w.after })
	}
	part = list[from:]
	if len(part) > w.most() {
		part = part[:w.most()]
		last = name(part[len(part)-1])
	}
	return part, last
}

// rowWindow is a window over the partitions of several topics: after `topic:partition`, or after all of a topic.
type rowWindow struct {
	topic     string
	partition int
	limit     int // 0: mostListed
}

// everyRow shows all.
var everyRow = rowWindow{limit: math.MaxInt}

func (w *rowWindow) setAfter(v request.Value) (err error) {
	topic, partition, given := strings.Cut(string(v.Text), ":")
	w.partition = math.MaxInt
	if given {
		n, ok := request.Digits([]byte(partition))
		if !ok || n > math.MaxInt32 {
			return v.Bad("must be what 'next' was: a topic and a partition, as news:3")
		}
		w.partition = int(n)
	}
	v.Text = []byte(topic)
	w.topic, err = v.NameOf("topic")
	return err
}

func (w *rowWindow) most() int { return cmp.Or(w.limit, mostListed) }

// hides tells that a partition comes before the window.
func (w *rowWindow) hides(topic string, partition int) bool {
	return cmp.Or(strings.Compare(topic, w.topic), cmp.Compare(partition, w.partition)) <= 0 && w.topic != ""
}

// rowName is how a row is named in `after` and `next`.
func rowName(r *offsetRow) string { return r.Topic + ":" + strconv.Itoa(r.Partition) }
