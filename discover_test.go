// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// The rules of discovery are said by the vectors (vectors_test.go). Here is
// what they cannot say: this process, other orders of folders, sizes, hung file
// systems, and what is in the things that are found.

// quiet removes this process's own credentials from a test's sight.
func quiet(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"SCITOKEN", "SCITOKEN_FILE", "_CONDOR_CREDS", "BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR",
		"X509_USER_CERT", "X509_USER_KEY", "X509_USER_PROXY", "NETRC",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("USERPROFILE", t.TempDir())
}

func TestFindLooksAtThisProcess(t *testing.T) { //nolint:paralleltest // sets the environment
	quiet(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	raw := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "marie"})
	ann := credtest.NewCA("Find CA").User("ann")
	t.Setenv("BEARER_TOKEN_FILE", write("token", raw+"\n"))
	t.Setenv("X509_USER_PROXY", write("proxy", string(ann.Proxy().PEM())))
	t.Setenv("NETRC", write("logins", "machine data.example.org login marie password radium\n"))
	target := scicred.Target{URL: parse(t, dataURL)}

	for name, sys := range map[string]*scicred.System{"the package": nil, "a nil System": nil, "the zero System": {}} {
		findToken, findX509, findNetrc := sys.FindToken, sys.FindX509, sys.FindNetrc
		if name == "the package" {
			findToken, findX509, findNetrc = scicred.FindToken, scicred.FindX509, scicred.FindNetrc
		}
		token, err := findToken(t.Context(), target)
		require.NoError(t, err, name)
		assert.True(t, token.Reveal() == raw, name) //nolint:testifylint // Equal would print it.
		assert.Equal(t, "BEARER_TOKEN_FILE", token.Candidate(), name)
		assert.Equal(t, filepath.Join(dir, "token"), token.Path(), name)

		cert, err := findX509(t.Context(), target)
		require.NoError(t, err, name)
		assert.Equal(t, "X509_USER_PROXY", cert.Candidate(), name)
		assert.Equal(t, filepath.Join(dir, "proxy"), cert.Path(), name)
		assert.Empty(t, cert.KeyPath(), name)
		assert.True(t, cert.IsProxy(), name)

		login, err := findNetrc(t.Context(), target)
		require.NoError(t, err, name)
		assert.Equal(t, "NETRC", login.Candidate(), name)
		assert.Equal(t, "marie:radium", login.User()+":"+login.Reveal(), name)
	}
}

