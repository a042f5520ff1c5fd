// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

const hiddenPassword = "hunter2-hunter2-hunter2"

// echoing is a server, or the proxy before it, that repeats what it was sent.
func echoing(req *http.Request) (*http.Response, error) {
	raw := req.Header.Get("Authorization")
	_, part, _ := strings.Cut(raw, ".")
	switch {
	case strings.HasSuffix(req.URL.Path, "/user-info"):
		return answer(req, 500, "You sent "+raw+" and its secret is "+part)
	case strings.HasSuffix(req.URL.Path, "/token-info"):
		return answer(req, 422, `{"detail":[{"msg":"`+raw+`","type":"`+part+`","loc":["header","`+part+`"],"input":"`+raw+`"}]}`)
	case strings.HasSuffix(req.URL.Path, "/groups"):
		return answer(req, 302, "", "Location", "https://login.example.org/"+raw[7:]+"?rd="+part)
	case strings.HasSuffix(req.URL.Path, "/users"):
		return answer(req, 200, `{"username":"`+raw+`"}`, "Content-Type", raw)
	case strings.HasSuffix(req.URL.Path, "/tokens"):
		return answer(req, 200, `{"token":"`+raw+`"}`)
	default:
		return nil, fmt.Errorf("cannot send %s", raw)
	}
}

