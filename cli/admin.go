package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"
)

// blockProfileRate samples one blocking event in so many nanoseconds blocked; it is only on beside an admin address.
const blockProfileRate = 10_000

// admin serves profiles to whoever tunes the broker. It has an address of its own, so that no client of the API can
// reach it.
type admin struct {
	server   *http.Server
	listener net.Listener
	served   chan error
}

// startAdmin listens on a loopback address; "" is none, and nil.
func startAdmin(listen string) (*admin, error) {
	if listen == "" {
		return nil, nil //nolint:nilnil // no admin address is no error
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	runtime.SetBlockProfileRate(blockProfileRate)
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	a := &admin{
		server:   &http.Server{Handler: loopbackHosts(mux), ReadHeaderTimeout: 5 * time.Second},
		listener: listener,
		served:   make(chan error, 1),
	}
	go func() { a.served <- a.server.Serve(listener) }()
	return a, nil
}

// loopbackHosts refuses names that a web page had rebound to this machine.
func loopbackHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !isLoopback(host) {
			http.Error(w, "this address is for this machine only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// announce says where it is: the port may have been chosen by the system.
func (a *admin) announce(logger *slog.Logger) {
	if a != nil {
		logger.Info("profiles are served", "admin_addr", a.listener.Addr().String(), "path", "/debug/pprof/")
	}
}

// close ends it at once: a profile that is being taken is cut off.
func (a *admin) close() error {
	if a == nil {
		return nil
	}
	err := a.server.Close()
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
