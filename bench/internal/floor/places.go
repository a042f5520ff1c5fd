// SPDX-License-Identifier: BSD-3-Clause

package floor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Places looks for a token where tokens are looked for.
type Places struct {
	LookupEnv func(string) (string, bool)
	TempDir   string
	UID       int
	Opened    []string // the files that it tried to open
}

// Find returns the first token for audience that has a minute to live.
func (p *Places) Find(audience string) (string, error) {
	if v, ok := p.LookupEnv("SCITOKEN"); ok {
		return v, nil
	}
	var names []string
	if v, ok := p.LookupEnv("SCITOKEN_FILE"); ok {
		names = append(names, v)
	}
	if v, ok := p.LookupEnv("_CONDOR_CREDS"); ok {
		entries, err := os.ReadDir(v)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			names = append(names, filepath.Join(v, e.Name()))
		}
	}
	if v, ok := p.LookupEnv("BEARER_TOKEN"); ok {
		return v, nil
	}
	if v, ok := p.LookupEnv("BEARER_TOKEN_FILE"); ok {
		names = append(names, v)
	}
	name := "bt_u" + strconv.Itoa(p.UID)
	if v, ok := p.LookupEnv("XDG_RUNTIME_DIR"); ok {
		names = append(names, filepath.Join(v, name))
	}
	names = append(names, filepath.Join(p.TempDir, name))

	var t Token
	soon := time.Now().Add(time.Minute).Unix()
	for _, name := range names {
		p.Opened = append(p.Opened, name)
		content, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		raw := bytes.TrimSpace(content)
		if c, err := t.Claims(raw); err == nil && c.Expiry > soon && string(c.Audience) == audience {
			return string(raw), nil
		}
	}
	return "", errToken
}
