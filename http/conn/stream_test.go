package conn

import (
	"errors"
	"os"
	"testing"
	"time"
)

// A peer that takes nothing is given up at the next look once it may have nothing more, long before its pace says so.
func TestAStreamThatIsRevokedIsNotWaitedFor(t *testing.T) {
	under, client := pair(t)
	defer client.Close()
	revoked := make(chan struct{})
	close(revoked)
	s := new(Streams).Add(newPatientConn(under, new(seconds)), revoked)
	defer s.Close()
	begun := time.Now()
	err := s.Send(make([]byte, 64<<20), nil, nil)
	if took := time.Since(begun); !errors.Is(err, os.ErrDeadlineExceeded) || took > patienceOut/2 {
		t.Errorf("%v after %v", err, took)
	}
}
