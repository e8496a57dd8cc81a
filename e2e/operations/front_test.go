package operations

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// patience bounds whatever is waited for.
const patience = 20 * time.Second

// host is the name that the configurations serve.
const host = "queue.example.com"

// kind is a proxy: how the configuration in docs/operations is made one of a test, and started.
type kind struct {
	name, file      string
	listens, socket string // what the file says of its address, and what a test puts there; SOCKET is a path
	start           func(dir, config string) (args []string, err error)
}

var kinds = []kind{
	{"nginx", "nginx.conf", "listen 8000;", "listen unix:SOCKET;", startNginx},
	{"haproxy", "haproxy.cfg", "bind :8000", "bind unix@SOCKET", func(_, config string) ([]string, error) {
		return []string{"-db", "-f", config}, nil
	}},
	{"caddy", "Caddyfile", host + " {", "{\n\tadmin off\n}\nhttp://" + host + " {\n\tbind unix/SOCKET",
		func(_, config string) ([]string, error) {
			return []string{"run", "--adapter", "caddyfile", "--config", config}, nil
		}},
}

// startNginx puts the file where Debian's nginx.conf would include it.
func startNginx(dir, config string) ([]string, error) {
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	whole := "daemon off; master_process off; error_log stderr; pid " + dir + "/pid; user " + who.Username + ";\n" +
		"events {}\nhttp {\naccess_log off;\n"
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		whole += what + "_temp_path " + dir + "/" + what + ";\n"
	}
	path := filepath.Join(dir, "main.conf")
	err = os.WriteFile(path, []byte(whole+"include "+config+";\n}\n"), 0o644)
	return []string{"-p", dir, "-c", path}, err
}

// front is a proxy that runs before a broker. Any goroutine may call.
type front struct {
	*http.Client

	t      *testing.T
	broker *instance.Instance
}

// before starts a proxy before a broker that has just started. Both end with the test.
func (k kind) before(t *testing.T, args ...string) *front {
	t.Helper()
	broker := instance.Start(t, args...)
	dir, err := os.MkdirTemp("", "flashq-proxy-") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, config := filepath.Join(dir, "socket"), filepath.Join(dir, k.file)
	if err := os.WriteFile(config, []byte(k.config(t, socket, broker.Addr)), 0o644); err != nil {
		t.Fatal(err)
	}
	args, err = k.start(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	k.run(t, dir, args)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	f := &front{&http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: patience}, t, broker}
	f.serves()
	return f
}

// config is the file of the docs with a test's addresses.
func (k kind) config(t *testing.T, socket, broker string) string {
	t.Helper()
	text := operations(t, k.file)
	for from, to := range map[string]string{k.listens: strings.ReplaceAll(k.socket, "SOCKET", socket), "127.0.0.1:8080": broker} {
		if strings.Count(text, from) != 1 {
			t.Fatalf("%s says %q %d times", k.file, from, strings.Count(text, from))
		}
		text = strings.Replace(text, from, to, 1)
	}
	return text
}

// operations is a file of docs/operations.
func operations(t *testing.T, name string) string {
	t.Helper()
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "operations", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (k kind) run(t *testing.T, dir string, args []string) {
	t.Helper()
	tools := os.Getenv("FLASHQ_OPERATIONS")
	said := instance.NewJournal()
	cmd := exec.Command(filepath.Join(tools, "bin", k.name), args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(tools, "lib"), "HOME="+dir)
	cmd.Stdout, cmd.Stderr = said, said
	instance.DieWithTest(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of %s:\n%s", k.name, said)
		}
	})
}

// serves waits until the proxy has found the broker.
func (f *front) serves() {
	f.t.Helper()
	again, late := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer again.Stop()
	for {
		var err error
		res, err := f.Do(f.ask(f.t.Context(), "GET", "/health", nil, "Host", "localhost:80"))
		if err == nil {
			res.Body.Close()
			if res.StatusCode < 500 {
				return
			}
			err = errors.New(res.Status)
		}
		select {
		case <-again.C:
		case <-late:
			f.t.Fatal("the proxy does not serve: ", err)
		}
	}
}

// ask is a request; headers are names and values, and Host is one of them.
func (f *front) ask(ctx context.Context, method, path string, body io.Reader, headers ...string) *http.Request {
	f.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+host+path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1]) // as it is spelled
		}
	}
	return req
}

// answer is a whole one.
type answer struct {
	*http.Response

	body string
}

func (f *front) call(method, path, body string, headers ...string) answer {
	f.t.Helper()
	a, err := f.try(f.ask(f.t.Context(), method, path, strings.NewReader(body), headers...))
	if err != nil {
		f.t.Fatalf("%s %.80s: %v", method, path, err)
	}
	return a
}

// try is what other goroutines than the test's call.
func (f *front) try(req *http.Request) (answer, error) {
	res, err := f.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res, string(text)}, err
}

// wants is an answer with a status; an error's code, too, which the proxy's own pages do not have.
func (a answer) wants(t *testing.T, status int, code string) answer {
	t.Helper()
	var said struct{ Error string }
	_ = json.Unmarshal([]byte(a.body), &said) // records are no object with an error
	if a.StatusCode != status || said.Error != code {
		t.Errorf("%s %.80s: status %d %q instead of %d %q: %.200s", a.Request.Method, a.Request.URL, a.StatusCode,
			said.Error, status, code, a.body)
	}
	if a.Header.Get("FlashQ-Request-Id") == "" {
		t.Errorf("%s %.80s: not the broker's answer: %v", a.Request.Method, a.Request.URL, a.Header)
	}
	return a
}

// lines opens a stream.
func (f *front) lines(path, accept string) *bufio.Reader {
	f.t.Helper()
	res, err := f.Do(f.ask(f.t.Context(), "GET", path, nil, "Accept", accept))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		f.t.Fatal(res.Status)
	}
	return bufio.NewReader(res.Body)
}

func (f *front) produce(value string) {
	f.t.Helper()
	f.call("POST", "/topics/news/records", value, "Content-Type", "text/plain").wants(f.t, 200, "")
}
