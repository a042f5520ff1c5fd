// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// startTimeout is how long all servers together may take to answer.
const startTimeout = 40 * time.Second

// bed is a set of running servers with the credentials they know. Nothing in it
// changes once it has started.
type bed struct {
	dir string // everything is in here
	material
	addresses
	processes []*leashed
}

// addresses are where the servers listen. All but those that say otherwise are
// https URLs without a path.
type addresses struct {
	tokenStore string // XRootD that knows tokens alone
	certStore  string // XRootD that knows certificates alone
	bothStore  string // XRootD that knows both

	web       string // nginx; where redirects start
	otherPort string // nginx: the same host, another port
	otherHost string // nginx: another host (127.0.0.2)
	plain     string // nginx: http
	untrusted string // nginx: with a certificate of an authority that nobody trusts
	issuer    string // nginx: publishes the token issuer's keys
}

// start makes credentials and configurations and starts all servers. If it
// fails, nothing keeps running.
func start() (_ *bed, err error) {
	if err := checkMachine(); err != nil {
		return nil, err
	}
	// Not TMPDIR: XRootD makes sockets in here, whose path may have 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "sci")
	if err != nil {
		return nil, err
	}
	b := &bed{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.stop())
		}
	}()
	broom, err := leash("janitor", "", os.Environ(), "sh", "-c", janitor, "janitor", dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	b.processes = append(b.processes, broom)
	if err := os.Chmod(dir, 0o755); err != nil { // The servers run as other users.
		return nil, err
	}
	if b.addresses, err = freeAddresses(); err != nil {
		return nil, err
	}
	if b.material, err = mintMaterial(dir, b.issuer); err != nil {
		return nil, err
	}
	for _, startServer := range []func(*bed) (*leashed, error){startNginx, startTokenStore, startCertStore, startBothStore} {
		p, err := startServer(b)
		if err != nil {
			return nil, err
		}
		b.processes = append(b.processes, p)
	}
	return b, b.waitUntilHealthy()
}

// stop ends the servers, in the end the janitor, who removes the folder.
func (b *bed) stop() error {
	var errs []error
	for i := len(b.processes) - 1; i >= 0; i-- {
		errs = append(errs, b.processes[i].stop())
	}
	return errors.Join(errs...)
}

// freeAddresses finds ports that nobody listens on.
func freeAddresses() (a addresses, err error) {
	port := func(hosts ...string) string {
		if err != nil {
			return ""
		}
		var p string
		p, err = freePort(hosts...)
		return p
	}
	a.tokenStore = "https://localhost:" + port("127.0.0.1")
	a.certStore = "https://localhost:" + port("127.0.0.1")
	a.bothStore = "https://localhost:" + port("127.0.0.1")
	a.web = "https://localhost:" + port("127.0.0.1")
	other := port("127.0.0.1", "127.0.0.2")
	a.otherPort, a.otherHost = "https://localhost:"+other, "https://127.0.0.2:"+other
	a.plain = "http://localhost:" + port("127.0.0.1")
	a.untrusted = "https://localhost:" + port("127.0.0.1")
	a.issuer = "https://localhost:" + port("127.0.0.1")
	return a, err
}

// freePort returns a port that is free on all the hosts. The kernel deals out
// ports in turn, so that it does not return the same one twice in a row.
func freePort(hosts ...string) (string, error) {
	var errs []error
	for range 20 {
		port, err := "0", error(nil)
		for _, host := range hosts {
			var l net.Listener
			if l, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
				errs = append(errs, err)
				break
			}
			defer l.Close()
			_, port, _ = net.SplitHostPort(l.Addr().String())
		}
		if err == nil {
			return port, nil
		}
	}
	return "", errors.Join(errs...)
}

// portOf returns the port of one of the addresses.
func portOf(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }

// waitUntilHealthy waits until every server answers. Any answer will do: what
// the servers answer is for the tests.
func (b *bed) waitUntilHealthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // The untrusted one must answer too.
		DisableKeepAlives: true,
	}}
	urls := map[string][]string{
		"nginx":       {b.web, b.otherPort, b.otherHost, b.plain, b.untrusted, b.issuer},
		"token-store": {b.tokenStore},
		"cert-store":  {b.certStore},
		"both-store":  {b.bothStore},
	}
	for _, p := range b.processes {
		for _, url := range urls[p.name] {
			if err := p.waitFor(ctx, client, url); err != nil {
				return fmt.Errorf("%s at %s: %w; its log ends with:\n%s", p.name, url, err, logTail(p.log))
			}
		}
	}
	return nil
}

// waitFor asks until an answer comes, the process ends or ctx does.
func (p *leashed) waitFor(ctx context.Context, client *http.Client, url string) error {
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, url+"/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-pause.C:
		case <-p.done:
			return errors.New("the server ended by itself")
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startTimeout, err)
		}
	}
}

// logTail returns the last lines of a log without the secrets that XRootD
// writes there.
func logTail(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	lines = lines[max(0, len(lines)-25):]
	secret := regexp.MustCompile(`(?i)(authorization: *|authz=|bearer[ %20]+)\S.*`)
	return secret.ReplaceAllString(strings.Join(lines, "\n"), "$1(left out)")
}

// write makes a file, and the folders it is in, under the test bed's folder.
func write(mode os.FileMode, content []byte, path ...string) (string, error) {
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(file, content, mode); err != nil {
		return "", err
	}
	return file, os.Chmod(file, mode) // Whatever the umask is.
}
