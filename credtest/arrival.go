// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scicred/scicred"
)

// Arrival is a request as it arrived at a [Site]. It holds the secrets
// themselves; they are test material.
type Arrival struct {
	Origin       string // such as https://localhost:4711, by the name that the client used
	Method       string
	Path         string // without the query
	Query        string // as it was sent
	Proto        string // HTTP/1.1 or HTTP/2.0
	Host         string // the Host header, or :authority
	Header       http.Header
	Certificates []*x509.Certificate // what the client showed: its certificate, then the chain
	Conn         string              // the same for two requests on one connection

	// Of the body, complete once the answer is; the hash is in hexadecimal.
	BodySize   int64
	BodySHA256 string
}

func newArrival(r *http.Request, origin string) *Arrival {
	a := &Arrival{
		Origin: origin, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Proto: r.Proto, Host: r.Host,
		Header: r.Header.Clone(), Conn: r.RemoteAddr,
	}
	if r.TLS != nil {
		a.Certificates = slices.Clone(r.TLS.PeerCertificates)
	}
	return a
}

// Secret is a secret that arrived.
type Secret struct {
	// Kind is the kind of credential; zero for a secret of another kind, such
	// as a credential for the other side of a third-party copy.
	Kind scicred.Kind
	// Where names the header; it is "TLS" for a client certificate.
	Where string
	// Value is the token, "user:password", the subject of the certificate in
	// the form of [Identity.DN], or the header's value.
	Value string
}

// String says what it is, showing no more of it than tells it from others.
func (s Secret) String() string {
	switch s.Kind {
	case scicred.KindToken:
		return "a bearer token ending in " + tail(s.Value)
	case scicred.KindBasic:
		user, _, _ := strings.Cut(s.Value, ":")
		return fmt.Sprintf("the login of %q", user)
	case scicred.KindX509:
		return "the client certificate " + s.Value
	}
	if s.Where == "Referer" {
		return "a Referer with a query"
	}
	return fmt.Sprintf("a header %s ending in %s", s.Where, tail(s.Value))
}

// tail returns at most the last four characters.
func tail(s string) string {
	const enough = 4
	if len(s) > enough {
		s = s[len(s)-enough:]
	}
	if !utf8.ValidString(s) {
		return fmt.Sprintf("…%x", s)
	}
	return "…" + s
}

// Secrets returns the secrets that came with the request: what is in an
// Authorization or Proxy-Authorization header, in the TransferHeader… headers
// of a third-party copy, in a Referer that has a query, and the client
// certificate.
func (a Arrival) Secrets() []Secret {
	var list []Secret
	for _, value := range a.Header["Authorization"] {
		list = append(list, authorization(value))
	}
	names := make([]string, 0, len(a.Header))
	for name := range a.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range a.Header[name] {
			if name == "Proxy-Authorization" || strings.HasPrefix(strings.ToLower(name), "transferheader") || name == "Referer" && strings.Contains(value, "?") {
				list = append(list, Secret{Where: name, Value: value})
			}
		}
	}
	if len(a.Certificates) > 0 {
		list = append(list, Secret{Kind: scicred.KindX509, Where: "TLS", Value: a.Subject()})
	}
	return list
}

func authorization(value string) Secret {
	s := Secret{Where: "Authorization", Value: value}
	scheme, rest, _ := strings.Cut(value, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		s.Kind, s.Value = scicred.KindToken, rest
	case "basic":
		if login, err := base64.StdEncoding.DecodeString(rest); err == nil {
			s.Kind, s.Value = scicred.KindBasic, string(login)
		}
	}
	return s
}

// Token returns the bearer token, or "".
func (a Arrival) Token() string { return a.only(scicred.KindToken) }

// Login returns "user:password" of Basic authentication, or "".
func (a Arrival) Login() string { return a.only(scicred.KindBasic) }

func (a Arrival) only(kind scicred.Kind) string {
	for _, s := range a.Secrets() {
		if s.Kind == kind {
			return s.Value
		}
	}
	return ""
}

// Subject returns the subject of the client certificate in the form of
// [Identity.DN], or "".
func (a Arrival) Subject() string {
	if len(a.Certificates) == 0 {
		return ""
	}
	return (&Identity{Cert: a.Certificates[0]}).DN()
}

// SHA256 returns the hash of data as an [Arrival] gives that of its body.
func SHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// countedBody hashes what is read of a body.
type countedBody struct {
	body io.ReadCloser
	size int64
	hash hash.Hash
}

func newCountedBody(body io.ReadCloser) *countedBody {
	return &countedBody{body: body, hash: sha256.New()}
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.size += int64(n)
	b.hash.Write(p[:n])
	return n, err
}

func (b *countedBody) Close() error { return b.body.Close() }

// drain reads what the handler has left.
func (b *countedBody) drain() {
	const enough = 64 << 20
	_, _ = io.CopyN(io.Discard, b, enough) // what cannot be read did not arrive
}

func (b *countedBody) sum() string { return hex.EncodeToString(b.hash.Sum(nil)) }

// Vouches says why the authority does not stand behind a client's certificate
// and chain, leaf first; nil means that it does. RFC 3820 proxies are accepted,
// and nothing of them is checked but signatures and times: it is what a
// demonstration needs, and no server should take it for more.
func (ca *CA) Vouches(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("no certificate was shown")
	}
	now := time.Now()
	for i, cert := range chain {
		if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
			return fmt.Errorf("certificate %d of the chain is not valid at this time", i)
		}
		parent := ca.root.Cert
		if i+1 < len(chain) {
			parent = chain[i+1]
		}
		if err := parent.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil || !bytes.Equal(cert.RawIssuer, parent.RawSubject) {
			return fmt.Errorf("certificate %d of the chain is not signed by the next one", i)
		}
	}
	return nil
}