// TestNoExportedTypePrintsAToken walks through every exported type: by all verbs,
// JSON, XML and slog, and then by reflection through every field that can be
// reached, unexported ones too, since a debugger's printer does that.
func TestNoExportedTypePrintsAToken(t *testing.T) {
	t.Parallel()
	secretToken := gafaelfawr.NewToken()
	raw := secretToken.Reveal()
	part := raw[26:]
	client := withResponder(t, echoing)
	call := func(f func() error) error {
		err := f()
		require.Error(t, err)
		return err
	}
	echoed := call(func() error { _, err := client.UserInfo(t.Context(), secretToken); return err })
	detailed := call(func() error { _, err := client.TokenInfo(t.Context(), secretToken); return err })
	redirected := call(func() error { _, err := client.Groups(t.Context(), secretToken); return err })
	misread := call(func() error { _, err := client.Users(t.Context(), secretToken); return err })
	garbled := call(func() error {
		_, err := client.CreateToken(t.Context(), secretToken, gafaelfawr.AdminTokenRequest{Username: "u"})
		return err
	})
	unsent := call(func() error { _, err := client.QuotaOverrides(t.Context(), secretToken); return err })
	web := as[*gafaelfawr.WebError](t, echoed)
	assert.Equal(t, "You sent Bearer gt-"+secretToken.Key()+".REDACTED and its secret is REDACTED", web.Body)
	assert.Contains(t, detailed.Error(), "header.REDACTED Bearer gt-"+secretToken.Key()+".REDACTED (REDACTED)")

	// A client and a server that have the token in their caches.
	server := newServer(t)
	held := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminToken, gafaelfawr.ScopeAdminUserInfo}})
	server.SetQuota("someuser", nil)
	warm := newClient(t, server)
	info, err := warm.UserInfo(t.Context(), held)
	require.NoError(t, err)
	_, err = warm.UserInfoByName(t.Context(), held, "someuser")
	require.NoError(t, err)
	made, err := warm.CreateUserToken(t.Context(), held, "someuser", gafaelfawr.UserTokenRequest{TokenName: "n"})
	require.NoError(t, err)
	page, err := warm.HistoryPage(t.Context(), held, gafaelfawr.HistoryQuery{})
	require.NoError(t, err)
	tokenInfo, err := warm.TokenInfo(t.Context(), held)
	require.NoError(t, err)
	discovery, err := gafaelfawr.NewDiscovery(server.DiscoveryURL)
	require.NoError(t, err)
	doc, err := discovery.Document(t.Context())
	require.NoError(t, err)
	var influx gafaelfawr.InfluxDBCredentials
	require.NoError(t, json.Unmarshal([]byte(`{"url":"https://h","database":"d","schema_registry":"https://h","username":"u","password":"`+hiddenPassword+`"}`), &influx))

	values := map[string]any{
		"Token": secretToken, "Error": gafaelfawr.ErrInvalidToken, "UserInfo": info, "CompactUserInfo": gafaelfawr.CompactUserInfo(info), "Group": gafaelfawr.Group{},
		"Groups": gafaelfawr.Groups{}, "Quota": gafaelfawr.Quota{}, "NotebookQuota": gafaelfawr.NotebookQuota{}, "TapQuota": gafaelfawr.TapQuota{}, "QuotaConfig": gafaelfawr.QuotaConfig{},
		"TokenType": gafaelfawr.UserToken, "Scopes": tokenInfo.Scopes, "TokenInfo": tokenInfo, "Timestamp": tokenInfo.Created, "TokenChange": gafaelfawr.TokenEdited, "ChangeHistoryEntry": page.Entries[0],
		"UserTokenRequest": gafaelfawr.UserTokenRequest{}, "AdminTokenRequest": gafaelfawr.AdminTokenRequest{}, "ServiceTokenRequest": gafaelfawr.ServiceTokenRequest{},
		"TokenChanges": gafaelfawr.TokenChanges{}, "Expiry": gafaelfawr.ExpireAt(time.Now()), "NewTokenReply": &gafaelfawr.NewTokenReply{Token: secretToken},
		"ErrorDetail": as[*gafaelfawr.WebError](t, detailed).Details[0], "ErrorBody": gafaelfawr.ErrorBody{Detail: as[*gafaelfawr.WebError](t, detailed).Details}, "FieldError": as[*gafaelfawr.FieldError](t, garbled),
		"WebError": web, "NotFoundError": &gafaelfawr.NotFoundError{WebError: web}, "ValidationError": as[*gafaelfawr.ValidationError](t, misread), "DiscoveryError": &gafaelfawr.DiscoveryError{Err: web},
		"Document": doc, "Dataset": gafaelfawr.Dataset{}, "APIService": doc.Internal["gafaelfawr"], "APIVersion": gafaelfawr.APIVersion{}, "UIService": gafaelfawr.UIService{}, "InfluxDB": gafaelfawr.InfluxDB{},
		"InfluxDBCredentials": influx, "Discovery": discovery, "Client": warm, "Option": gafaelfawr.WithCacheSize(1), "HistoryQuery": gafaelfawr.HistoryQuery{}, "HistoryPage": page,
		"gafaelfawrtest.Server": server, "gafaelfawrtest.Request": server.Requests()[1], "gafaelfawrtest.Action": gafaelfawrtest.UserInfo, "gafaelfawrtest.TokenOptions": gafaelfawrtest.TokenOptions{},
		"gafaelfawrtest.Target": gafaelfawrtest.Target{AdminToken: held},
		"another detail":        as[*gafaelfawr.WebError](t, detailed), "a redirect": as[*gafaelfawr.WebError](t, redirected), "a reply that is none": as[*gafaelfawr.ValidationError](t, garbled),
	}
	for _, name := range append(exportedTypes(t, ".", ""), exportedTypes(t, "gafaelfawrtest", "gafaelfawrtest.")...) {
		assert.Contains(t, values, name, "an exported type is missing in this test")
	}
	secrets := []string{part, held.Reveal()[26:], made.Reveal()[26:], hiddenPassword}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printed := everyPrinting(v, name != "NewTokenReply")
			for i, s := range secrets {
				if strings.Contains(printed, s) || strings.Contains(printed, fmt.Sprintf("%x", s)) { // not assert: it would print all of it
					t.Errorf("secret %d is printed", i)
				}
			}
			w := walker{secrets: secrets, seen: map[uintptr]bool{}}
			w.walk(reflect.ValueOf(v), name)
			assert.Empty(t, w.found)
		})
	}
	for _, err := range []error{echoed, detailed, redirected, misread, garbled, unsent} {
		for _, s := range secrets {
			assert.NotContains(t, err.Error(), s)
		}
	}
}

