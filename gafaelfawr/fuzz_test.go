// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
)

func FuzzDocument(f *testing.F) {
	for _, s := range []string{aSite, `{}`, `null`, `[]`, `{"services":{"internal":{"gafaelfawr":{"url":"https://h"}}}}`, `{"datasets":{"":{}}}`, `<html>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d gafaelfawr.Document
		err := json.Unmarshal(data, &d)
		if err != nil {
			require.Equal(t, gafaelfawr.Document{}, d)
			return
		}
		// Whatever is in it, every question has an answer.
		for _, name := range append(d.DatasetNames(), "nosuch") {
			config, ok := d.ButlerConfig(name)
			require.Equal(t, ok, config != "")
			for service := range d.Datasets[name].Services {
				for _, version := range append(d.DataVersions(service, name), "") {
					u, ok := d.DataURL(service, name, version)
					require.Equal(t, ok, strings.HasPrefix(strings.ToLower(u), "http"), "no empty URL is one")
				}
			}
		}
		for service := range d.Internal {
			u, _ := d.InternalURL(service, "")
			require.NotEmpty(t, u)
			d.InternalVersions(service)
		}
		require.Len(t, d.InfluxDBNames(), len(d.LocalInfluxDBNames(true))+len(d.LocalInfluxDBNames(false)))
		require.LessOrEqual(t, len(d.ButlerRepositories()), len(d.Datasets))
	})
}

// FuzzSplit compares with encoding/json: the same members, and the same elements.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, ` { "a" : 1 , "a":[{"b":"]}\\\""},null,true] ,"":-1.5e3}`, `[1,"x, y:z",{"a":[]}, [ ] ,null]`, `{"\u0061\n":"\\"}`, "{\"\xff\":0}", `null`, `5`, `"s"`, `true`, `{"a":1} x`, `[1`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var wantMembers map[string]json.RawMessage
		wantErr := json.Unmarshal(data, &wantMembers)
		if string(bytes.TrimSpace(data)) == "null" {
			wantErr = io.EOF
		}
		members := map[string]json.RawMessage{}
		err := gafaelfawr.Members(data, func(name string, raw json.RawMessage) error {
			members[name] = raw
			return nil
		})
		require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
		if err == nil {
			require.Equal(t, wantMembers, members)
		}

		var wantElements []json.RawMessage
		wantErr = json.Unmarshal(data, &wantElements)
		if string(bytes.TrimSpace(data)) == "null" {
			wantErr = io.EOF
		}
		elements := []json.RawMessage{}
		err = gafaelfawr.Elements(data, func(raw json.RawMessage) error {
			elements = append(elements, raw)
			return nil
		})
		require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
		if err == nil {
			require.Equal(t, wantElements, elements)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{
		`{"detail":{"msg":"Authentication required","type":"no_authorization"}}`, `{"detail":[{"msg":"m","type":"t","loc":["body","x",0]}]}`,
		`{"detail":"Not Found"}`, `{"detail":null}`, `{"detail":[null]}`, `{"detail":[{"msg":"m","loc":[1e300,{}]}]}`, `{"detail":` + "\n" + `{"msg":""}}`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b gafaelfawr.ErrorBody
		if json.Unmarshal(data, &b) != nil {
			require.Nil(t, b.Detail)
			return
		}
		for _, d := range b.Detail {
			for _, place := range d.Loc {
				switch place.(type) {
				case string, int:
				default:
					t.Fatalf("a place is a %T", place)
				}
			}
		}
		_ = (&gafaelfawr.WebError{Details: b.Detail}).Error()
		written, err := json.Marshal(b)
		require.NoError(t, err)
		if len(b.Detail) == 0 {
			return
		}
		var again gafaelfawr.ErrorBody
		require.NoError(t, json.Unmarshal(written, &again))
		require.Len(t, again.Detail, len(b.Detail))
	})
}

func FuzzLinks(f *testing.F) {
	for _, s := range []string{
		`<https://h/?cursor=1_2>; rel="next"`, `<a>; rel=first, <b>; rel="next prev"`, `<a;b,c>; title="x\"; rel=\"next"; rel=next`, `<`, `<>;rel`, `,,;`, `<a>;rel="`, `<a>;rel="\`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for relation, target := range gafaelfawr.Links([]string{header}) {
			require.NotEmpty(t, target)
			require.NotEmpty(t, relation)
			require.Contains(t, header, target, "a target is a part of the header")
			require.NotContains(t, target, ">")
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{`1700000000`, `"2023-11-14T22:13:20Z"`, `"2023-11-14"`, `1e300`, `-1`, `null`, `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var ts gafaelfawr.Timestamp
		if ts.UnmarshalJSON(data) != nil {
			require.True(t, ts.IsZero())
			return
		}
		require.True(t, ts.Year() >= 0 && ts.Year() <= 10000)
		require.Equal(t, time.UTC, ts.Location())
	})
}

func FuzzTokensAreHidden(f *testing.F) {
	f.Add("Authorization: Bearer ", " and more")
	f.Add("gt-", ".")
	f.Add("gt-gt-gt-", aToken)
	f.Fuzz(func(t *testing.T, before, after string) {
		// In a longer run of such characters no token can be made out.
		text := before + " " + aToken + " " + after
		require.NotContains(t, gafaelfawr.HideTokens(text), aSecret+" "+after)
		require.NotContains(t, gafaelfawr.HideTokens(text), aToken)
	})
}

func TestLinksAreReadAsRFC8288Says(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]map[string]string{
		``:                                {},
		`<a>; rel="next"`:                 {"next": "a"},
		` <a> ; rel = next `:              {"next": "a"},
		`<a>;rel=previous`:                {"prev": "a"},
		`<a>; rel="next",<b>; rel="prev"`: {"next": "a", "prev": "b"},
		`<a,b>; rel="next"`:               {"next": "a,b"},
		`<a>; title="x, <b>"; rel="next"`: {"next": "a"},
		`<a>; title="x\", y"; rel="next"`: {"next": "a"},
		`<a>; rel="n\ext"`:                {"next": "a"},
		`<a>; rel="next first"`:           {"next": "a", "first": "a"},
		`<a>; rel=next, <b>; rel=next`:    {"next": "a"},
		`<a>; rel="prev"; rel="next"`:     {"prev": "a"},
		`a; rel="next"`:                   {},
		`<a; rel="next"`:                  {},
		`<a>`:                             {},
		`<>; rel=next`:                    {},
		`, ,<a>; rel=next,`:               {"next": "a"},
		`<a>; rel*=next`:                  {},
		`<a>;;; rel=next`:                 {"next": "a"},
		`<a>; foo; rel=next`:              {"next": "a"},
		`nonsense, <a>; rel=next`:         {"next": "a"},
	} {
		assert.Equal(t, want, gafaelfawr.Links([]string{header}), header)
	}
	assert.Equal(t, map[string]string{"next": "a", "prev": "b"}, gafaelfawr.Links([]string{"<a>; rel=next", "<b>; rel=prev"}))
}