func TestFindSaysWhatItDidNotFind(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	now := credtest.At(w.Now())
	w.SetEnv("BEARER_TOKEN", issuer().SciToken(nil, now, credtest.Expired()))
	w.Put("/tmp/x509up_u1000", string(credtest.CertKeyEncrypted.Bundle(credtest.NewCA("Find CA", now), now)))
	w.WriteFile("/home/user/.netrc", "machine data.example.org login marie password radium\n", 0o644, 1000)
	w.Put("/jobs/a.use", issuer().SciToken(credtest.Claims{"nbf": w.Now().Add(time.Hour).Unix()}, now))
	w.SetEnv("_CONDOR_CREDS", "/jobs")
	w.SetEnv("SCITOKEN", issuer().SciToken(credtest.Claims{"aud": "https://other.example.org"}, now))
	w.SetEnv("SCITOKEN_FILE", "/home/user/garbage")
	w.Put("/home/user/garbage", "gar bage")
	w.SetEnv("BEARER_TOKEN_FILE", "/nowhere")
	sys, target := w.System(), scicred.Target{URL: parse(t, dataURL)}

	token, tokenErr := sys.FindToken(t.Context(), target)
	assert.Nil(t, token)
	cert, certErr := sys.FindX509(t.Context(), target)
	assert.Nil(t, cert)
	login, loginErr := sys.FindNetrc(t.Context(), target)
	assert.Nil(t, login)
	for kind, tt := range map[scicred.Kind]struct {
		err error
		is  []error
	}{
		scicred.KindToken: {tokenErr, []error{scicred.ErrExpired, scicred.ErrNotYetValid, scicred.ErrMismatch, scicred.ErrMalformed}},
		scicred.KindX509:  {certErr, []error{scicred.ErrEncrypted}},
		scicred.KindBasic: {loginErr, []error{scicred.ErrInsecure}},
	} {
		require.ErrorIs(t, tt.err, scicred.ErrNoCredentials)
		for _, want := range tt.is {
			assert.ErrorIs(t, tt.err, want)
		}
		assert.NotErrorIs(t, tt.err, fs.ErrNotExist, "what is merely not there cannot be tested for")
		var chain *scicred.ChainError
		require.ErrorAs(t, tt.err, &chain)
		assert.Contains(t, tt.err.Error(), "no usable "+kind.String()+" credential for "+dataURL)
		for _, a := range chain.Report.Attempts {
			assert.Equal(t, kind, a.Kind)
		}
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := credtest.NewWorld()
		defer w.Stall("/tmp")()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		token, err := w.System().FindToken(ctx, scicred.Target{})
		assert.Nil(t, token)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestABadTargetIsTheCallersMistake(t *testing.T) {
	t.Parallel()
	_, err := credtest.NewWorld().System().FindToken(t.Context(), scicred.Target{Scope: []string{"read:relative"}})
	require.ErrorContains(t, err, "relative path")
	assert.NotErrorIs(t, err, scicred.ErrNoCredentials)
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second).UTC()
	is := issuer()
	full := is.SciToken(credtest.Claims{
		"sub": "marie", "jti": "id-1", "aud": []string{"a", "b"}, "scope": "read:/a write:/b", "exp": now.Add(time.Hour).Unix(), "nbf": now.Unix(),
	})
	t.Run("a JWT says who, for whom, what and until when", func(t *testing.T) {
		t.Parallel()
		tok, err := scicred.ParseToken(" \v" + full + "\r\n")
		require.NoError(t, err)
		assert.True(t, tok.Reveal() == full, "without the white space around it") //nolint:testifylint // Equal would print it.
		claims, ok := tok.Claims()
		assert.True(t, ok)
		assert.Equal(t, scicred.Claims{
			Issuer: "https://issuer.example.org", Subject: "marie", ID: "id-1", Audience: []string{"a", "b"},
			Scope: []string{"read:/a", "write:/b"}, Expiry: now.Add(time.Hour), NotBefore: now,
		}, claims)
		expiry, ok := tok.Expiry()
		assert.True(t, ok)
		assert.Equal(t, now.Add(time.Hour), expiry)
		assert.Empty(t, tok.Candidate())
		assert.Empty(t, tok.Path())
		claims.Audience[0] = "changed"
		again, _ := tok.Claims()
		assert.Equal(t, "a", again.Audience[0], "a token is immutable")
	})
	t.Run("a JWT without exp has no expiry", func(t *testing.T) {
		t.Parallel()
		tok, err := scicred.ParseToken(is.SciToken(credtest.Claims{"exp": nil}))
		require.NoError(t, err)
		_, ok := tok.Expiry()
		assert.False(t, ok)
	})
	t.Run("neither time nor target is looked at", func(t *testing.T) {
		t.Parallel()
		for _, f := range []credtest.TokenFault{credtest.TokenExpired, credtest.TokenNotYetValid, credtest.TokenOtherAudience, credtest.TokenNoAudience, credtest.TokenEmptyAudience} {
			_, err := scicred.ParseToken(f.Token(is, "https://data.example.org"))
			require.NoError(t, err, f)
		}
	})
	t.Run("any other text that a header can carry is an opaque token", func(t *testing.T) {
		t.Parallel()
		for _, raw := range []string{"x", "0123456789abcdef", "a.b.c", "-._~+/==", "gt-abc.def", strings.Repeat("a", 65536)} {
			tok, err := scicred.ParseToken(raw)
			require.NoError(t, err)
			assert.True(t, tok.Reveal() == raw) //nolint:testifylint // Equal would print it.
			_, ok := tok.Claims()
			assert.False(t, ok)
			_, ok = tok.Expiry()
			assert.False(t, ok)
		}
	})
	t.Run("what no header can carry is malformed, and not shown", func(t *testing.T) {
		t.Parallel()
		for _, raw := range []string{
			"", " ", "secret words", "secret\nwords", "secret\x00words", "sécret", "\"secret\"", "Bearer secret", "Authorization: secret", "secret=word",
			"{\"access_token\":\"secret\"}", "====", strings.Repeat("secret", 20000),
		} {
			tok, err := scicred.ParseToken(raw)
			assert.Nil(t, tok)
			require.ErrorIs(t, err, scicred.ErrMalformed)
			assert.NotContains(t, err.Error(), "secret")
		}
	})
	t.Run("a broken JWT is malformed, never opaque, and not shown", func(t *testing.T) {
		t.Parallel()
		timely := []credtest.TokenFault{
			credtest.TokenExpired, credtest.TokenExpiresSoon, credtest.TokenNotYetValid, credtest.TokenOtherAudience,
			credtest.TokenNoAudience, credtest.TokenEmptyAudience, credtest.TokenScopeList,
		}
		for _, f := range credtest.AllTokenFaults() {
			raw := f.Token(is, "https://data.example.org")
			_, err := scicred.ParseToken(raw)
			if slices.Contains(timely, f) {
				assert.NoError(t, err, f)
				continue
			}
			require.ErrorIs(t, err, scicred.ErrMalformed, f)
			for part := range strings.SplitSeq(raw, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Errorf("%s: the token is shown", f)
				}
			}
		}
	})
}

