// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scicred/scicred/gafaelfawr"
)

// Action is something that a server can be made to fail at.
type Action string

// The actions.
const (
	CreateToken    Action = "create_token" // both ways of it
	ListGroups     Action = "list_groups"
	ListUsers      Action = "list_users"
	UserInfo       Action = "user_info"       // by token and by name
	ManageTokens   Action = "manage_tokens"   // list, read, modify and delete
	ReadHistory    Action = "read_history"    // all three routes
	QuotaOverrides Action = "quota_overrides" // read, set and delete
)

// Server is a Gafaelfawr server in memory. All methods may be called by several
// goroutines, also while it serves. It is an [http.Handler] as well, to be served
// under another address: its service discovery leads to the host that it was asked
// by.
type Server struct {
	URL          string // of the API, for gafaelfawr.WithAPIURL
	DiscoveryURL string // of service discovery, for gafaelfawr.NewDiscovery

	http *httptest.Server
	mux  *http.ServeMux

	mu        sync.Mutex
	intercept func(http.ResponseWriter, *http.Request) bool
	now       func() time.Time
	tokens    map[string]*held // by key
	infos     map[string]gafaelfawr.UserInfo
	users     []string // names in infos, as they were set first
	groups    *gafaelfawr.Groups
	failing   map[string][]Action
	overrides *gafaelfawr.QuotaConfig
	history   []entry
	requests  []Request
}

// held is a token that the server knows.
type held struct {
	token gafaelfawr.Token
	info  gafaelfawr.TokenInfo
}

// Request is one that came in.
type Request struct {
	Method string
	Path   string // as it was sent
	Key    string // of the token; "" if there was none that can be read
}

// TokenOptions say more about a token. The zero value is a token of type user
// without scopes that does not expire.
type TokenOptions struct {
	Scopes  []string
	Expires time.Time            // zero: never
	Type    gafaelfawr.TokenType // "": user
	Name    string               // "": none
}

const apiPath, discoveryPath = "/auth/api/v1", "/repertoire"

// NewServer starts a server that knows nothing, on http. Call Close when it is no
// longer needed.
func NewServer() *Server { return start(httptest.NewServer) }

// NewTLSServer starts a server that knows nothing, on https. Its certificate is
// none that others trust: make requests with [Server.Client] or its RoundTripper.
// Call Close when it is no longer needed.
func NewTLSServer() *Server { return start(httptest.NewTLSServer) }

func start(serve func(http.Handler) *httptest.Server) *Server {
	s := &Server{
		mux: http.NewServeMux(), now: time.Now, tokens: map[string]*held{}, infos: map[string]gafaelfawr.UserInfo{}, failing: map[string][]Action{},
	}
	s.mux.HandleFunc("GET "+discoveryPath+"/discovery", s.discover)
	for pattern, r := range s.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" "+apiPath+path, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r) })
	}
	s.http = serve(s)
	s.URL, s.DiscoveryURL = s.http.URL+apiPath, s.http.URL+discoveryPath
	return s
}

// ServeHTTP answers a request to /auth/api/v1 or /repertoire.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.note(req)
	s.mu.Lock()
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil && intercept(w, req) {
		return
	}
	s.mux.ServeHTTP(w, req)
}

// Intercept lets a function see each request before the server does, for what a
// real server does under load: it may answer, and then returns true, or only take
// its time. It may be called by several goroutines at once. Nil removes it.
//
//	server.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
//		w.Header().Set("Retry-After", "30")
//		w.WriteHeader(http.StatusTooManyRequests)
//		return true
//	})
func (s *Server) Intercept(f func(http.ResponseWriter, *http.Request) (answered bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Client returns an http.Client that trusts the server's certificate. It adds no
// token to what it sends.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Close stops the server.
func (s *Server) Close() { s.http.Close() }

// Format prints the URL, whatever the verb.
func (s *Server) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "gafaelfawrtest.Server("+s.URL+")")
}

