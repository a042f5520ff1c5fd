// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/places"
)

// soon is how long a proxy must be good for discovery to take it; another one
// comes first that is.
const soon = 10 * time.Minute

// findProxy reads the proxy in the file that is named, or else the one that
// discovery finds: in X509_USER_PROXY, then in /tmp. If there is none it would
// take, the first that can be read at all is shown: it says what is wrong with it.
func (p *program) findProxy(ctx context.Context, named []string) (*held, error) {
	w := p.world()
	candidates := proxyPlaces(ctx, w, named)
	found := inventory.Build(w.World, nil, candidates, func(*held) bool { return true }).Places
	var best *held
	for i := range found {
		place := &found[i]
		h := place.Cred
		if h == nil {
			continue
		}
		h.path, h.source = place.Path, place.Candidate
		if place.Warning != "" {
			h.notes = append(h.notes, strings.TrimPrefix(place.Warning, "warning: "))
		}
		if best == nil {
			best = h
		}
		if h.keyErr == nil && !h.now.Before(h.begins()) && h.expires().Sub(h.now) >= soon {
			best = h
			break
		}
	}
	if best == nil {
		return nil, noProxy(found, len(named) > 0)
	}
	for i := range found {
		switch place := &found[i]; {
		case place.Cred == best:
			return best, nil // What comes after it is not of interest.
		case place.Cred != nil:
			best.warnings = append(best.warnings, fmt.Sprintf("%s %s: %s, so another one is taken", place.Candidate, place.Path, whyNot(place.Cred)))
		case !place.Absent:
			best.warnings = append(best.warnings, fmt.Sprintf("%s %s: %v, so another one is taken", place.Candidate, place.Path, place.Err))
		}
	}
	return best, nil
}

// whyNot says why discovery does not take a proxy.
func whyNot(h *held) string {
	switch {
	case h.keyErr != nil:
		return h.keyErr.Error()
	case h.now.Before(h.begins()):
		return "not valid before " + date(h.begins())
	}
	return human.Expiry(h.expires(), h.now)
}

// proxyPlaces are the places of discovery that are for proxies, or the file that
// is named in their stead.
func proxyPlaces(ctx context.Context, w *places.World, named []string) []inventory.Candidate[held] {
	take := func(place *inventory.Place[held], l *inventory.Looker, cert, _ []byte) {
		place.Cred, place.Err = readHeld(ctx, cert, l.Now(), nil)
	}
	if len(named) > 0 {
		return []inventory.Candidate[held]{{Name: "FILE", Look: func(l *inventory.Looker) []inventory.Place[held] {
			return []inventory.Place[held]{places.X509Files(l, "FILE", named[0], "", take)}
		}}}
	}
	var list []inventory.Candidate[held]
	for _, c := range places.X509(*w, take) {
		if c.Name == "X509_USER_PROXY" || c.Name == w.Temp {
			list = append(list, c)
		}
	}
	return list
}

// noProxy is the failure where none can be read.
func noProxy(found []inventory.Place[held], named bool) error {
	if named {
		return (&failure{code: exitFailure, err: fmt.Errorf("%s: %w", found[0].Path, found[0].Err)}).hint(howToGetAProxy)
	}
	f := &failure{code: exitFailure, err: errors.New("no proxy found")}
	for i := range found {
		place := &found[i]
		what := place.Candidate
		if place.Path != "" && place.Path != what {
			what += " " + place.Path
		}
		f.details = append(f.details, fmt.Sprintf("%s: %v", what, place.Err))
	}
	return f.hint(howToGetAProxy)
}

// world is the machine that the program looks at.
func (p *program) world() *places.World {
	s := p.system
	if s == nil {
		return places.NewWorld(osfile.FS{}, places.Machine{})
	}
	files := osfile.FS{Open: s.Open, Stat: s.Stat, Lstat: s.Lstat, ReadDir: s.ReadDir}
	if s.Identify != nil {
		files.Identify = func(fi fs.FileInfo) (osfile.ID, bool) {
			id, ok := s.Identify(fi)
			return osfile.ID(id), ok
		}
	}
	return places.NewWorld(files, places.Machine{LookupEnv: s.LookupEnv, HomeDir: s.HomeDir, TempDir: s.TempDir, EUID: s.EUID, Now: s.Now})
}
