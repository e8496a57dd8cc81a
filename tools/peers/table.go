package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// markdown is what is printed, and what docs/performance.md takes in.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s; load average %s. %d rounds, each measurement %s after %s of warm-up, %s in all.\n",
		r.Started.Format("2006-01-02 15:04 UTC"), r.Machine, r.Load, len(r.Rounds), r.Duration, r.Warmup, r.Took)
	fmt.Fprintf(&b, "Versions: %s.\n\n", strings.Join(r.Versions, ", "))
	fmt.Fprint(&b, "Medians of the rounds (least to most):\n\n")
	r.figures(&b)
	if slices.Contains(r.Peers, ours) {
		fmt.Fprint(&b, "\nHow many times better FlashQ on files was than each, in the same round "+
			"(above 1: FlashQ is ahead):\n\n")
		r.comparison(&b)
		r.goals(&b)
	}
	for _, f := range r.Failures {
		first, _, _ := strings.Cut(f, "\n")
		fmt.Fprintf(&b, "\nNot measured: %s\n", first)
	}
	fmt.Fprint(&b, "\n") // whatever follows it in a document is no row
	return b.String()
}

func line(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

func header(b *strings.Builder, first string, rest []string) {
	line(b, append([]string{first}, rest...)...)
	line(b, slices.Repeat([]string{"---"}, len(rest)+1)...)
}

func (r *report) figures(b *strings.Builder) {
	header(b, "", r.Peers)
	for _, m := range metrics {
		cells := []string{m.title}
		for _, p := range r.Peers {
			cells = append(cells, cell(r.values(p, m.key), count))
		}
		line(b, cells...)
	}
}

// comparison leaves out what is not measured of both.
func (r *report) comparison(b *strings.Builder) {
	others := slices.DeleteFunc(slices.Clone(r.Peers), func(name string) bool {
		return name == ours || name == oursInMemory
	})
	header(b, "", others)
	for _, m := range metrics {
		cells := []string{m.title}
		for _, p := range others {
			cells = append(cells, cell(r.ratios(m, p), ratio))
		}
		line(b, cells...)
	}
}

// goals are said as they are, met or not.
func (r *report) goals(b *strings.Builder) {
	fmt.Fprint(b, "\n")
	header(b, "goal, of FlashQ on files", []string{"measured", ""})
	goal := func(title, key string, least float64) {
		for _, m := range metrics {
			if all := r.ratios(m, kafkaName); m.key == key && len(all) > 0 {
				line(b, title, cell(all, ratio), met(median(all) >= least))
			}
		}
	}
	goal("1000 B batched at least 5 x Kafka's native producer", rowLarge, 5)
	goal("fetch at least 3 x Kafka's consumer", rowFetch, 3)
	goal("the same, beside the consumer whose JVM is not warm", rowFetchWhole, 3)
	goal("record batches at least 2 x Kafka's, both read by one decoding client", rowDecoded, 2)
	goal("p99 at 1,000 requests/s below Kafka's, each by its own client", rowOwn+p99, 1)
	goal("the same, both by one loop", rowPaced+p99, 1)
	behind := r.behind()
	text := "none"
	if len(behind) > 0 {
		text = strings.Join(behind, "; ")
	}
	line(b, "no row behind a peer whose data are on files (start-up and memory aside)", text, met(len(behind) == 0))
}

// behind are the rows in which a peer on files is ahead of FlashQ, as the table shows it.
func (r *report) behind() []string {
	var all []string
	for _, m := range metrics {
		for _, p := range r.Peers {
			if !m.speed || p == ours || p == oursInMemory || !r.files[p] {
				continue
			}
			if x := r.ratios(m, p); len(x) > 0 && median(x) < 0.995 {
				all = append(all, fmt.Sprintf("%s: %s, %s", m.key, p, ratio(median(x))))
			}
		}
	}
	return all
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "not met"
}

// cell is a median, and how far the rounds are apart.
func cell(values []float64, format func(float64) string) string {
	switch len(values) {
	case 0:
		return "-"
	case 1:
		return format(values[0])
	}
	return fmt.Sprintf("%s (%s to %s)", format(median(values)), format(slices.Min(values)), format(slices.Max(values)))
}

// median is of two middle ones their mean.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func ratio(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return count(v)
}

// count has thousands apart.
func count(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
