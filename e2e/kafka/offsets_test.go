package kafka

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/e2e/instance"
)

// said is a line of the dump tool about a record of __consumer_offsets.
var said = regexp.MustCompile(`(?m)^\| offset: \d+ .* key: (\{.*\}) payload: (.*)$`)

// Kafka's own tool reads what groups committed, and finds in each log what HTTP said, also after a kill -9.
func TestKafkaReadsWhatGroupsCommitted(t *testing.T) {
	dir := t.TempDir()
	broker := instance.Start(t, "--storage=file", "--data-dir="+dir)
	broker.CreateTopic(t, "news", 2)
	broker.Produce(t, "news", "application/x-ndjson", []byte(strings.Repeat("{\"value\":\"x\"}\n", 500)))
	call := func(status int, method, path, body string) {
		t.Helper()
		broker.Must(t, status, method, path, "application/json", []byte(body), nil)
	}
	call(http.StatusCreated, "PUT", "/groups/late", `{"start":"latest"}`)
	call(http.StatusOK, "POST", "/groups/readers/offsets", `{"offsets":[{"topic":"news","at":"latest","metadata":"batch 42"}]}`)
	call(http.StatusOK, "POST", "/groups/readers/offsets", `{"offsets":[{"topic":"news","partition":1,"offset":0}]}`)
	call(http.StatusOK, "POST", "/groups/gone/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":0}]}`)
	call(http.StatusNoContent, "DELETE", "/groups/gone", "")
	call(http.StatusOK, "PUT", "/groups/shared/members/a", `{"topics":["news"]}`)
	call(http.StatusOK, "PUT", "/groups/shared/members/b", `{"topics":["news"]}`)
	call(http.StatusOK, "PUT", "/groups/left/members/a", `{"topics":["news"]}`)
	call(http.StatusNoContent, "DELETE", "/groups/left/members/a", "")
	call(http.StatusOK, "PUT", "/groups/late/members/a", `{"topics":["news"]}`)
	broker.Kill()
	broker = instance.Start(t, "--storage=file", "--data-dir="+dir)
	var offsets struct {
		Offsets []struct {
			Committed int64 `json:"committed_offset"`
			Metadata  string
		}
	}
	broker.Must(t, http.StatusOK, "GET", "/groups/readers/offsets?topic=news", "", nil, &offsets)
	broker.Stop(t)

	first := offsets.Offsets[0].Committed // all records of partition 0, and the others are in 1
	want := map[string]string{
		"late": "consumer latest 1", "late news--1": `0 ""`, "gone news-0": "deleted",
		"late news-0": fmt.Sprintf("%d %q", first, ""), "late news-1": fmt.Sprintf("%d %q", 500-first, ""), "shared": "consumer  2", "left": "deleted",
		"readers news-0": fmt.Sprintf("%d %q", first, "batch 42"),
		"readers news-1": fmt.Sprintf("%d %q", 0, ""),
	}
	if diff := cmp.Diff(want, lastWords(t, dir)); diff != "" {
		t.Errorf("(-HTTP +Kafka's tool):\n%s", diff)
	}
}

// lastWords gives what a data folder's logs of offsets say last of each group, and of each of its commits.
func lastWords(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "__consumer_offsets-*", "*.log"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no logs of offsets (%v)", err)
	}
	out, complains, err := dump("--offsets-decoder", "--deep-iteration", "--print-data-log", "--files", strings.Join(paths, ","))
	if err != nil || complains != "" {
		t.Fatalf("DumpLogSegments objects: %v %s", err, complains)
	}
	if n, sound := strings.Count(out, "baseOffset: "), strings.Count(out, "isvalid: true"); n == 0 || n != sound {
		t.Fatalf("%d of %d batches are valid", sound, n)
	}
	words := map[string]string{}
	for _, m := range said.FindAllStringSubmatch(out, -1) {
		var key struct {
			Type string
			Data struct {
				Group, Topic string
				Partition    int
			}
		}
		var value struct {
			Data struct {
				Offset                           int64
				LeaderEpoch                      int
				Metadata, ProtocolType, Protocol string
				Generation                       int
				TopicID                          string `json:"topicId"`
			}
		}
		if err := json.Unmarshal([]byte(m[1]), &key); err != nil {
			t.Fatalf("%v in %s", err, m[1])
		}
		name, d := key.Data.Group, &value.Data
		if key.Type == "1" {
			name += fmt.Sprintf(" %s-%d", key.Data.Topic, key.Data.Partition)
		}
		if m[2] == "<DELETE>" {
			words[name] = "deleted"
			continue
		}
		if err := json.Unmarshal([]byte(m[2]), &value); err != nil {
			t.Fatalf("%v in %s", err, m[2])
		}
		words[name] = fmt.Sprintf("%s %s %d", d.ProtocolType, d.Protocol, d.Generation)
		if key.Type == "1" {
			words[name] = fmt.Sprintf("%d %q", d.Offset, d.Metadata)
			noted := key.Data.Partition < 0 // that a topic was met: it may be none
			if d.LeaderEpoch != 0 || (len(d.TopicID) == 22) == noted {
				t.Errorf("commit of %s: epoch %d, topic id %q", name, d.LeaderEpoch, d.TopicID)
			}
		}
	}
	return words
}
