package budget

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Those who want much and never give it back leave room for those who want little, down to the smallest.
func TestLargeLeasesLeaveRoomForSmallOnes(t *testing.T) {
	const limit = 256 << 20
	b := New(limit)
	for _, size := range []int{16 << 20, 8 << 20, 1 << 20, 128 << 10} {
		taken := 0
		for ; ; taken++ {
			if l := b.Lease(nil); !l.Raise(size) {
				break
			}
		}
		if taken == 0 {
			t.Errorf("no room for %d bytes", size)
		}
	}
	if used := b.Used(); used > limit {
		t.Errorf("%d bytes are held of %d", used, limit)
	}
	small := b.Lease(nil)
	if !small.Raise(64 << 10) {
		t.Error("a small lease is locked out")
	}
}

func TestALeaseLargerThanTheBudgetGoesOneAtATime(t *testing.T) {
	b := New(2 << 20)
	first, second, small := b.Lease(nil), b.Lease(nil), b.Lease(nil)
	if !first.Raise(100) || !first.Raise(5<<20) || !first.Raise(6<<20) {
		t.Fatal("an idle budget refuses a request that is alone")
	}
	if second.HasRoom(5<<20) || second.Raise(5<<20) {
		t.Error("two leases are each larger than the budget")
	}
	if !second.Raise(1<<20) || !small.Raise(64<<10) {
		t.Error("a large lease locks ordinary ones out")
	}
	moved := first.Move()
	first.End()
	moved.Lower(100)
	if third := b.Lease(nil); third.Raise(5 << 20) {
		t.Error("a moved lease is not the one that is out any more")
	}
	moved.End()
	moved.End()
	second.End()
	small.End()
	if b.Used() != 0 || !second.HasRoom(5<<20) {
		t.Errorf("%d bytes are held by nobody", b.Used())
	}
}

func TestAShareBoundsItsHolderOnly(t *testing.T) {
	b, other := New(100<<20), New(100<<20)
	share := NewShare(10 << 20)
	one, two, stranger := b.Lease(share), other.Lease(share), b.Lease(nil)
	if !one.Raise(8<<20) || two.Raise(3<<20) || !stranger.Raise(8<<20) {
		t.Error("a share is no bound on its holder alone")
	}
	if b.Short() || other.Short() {
		t.Error("a holder that used up its share makes the budget short for all")
	}
	one.Lower(7 << 20)
	if !two.Raise(3 << 20) {
		t.Error("what was given back is not there")
	}
	one.End()
	two.End()
	if alone := b.Lease(share); !alone.Raise(30 << 20) {
		t.Error("a request alone is refused for ever")
	}
}

func TestABudgetIsShortForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(100)
		held, more := b.Lease(nil), b.Lease(nil)
		if !held.Raise(50) || more.Raise(40) || !b.Short() {
			t.Error("a refusal leaves no trace")
		}
		time.Sleep(shortFor)
		if b.Short() {
			t.Error("short for ever")
		}
		if more.HasRoom(40) || !b.Short() {
			t.Error("a look that found no room leaves no trace")
		}
	})
}

// Whatever goes on at once, the bound holds and everything comes back.
func TestBudgetUnderConcurrency(t *testing.T) {
	b, share := New(1000), NewShare(600)
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 5000 {
				l := b.Lease(share)
				for range 3 {
					l.Raise(rng.IntN(900))
				}
				if used := b.Used(); used > 1000 {
					t.Errorf("%d are held", used)
				}
				l.Lower(rng.IntN(100))
				moved := l.Move()
				l.End()
				moved.End()
			}
		})
	}
	wg.Wait()
	if b.Used() != 0 || share.used.Load() != 0 || b.alone.Load() {
		t.Errorf("left: %d, %d of the share, alone %v", b.Used(), share.used.Load(), b.alone.Load())
	}
}
