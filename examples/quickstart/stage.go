// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// stage is a user's home with credentials, and servers on this machine.
type stage struct {
	home   string
	env    map[string]string // the environment that the user has set
	site   *credtest.Site
	issuer *credtest.Issuer

	// Origins, all served by site.
	data, grid, archive, mirror, public, partner string

	token    atomic.Pointer[string] // the only one that the data server accepts
	proxy    *credtest.Identity
	user     string
	password string
	revoked  []string // tokens that were replaced

	renew func() error // replaces the token
	more  []scicred.Option
}

func newStage() (*stage, error) {
	home, err := os.MkdirTemp("", "scicred-")
	if err != nil {
		return nil, err
	}
	site := credtest.NewSite()
	s := &stage{
		home: home, site: site, issuer: credtest.NewIssuer("https://issuer.example.org"),
		data: site.As("data.example.org"), grid: site.As("grid.example.org"), archive: site.As("archive.example.org"),
		mirror: site.As("mirror.example.net"), public: site.As("public.example.org"), partner: site.As("partner.example.org"),
		proxy: site.CA.User("Albert Einstein").Proxy(),
		user:  "albert.einstein", password: rand.Text(),
	}
	s.env = map[string]string{
		"BEARER_TOKEN_FILE": filepath.Join(home, "token"),
		"X509_USER_PROXY":   filepath.Join(home, "x509up"),
	}
	s.renew = s.mint
	s.serve()
	if err := s.furnish(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) close() {
	s.site.Close()
	_ = os.RemoveAll(s.home) // a temporary folder; the system will remove it
}

// serve tells the servers what to demand.
func (s *stage) serve() {
	file := func(text string) http.Handler { return credtest.Answer(http.StatusOK, text) }
	s.site.Handle(s.data+"/file", credtest.RequireToken(func(token string) bool { return token == *s.token.Load() }, file("the data")))
	s.site.Handle(s.partner+"/file", credtest.RequireToken(func(string) bool { return false }, file("")))
	s.site.Handle(s.data+"/moved", credtest.Redirect(http.StatusFound, s.mirror+"/file"))
	s.site.Handle(s.grid+"/file", credtest.RequireCertificate(s.site.CA.Vouches, file("the grid's file")))
	s.site.Handle(s.archive+"/file", credtest.RequireLogin(s.user, s.password, file("the archive's file")))
	s.site.Handle(s.mirror+"/file", file("the mirror's file"))
	s.site.Handle(s.public+"/file", file("the public's file"))
}

// furnish puts the credentials where scientists have them.
func (s *stage) furnish() error {
	netrc := fmt.Sprintf("machine archive.example.org login %s password %s\n", s.user, s.password)
	return errors.Join(
		os.WriteFile(filepath.Join(s.home, ".netrc"), []byte(netrc), 0o600),
		os.WriteFile(s.env["X509_USER_PROXY"], s.proxy.PEM(), 0o600),
		s.mint(),
	)
}

// mint makes a new token for the data server, puts it into the file as renewing
// programs do, and lets the server accept no other from now on.
func (s *stage) mint() error {
	token := s.issuer.SciToken(credtest.Claims{"aud": s.data, "sub": s.user})
	if old := s.token.Swap(&token); old != nil {
		s.revoked = append(s.revoked, *old)
	}
	name := s.env["BEARER_TOKEN_FILE"]
	if err := os.WriteFile(name+".new", []byte(token+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// rotate replaces the token.
func (s *stage) rotate() error {
	old := s.theToken()
	if err := s.renew(); err != nil {
		return err
	}
	if s.theToken() == old {
		return errors.New("the token was not replaced")
	}
	return nil
}

// options make the transport look at this home and at nothing else of this
// machine, so that the program does the same for everybody: a scientist's own
// credentials are left alone. What is nil in a System stays as it is: files,
// user, clock. A program that serves its own user needs none of this.
func (s *stage) options() []scicred.Option {
	return append([]scicred.Option{scicred.WithSystem(&scicred.System{
		LookupEnv: func(key string) (string, bool) { value, ok := s.env[key]; return value, ok },
		HomeDir:   func() (string, error) { return s.home, nil },
		TempDir:   func() string { return s.home },
	})}, s.more...)
}

func (s *stage) theToken() credtest.Secret {
	return credtest.Secret{Kind: scicred.KindToken, Where: "Authorization", Value: *s.token.Load()}
}

func (s *stage) theLogin() credtest.Secret {
	return credtest.Secret{Kind: scicred.KindBasic, Where: "Authorization", Value: s.user + ":" + s.password}
}

func (s *stage) theProxy() credtest.Secret {
	return credtest.Secret{Kind: scicred.KindX509, Where: "TLS", Value: s.proxy.DN()}
}

// received says how one request with exactly these secrets is not what an
// origin has received since it was asked last.
func (s *stage) received(origin string, want ...credtest.Secret) error {
	if n := len(s.site.ArrivalsAt(origin)); n != 1 {
		return fmt.Errorf("%s received %d requests", origin, n)
	}
	return s.receivedLast(origin, want...)
}

// receivedLast looks at the last of several requests: the transport may send
// one again with the new token.
func (s *stage) receivedLast(origin string, want ...credtest.Secret) error {
	all := s.site.ArrivalsAt(origin)
	if len(all) == 0 {
		return fmt.Errorf("%s received no request", origin)
	}
	got := all[len(all)-1].Secrets()
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s received %v, not %v", origin, got, want)
	}
	return nil
}

// noSecretIn says which secret is in a text.
func (s *stage) noSecretIn(text string) error {
	key := strings.Split(string(s.proxy.KeyPEM()), "\n")[1] // the first line that is not the same in all keys
	for name, secret := range map[string]string{"a token": *s.token.Load(), "a password": s.password, "a key": key} {
		if strings.Contains(text, secret) {
			return fmt.Errorf("%s is in it", name)
		}
	}
	for _, token := range s.revoked {
		if strings.Contains(text, token) {
			return errors.New("a token is in it")
		}
	}
	return nil
}

func (s *stage) url(rawURL string) *url.URL {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err) // made by ourselves
	}
	return u
}
