// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"crypto/x509"
	"io"
	"net/http"

	"github.com/scicred/scicred"
)

// Answer answers with a status and a text.
func Answer(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a client that went away is not our business
	})
}

// Redirect answers with a redirect: status 301, 302, 303, 307 or 308, and a
// Location.
func Redirect(status int, target string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", target) // not http.Redirect, which would clean the path
		w.WriteHeader(status)
	})
}

// RequireToken lets requests through whose bearer token is accepted. To others
// it answers as RFC 6750 section 3 says: 401, and with a token the error
// invalid_token.
func RequireToken(accept func(token string) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		challenge := `Bearer realm="credtest"`
		if s := authorization(r.Header.Get("Authorization")); s.Kind == scicred.KindToken {
			if accept(s.Value) {
				next.ServeHTTP(w, r)
				return
			}
			challenge += `, error="invalid_token", error_description="this server does not accept it"`
		}
		refuse(w, challenge)
	})
}

// RequireLogin lets requests through that have this login (RFC 7617), and
// answers 401 to others.
func RequireLogin(user, password string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password {
			next.ServeHTTP(w, r)
			return
		}
		refuse(w, `Basic realm="credtest", charset="UTF-8"`)
	})
}

// RequireCertificate lets requests through on connections whose client showed a
// certificate that is accepted, and answers 403 to others. Accept gets the
// certificate, then the chain; see [CA.Vouches].
func RequireCertificate(accept func(chain []*x509.Certificate) error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var chain []*x509.Certificate
		if r.TLS != nil {
			chain = r.TLS.PeerCertificates
		}
		if err := accept(chain); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
}