// NewClient returns a client of this server, which finds it by its discovery.
func (s *Server) NewClient(opts ...gafaelfawr.Option) (*gafaelfawr.Client, error) {
	discovery, err := gafaelfawr.NewDiscovery(s.DiscoveryURL, gafaelfawr.WithHTTPClient(s.http.Client()))
	if err != nil {
		return nil, err
	}
	return gafaelfawr.New(append([]gafaelfawr.Option{gafaelfawr.WithHTTPClient(s.http.Client()), gafaelfawr.WithDiscovery(discovery)}, opts...)...)
}

// SetClock tells the server the time, by which tokens expire.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// CreateToken returns a token of a user, which this server alone accepts.
func (s *Server) CreateToken(username string, o TokenOptions) gafaelfawr.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := gafaelfawr.TokenInfo{Username: username, TokenType: o.Type, Scopes: o.Scopes}
	if info.TokenType == "" {
		info.TokenType = gafaelfawr.UserToken
	}
	if o.Name != "" {
		info.TokenName = &o.Name
	}
	if !o.Expires.IsZero() {
		info.Expires = new(gafaelfawr.NewTimestamp(o.Expires))
	}
	return s.add(info, "<internal>", nil)
}

// add makes a token. The lock is held.
func (s *Server) add(info gafaelfawr.TokenInfo, actor string, ip *string) gafaelfawr.Token {
	token := gafaelfawr.NewToken()
	info.Token, info.Created = token.Key(), gafaelfawr.NewTimestamp(s.now())
	info.Scopes = slices.Clone(info.Scopes)
	s.tokens[token.Key()] = &held{token, info}
	s.record(info, gafaelfawr.TokenCreated, actor, ip, nil)
	return token
}

// SetUserInfo says what is known about a user. Nil is nothing, which is answered
// with 404. The error says that the information is about somebody else.
func (s *Server) SetUserInfo(username string, info *gafaelfawr.UserInfo) error {
	if info != nil && info.Username != username {
		return fmt.Errorf("gafaelfawrtest: the information for %s is about %s", username, info.Username)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setInfo(username, info)
	return nil
}

func (s *Server) setInfo(username string, info *gafaelfawr.UserInfo) {
	if info == nil {
		delete(s.infos, username)
		return
	}
	if !slices.Contains(s.users, username) {
		s.users = append(s.users, username)
	}
	s.infos[username] = info.Clone()
}

// SetQuota says what a user may use, and leaves the rest of what is known; nil is
// no quota.
func (s *Server) SetQuota(username string, quota *gafaelfawr.Quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, ok := s.infos[username]
	if !ok {
		info.Username = username
	}
	info.Quota = quota
	s.setInfo(username, &info)
}

// SetGroups says which groups there are. Nil is none, which is answered with 404.
func (s *Server) SetGroups(groups *gafaelfawr.Groups) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = groups
	if groups != nil {
		s.groups = &gafaelfawr.Groups{User: slices.Clone(groups.User), System: slices.Clone(groups.System)}
	}
}

// FailOn answers requests for these actions with 500, from a user's tokens and,
// for user information by name, about the user. It replaces what was said
// before; no action at all lets everything succeed again.
func (s *Server) FailOn(username string, actions ...Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing[username] = slices.Clone(actions)
}

// Requests returns all requests so far, those for service discovery too.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count returns how many requests there were whose path ends so, such as
// /user-info.
func (s *Server) Count(suffix string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

func (s *Server) note(req *http.Request) {
	key := ""
	if token, ok := bearer(req); ok {
		key = token.Key()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{req.Method, req.URL.EscapedPath(), key})
}

// origin returns scheme and host under which a server was asked.
func origin(req *http.Request) string {
	if req.TLS != nil {
		return "https://" + req.Host
	}
	return "http://" + req.Host
}

func (s *Server) discover(w http.ResponseWriter, req *http.Request) {
	api := origin(req) + apiPath
	w.Header().Set("Access-Control-Allow-Origin", "*")
	reply(w, http.StatusOK, map[string]any{
		"applications": []string{"gafaelfawr"},
		"services": map[string]any{"internal": map[string]any{"gafaelfawr": map[string]any{
			"url":      strings.TrimSuffix(api, "/v1"),
			"versions": map[string]any{"v1": map[string]any{"url": api}},
		}}},
	})
}

// bearer returns the token of a request.
func bearer(req *http.Request) (gafaelfawr.Token, bool) {
	scheme, raw, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return gafaelfawr.Token{}, false
	}
	token, err := gafaelfawr.ParseToken(strings.TrimSpace(raw))
	return token, err == nil
}

