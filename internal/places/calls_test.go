// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package places_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/places"
)

// calls counts what is asked of a file system.
type calls struct {
	mu   sync.Mutex
	made map[string]map[string]int // by call and name
}

func (c *calls) note(call, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made[call] == nil {
		c.made[call] = map[string]int{}
	}
	c.made[call][name]++
}

// taken returns what was asked since it was last called.
func (c *calls) taken() map[string]map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made = map[string]map[string]int{}
	return made
}

func (c *calls) counted(f osfile.FS) osfile.FS {
	open, stat, lstat, list := f.Open, f.Stat, f.Lstat, f.ReadDir
	f.Open = func(name string) (fs.File, error) { c.note("open", name); return open(name) }
	f.Stat = func(name string) (fs.FileInfo, error) { c.note("stat", name); return stat(name) }
	f.Lstat = func(name string) (fs.FileInfo, error) { c.note("lstat", name); return lstat(name) }
	f.ReadDir = func(name string) ([]fs.DirEntry, error) { c.note("list", name); return list(name) }
	return f
}

// What is asked of the system, on the file system of this machine. A folder of
// ten thousand tokens must cost no more, while nothing changes, than one token.
func TestSystemCallsOfTenThousandTokens(t *testing.T) {
	t.Parallel()
	const count = 10_000
	w, files := job(t, count)
	now := time.Now().Add(5 * time.Second)
	w.Now = func() time.Time { return now }
	asked := &calls{made: map[string]map[string]int{}}
	w.FS = asked.counted(w.FS)
	dir, last, other := filepath.Dir(files[0]), files[count-1], files[17]
	none := inTemp(w)

	var inv *inventory.Inventory[string]
	look := func() *inventory.Place[string] {
		inv = inventory.Build(w.World, inv, places.Tokens(w, keepText), func(*string) bool { return true })
		for i := range inv.Places {
			if p := &inv.Places[i]; p.Path == last {
				p.Use(time.Time{})
				return p
			}
		}
		return nil
	}
	second := func() { now = now.Add(time.Second); look() }

	require.NotNil(t, look())
	made := asked.taken()
	assert.Len(t, made["open"], count+1, "each once, and the one in /tmp that is not there")
	assert.Equal(t, map[string]int{dir: 1}, made["list"])
	assert.LessOrEqual(t, made["stat"][dir], 4, "once, and once by each of those who read")
	assert.Len(t, made["stat"], 2, "besides the folder that is asked for what is not there")
	assert.Empty(t, made["lstat"], "a file that is the user's, in a folder of his own")
	for name, n := range made["open"] {
		require.Equal(t, 1, n, name)
	}

	unchanged := map[string]map[string]int{"stat": {dir: 1, last: 1, none: 1}}
	for range int(inventory.Sweep/time.Second) - 1 {
		second()
		require.Equal(t, unchanged, asked.taken())
	}
	second()
	made = asked.taken()
	assert.Empty(t, made["open"])
	assert.Len(t, made["stat"], count+2, "but for once in a while all are")

	// One file is renamed into its place: that changes the folder.
	fresh := filepath.Join(t.TempDir(), "fresh")
	require.NoError(t, os.WriteFile(fresh, []byte("another"), 0o600))
	require.NoError(t, os.Rename(fresh, other))
	second()
	assert.Equal(t, map[string]int{other: 1}, asked.taken()["open"])
	assert.Equal(t, "another", *inv.Places[2+17].Cred)

	// It is written over in place: that changes nothing but itself.
	require.NoError(t, os.WriteFile(other, []byte("a third"), 0o600))
	seconds := 0
	for *inv.Places[2+17].Cred != "a third" {
		require.Less(t, seconds, 100, "it is never seen")
		second()
		seconds++
	}
	assert.LessOrEqual(t, seconds, int(inventory.Sweep/time.Second))
	assert.Equal(t, map[string]int{other: 1}, asked.taken()["open"])

	// So is the one in use, which is seen at once.
	require.NoError(t, os.WriteFile(last, []byte("a fourth"), 0o600))
	second()
	made = asked.taken()
	assert.Equal(t, map[string]int{last: 1}, made["open"])
	assert.LessOrEqual(t, len(made["stat"]), 4)
	assert.Equal(t, "a fourth", *inv.Places[2+count-1].Cred)
}

// inTemp returns the file that is looked for in the folder for temporary files.
func inTemp(w places.World) string {
	return filepath.Join(w.Temp, fmt.Sprintf("bt_u%d", w.EUID))
}

// Many are read by several goroutines into memory that each uses again.
func TestEachOfManyFilesGivesItsOwnToken(t *testing.T) {
	t.Parallel()
	w, files := job(t, 500)
	for i, name := range files {
		text := []byte("token-" + filepath.Base(name))
		if i%3 == 0 {
			text = append([]byte(" \n"), text...)
		}
		if i%7 == 0 {
			text = []byte(`{"access_token":"token-` + filepath.Base(name) + `"}`)
		}
		require.NoError(t, os.WriteFile(name, text, 0o600))
	}
	take := func(raw, _, path string) (*string, error) {
		s := raw + " of " + filepath.Base(path)
		return &s, bearer.Check(raw)
	}
	inv := inventory.Build(w.World, nil, places.Tokens(w, take), func(*string) bool { return true })
	require.Len(t, inv.Places, 2+500+4)
	for i, name := range files {
		base := filepath.Base(name)
		p := &inv.Places[2+i]
		require.NoError(t, p.Err)
		assert.Equal(t, "token-"+base+" of "+base, *p.Cred)
	}
}

// Where link is a symbolic link, link/.. is not the folder that link stands in.
func TestTheFilesOfAFolderAreReadWhereItWasListed(t *testing.T) {
	t.Parallel()
	w, _ := job(t, 0)
	near, far := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(far, "sub"), 0o700))
	require.NoError(t, os.Symlink(filepath.Join(far, "sub"), filepath.Join(near, "link")))
	for _, name := range []string{"a.use", "bt_u" + strconv.Itoa(w.EUID)} {
		require.NoError(t, os.WriteFile(filepath.Join(far, name), []byte("far"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(near, name), []byte("near"), 0o600))
	}
	w.LookupEnv = func(name string) (string, bool) {
		ok := name == "_CONDOR_CREDS" || name == "XDG_RUNTIME_DIR"
		return map[bool]string{true: near + "/link/.."}[ok], ok
	}
	var texts []string
	for _, p := range inventory.Build(w.World, nil, places.Tokens(w, keepText), func(*string) bool { return true }).Places {
		if p.Cred != nil {
			texts = append(texts, *p.Cred+" "+p.Path)
		}
	}
	assert.Equal(t, []string{"far " + near + "/link/../a.use", "far " + near + "/link/../" + filepath.Base(inTemp(w))}, texts)
}
