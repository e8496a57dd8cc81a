package reload

import "sync"

// OnHangup calls do at each SIGHUP, where there is such a thing, until stop is called; do is not called after that.
func OnHangup(do func()) (stop func()) {
	hup, silence := hangups()
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-hup:
				do()
			case <-ended:
				return
			}
		}
	})
	return func() {
		silence()
		close(ended)
		running.Wait()
	}
}
