// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Where issuers publish their metadata.
const (
	wellKnownOpenID = "/.well-known/openid-configuration"       // OpenID Connect Discovery 1.0
	wellKnownOAuth  = "/.well-known/oauth-authorization-server" // RFC 8414
)

// checkIssuer returns why a string cannot be an issuer that is asked for its
// keys. OpenID Connect Discovery 1.0 and RFC 8414 section 2: an https URL
// without query and fragment.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return errors.New("it is not a URL")
	case !strings.HasPrefix(issuer, "https://") || u.Hostname() == "":
		return errors.New("it must begin with https:// and name a host")
	case u.User != nil:
		return errors.New("it must not name a user")
	case strings.ContainsAny(issuer, "?#"):
		return errors.New("it must have neither a query nor a fragment")
	}
	return nil
}

// locations returns where the metadata of an issuer may be, in the order in
// which they are tried.
//
// OpenID Connect appends its path to the issuer, and the WLCG profile (section
// 4.2.1) demands that; the SciTokens library looks there first. RFC 8414 section
// 3.1 puts its path between host and path, where the SciTokens library looks
// second. For an issuer with a path, the two are then tried the other way round:
// the WLCG profile mentions that too, and many servers do it. In both standards
// a slash at the issuer's end is dropped.
func locations(issuer string) []string {
	issuer = strings.TrimRight(issuer, "/")
	host, path := issuer, ""
	if i := strings.IndexByte(issuer[len("https://"):], '/'); i >= 0 {
		host, path = issuer[:len("https://")+i], issuer[len("https://")+i:]
	}
	list := []string{issuer + wellKnownOpenID, host + wellKnownOAuth + path}
	if path != "" {
		list = append(list, issuer+wellKnownOAuth, host+wellKnownOpenID+path)
	}
	return list
}

// parseDocument reads an issuer's metadata and returns where its keys are. The
// error reads on after the document's name.
func parseDocument(data []byte, issuer string) (jwksURI string, err error) {
	members, err := object(data)
	if err != nil {
		return "", err
	}
	var named string
	switch raw, ok := members["issuer"]; {
	case !ok:
		return "", errors.New("does not say whose it is (issuer)")
	case json.Unmarshal(raw, &named) != nil:
		return "", errors.New("has an issuer that is not a string")
	case named != issuer:
		// RFC 8414 section 3.3: it must be identical, else it must not be used.
		return "", fmt.Errorf("is that of the issuer %s", quote(named))
	}
	switch raw, ok := members["jwks_uri"]; {
	case !ok:
		return "", errors.New("does not say where the keys are (jwks_uri)")
	case json.Unmarshal(raw, &jwksURI) != nil:
		return "", errors.New("has a jwks_uri that is not a string")
	}
	u, err := url.Parse(jwksURI)
	if err != nil {
		return "", errors.New("has a jwks_uri that is not a URL")
	}
	if err := checkURL(u); err != nil {
		return "", fmt.Errorf("has a jwks_uri that cannot be followed: %w", err)
	}
	return jwksURI, nil
}

// checkURL returns why nothing is fetched from a URL that the issuer gave.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return errors.New("it is not https")
	case u.Hostname() == "":
		return errors.New("it names no host")
	case u.User != nil:
		// net/http would send it as a login.
		return errors.New("it names a user")
	}
	return nil
}
