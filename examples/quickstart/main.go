// SPDX-License-Identifier: BSD-3-Clause

// Quickstart shows what scicred does for a program, without a credential and
// without a network:
//
//	go run ./examples/quickstart
//
// It makes a home with three credentials, starts servers on this machine that
// demand one each, and fetches from them. Each line of its account that begins
// with "ok" has been checked against what the servers received; if one does not
// hold, it says FAILED and the program exits with 1.
//
// In this file is what a program of yours would do. The home and the servers
// are in stage.go, the account is in account.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/scicred/scicred"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	s, err := newStage()
	if err != nil {
		return err
	}
	defer s.close()
	return tour(ctx, out, s)
}

// get fetches a URL. There is nothing of scicred in it but CheckResponse, which
// turns a refusal into an error that says what was sent and why it failed.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if err := scicred.CheckResponse(resp); err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func tour(ctx context.Context, out io.Writer, s *stage) error {
	a := &account{out: out}
	a.printf("A user's home with a token, a proxy and a netrc file: %s\nServers that want one each, on this machine: %s and others\n", s.home, s.data)

	// These lines are all that a program needs. Yours says
	// scicred.NewTransport(nil), which means http.DefaultTransport and the
	// environment of the process. Here the base is one that finds the servers of
	// the stage, and the options let it look at the home of the stage.
	transport, err := scicred.NewTransport(s.site.Transport(), s.options()...)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport}

	a.title("Every valid credential goes along")
	_, err = get(ctx, client, s.data+"/file")
	a.claim("the data server received the SciToken from BEARER_TOKEN_FILE, was shown the proxy, and got nothing else",
		err, s.received(s.data, s.theToken(), s.theProxy()))
	_, err = get(ctx, client, s.grid+"/file")
	a.claim("the grid server was shown the proxy from X509_USER_PROXY, and got no token: that one is for the data server",
		err, s.received(s.grid, s.theProxy()))
	_, err = get(ctx, client, s.archive+"/file")
	a.claim("the archive received the login that ~/.netrc has for its host, and was shown the proxy",
		err, s.received(s.archive, s.theLogin(), s.theProxy()))

	a.title("Nothing goes where a server sends it")
	text, err := get(ctx, client, s.data+"/moved")
	a.claim("the data server redirected to a mirror on another host, and the file came from there",
		err, same(text, "the mirror's file"))
	a.claim("the mirror received no token, no login and no certificate", s.received(s.mirror))

	a.title("A token that is replaced is used at once")
	rotated := s.rotate()
	_, err = get(ctx, client, s.data+"/file")
	a.claim("the file was rewritten and the old token revoked; the next request brought the new one, without a restart",
		rotated, err, s.receivedLast(s.data, s.theToken(), s.theProxy()))

	a.title("One request can be different")
	anonymous := scicred.NewContext(ctx, scicred.ForceNoAuth())
	_, err = get(anonymous, client, s.public+"/file")
	a.claim("with ForceNoAuth a server received nothing at all", err, s.received(s.public))

	a.title("It can always say why")
	u := s.url(s.data + "/file")
	report := transport.Explain(ctx, u)
	a.text(report.String())
	a.claim("this is the report of what a request to the data server would carry: a token and a certificate",
		same(report.Attached(), []scicred.Kind{scicred.KindToken, scicred.KindX509}))
	_, err = get(ctx, client, s.partner+"/file")
	var refusal *scicred.StatusError
	if errors.As(err, &refusal) {
		a.text(strings.ReplaceAll(refusal.Error(), "; ", ";\n"))
	}
	a.claim("this is the error from a partner's server that wants a token; it got none, and the error says which was kept back and why",
		keptBack(refusal, "BEARER_TOKEN_FILE"), s.received(s.partner, s.theProxy()))

	a.title("It never shows a secret")
	a.claim("no token, no password and no key is in anything above", s.noSecretIn(a.written.String()))
	return a.err()
}

// same says how what there is differs from what there should be.
func same[T any](got, want T) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("it is %v, not %v", got, want)
	}
	return nil
}

// keptBack says how an error is not a 401 that names a token as kept back since
// it is for another server.
func keptBack(e *scicred.StatusError, candidate string) error {
	if e == nil || e.StatusCode != http.StatusUnauthorized || e.Report == nil {
		return errors.New("the request was not refused")
	}
	if text := e.Error(); !strings.Contains(text, candidate) || !strings.Contains(text, "was not sent") {
		return fmt.Errorf("the error does not say so: %w", e)
	}
	for i := range e.Report.Attempts {
		if attempt := &e.Report.Attempts[i]; attempt.Candidate == candidate && errors.Is(attempt.Err, scicred.ErrMismatch) {
			return nil
		}
	}
	return errors.New("its report does not say so")
}
