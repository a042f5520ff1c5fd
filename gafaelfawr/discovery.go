// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/scicred/scicred/internal/secret"
)

// BaseURLVariable names the environment variable that holds the URL of service
// discovery.
const BaseURLVariable = "REPERTOIRE_BASE_URL"

// Discovery asks Rubin's service discovery (Repertoire) which services there are,
// and where. It may be used by several goroutines.
//
// The document is remembered for five minutes ([WithCacheLifetime]) and fetched
// once, however many ask for it at a time. If it cannot be fetched anew, the last
// one is used, that is logged, and nobody tries again for ten seconds: else each
// request would wait for a service discovery that hangs.
//
// The document is no secret and is asked for without a token. What the RoundTripper
// of [WithHTTPClient] adds goes along, so give it one that adds nothing.
type Discovery struct {
	sender
	base      string
	lifetime  time.Duration
	logger    *slog.Logger
	plaintext bool
	closeIdle func()
	flights   flights[struct{}, *Document]

	mu      sync.Mutex
	last    *Document // nil: none yet
	fetched time.Time
	failed  time.Time // when it could not be fetched anew the last time
}

// NewDiscovery returns a Discovery for a base URL, such as
// https://data.example.org/repertoire; "" stands for that in the environment
// variable REPERTOIRE_BASE_URL. It asks for nothing yet.
func NewDiscovery(base string, opts ...Option) (*Discovery, error) {
	c, err := newConfig(opts)
	switch {
	case err != nil:
		return nil, err
	case c.discovery != nil || c.apiURL != "" || c.size != nil:
		return nil, invalid("WithDiscovery, WithAPIURL and WithCacheSize are no options of NewDiscovery")
	}
	return c.newDiscovery(base)
}

func (c *config) newDiscovery(base string) (*Discovery, error) {
	if base == "" {
		base = os.Getenv(BaseURLVariable)
	}
	if base == "" {
		return nil, &DiscoveryError{Problem: BaseURLVariable + " not set in environment"}
	}
	base, err := baseURL(base)
	if err != nil {
		return nil, &DiscoveryError{Problem: "the URL of service discovery cannot be used", Err: err}
	}
	d := &Discovery{base: base, lifetime: DefaultCacheLifetime, logger: c.logger, plaintext: c.plaintext}
	d.sender, d.closeIdle = c.sender()
	if c.lifetime != nil {
		d.lifetime = *c.lifetime
	}
	return d, nil
}

// Format prints the base URL, whatever the verb.
func (d *Discovery) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "gafaelfawr.Discovery("+d.base+")")
}

// Close closes idle connections, if no [http.Client] was given. Do not use d
// afterwards.
func (d *Discovery) Close() { d.closeIdle() }

// Document returns what there is at the site: what was fetched in the last five
// minutes, else what is fetched now, else what was fetched before. The error is
// a [DiscoveryError], or that of ctx. A document that is at hand is returned even
// if ctx has ended.
func (d *Discovery) Document(ctx context.Context) (*Document, error) {
	if doc := d.recent(); doc != nil {
		return doc, nil
	}
	return d.flights.do(ctx, struct{}{}, d.refresh)
}

// retryAfter is for how long nobody tries again what has failed, while there is
// an old document.
const retryAfter = 10 * time.Second

// recent returns the document if it is not too old, or if it is too early to ask
// for another.
func (d *Discovery) recent() *Document {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := d.lifetime > 0 && !now.After(d.fetched.Add(d.lifetime))
	if fresh || now.Before(d.failed.Add(retryAfter)) {
		return d.last
	}
	return nil
}

func (d *Discovery) refresh(ctx context.Context) (*Document, error) {
	// Somebody may have fetched it since we looked.
	if doc := d.recent(); doc != nil {
		return doc, nil
	}
	where := d.base + "/discovery"
	doc, err := fetch[*Document](ctx, &d.sender, request{method: http.MethodGet, url: where})
	if err != nil {
		return d.fallBack(ctx, err)
	}
	d.keep(doc, d.now())
	return doc, nil
}

func (d *Discovery) keep(doc *Document, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last, d.fetched = doc, now
}

// fallBack returns the last document, if there is one.
func (d *Discovery) fallBack(ctx context.Context, cause error) (*Document, error) {
	waited := ctx.Err() == nil // Else it was called off, which says nothing about the service.
	last, age := d.fail(d.now(), waited)
	if last == nil {
		return nil, &DiscoveryError{Problem: "service discovery failed", Err: cause}
	}
	if waited { // No lock is held: a logger may be slow, and may ask back.
		d.logger.WarnContext(ctx, "Failed to refresh service discovery information, returning cached data", "error", cause, "age", age)
	}
	return last, nil
}

// fail returns the last document, if there is one, and its age.
func (d *Discovery) fail(now time.Time, waited bool) (*Document, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if waited {
		d.failed = now
	}
	return d.last, now.Sub(d.fetched)
}

// InfluxDBCredentials are all that a program needs to read from a database of
// measurements. No way of printing them shows the password.
type InfluxDBCredentials struct {
	URL            string
	Database       string
	Local          bool // it belongs to this site
	SchemaRegistry string
	Username       *string // nil: none is needed

	password *secret.Text
}

// Password returns the password, and false if none is needed.
func (c InfluxDBCredentials) Password() (string, bool) {
	if c.password == nil {
		return "", false
	}
	return c.password.Reveal(), true
}

// UnmarshalJSON reads credentials.
func (c *InfluxDBCredentials) UnmarshalJSON(data []byte) error {
	var out InfluxDBCredentials
	var own, registry, password *string
	err := object(
		data, required("url", webAddress(&own)), required("database", text(&out.Database)), optional("local", value(&out.Local)),
		required("schema_registry", webAddress(&registry)), nullable("username", value(&out.Username)), nullable("password", value(&password)),
	)
	if err != nil {
		return err
	}
	out.URL, out.SchemaRegistry = *own, *registry
	if password != nil {
		out.password = new(secret.New(*password))
	}
	*c = out
	return nil
}

// InfluxDBCredentials returns the credentials for a database of measurements,
// which are for those whom the token belongs to. They are not remembered. The
// error is a [DiscoveryError] if there is no such database, else a [WebError]
// or [ValidationError].
func (d *Discovery) InfluxDBCredentials(ctx context.Context, token Token, database string) (InfluxDBCredentials, error) {
	var none InfluxDBCredentials
	if token.IsZero() {
		return none, errNoToken()
	}
	doc, err := d.Document(ctx)
	if err != nil {
		return none, err
	}
	db, ok := doc.InfluxDBs[database]
	if !ok {
		return none, &DiscoveryError{URL: printable(d.base + "/discovery"), Problem: "InfluxDB database " + database + " not found in service discovery"}
	}
	if why := mayCarryTokens(db.CredentialsURL, d.plaintext); why != "" {
		return none, &DiscoveryError{URL: printable(db.CredentialsURL), Problem: "credentials cannot be asked for: " + why}
	}
	return fetch[InfluxDBCredentials](ctx, &d.sender, request{method: http.MethodGet, url: db.CredentialsURL, token: token})
}
