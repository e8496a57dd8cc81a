package http

import (
	"testing"

	"flashq/actor"
)

// While the broker recovers, probes are answered and everything else is told to come back.
func TestRecovering(t *testing.T) {
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	f := serve(t, Config{Progress: func() (done, total int64) { return 3, 8 }})
	a := f.get("/ready").want(t, 503)
	var ready struct {
		Status, Reason string
		Details        struct {
			Progress struct {
				Recovered  int `json:"partitions_recovered"`
				Partitions int
			}
		}
	}
	a.decode(t, &ready)
	if ready.Reason != "recovering" || ready.Details.Progress.Recovered != 3 || ready.Details.Progress.Partitions != 8 ||
		a.header.Get("Retry-After") == "" {
		t.Errorf("not ready: %s", a.body)
	}
	f.get("/health").want(t, 200)
	if st := f.stats("").Storage; st.Ready || st.NotReady != "recovering" {
		t.Errorf("%+v", st)
	}
	for _, path := range []string{"/topics", "/topics/t/records?timeout_ms=1000", "/groups"} {
		f.get(path).wantError(t, 503, "recovering")
	}
	f.post("/topics/t/records", `{"records":[{"value":"a"}]}`).wantError(t, 503, "recovering")
	f.s.Open(engine)
	f.get("/ready").want(t, 200)
	f.produce("/topics/t/records", `{"value":"a"}`)
}
