// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seen is one request as a server saw it. It has no secret but the end of a
// token.
type seen struct {
	Server string `json:"server"` // address and port
	Method string `json:"method"`
	URI    string `json:"uri"`
	Status int    `json:"status"`

	Authorization string `json:"authorization"` // bearer, basic, other; empty if there was none
	Tail          string `json:"tail"`          // the end of a bearer token
	User          string `json:"user"`          // of a login that was right
	Certificate   string `json:"certificate"`   // SUCCESS, FAILED:reason, NONE; empty on http
	Subject       string `json:"subject"`       // of a certificate, right or wrong

	Referer    string `json:"referer"`
	Cookie     string `json:"cookie"`
	Connection int    `json:"connection"`
}

// marked returns a URL with a query that no other request has, so that what the
// servers saw of it can be told from what they saw of other tests.
func marked(url string) (markedURL, mark string) {
	mark = "test=" + rand.Text()
	return url + "?" + mark, mark
}

// nginxSaw returns the requests with that mark, over all of nginx's servers, in
// the order of the answers.
func (b *bed) nginxSaw(t *testing.T, mark string) []seen {
	t.Helper()
	// An entry is written when an answer has been sent, which may be after it
	// was received. There is one worker: when it has written down a later request,
	// it has written down all before it.
	last, lastMark := marked(b.web + "/mark")
	resp, err := b.client(t, nil).Get(last)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	var entries []seen
	require.Eventually(t, func() bool {
		entries = readAccessLog(t, filepath.Join(b.dir, "nginx", "access.jsonl"))
		return len(withMark(entries, lastMark)) == 1
	}, 10*time.Second, 5*time.Millisecond, "nginx did not write down the last request")
	return withMark(entries, mark)
}

func withMark(entries []seen, mark string) []seen {
	var found []seen
	for _, e := range entries {
		if strings.Contains(e.URI, mark) {
			found = append(found, e)
		}
	}
	return found
}

func readAccessLog(t *testing.T, file string) []seen {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var entries []seen
	for line := range bytes.Lines(content) {
		var e seen
		if bytes.HasSuffix(line, []byte("\n")) { // The last line may be half written.
			require.NoError(t, json.Unmarshal(line, &e), "%s", line)
			entries = append(entries, e)
		}
	}
	return entries
}

// storeSaw returns the requests with that mark that an XRootD saw. It writes a
// request down before it answers, so what has been answered is there. It does
// not write down certificates, and 5.5 shows the header as it came.
func (b *bed) storeSaw(t *testing.T, store, mark string) []seen {
	t.Helper()
	log, err := os.Open(filepath.Join(b.dir, store+".log"))
	require.NoError(t, err)
	defer log.Close()

	// 261124 06:31:14 20513 … got hdr line: Host: localhost
	// The third word is the thread; threads' lines interleave.
	headerLine := regexp.MustCompile(`^\d+ \S+ (\d+) .*got hdr line: (.*)`)
	requestLine := regexp.MustCompile(`^([A-Z]+) (\S+) HTTP/`)
	current := make(map[string]*seen) // by thread
	var all []*seen
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := headerLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		thread, line := m[1], strings.TrimSpace(m[2])
		if r := requestLine.FindStringSubmatch(line); r != nil {
			current[thread] = &seen{Server: store, Method: r[1], URI: r[2]}
			all = append(all, current[thread])
		} else if name, value, _ := strings.Cut(line, ":"); current[thread] != nil && strings.EqualFold(name, "Authorization") {
			current[thread].Authorization, current[thread].Tail = describe(strings.TrimSpace(value))
		}
	}
	require.NoError(t, lines.Err())
	var found []seen
	for _, e := range all {
		if strings.Contains(e.URI, mark) {
			found = append(found, *e)
		}
	}
	return found
}

// describe says of an Authorization header what nginx writes down of it.
func describe(header string) (kind, end string) {
	scheme, rest, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "":
		return "", ""
	case "bearer":
		return "bearer", tail(rest)
	case "basic":
		return "basic", ""
	default:
		return "other", ""
	}
}

// authorizations lists who saw which Authorization.
func authorizations(entries []seen) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, strings.TrimSpace(strings.Join([]string{e.Server, e.Authorization, e.Tail}, " ")))
	}
	return list
}

// serverOf is what nginx calls itself when it is asked by that URL.
func serverOf(url string) string {
	_, hostPort, _ := strings.Cut(url, "://")
	return strings.Replace(hostPort, "localhost", "127.0.0.1", 1)
}