// How a folder lists its files differs from one file system to the next.
func TestCondorCredentialsAreTriedInNameOrderWhateverTheFolderSays(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.SetEnv("_CONDOR_CREDS", "/jobs")
	for _, name := range []string{"a", "b", "c"} {
		w.Put("/jobs/"+name+".use", issuer().SciToken(nil, credtest.At(w.Now())))
	}
	sys := w.System()
	inOrder := sys.ReadDir
	sys.ReadDir = func(name string) ([]fs.DirEntry, error) {
		entries, err := inOrder(name)
		slices.Reverse(entries)
		return entries, err
	}
	tok, err := sys.FindToken(t.Context(), scicred.Target{})
	require.NoError(t, err)
	assert.Equal(t, "/jobs/a.use", tok.Path())
}

// opened counts the files that were opened in the folder of jobs.
func opened(w *credtest.World) (n int) {
	for _, call := range w.Calls() {
		if strings.HasPrefix(call, "open /jobs/") {
			n++
		}
	}
	return n
}

func TestTenThousandTokensOfWhichTheLastFits(t *testing.T) {
	t.Parallel()
	const count = 10_000
	w := credtest.NewWorld()
	now := credtest.At(w.Now())
	other := issuer().SciToken(credtest.Claims{"aud": "https://other.example.org"}, now)
	good := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, now)
	w.SetEnv("_CONDOR_CREDS", "/jobs")
	for i := range count - 1 {
		w.Put(fmt.Sprintf("/jobs/%05d.use", i), other)
	}
	last := fmt.Sprintf("/jobs/%05d.use", count-1)
	w.Put(last, good)
	w.Advance(3 * time.Second) // so long ago that a change would show

	s := &stub{}
	tr, err := scicred.NewTransport(s, scicred.WithSystem(w.System()))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.True(t, s.last(t) == "Bearer "+good, "the last one is sent") //nolint:testifylint // Equal would print it.
	assert.Equal(t, count, opened(w), "each file is opened once")

	w.Forget()
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Empty(t, w.Calls(), "a request within the second looks at nothing")

	w.Advance(2 * time.Second)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Zero(t, opened(w), "a file that has not changed is not read again")
	assert.True(t, s.last(t) == "Bearer "+good) //nolint:testifylint // Equal would print it.

	report := tr.Explain(t.Context(), parse(t, dataURL))
	lines := 0
	for _, a := range report.Attempts {
		if a.Candidate == "_CONDOR_CREDS" {
			lines++
		}
	}
	assert.Equal(t, count, lines, "each has its line in the report")
}

