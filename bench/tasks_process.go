// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scicred/scicred/bench/internal/measure"
)

// Programs that fetch a URL.
const (
	curl   = "curl"
	static = "scicred without cgo"
)

// shell is where programs run: with an empty home, and nothing else of whoever
// runs the benchmarks.
type shell struct {
	dir string
	env []string
}

func newShell(s *measure.Stage) (*shell, error) {
	h := filepath.Join(s.Dir, "process")
	if err := os.MkdirAll(filepath.Join(h, "tmp"), 0o700); err != nil {
		return nil, err
	}
	return &shell{dir: h, env: []string{"HOME=" + h, "TMPDIR=" + filepath.Join(h, "tmp"), "PATH=" + os.Getenv("PATH")}}, nil
}

// command returns a command whose output goes nowhere.
func (sh *shell) command(args []string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...) //nolint:gosec // our own commands
	cmd.Dir, cmd.Env = sh.dir, sh.env
	return cmd
}

// contender runs a program once each time. It must work.
func (sh *shell) contender(name string, args ...string) measure.Contender {
	return measure.Contender{Name: name, Run: func(n int) error {
		for range n {
			if err := sh.command(args).Run(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}}
}

// prints makes sure that a command writes this and nothing else.
func (sh *shell) prints(want string, args ...string) error {
	cmd := sh.command(args)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	got, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", args[0], err, complaint.String())
	}
	if want != string(got) {
		return fmt.Errorf("%s has fetched %d bytes, and not what is there", args[0], len(got))
	}
	return nil
}

// build builds a program as a release would, and returns its file.
func (sh *shell) build(name, pkg string, env ...string) (string, error) {
	file := filepath.Join(sh.dir, name)
	cmd := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", file, pkg) //nolint:gosec // as above
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, out)
	}
	return file, nil
}

func (sh *shell) buildScicred(env ...string) (string, error) {
	return sh.build("scicred"+strconv.Itoa(len(env)), module+"/cmd/scicred", env...)
}

// needCurl returns the file of curl.
func needCurl() (string, error) {
	file, err := exec.LookPath("curl")
	if err != nil {
		return "", unavailable("curl")
	}
	return file, nil
}

// small is `get` of a small file from a real XRootD, with a token.
func small() measure.Task {
	return measure.Task{
		Name: "process/small", Title: "`scicred get` of a small file from XRootD with a token, whole process",
		Unit: "run", To: curl, Twin: curl, Show: measure.Children, Slice: 300 * time.Millisecond,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			sh, err := newShell(s)
			if err != nil {
				return nil, err
			}
			curlFile, err := needCurl()
			if err != nil {
				return nil, err
			}
			x, err := startXRootD(s)
			if err != nil {
				return nil, err
			}
			token, err := os.ReadFile(x.Token)
			if err != nil {
				return nil, err
			}
			header := filepath.Join(sh.dir, "header") // not on the command line, which anyone on the machine sees
			if err := os.WriteFile(header, []byte("Authorization: Bearer "+string(token)), 0o600); err != nil {
				return nil, err
			}
			sh.env = append(sh.env, "BEARER_TOKEN_FILE="+x.Token)
			asBuilt, err := sh.buildScicred()
			if err != nil {
				return nil, err
			}
			withoutCgo, err := sh.buildScicred("CGO_ENABLED=0")
			if err != nil {
				return nil, err
			}
			var contenders []measure.Contender
			for _, c := range []struct {
				name string
				args []string
			}{
				{curl, []string{curlFile, "-q", "-sSf", "--cacert", x.CA, "-H", "@" + header, x.URL}},
				{ours, []string{asBuilt, "get", "--cacert", x.CA, x.URL}},
				{static, []string{withoutCgo, "get", "--cacert", x.CA, x.URL}},
			} {
				if err := sh.prints(x.Content, c.args...); err != nil {
					return nil, err
				}
				contenders = append(contenders, sh.contender(c.name, c.args...))
			}
			return contenders, nil
		},
		Goals: []measure.Goal{
			{Of: ours, To: curl, Quantity: measure.Children, AtMost: 0.7},
			{Of: ours, To: curl, Quantity: measure.Wall, AtMost: 1.0},
		},
	}
}

