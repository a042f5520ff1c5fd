// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// withCA runs a command that trusts the authority in a file and no other, in a
// mount namespace of its own: scitokens-verify has no setting for that.
const withCA = `mount --bind "$1" ` + systemCABundle + ` && shift && exec "$@"`

// scitokens runs one of the SciTokens library's commands.
func scitokens(t *testing.T, b *bed, command ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		if os.Getenv("CI") != "true" {
			t.Skip(&missingError{[]string{command[0]}})
		}
		require.NoError(t, err)
	}
	args := append([]string{"--mount", "--propagation", "private", "sh", "-c", withCA, "sh", b.caFile}, command...)
	cmd := exec.CommandContext(t.Context(), "unshare", args...)
	home := t.TempDir() // It keeps keys, too: each time it must ask anew.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CACHE_HOME=" + home}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// verdicts returns what this project and the SciTokens library say of a token.
func verdicts(t *testing.T, b *bed, keys *issuer.Keys, token string) (ours, theirs error) {
	t.Helper()
	_, ours = keys.Verify(t.Context(), token)
	out, theirs := scitokens(t, b, "scitokens-verify", token)
	if theirs != nil {
		theirs = fmt.Errorf("scitokens-verify: %w: %s", theirs, out)
	}
	return ours, theirs
}

func newKeys(t *testing.T, b *bed, name string) *issuer.Keys {
	t.Helper()
	keys, err := issuer.New(issuer.Config{Issuers: []string{name}, RootCAs: b.ca.Pool()})
	require.NoError(t, err)
	return keys
}

func TestVerifierAndSciTokensLibraryAgree(t *testing.T) {
	t.Parallel()
	b := servers(t)
	keys := newKeys(t, b, b.issuer)
	signed, other := strings.Split(b.tokens.SciToken(nil), "."), strings.Split(b.tokens.SciToken(credtest.Claims{"scope": "write:/"}), ".")
	for name, test := range map[string]struct {
		token string
		want  error // nil: both accept it
	}{
		"ES256":              {b.tokens.SciToken(nil), nil},
		"RS256":              {b.tokens.SciToken(nil, credtest.RS256()), nil},
		"WLCG":               {b.tokens.WLCG(nil), nil},
		"forged, ES256":      {b.tokens.SciToken(nil, credtest.Forged()), issuer.ErrSignature},
		"forged, RS256":      {b.tokens.SciToken(nil, credtest.RS256(), credtest.Forged()), issuer.ErrSignature},
		"changed":            {signed[0] + "." + other[1] + "." + signed[2], issuer.ErrSignature},
		"unknown key":        {b.tokens.SciToken(nil, credtest.Header(map[string]any{"kid": "no"})), issuer.ErrNoKey},
		"no key, of two":     {b.tokens.SciToken(nil, credtest.Header(map[string]any{"kid": "rs256"})), issuer.ErrNoKey},
		"expired":            {b.tokens.SciToken(nil, credtest.Expired()), scicred.ErrExpired},
		"not yet valid":      {b.tokens.SciToken(nil, credtest.NotYetValid()), scicred.ErrNotYetValid},
		"alg none":           {credtest.TokenAlgNone.Token(b.tokens, credtest.SciTokensAny), scicred.ErrMalformed},
		"public key as HMAC": {credtest.TokenAlgHS256.Token(b.tokens, credtest.SciTokensAny), scicred.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := verdicts(t, b, keys, test.token)
			if test.want == nil {
				assert.NoError(t, ours)
				assert.NoError(t, theirs)
				return
			}
			assert.ErrorIs(t, ours, test.want)
			assert.Error(t, theirs)
		})
	}
}

// signer is a key in the files that scitokens-create wants.
type signer struct {
	key             *ecdsa.PrivateKey
	public, private string
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	s := &signer{key, filepath.Join(t.TempDir(), "public.pem"), filepath.Join(t.TempDir(), "private.pem")}
	require.NoError(t, os.WriteFile(s.public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600))
	require.NoError(t, os.WriteFile(s.private, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600))
	return s
}

// create makes a token with scitokens-create.
func (s *signer) create(t *testing.T, b *bed, name, profile string) string {
	t.Helper()
	token, err := scitokens(t, b, "scitokens-create", "--cred", s.public, "--key", s.private, "--keyid", "k1", "--issuer", name,
		"--profile", profile, "--claim", "aud="+credtest.SciTokensAny, "--claim", "sub=ada", "--claim", "scope=read:/data")
	require.NoError(t, err, token)
	return token
}

// jwks is the set with the public key.
func (s *signer) jwks(t *testing.T) string {
	t.Helper()
	point, err := s.key.PublicKey.Bytes()
	require.NoError(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","use":"sig","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
}

// publish serves the keys of an issuer whose name ends in a path, with the
// metadata in one place, and returns its name.
func (s *signer) publish(t *testing.T, b *bed, path, place string) string {
	t.Helper()
	set := s.jwks(t)
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	cert, err := tls.LoadX509KeyPair(b.host.cert, b.host.key)
	require.NoError(t, err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	origin := "https://localhost:" + port
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, set) })
	mux.HandleFunc(place, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, origin+path, origin+"/keys")
	})
	return origin + path
}

func TestTokenOfScitokensCreateIsVerifiedAndAForgedOneIsNot(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, place := range map[string]string{
		"OpenID Connect": "/vo/.well-known/openid-configuration",
		"RFC 8414":       "/.well-known/oauth-authorization-server/vo",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			honest, forger := newSigner(t), newSigner(t)
			iss := honest.publish(t, b, "/vo", place)
			keys := newKeys(t, b, iss)
			for _, profile := range []string{"scitokens1", "scitokens2", "wlcg", "atjwt"} {
				token := honest.create(t, b, iss, profile)
				ours, theirs := verdicts(t, b, keys, token)
				assert.NoError(t, ours, profile)
				assert.NoError(t, theirs, profile)
				claims, err := keys.Verify(t.Context(), token)
				require.NoError(t, err)
				assert.Equal(t, "ada", claims.Subject)
				assert.Equal(t, []string{"read:/data"}, claims.Scope)

				ours, theirs = verdicts(t, b, keys, forger.create(t, b, iss, profile))
				assert.ErrorIs(t, ours, issuer.ErrSignature, profile)
				assert.Error(t, theirs, profile)
			}
		})
	}
}