// A file system whose server is gone stops no program that has a good token.
func TestAHungFileSystemDelaysAWarmRequestByATenthOfASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := credtest.NewWorld()
		good := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(w.Now()))
		w.SetEnv("BEARER_TOKEN_FILE", "/nfs/token")
		w.Put("/nfs/token", good)
		s := &stub{}
		tr, err := scicred.NewTransport(s, scicred.WithSystem(w.System()))
		require.NoError(t, err)
		request := func() time.Duration {
			start := time.Now()
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			assert.True(t, s.last(t) == "Bearer "+good, "the token is sent") //nolint:testifylint // Equal would print it.
			return time.Since(start)
		}
		assert.Zero(t, request())

		release := w.Stall("/nfs")
		assert.Zero(t, request(), "within the second nobody looks")
		w.Advance(2 * time.Second)
		assert.Equal(t, 100*time.Millisecond, request(), "the one who looks waits a little")
		for range 10 {
			w.Advance(2 * time.Second)
			assert.Zero(t, request(), "the others do not wait")
		}
		w.Advance(time.Hour)
		start := time.Now()
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		assert.LessOrEqual(t, time.Since(start), 30*time.Second)
		assert.Empty(t, s.last(t), "an expired token is not sent")

		release()
		synctest.Wait()
		w.Put("/nfs/token", issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(w.Now())))
		w.Advance(2 * time.Second)
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		assert.NotEmpty(t, s.last(t), "all is well again")
	})
}

// unreachable is a network on which nothing answers, so that the time of a
// request is that of its decision.
func unreachable() *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errNoNetwork }}
}

var errNoNetwork = errors.New("no network")

// The homes of a site often are on one file server, while the token is in /tmp.
func TestAHungHomeDelaysARequestWithATokenByATenthOfASecondInAll(t *testing.T) {
	t.Parallel()
	for name, hung := range map[string]string{"the home alone": "/home", "everything": "/"} {
		for _, more := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, certificate and login %t", name, more), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := credtest.NewWorld()
					now := credtest.At(w.Now())
					w.Put("/tmp/bt_u1000", issuer().SciToken(nil, now))
					if more {
						w.Put("/tmp/x509up_u1000", string(credtest.NewCA("Home CA", now).User("ann", now).PEM()))
						w.Put("/home/user/.netrc", "machine data.example.org login marie password radium\n")
					}
					tr, err := scicred.NewTransport(unreachable(), scicred.WithSystem(w.System()))
					require.NoError(t, err)
					require.ErrorIs(t, get(t, t.Context(), tr, dataURL), errNoNetwork)
					defer w.Stall(hung)()
					w.Advance(2 * time.Second)
					start := time.Now()
					require.ErrorIs(t, get(t, t.Context(), tr, dataURL), errNoNetwork)
					assert.LessOrEqual(t, time.Since(start), 100*time.Millisecond)
				})
			})
		}
	}
}

func TestFindGivesUpAHungFileSystemAfterThirtySeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, hung := range []string{"/nfs", "/"} { // one place of one kind, and everything
			w := credtest.NewWorld()
			w.SetEnv("BEARER_TOKEN_FILE", "/nfs/token")
			w.Put("/nfs/token", issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(w.Now())))
			release := w.Stall(hung)

			start := time.Now()
			_, err := w.System().FindToken(context.Background(), scicred.Target{URL: parse(t, dataURL)})
			require.ErrorIs(t, err, scicred.ErrNoCredentials)
			require.ErrorContains(t, err, "no answer within 30s")
			assert.Equal(t, 30*time.Second, time.Since(start), hung)

			release()
			synctest.Wait()
		}
	})
}

func TestARequestGivesUpAHungFileSystemAfterThirtySecondsInAll(t *testing.T) {
	t.Parallel()
	for name, hung := range map[string]string{"one place of one kind": "/nfs", "the places of all kinds": "/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := credtest.NewWorld()
				w.SetEnv("BEARER_TOKEN_FILE", "/nfs/token")
				w.Put("/nfs/token", issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(w.Now())))
				defer w.Stall(hung)()
				tr, err := scicred.NewTransport(&http.Transport{}, scicred.WithSystem(w.System()), scicred.FailIfNoAuth())
				require.NoError(t, err)
				start := time.Now()
				err = get(t, context.Background(), tr, dataURL)
				require.ErrorIs(t, err, scicred.ErrNoCredentials)
				require.ErrorContains(t, err, "no answer within 30s")
				assert.Equal(t, 30*time.Second, time.Since(start))
			})
		})
	}
}

func TestARequestOnAHungFileSystemEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := credtest.NewWorld()
		defer w.Stall("/")()
		tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(w.System()))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, get(t, ctx, tr, dataURL), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// However a file is arranged, TLS gets the leaf first and then its issuers.