// gigabyte is how many megabytes large fetches.
const gigabyte = 1024

// download is a server with something large, and commands that fetch it.
type download struct {
	*shell
	ca, url string
}

// newDownload starts a server that speaks these protocols and no cipher but the
// one that curl is told to take too.
func newDownload(s *measure.Stage, protocols []string) (*download, error) {
	sh, err := newShell(s)
	if err != nil {
		return nil, err
	}
	srv, err := startServer(s, setting{Protocols: protocols, Ports: 1})
	if err != nil {
		return nil, err
	}
	d := &download{shell: sh, ca: filepath.Join(sh.dir, "ca.pem"), url: srv.origins[0] + largePath}
	return d, os.WriteFile(d.ca, srv.ca.CertPEM(), 0o600)
}

func (d *download) curl(file string, mb int) []string {
	return []string{file, "-q", "-sSf", "--cacert", d.ca, "--tls13-ciphers", "TLS_AES_128_GCM_SHA256", "-o", os.DevNull, d.url + strconv.Itoa(mb)}
}

func (d *download) scicred(file string, mb int) []string {
	return []string{file, "get", "--cacert", d.ca, "-o", os.DevNull, d.url + strconv.Itoa(mb)}
}

// large is `get` of a gigabyte over https.
func large(name, title string, protocols ...string) measure.Task {
	return measure.Task{
		Name: name, Title: title,
		Unit: "run", To: curl, Twin: curl, Show: measure.Children, Rounds: 5, Turns: 1,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			d, err := newDownload(s, protocols)
			if err != nil {
				return nil, err
			}
			curlFile, err := needCurl()
			if err != nil {
				return nil, err
			}
			scicredFile, err := d.buildScicred()
			if err != nil {
				return nil, err
			}
			return []measure.Contender{
				d.contender(curl, d.curl(curlFile, gigabyte)...),
				d.contender(ours, d.scicred(scicredFile, gigabyte)...),
			}, nil
		},
		Goals: []measure.Goal{
			{Of: ours, To: curl, Quantity: measure.Children, AtMost: 1.2},
			{Of: ours, To: curl, Quantity: measure.Wall, AtMost: 1.05},
		},
	}
}

// processTasks are whole runs of programs.
func processTasks() []measure.Task {
	return []measure.Task{
		small(),
		large("process/large", "`scicred get` of 1 GiB over https, same cipher, a server with HTTP/1.1", "http/1.1"),
		large("process/large-h2", "`scicred get` of 1 GiB over https, same cipher, a server with HTTP/2 besides", "h2", "http/1.1"),
	}
}

// megabyte is that of file sizes.
const megabyte = 1e6

// processFacts are the program's size and memory.
func processFacts() []measure.Fact {
	return []measure.Fact{
		{Name: "process/size", Title: "size of the stripped program", Unit: "MB", AtMost: 10, Count: func(s *measure.Stage) (float64, error) {
			sh, err := newShell(s)
			if err != nil {
				return 0, err
			}
			file, err := sh.buildScicred()
			if err != nil {
				return 0, err
			}
			info, err := os.Stat(file)
			if err != nil {
				return 0, err
			}
			return float64(info.Size()) / megabyte, nil
		}},
		{Name: "process/memory", Title: "peak memory of `scicred get` of 1 GiB over https", Unit: "MB", AtMost: 12, Count: func(s *measure.Stage) (float64, error) {
			d, err := newDownload(s, []string{"h2", "http/1.1"})
			if err != nil {
				return 0, err
			}
			file, err := d.buildScicred()
			if err != nil {
				return 0, err
			}
			return d.peak(d.scicred(file, gigabyte))
		}},
	}
}

// peak returns the most memory that a command has, in megabytes: the median of
// three runs.
func (sh *shell) peak(args []string) (float64, error) {
	file, err := sh.build("peak", module+"/bench/internal/peak")
	if err != nil {
		return 0, err
	}
	var runs []float64
	for range 3 {
		out, err := sh.command(append([]string{file}, args...)).Output()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", args[0], err)
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			return 0, err
		}
		runs = append(runs, n/megabyte)
	}
	slices.Sort(runs)
	return runs[1], nil
}