// What is repeated need not look like a token: the secret half alone is as good.
func TestTheSecretAloneIsHiddenWhereverItIsRepeated(t *testing.T) {
	t.Parallel()
	secretToken := gafaelfawr.NewToken()
	part := secretToken.Reveal()[26:]
	for _, form := range []string{
		"%s\r\n\r\n", "HTTP/1.1 %s\r\n\r\n", "HTTP/1.1 200 OK\r\n%s\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/%s\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 302 Found\r\nLocation: https://h/%s\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: https://%s/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nLink: <https://%s/x>; rel=next\r\nContent-Length: 2\r\n\r\n[]", "HTTP/1.1 200 OK\r\nLink: </%s>; rel=next\r\nContent-Length: 1\r\n\r\n[",
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n%s",
	} {
		for _, repeated := range []string{part, secretToken.Reveal(), strings.ToLower(part), strings.ToUpper(part)} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					fmt.Fprintf(conn, form, repeated)
					_ = conn.Close()
				}
			}))
			client, err := gafaelfawr.New(gafaelfawr.WithAPIURL(server.URL))
			require.NoError(t, err)
			_, err = client.HistoryPage(t.Context(), secretToken, gafaelfawr.HistoryQuery{})
			require.Error(t, err, form)
			assertQuiet(t, err, part, form)
			client.Close()
			server.Close()
		}
	}
	client := withResponder(t, func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("the proxy said\n%s and %w", part, io.ErrUnexpectedEOF)}
	})
	_, err := client.UserInfo(t.Context(), secretToken)
	assertQuiet(t, err, part, "a RoundTripper")
	assert.Equal(t, "no answer to GET "+apiURL+"/user-info: dial: the proxy said\uFFFDREDACTED and unexpected EOF", err.Error())
	assert.NotContains(t, as[*gafaelfawr.WebError](t, err).Err.Error(), "\n")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "programs still see the cause")
	var dial *net.OpError
	require.ErrorAs(t, err, &dial)
	client = withResponder(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, `{"username":"u","quota":{"api":{"`+strings.Repeat("x", 50)+part+`":"x"}}}`)
	})
	_, err = client.UserInfo(t.Context(), secretToken)
	assertQuiet(t, err, part[:10], "a name that is cut off")
}

// assertQuiet walks along a chain of errors.
func assertQuiet(t *testing.T, err error, part, what string) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(strings.ToLower(everyPrinting(err, true)), strings.ToLower(part)) {
			t.Errorf("%q: the secret is printed by a %T", what, err)
		}
		w := walker{secrets: []string{part}, seen: map[uintptr]bool{}}
		w.walk(reflect.ValueOf(err), "")
		assert.Empty(t, w.found, what)
	}
}

func as[E error](t *testing.T, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	require.True(t, ok, "%T", err)
	return e
}

// everyPrinting prints a value, a pointer to it and a struct that holds it in
// every way that the standard library has. The reply to a request for a token is
// the one thing whose JSON has it.
func everyPrinting(v any, toJSON bool) string {
	var b bytes.Buffer
	pv := reflect.New(reflect.TypeOf(v))
	pv.Elem().Set(reflect.ValueOf(v))
	shapes := []any{v, pv.Interface(), []any{v}, map[string]any{"k": v}, struct{ V any }{v}, struct{ v any }{v}}
	for _, s := range shapes {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&b, verb+"\n", s)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", s)
		if !toJSON {
			continue
		}
		if j, err := json.Marshal(s); err == nil {
			b.Write(j)
		}
		if x, err := xml.Marshal(s); err == nil {
			b.Write(x)
		}
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
		// Connections buffer what was sent, and a server what came.
		if name := v.Type().String(); name == "*http.Transport" || name == "*httptest.Server" || name == "*http.Client" {
			return
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

// exportedTypes lists the types that users of a package can name.
func exportedTypes(t *testing.T, dir, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range f.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
					names = append(names, prefix+s.Name.Name)
				}
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestClientsPrintWhereTheyAsk(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	found := newClient(t, server)
	named, err := gafaelfawr.New(gafaelfawr.WithAPIURL(apiURL))
	require.NoError(t, err)
	discovery, err := gafaelfawr.NewDiscovery(server.DiscoveryURL + "/")
	require.NoError(t, err)
	for v, want := range map[any]string{
		found: "gafaelfawr.Client(by " + server.DiscoveryURL + ")", named: "gafaelfawr.Client(" + apiURL + ")",
		discovery: "gafaelfawr.Discovery(" + server.DiscoveryURL + ")", server: "gafaelfawrtest.Server(" + server.URL + ")",
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			assert.Equal(t, want, fmt.Sprintf(verb, v))
		}
	}
}

func TestURLsInErrorsHideWhatMayBeSecret(t *testing.T) {
	t.Parallel()
	secretToken := gafaelfawr.NewToken()
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: req.URL.String() + "?x=" + hiddenPassword, Err: io.ErrUnexpectedEOF}
	})
	_, err := client.UserInfoByName(t.Context(), secretToken, "u")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.NotContains(t, err.Error(), hiddenPassword)
}
