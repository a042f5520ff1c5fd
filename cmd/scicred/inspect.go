// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
)

// maxInspected is how large a file may be that is looked at: the most that any
// credential may have (rule 4 of discovery: 1 MiB).
const maxInspected = 1 << 20

// inspectFlags is what inspect can be told.
type inspectFlags struct {
	common     // of which there are only whom to trust, and the issuers
	json       bool
	verify     bool
	passphrase string
}

func (i *inspectFlags) register(f flags) {
	f.BoolVar(&i.json, "json", false, "")
	f.BoolVar(&i.verify, "verify", false, "")
	f.list(&i.issuer, "issuer", "token-issuer")
	f.text(&i.passphrase, "passphrase-file")
	f.text(&i.caFile, "cacert")
	f.text(&i.caPath, "capath")
	f.BoolVar(&i.verbose, "v", false, "")
	f.BoolVar(&i.verbose, "verbose", false, "")
}

// inspect shows what is in a file: a token, or certificates.
func (p *program) inspect(ctx context.Context, args []string) error {
	var i inspectFlags
	f := newFlags("inspect")
	i.register(f)
	rest, err := f.parse(args)
	switch {
	case err != nil:
		return p.orHelp(err, "inspect")
	case len(rest) > 1:
		return usage("one file at a time, please: there are %d arguments that are no flags", len(rest))
	case len(rest) == 1 && rest[0] == "":
		return usage("the name of the file is empty")
	case i.verify && len(i.issuer) == 0:
		return usage("--verify needs --issuer, the one whose tokens you believe: nobody else is asked for a key").hint("scicred help inspect")
	case !i.verify && len(i.issuer) > 0:
		return usage("--issuer is for --verify")
	}
	name := "-"
	if len(rest) == 1 {
		name = rest[0]
	} else if stdin, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(stdin.Fd())) {
		return usage("which file? - is standard input").hint("scicred help inspect")
	}
	data, err := p.readInspected(name)
	if err != nil {
		return aboutFile(name, err)
	}
	if token, err := bearer.FromFile(data); err == nil { // No other format is written in those letters alone.
		return p.inspectToken(ctx, &i, name, token)
	}
	if i.verify {
		return usage("--verify is for tokens, and %s holds none", name)
	}
	return p.inspectCertificates(ctx, &i, name, data)
}

// aboutFile says which file an error is about.
func aboutFile(name string, err error) *failure {
	return &failure{code: exitFailure, err: fmt.Errorf("%s: %w", name, err)}
}

// readInspected reads a file, whoever it belongs to: nothing is sent.
func (p *program) readInspected(name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(p.stdin, maxInspected+1))
		if err == nil && len(data) > maxInspected {
			err = fmt.Errorf("%w: at most %d bytes are read", osfile.ErrTooLarge, maxInspected)
		}
		return data, err
	}
	files := p.world().FS
	files.Identify = func(fs.FileInfo) (osfile.ID, bool) { return osfile.ID{}, false }
	data, _, err := files.NewReader().Read(name, osfile.Rule{Max: maxInspected})
	return data, err
}

// inspectCertificates shows a file with certificates.
func (p *program) inspectCertificates(ctx context.Context, i *inspectFlags, name string, data []byte) error {
	ask, err := p.passphraseIn(i.passphrase)
	if err != nil {
		return aboutFile("--passphrase-file "+i.passphrase, err)
	}
	now := p.world().Now()
	h, err := readHeld(ctx, data, now, ask)
	c, derErr := x509.ParseCertificate(data)
	switch {
	case err == nil:
	case derErr == nil:
		h = &held{now: now, format: formatDER, chain: []*x509.Certificate{c}, keyErr: pemfile.ErrNoKey}
	case ctx.Err() != nil:
		return aboutFile(name, context.Cause(ctx))
	case errors.Is(err, pemfile.ErrEncrypted) && p12file.Looks(data):
		e := sealedEntry{Path: name, Format: formatPKCS12, Content: []string{"encrypted: --passphrase-file opens it"}}
		return p.printInspected(i, &e, e.describe)
	case errors.Is(err, pemfile.ErrNoCertificate):
		e := sealedEntry{Path: name, Format: formatPEM, Content: contentOf(data)}
		return p.printInspected(i, &e, e.describe)
	case errors.Is(err, pemfile.ErrNotPEM):
		return aboutFile(name, errors.New("it is no token, and no certificate in PEM, DER or PKCS#12"))
	default:
		return aboutFile(name, err)
	}
	h.path, h.source = name, "FILE"
	e := newCertificateEntry(h)
	if err := p.printInspected(i, e, e.describe); err != nil {
		return err
	}
	if i.passphrase != "" && h.keyErr != nil { // It was given to open the key.
		return aboutFile(name, h.keyErr)
	}
	return nil
}

// printInspected prints what was found, without what is known to be secret.
func (p *program) printInspected(i *inspectFlags, v any, describe func() string) error {
	var text string
	var err error
	if i.json {
		text, err = formatJSON(v)
	} else {
		text = describe()
	}
	if err != nil {
		return err
	}
	return p.print(p.hidden.hide(text))
}

// passphraseIn returns how to ask for the passphrase in a file: its content
// without a line end. It is nil if no file is named.
func (p *program) passphraseIn(name string) (pemfile.Passphrase, error) {
	if name == "" {
		return nil, nil
	}
	const most = 1 << 10 // bytes
	files := p.world().FS
	data, info, err := files.NewReader().Read(name, osfile.Rule{Max: most})
	if err != nil {
		return nil, err
	}
	if info.OpenToOthers {
		p.note("warning: %s: others may read it; chmod 600 it", printable(name))
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	p.hidden.add(string(data))
	return func(context.Context) ([]byte, error) { return bytes.Clone(data), nil }, nil
}
