// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/scicred/scicred/credtest"
)

// serveVariable makes the test binary a server for others, such as the
// benchmarks, that want a real XRootD: it starts the test bed, writes what is
// needed to use it on standard output, and ends when its standard input does.
const serveVariable = "SCICRED_INTEGRATION_SERVE"

// What serve writes: one JSON object in one line. The other side of this is in
// bench/xrootd.go.
type served struct {
	Missing string `json:"missing,omitempty"` // why there are no servers here; the rest is empty then
	URL     string `json:"url"`               // of a small file in an XRootD that knows tokens alone
	Content string `json:"content"`           // of that file
	Token   string `json:"token"`             // a file with a token that opens it
	CA      string `json:"ca"`                // a file with the authority of the servers
}

// serve returns the exit code.
func serve(in io.Reader, out io.Writer) int {
	if err := serveUntilEOF(in, out); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return 0
}

func serveUntilEOF(in io.Reader, out io.Writer) (err error) {
	b, err := start()
	if missing := (*missingError)(nil); errors.As(err, &missing) {
		return json.NewEncoder(out).Encode(served{Missing: missing.Error()})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	token, err := write(0o600, []byte(b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore})+"\n"), b.dir, "user", "token")
	if err != nil {
		return err
	}
	const file = "/store/data/hello.txt"
	err = json.NewEncoder(out).Encode(served{
		URL: b.tokenStore + file, Content: storeFiles[file], Token: token, CA: b.caFile,
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
