package group

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"flashq/broker"
	"flashq/segment/batch"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts in testdata answer, instead of checking it")

// TestScripts plays the stories in testdata. A line with === begins one, in a world of its own; every other line is a
// command, with -> and what it answers where it answers anything. `go test -run Scripts -rewrite` writes the answers
// anew: read the difference. scriptCommands says what there is to command.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			played := playScript(t, strings.Split(string(text), "\n"))
			if !*rewrite {
				return
			}
			if err := os.WriteFile(file, []byte(strings.Join(played, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// playScript gives a script's lines with the answers that came.
func playScript(t *testing.T, lines []string) (played []string) {
	w := newWorld(t)
	for n, line := range lines {
		command, want, _ := strings.Cut(line, "->")
		command, want = strings.TrimRight(command, " "), strings.TrimSpace(want)
		switch {
		case strings.HasPrefix(line, "==="):
			w = newWorld(t)
			fallthrough
		case command == "" || line[0] == '#':
			played = append(played, line)
			continue
		}
		got := w.do(command)
		if got != want && !*rewrite {
			t.Errorf("line %d: %s\n got %s\nwant %s", n+1, command, got, want)
		}
		if got != "" {
			command = fmt.Sprintf("%-40s -> %s", command, got)
		}
		played = append(played, command)
	}
	return played
}

// words are a command's: what stands in order, and name=value.
type words struct {
	plain []string
	named map[string]string
}

func (a words) is(flag string) bool { return slices.Contains(a.plain, flag) }

func (a words) number(name string, otherwise int) int {
	n, err := strconv.Atoi(a.named[name])
	if err != nil {
		return otherwise
	}
	return n
}

func (a words) group() string {
	if g := a.named["group"]; g != "" {
		return g
	}
	return "g"
}

// scriptCommands are, with everything in [] optional; group= is g where it is not given:
//
//	topic NAME N            makes a topic with N partitions anew, or deletes it (0)
//	fetch MEMBER TOPIC [..] a member's call as a fetch of one topic makes it
//	join MEMBER [..]        a member's call; topics=a,b [add]; session=5s; held: it must be a member; room=N topics
//	  .. ack=t-0@5,t-1@6 generation=N; !t is another topic of the name; m[0-9] is ten members, and so for topics
//	commit MEMBER t-0@5 ..  generation=N; MEMBER is - for nobody in particular; force
//	put START               asks for the group; meet TOPIC ends=5,6 [keep]: by a reader; keep: there is no room for it
//	leave MEMBER            wait MEMBER, go MEMBER: a call of it waits from now on, or no longer
//	delete [force]          ends the group
//	sleep 5s                lets time go by as the owner's timer does; clock 5s: and nobody notices
//	restart [epoch=N]       what a start finds in the log; snapshot: the log is that alone; lose: the log is empty
//	group, shard            show it
var scriptCommands = map[string]func(*world, words) (string, error){
	"topic": func(w *world, a words) (string, error) {
		n, err := strconv.Atoi(a.plain[1])
		w.topic(a.plain[0], n)
		return "", err
	},
	"fetch": func(w *world, a words) (string, error) {
		topic := a.plain[1]
		return w.members(a, broker.MemberCall{Topics: []string{topic}, Add: true, Topic: topic})
	},
	"join": func(w *world, a words) (string, error) {
		c := broker.MemberCall{Add: a.is("add"), Held: a.is("held")}
		for _, name := range strings.FieldsFunc(a.named["topics"], comma) {
			c.Topics = append(c.Topics, expand(name)...)
		}
		session, _ := time.ParseDuration(a.named["session"])
		c.SessionMs = session.Milliseconds()
		return w.members(a, c)
	},
	"commit": func(w *world, a words) (string, error) {
		c := broker.Commit{Group: a.group(), Generation: int64(a.number("generation", 0)), Force: a.is("force")}
		if a.plain[0] != "-" {
			c.Member = a.plain[0]
		}
		c, origins, room, _ := of(c, w.offsets(a.plain[1])...)
		_, plan, err := w.shard.Commit(c, origins, room, w.now)
		if err == nil {
			w.write(plan)
		}
		return "", err
	},
	"put": func(w *world, a words) (string, error) {
		w.put(a.group(), a.plain[0])
		return "", nil
	},
	"meet": func(w *world, a words) (string, error) {
		m := Meeting{Topic: a.plain[0]}
		id, _ := w.shape(m.Topic)
		for p, text := range strings.FieldsFunc(a.named["ends"], comma) {
			end, _ := strconv.ParseInt(text, 10, 64)
			m.Ends = append(m.Ends, broker.CommitOffset{Topic: m.Topic, Partition: p, Offset: end})
			m.Origins = append(m.Origins, Origin{TopicID: id, Epoch: 3})
		}
		plan, err := w.shard.Meet(a.group(), []Meeting{m}, roomy, w.now)
		if a.is("keep") {
			plan = w.shard.Keep(plan, a.group(), []Meeting{m}, w.now)
		}
		if err == nil {
			w.write(plan)
		}
		return "", err
	},
	"leave": func(w *world, a words) (string, error) {
		plan, err := w.shard.Leave(a.group(), a.plain[0], w.shape, w.now)
		if err == nil {
			w.write(plan)
		}
		return "", err
	},
	"delete": func(w *world, a words) (string, error) {
		plan, err := w.shard.Delete(a.group(), a.is("force"), w.now)
		if err == nil {
			w.write(plan)
		}
		return "", err
	},
	"wait": func(w *world, a words) (string, error) {
		w.shard.Hold(a.group(), a.plain[0], 0)
		return "", nil
	},
	"go": func(w *world, a words) (string, error) {
		born := w.shard.groups[a.group()].members[a.plain[0]].born
		w.shard.Release(a.group(), a.plain[0], born, w.now)
		return "", nil
	},
	"sleep": func(w *world, a words) (string, error) {
		d, err := time.ParseDuration(a.plain[0])
		w.pass(d.Milliseconds())
		return "", err
	},
	"clock": func(w *world, a words) (string, error) {
		d, err := time.ParseDuration(a.plain[0])
		w.now += d.Milliseconds()
		return "", err
	},
	"restart": func(w *world, a words) (string, error) {
		w.shard = reopened(w.t, w.log)
		w.shard.Enter(int32(a.number("epoch", 0)))
		w.shard.Prune(func(string, [16]byte) bool { return true })
		return "", nil
	},
	"snapshot": func(w *world, _ words) (string, error) {
		w.log = nil
		return "", w.shard.Snapshot(1, func(b batch.Batch) error { w.log = append(w.log, b); return nil })
	},
	"lose": func(w *world, _ words) (string, error) {
		w.log = nil
		return "", nil
	},
	"group": func(w *world, a words) (string, error) {
		g, err := w.shard.Find(a.group(), "", w.shape, w.now)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("generation %d, %d live", g.Generation, g.Live)
		for _, m := range g.Members {
			text += fmt.Sprintf(", %s reads %s", m.Name, strings.Join(m.Topics, " "))
		}
		text += fmt.Sprintf(", all read %s%s", strings.Join(g.Topics, " "), committed(g))
		if g.Start == broker.StartLatest {
			text += fmt.Sprintf(", latest, met %v", g.Met)
		}
		return text, nil
	},
	"shard": func(w *world, _ words) (string, error) {
		return fmt.Sprintf("%d groups, %d subscriptions", w.shard.Len(), w.shard.Subscriptions()), nil
	},
}

// do carries out a command and gives its answer as text.
func (w *world) do(command string) string {
	fields := strings.Fields(command)
	a := words{named: map[string]string{}}
	for _, f := range fields[1:] {
		if name, value, ok := strings.Cut(f, "="); ok {
			a.named[name] = value
		} else {
			a.plain = append(a.plain, f)
		}
	}
	run := scriptCommands[fields[0]]
	if run == nil {
		return "no such command"
	}
	text, err := run(w, a)
	var fenced *broker.FencedError
	switch {
	case errors.As(err, &fenced):
		return fmt.Sprintf("fenced: %v, offset #%d; the group has %d", err, fenced.Index, fenced.Current)
	case err != nil:
		return "refused: " + err.Error()
	}
	return text
}

// members has one member make a call, or several.
func (w *world) members(a words, c broker.MemberCall) (text string, err error) {
	c.Group, c.Create, c.Generation = a.group(), !a.is("held"), int64(a.number("generation", 0))
	names, most := expand(a.plain[0]), int64(a.number("room", int(roomy.All)))
	for _, c.Member = range names {
		m, err := w.joinIn(Room{Left: most, All: most}, c, w.offsets(a.named["ack"])...)
		if err != nil {
			return "", err
		}
		text = fmt.Sprintf("%s, generation %d%s", holdings(m.Assignment), m.Generation, committed(m.Group))
	}
	if len(names) > 1 {
		return fmt.Sprintf("%d answers", len(names)), nil
	}
	return text, nil
}

// offsets reads t-0@5,!t-1@6.
func (w *world) offsets(text string) (all []offset) {
	for _, one := range strings.FieldsFunc(text, comma) {
		place, at, _ := strings.Cut(one, "@")
		o := offset{Origin: Origin{Epoch: 3}}
		o.Topic, _, _ = strings.Cut(strings.TrimPrefix(place, "!"), "-")
		o.TopicID, _ = w.shape(o.Topic)
		if strings.HasPrefix(place, "!") {
			o.TopicID[3]++
		}
		_, partition, _ := strings.Cut(place, "-")
		o.Partition, _ = strconv.Atoi(partition)
		o.Offset, _ = strconv.ParseInt(at, 10, 64)
		all = append(all, o)
	}
	return all
}

func comma(r rune) bool { return r == ',' }

// expand makes m[0-9] ten names.
func expand(name string) (all []string) {
	var first, last int
	stem, span, ok := strings.Cut(name, "[")
	if _, err := fmt.Sscanf(span, "%d-%d]", &first, &last); !ok || err != nil {
		return []string{name}
	}
	for i := first; i <= last; i++ {
		all = append(all, stem+strconv.Itoa(i))
	}
	return all
}

// holdings writes what a member holds: t 0 1, u 0.
func holdings(assignment map[string][]int) string {
	var all []string
	if len(assignment) > 10 {
		return fmt.Sprintf("reads %d topics", len(assignment))
	}
	for topic, partitions := range assignment {
		all = append(all, strings.TrimSpace(topic+" "+strings.Trim(fmt.Sprint(partitions), "[]")))
	}
	slices.Sort(all)
	return "holds " + strings.Join(all, ", ")
}

func committed(g broker.Group) (text string) {
	for i, o := range g.Offsets {
		if i == 0 {
			text = ", committed"
		}
		text += fmt.Sprintf(" %s-%d@%d", o.Topic, o.Partition, o.Offset)
	}
	return text
}
