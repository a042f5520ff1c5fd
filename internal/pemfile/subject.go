// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"crypto/x509"

	"github.com/scicred/scicred/internal/griddn"
)

// Subject writes the subject of a certificate in the form of package griddn:
// /DC=org/DC=example/CN=Albert Einstein/CN=12345.
func Subject(c *x509.Certificate) string { return griddn.Of(&c.Subject) }
