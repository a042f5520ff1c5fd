// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/origin"
)

// How much of a refusal's text is shown, and how long it may take to come.
const (
	refusalBytes = 4 << 10
	refusalWait  = 5 * time.Second
)

// refusal is the failure of an answer that is no success: what the server says,
// what can be told from here, what may help.
func (p *program) refusal(d *download, resp *http.Response, e *scicred.StatusError) *failure {
	f := &failure{code: exitFailure, err: fmt.Errorf("%s %s: %s", e.Method, e.URL, e.Status)}
	if e.StatusCode >= http.StatusBadRequest {
		f.code = exitStatus
	}
	for _, line := range textOf(resp, p.hidden.hide) {
		f.details = append(f.details, "| "+line)
	}
	for _, fact := range e.Facts {
		f.details = append(f.details, words(fact))
	}
	if e.RetryAfter > 0 {
		f.details = append(f.details, "the server asks to wait for "+human.Duration(e.RetryAfter))
	}
	asked, answered := origin.Of(d.req.URL), origin.Of(resp.Request.URL)
	if asked != answered {
		f.details = append(f.details, "the request was redirected from "+asked.String()+" to this server")
	}
	return f.hint(statusAdvice(e, asked, answered)...)
}

// textOf returns the lines of a short text for people.
func textOf(resp *http.Response, hide func(string) string) []string {
	timer := time.AfterFunc(refusalWait, func() { _ = resp.Body.Close() })
	defer timer.Stop()
	// A little more, so that a secret at the end is not cut and then not known;
	// what has come will do.
	data, _ := io.ReadAll(io.LimitReader(resp.Body, refusalBytes+bearer.MaxLen))
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = http.DetectContentType(data)
	}
	media, _, _ := mime.ParseMediaType(kind)
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	switch {
	case media == "text/html":
		text = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`).ReplaceAllString(text, " ")
	case strings.HasPrefix(media, "text/"), strings.HasSuffix(media, "json"), strings.HasSuffix(media, "xml"):
	default:
		return nil
	}
	text = hide(text) // before it is cut
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(text[:min(len(text), refusalBytes)], "")) {
		if line = strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