func TestACertificateIsHandedOverInTheOrderOfTLS(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Order CA")
	user := ca.User("ann", credtest.ExpiresIn(5*time.Hour))
	proxy := user.Proxy(credtest.ExpiresIn(2 * time.Hour)).Proxy(credtest.ExpiresIn(3 * time.Hour))
	for _, layout := range credtest.AllLayouts() {
		w := credtest.NewWorld()
		w.Put("/tmp/x509up_u1000", string(layout.Arrange(proxy)))
		found, err := w.System().FindX509(t.Context(), scicred.Target{})
		require.NoError(t, err, layout)
		want := proxy.TLS().Certificate
		if layout == credtest.LayoutLeafOnly {
			want = want[:1]
		}
		assert.Equal(t, want, found.Certificate().Certificate, layout)
		assert.Equal(t, proxy.Cert.Raw, found.Certificate().Leaf.Raw, layout)
		assert.Equal(t, proxy.DN(), found.Subject(), layout)
		assert.True(t, found.IsProxy(), layout)
		first := proxy.Cert.NotAfter
		for _, c := range proxy.Chain {
			if c.NotAfter.Before(first) && layout != credtest.LayoutLeafOnly {
				first = c.NotAfter
			}
		}
		assert.Equal(t, first, found.Expiry(), layout)
	}
}

// netrcVector is a section of testdata/netrc/files.txtar, as far as the public
// API shows it.
type netrcVector struct {
	name, text string
	refused    bool
	logins     map[string]string // "login password" by host, the default entry being allowed
}

func netrcVectors(t *testing.T) (all []netrcVector) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/netrc/files.txtar")
	require.NoError(t, err)
	for _, file := range archive.Files {
		v := netrcVector{name: file.Name, logins: map[string]string{}}
		for line := range strings.Lines(string(file.Data)) {
			verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			var texts []string
			times := 1
			for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
				if quoted, err := strconv.QuotedPrefix(rest); err == nil {
					text, err := strconv.Unquote(quoted)
					require.NoError(t, err)
					texts, rest = append(texts, strings.Repeat(text, times)), rest[len(quoted):]
					times = 1
					continue
				}
				word, after, _ := strings.Cut(rest, " ")
				if n, err := strconv.Atoi(word); err == nil {
					times = n
				}
				rest = after
			}
			switch verb {
			case "text", "repeat":
				v.text += strings.Join(texts, "")
			case "error":
				v.refused = true
			default:
				if len(texts) == 2 { // else there is an entry without a password
					v.logins[verb+".example"] = texts[0] + " " + texts[1]
				}
			}
		}
		all = append(all, v)
	}
	return all
}

// The files that break other readers of the format give no password, through the
// whole of the library, to a host that they do not give it to.
func TestNoNetrcFileGivesAPasswordToAnotherHost(t *testing.T) {
	t.Parallel()
	all := netrcVectors(t)
	require.Len(t, all, 68)
	given, byDefault := 0, 0
	for _, v := range all {
		w := credtest.NewWorld()
		w.Put("/home/user/.netrc", v.text)
		withDefault, err := scicred.NewTransport(&http.Transport{}, scicred.WithSystem(w.System()), scicred.WithNetrcDefault())
		require.NoError(t, err)
		for _, host := range []string{"h.example", "o.example", "x.example"} {
			u := parse(t, "https://"+host+"/")
			c, err := withDefault.Credentials(t.Context(), u)
			require.NoError(t, err)
			got := ""
			if c.Login != nil {
				got = c.Login.User() + " " + c.Login.Reveal()
				given++
			}
			want := v.logins[host]
			if v.refused {
				require.Empty(t, want)
				assert.Contains(t, c.Report.String(), "netrc line ", v.name)
			}
			if strings.Contains(want, "\t") || strings.Contains(want, ":") && strings.Index(want, ":") < strings.Index(want, " ") {
				want = "" // RFC 7617 forbids it
			}
			assert.True(t, want == got, "%s, %s", v.name, host) //nolint:testifylint // Some have 70,000 characters.

			login, err := w.System().FindNetrc(t.Context(), scicred.Target{URL: u})
			switch {
			case err != nil:
				require.ErrorIs(t, err, scicred.ErrNoCredentials)
				if want != "" {
					byDefault++
					assert.Contains(t, v.text, "default", "%s, %s: only a default entry is kept back", v.name, host)
				}
			default:
				assert.True(t, want == login.User()+" "+login.Reveal(), "%s, %s, without the default entry", v.name, host) //nolint:testifylint // See above.
				assert.Contains(t, strings.ToLower(v.text), host, "%s: the file names the host", v.name)
			}
		}
	}
	assert.Greater(t, given, 50, "most files do give passwords to somebody")
	assert.Positive(t, byDefault)
}

