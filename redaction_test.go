// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

const (
	hiddenPassword = "hunter2-hunter2-hunter2"
	hiddenQuery    = "query-secret-0123456789"
)

// TestNoExportedTypePrintsASecret walks through every exported type: by all
// verbs, JSON, XML and slog, and then by reflection through every field that can
// be reached, unexported ones too, since a debugger's printer does that.
func TestNoExportedTypePrintsASecret(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Redaction CA")
	user := ca.User("Redacted User")
	raw := credtest.NewIssuer("https://issuer.example.org").SciToken(credtest.Claims{"aud": "https://127.0.0.1", "scope": "read:/"})
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	proxy := write("proxy", string(user.Proxy().PEM()))
	netrc := write("netrc", "machine 127.0.0.1 login albert password "+hiddenPassword+"\n")
	env := map[string]string{"BEARER_TOKEN": raw, "X509_USER_PROXY": proxy, "NETRC": netrc}
	system := &scicred.System{LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok }, HomeDir: func() (string, error) { return dir, nil }}

	refusing := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refusing.Close)
	u, err := url.Parse(refusing.URL + "/f?access_token=" + hiddenQuery)
	require.NoError(t, err)
	u.User = url.UserPassword("u", hiddenPassword)

	source := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { return nil, scicred.ErrNoCredentials })
	tr, err := scicred.NewTransport(refusing.Client().Transport, scicred.WithSystem(system), scicred.WithTokenSource("s", source))
	require.NoError(t, err)
	ctx := scicred.NewContext(t.Context(), scicred.WithToken(raw))
	plain, err := url.Parse(refusing.URL)
	require.NoError(t, err)
	credentials, err := tr.Credentials(t.Context(), plain)
	require.NoError(t, err)
	require.NotNil(t, credentials.Token)
	require.NotNil(t, credentials.X509)
	login, err := system.FindNetrc(t.Context(), scicred.Target{URL: plain})
	require.NoError(t, err)

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	var status *scicred.StatusError
	require.ErrorAs(t, scicred.CheckResponse(resp), &status)
	target := scicred.Target{URL: u, Audience: []string{"https://elsewhere.example"}}
	_, err = system.FindToken(t.Context(), target)
	var chain *scicred.ChainError
	require.ErrorAs(t, err, &chain)
	claims, _ := credentials.Token.Claims()

	values := map[string]any{
		"Option": scicred.WithBasicAuth("u", hiddenPassword), "RequestOption": scicred.WithToken(raw), "FileID": scicred.FileID{UID: 1}, "System": system,
		"Target": target, "Claims": claims, "Token": credentials.Token, "Selection": scicred.SelectWLCG, "TokenPolicy": scicred.TokenPolicy{Leeway: time.Second},
		"TokenSource": source, "Verifier": &verifier{is: issuer()}, "TokenSourceFunc": source, "X509": credentials.X509, "Login": login, "Transport": tr, "Credentials": credentials,
		"Error": scicred.ErrExpired, "Kind": scicred.KindToken, "Outcome": scicred.Withheld, "Attempt": credentials.Report.Attempts[0], "Report": credentials.Report,
		"ChainError": chain, "Challenge": scicred.Challenge{Scheme: "Bearer"}, "StatusError": status,
	}
	for _, name := range exportedTypes(t) {
		assert.Contains(t, values, name, "an exported type is missing in this test")
	}

	key := string(user.KeyPEM())
	keyBody := strings.Split(key, "\n")[1]
	secrets := []string{
		raw, raw[strings.LastIndex(raw, ".")+1:], hiddenPassword, hiddenQuery, keyBody,
		base64.StdEncoding.EncodeToString([]byte("albert:" + hiddenPassword)), base64.StdEncoding.EncodeToString([]byte("u:" + hiddenPassword)),
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printed := everyPrinting(v)
			for i, s := range secrets {
				if strings.Contains(printed, s) { // not assert: it would print all of it
					t.Errorf("secret %d is printed", i)
				}
			}
			if name != "Target" && name != "System" { // a Target holds the caller's own URL, a System his own functions
				w := walker{secrets: secrets, seen: map[uintptr]bool{}}
				w.walk(reflect.ValueOf(v), name)
				assert.Empty(t, w.found)
			}
		})
	}
	t.Run("the context of a failed response", func(t *testing.T) {
		t.Parallel()
		for _, s := range secrets[:3] {
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", resp.Request.Context(), resp.Request.Context(), resp.Request.Header), s)
		}
	})
}

// everyPrinting prints a value, a pointer to it and a struct that holds it in
// every way that the standard library has.
func everyPrinting(v any) string {
	var b bytes.Buffer
	pv := reflect.New(reflect.TypeOf(v))
	pv.Elem().Set(reflect.ValueOf(v))
	shapes := []any{v, pv.Interface(), []any{v}, map[string]any{"k": v}, struct{ V any }{v}}
	if _, ok := v.(scicred.Target); !ok {
		// fmt calls no method on what is in an unexported field. The URL of a
		// Target is the caller's, who keeps it from there; all else must hold.
		shapes = append(shapes, struct{ v any }{v})
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.Elem().Kind() == reflect.Struct && rv.Type() != reflect.TypeFor[*scicred.Transport]() {
		shapes = append(shapes, rv.Elem().Interface())
	}
	for _, s := range shapes {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&b, verb+"\n", s)
		}
		if j, err := json.Marshal(s); err == nil {
			b.Write(j)
		}
		if x, err := xml.Marshal(s); err == nil {
			b.Write(x)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", s)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", s)
	}
	if err, ok := v.(error); ok {
		fmt.Fprintln(&b, errors.Join(err), fmt.Errorf("%w", err))
	}
	return b.String()
}

// walker looks for secrets in all that can be reached from a value.
type walker struct {
	secrets []string
	seen    map[uintptr]bool
	found   []string
}

func (w *walker) walk(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.String:
		for _, s := range w.secrets {
			if strings.Contains(v.String(), s) {
				w.found = append(w.found, path)
			}
		}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*http.Transport]() {
			return // its connections buffer what was sent
		}
		if !v.IsNil() && !w.seen[v.Pointer()] {
			w.seen[v.Pointer()] = true
			w.walk(v.Elem(), path)
		}
	case reflect.Interface:
		if !v.IsNil() {
			w.walk(v.Elem(), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			w.walk(v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			var raw []byte
			for i := range v.Len() {
				raw = append(raw, byte(v.Index(i).Uint()))
			}
			w.walk(reflect.ValueOf(string(raw)), path+"[]")
			return
		}
		for i := range v.Len() {
			w.walk(v.Index(i), path+"[]")
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			w.walk(k, path+"[key]")
			w.walk(v.MapIndex(k), path+"[]")
		}
	}
}
