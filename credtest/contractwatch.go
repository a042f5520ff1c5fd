// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// watched is a request and what it was before it was sent.
type watched struct {
	what     string
	req      *http.Request
	before   http.Request // its fields
	url      url.URL
	maps     map[string]http.Header // deep copies, by the field's name
	body     *watchedBody           // nil if the body is not watched
	lost     bool                   // RoundTrip did not return: nothing can be said
	reported bool
}

func watch(what string, req *http.Request) *watched {
	w := &watched{what: what, req: req, before: *req, maps: map[string]http.Header{}}
	if req.URL != nil {
		w.url = *req.URL
	}
	for name, m := range headerMaps(req) {
		w.maps[name] = cloneRoomy(m)
	}
	w.body, _ = req.Body.(*watchedBody)
	return w
}

func headerMaps(req *http.Request) map[string]http.Header {
	return map[string]http.Header{"Header": req.Header, "Trailer": req.Trailer, "Form": http.Header(req.Form), "PostForm": http.Header(req.PostForm)}
}

// differences names the fields that have changed.
func (w *watched) differences() []string {
	var names []string
	if w.req.Context() != w.before.Context() {
		names = append(names, "the context")
	}
	before, now := reflect.ValueOf(&w.before).Elem(), reflect.ValueOf(w.req).Elem()
	for i := range before.NumField() {
		field := before.Type().Field(i)
		if field.IsExported() && !sameField(before.Field(i), now.Field(i)) {
			names = append(names, "the "+field.Name)
		}
	}
	if w.req.URL != nil && w.before.URL == w.req.URL && *w.req.URL != w.url {
		names = append(names, "the URL")
	}
	for name, m := range headerMaps(w.req) {
		if !sameRoomy(m, w.maps[name]) && !slices.Contains(names, "the "+name) {
			names = append(names, "the "+name)
		}
	}
	slices.Sort(names)
	return names
}

// sameField compares two fields of a request by identity: a map, function or
// pointer is the same, not just equal.
func sameField(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Map, reflect.Func, reflect.Chan, reflect.Pointer:
		return a.Pointer() == b.Pointer()
	case reflect.Slice:
		return a.Len() == b.Len() && a.Pointer() == b.Pointer()
	}
	return a.Interface() == b.Interface()
}

// room is found in the unused end of a header's values.
const room = "untouched"

// roomy makes a header's values with room behind them, as those have that were
// made by append: an append that thinks it makes a copy would write there.
func roomy(values ...string) []string {
	return append(slices.Clone(values), room, room)[:len(values)]
}

func cloneRoomy(m http.Header) http.Header {
	if m == nil {
		return nil
	}
	c := http.Header{}
	for name, values := range m {
		c[name] = slices.Clone(values[:cap(values)])
	}
	return c
}

// sameRoomy reports whether m is what the copy was made of.
func sameRoomy(m, clone http.Header) bool {
	if len(m) != len(clone) {
		return false
	}
	for name, values := range m {
		if was, ok := clone[name]; !ok || !slices.Equal(values[:cap(values)], was) {
			return false
		}
	}
	return true
}

// watchedBody is a request's body that notes when it is closed.
type watchedBody struct {
	*strings.Reader
	once   sync.Once
	closed chan struct{}
}

func newWatchedBody(content string) *watchedBody {
	return &watchedBody{Reader: strings.NewReader(content), closed: make(chan struct{})}
}

func (b *watchedBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// closedBy waits for the body to be closed: a transport may do that after
// RoundTrip has returned.
func (b *watchedBody) closedBy(limit time.Time) bool {
	select {
	case <-b.closed:
		return true
	default:
	}
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case <-b.closed:
		return true
	case <-timer.C:
		return false
	}
}