func TestFindMayBeCalledByManyAtOnce(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Put("/tmp/bt_u1000", issuer().SciToken(nil, credtest.At(w.Now())))
	sys := w.System()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			tok, err := sys.FindToken(t.Context(), scicred.Target{})
			if assert.NoError(t, err) {
				assert.Equal(t, "/tmp/bt_u1000", tok.Path())
			}
		})
	}
	wg.Wait()
}

// mark must never show up in an error.
const mark = "S3CR3T-S3CR3T"

func FuzzParseToken(f *testing.F) {
	f.Add(`{"alg":"ES256"}`, `{"iss":"`+mark+`","aud":["`+mark+`"],"exp":4102444800}`, "signature", ".")
	f.Add(`{"alg":"none"}`, `{"iss":7,"x":"`+mark+`"}`, "", ".")
	f.Add(`{"alg":"RS256","kid":"`+mark+`"}`, `{"iss":"i","exp":1e400,"nbf":"`+mark+`","scope":["a"]}`, mark, ".")
	f.Add(`{"alg":"RS256","crit":["`+mark+`"]}`, `{"ver":"`+mark+`"}`, mark, "..")
	f.Add(mark, mark, mark, "\n")
	f.Fuzz(func(t *testing.T, header, claims, signature, dot string) {
		b64 := base64.RawURLEncoding.EncodeToString
		raw := b64([]byte(header)) + dot + b64([]byte(claims)) + dot + signature
		tok, err := scicred.ParseToken(raw)
		if err != nil {
			require.ErrorIs(t, err, scicred.ErrMalformed)
			assert.NotContains(t, err.Error(), mark)
			assert.Nil(t, tok)
			return
		}
		text := tok.Reveal()
		assert.True(t, strings.Contains(raw, text)) //nolint:testifylint // Contains would print it.
		assert.False(t, strings.ContainsAny(text, "\r\n \x00\""), "a header can carry it")
		again, err := scicred.ParseToken(text)
		require.NoError(t, err)
		assert.True(t, again.Reveal() == text) //nolint:testifylint // See above.
		if claims, ok := tok.Claims(); ok {
			assert.NotEmpty(t, claims.Issuer)
			expiry, ok := tok.Expiry()
			assert.Equal(t, ok, !expiry.IsZero())
		}
	})
}

// FuzzDiscovery gives the same bytes to all who read files.
func FuzzDiscovery(f *testing.F) {
	now := credtest.At(vectorClock())
	ca := credtest.NewCA("Fuzz CA", now)
	f.Add([]byte(issuer().SciToken(nil, now)))
	f.Add([]byte(`{"access_token":"` + issuer().WLCG(nil, now) + `"}`))
	f.Add(ca.User("ann", now).Proxy(now).PEM())
	f.Add([]byte("machine data.example.org login marie password radium\ndefault login x password y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := credtest.NewWorld()
		w.Advance(vectorClock().Sub(w.Now()))
		w.SetEnv("NETRC", "/tmp/bt_u1000")
		w.SetEnv("X509_USER_PROXY", "/tmp/bt_u1000")
		w.Put("/tmp/bt_u1000", string(data))
		tr, err := scicred.NewTransport(&http.Transport{}, scicred.WithSystem(w.System()), scicred.WithNetrcDefault())
		require.NoError(t, err)
		c, err := tr.Credentials(t.Context(), parse(t, dataURL))
		require.NoError(t, err)
		require.NotEmpty(t, c.Report.Attempts)
		if c.Token != nil {
			assert.NotContains(t, c.Report.String(), c.Token.Reveal())
		}
		if c.X509 != nil {
			require.NotNil(t, c.X509.Certificate().PrivateKey)
			assert.True(t, c.X509.Expiry().After(w.Now()))
		}
		if c.Login != nil {
			assert.Contains(t, string(data), "password", "a password stands in the file")
		}
	})
}