// route is what is checked for every request to it, and what then answers.
type route struct {
	action Action // it fails for users who are to fail at it; "": never
	scope  string // it demands; "": none
	handle func(*call)
}

// call is a request that was let in. The lock is held, so that its body is here
// already, and its answer is sent later.
type call struct {
	*Server
	w       http.ResponseWriter
	req     *http.Request
	body    []byte
	bodyErr error
	auth    gafaelfawr.TokenInfo
}

func (s *Server) routes() map[string]route {
	all := map[string]route{
		"GET /user-info":        {UserInfo, "", (*call).userInfo},
		"GET /users":            {ListUsers, gafaelfawr.ScopeAdminUserInfo, (*call).listUsers},
		"GET /users/{username}": {"", gafaelfawr.ScopeAdminUserInfo, (*call).userByName},
		"GET /groups":           {ListGroups, gafaelfawr.ScopeAdminUserInfo, (*call).listGroups},
	}
	maps.Copy(all, tokenRoutes())
	maps.Copy(all, historyRoutes())
	return all
}

// serve answers a request. No lock is held while the client sends or receives: it
// may take its time.
func (s *Server) serve(w http.ResponseWriter, req *http.Request, r route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	answer := httptest.NewRecorder()
	s.decide(&call{Server: s, w: answer, req: req, body: body, bodyErr: err}, r)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // Who asked may have left.
}

// decide checks a request in the order in which Gafaelfawr's own mock does.
func (s *Server) decide(c *call, r route) {
	w, req := c.w, c.req
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok := bearer(req)
	known := s.tokens[token.Key()]
	switch {
	case !ok, known == nil, !known.token.Equal(token):
		fail(w, http.StatusForbidden, "invalid_token", "Token is not valid")
	case slices.Contains(s.failing[known.info.Username], r.action):
		fail(w, http.StatusInternalServerError, "internal_error", "This failure was asked for")
	case r.scope != "" && !known.info.Scopes.Has(r.scope):
		fail(w, http.StatusForbidden, "permission_denied", "Token does not have required scope "+r.scope)
	case known.info.Expires != nil && !s.now().Before(known.info.Expires.Time):
		fail(w, http.StatusUnauthorized, "invalid_token", "Token is not valid")
	default:
		c.auth = known.info
		r.handle(c)
	}
}

func (c *call) userInfo() {
	info, ok := c.infos[c.auth.Username]
	if !ok {
		c.notFound("user-info", "No user information found")
		return
	}
	reply(c.w, http.StatusOK, gafaelfawr.CompactUserInfo(info))
}

func (c *call) userByName() {
	username := c.req.PathValue("username")
	info, ok := c.infos[username]
	switch {
	case slices.Contains(c.failing[username], UserInfo):
		fail(c.w, http.StatusInternalServerError, "internal_error", "This failure was asked for")
	case !ok:
		c.notFound("username", "User not found")
	default:
		reply(c.w, http.StatusOK, gafaelfawr.CompactUserInfo(info))
	}
}

func (c *call) listUsers() {
	found := []gafaelfawr.CompactUserInfo{}
	for _, username := range c.users {
		if info, ok := c.infos[username]; ok {
			found = append(found, gafaelfawr.CompactUserInfo(info))
		}
	}
	if len(found) == 0 {
		c.notFound("users", "No users found")
		return
	}
	reply(c.w, http.StatusOK, found)
}

func (c *call) listGroups() {
	if c.groups == nil {
		c.notFound("groups", "No groups found")
		return
	}
	reply(c.w, http.StatusOK, c.groups)
}

func (c *call) notFound(what, message string) {
	fail(c.w, http.StatusNotFound, "not_found", message, "path", what)
}

func reply(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // Who asked may have left.
}

// fail answers as Gafaelfawr does.
func fail(w http.ResponseWriter, status int, kind, message string, loc ...any) {
	reply(w, status, gafaelfawr.ErrorBody{Detail: []gafaelfawr.ErrorDetail{{Message: message, Type: kind, Loc: loc}}})
}
