package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/budget"
)

// paced runs a test under a fake clock with both ends of a connection that keeps nothing in between, the server's first.
func paced(t *testing.T, test func(t *testing.T, served *patientConn, client net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		under, client := net.Pipe()
		clock, stop := new(seconds), make(chan struct{})
		go clock.run(stop, func() {})
		served := newPatientConn(under, clock)
		defer func() {
			close(stop)
			served.Close()
			client.Close()
			time.Sleep(2 * time.Hour) // until the other ends have seen it
		}()
		test(t, served, client)
	})
}

// rate is so many bytes, again and again.
type rate struct {
	bytes int
	every time.Duration
}

// send sends at a rate until the connection is closed.
func (r rate) send(c net.Conn) {
	for {
		if _, err := c.Write(make([]byte, r.bytes)); err != nil {
			return
		}
		time.Sleep(r.every)
	}
}

// take takes at a rate until the connection is closed.
func (r rate) take(c net.Conn) {
	for {
		if _, err := io.ReadFull(c, make([]byte, r.bytes)); err != nil {
			return
		}
		time.Sleep(r.every)
	}
}

// short is a budget in which somebody finds no room every second.
func short(t *testing.T) *budget.Budget {
	b, stop := budget.New(2), make(chan struct{})
	t.Cleanup(func() { close(stop) })
	refuse := func() {
		held, more := b.Lease(nil), b.Lease(nil)
		held.Raise(1)
		more.Raise(1)
		held.End()
	}
	refuse()
	go func() {
		for {
			select {
			case <-time.After(time.Second):
				refuse()
			case <-stop:
				return
			}
		}
	}()
	return b
}

var paces = map[string]struct {
	rate
	short    bool // others need what is held
	from, to time.Duration
	keepsUp  bool // else it is cut off between from and to
}{
	"1.1 KB/s":                  {rate: rate{110, 100 * time.Millisecond}, keepsUp: true},
	"11 KB every ten seconds":   {rate: rate{11_000, 10 * time.Second}, keepsUp: true},
	"nothing":                   {rate: rate{1, time.Hour}, from: 10 * time.Second, to: 14 * time.Second},
	"a byte each second":        {rate: rate{1, time.Second}, from: 10 * time.Second, to: 14 * time.Second},
	"0.8 KB/s":                  {rate: rate{80, 100 * time.Millisecond}, from: 40 * time.Second, to: 70 * time.Second},
	"5 KB/s of what is needed":  {rate: rate{500, 100 * time.Millisecond}, short: true, keepsUp: true},
	"nothing of what is needed": {rate: rate{1, time.Hour}, short: true, from: time.Second, to: 4 * time.Second},
}

func TestABodyIsPaced(t *testing.T) {
	for name, test := range paces {
		t.Run(name, func(t *testing.T) {
			paced(t, func(t *testing.T, served *patientConn, client net.Conn) {
				var of *budget.Budget
				if test.short {
					of = short(t)
				}
				BeginBody(served, of)
				go test.send(client)
				begun, size := time.Now(), 330_000
				_, err := io.ReadFull(served, make([]byte, size))
				checkPace(t, test.keepsUp, err, time.Since(begun), test.from, test.to)
			})
		})
	}
}

func TestAnAnswerIsPaced(t *testing.T) {
	for name, test := range paces {
		t.Run(name, func(t *testing.T) {
			paced(t, func(t *testing.T, served *patientConn, client net.Conn) {
				if test.short {
					served.answers = short(t)
				}
				go test.take(client)
				begun, size := time.Now(), 330_000
				n, err := served.Write(make([]byte, size))
				if n != size && err == nil {
					t.Error("a short write without an error")
				}
				checkPace(t, test.keepsUp, err, time.Since(begun), test.from, test.to)
			})
		})
	}
}

func checkPace(t *testing.T, keepsUp bool, err error, took, from, to time.Duration) {
	t.Helper()
	switch {
	case keepsUp && err != nil:
		t.Errorf("cut off after %v: %v", took, err)
	case !keepsUp && !errors.Is(err, os.ErrDeadlineExceeded):
		t.Errorf("served in %v: %v", took, err)
	case !keepsUp && (took < from || took > to):
		t.Errorf("cut off after %v, want %v to %v", took, from, to)
	}
}

// What a body's pace asks for ends with it: the next request may be a while away.
func TestAPacedBodyLeavesTheNextRequestItsTime(t *testing.T) {
	paced(t, func(t *testing.T, served *patientConn, client net.Conn) {
		buf := make([]byte, 10)
		BeginBody(served, nil)
		go func() {
			_, _ = client.Write([]byte("body"))
			time.Sleep(50 * time.Second)
			_, _ = client.Write([]byte("next"))
		}()
		for range 2 {
			n, err := served.Read(buf)
			if err != nil || n != 4 {
				t.Fatal(n, err)
			}
			Follow(served, fasthttp.StateIdle)
		}
	})
}

// A deadline that a handler sets holds, however steadily the bytes come.
func TestAStrictDeadlineHolds(t *testing.T) {
	paced(t, func(t *testing.T, served *patientConn, client net.Conn) {
		BeginBody(served, nil)
		go rate{1000, 100 * time.Millisecond}.send(client)
		begun := time.Now()
		if err := served.SetReadDeadline(begun.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{served}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}
