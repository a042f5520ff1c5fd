// SPDX-License-Identifier: BSD-3-Clause

package inventory_test

import (
	"fmt"
	"io/fs"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
)

// sweep is after how many seconds all files are looked at.
const sweep = int(inventory.Sweep / time.Second)

// job is a folder of files, with a file beside it that comes later.
type job struct {
	*world
	look []inventory.Candidate[cred]
	mode fs.FileMode
	made int
	inv  *inventory.Inventory[cred]
}

func newJob(t *testing.T, count int) *job {
	t.Helper()
	w := newWorld(t)
	j := &job{world: w, mode: 0o700}
	for i := range count {
		w.put(j.path(i), j.text(i))
	}
	w.put("/other", "other")
	j.change()
	j.look = []inventory.Candidate[cred]{w.folder("dir", "/dir"), w.file("other", "/other")}
	j.again()
	return j
}

func (*job) path(i int) string { return fmt.Sprintf("/dir/%05d", i) }
func (*job) text(i int) string { return fmt.Sprintf("token %05d", i) }

// change changes the folder's times, as a file that comes or goes does.
func (j *job) change() {
	j.made++
	then := j.now.Add(-time.Minute).Add(time.Duration(j.made))
	j.files["dir"] = &fstest.MapFile{Mode: fs.ModeDir | j.mode, ModTime: then, Sys: osfile.ID{UID: 1, Inode: 1, Changed: then}}
}

// again looks again, and says whether anything has changed.
func (j *job) again() bool {
	old := j.inv
	j.inv = j.build(old, j.look...)
	return j.inv != old
}

// second lets a second pass, and looks again.
func (j *job) second() bool {
	j.now = j.now.Add(time.Second)
	return j.again()
}

// at returns the place of a file, nil if it has none.
func (j *job) at(path string) *inventory.Place[cred] {
	for i := range j.inv.Places {
		if j.inv.Places[i].Path == path {
			return &j.inv.Places[i]
		}
	}
	return nil
}

func (j *job) has(path string) string {
	if p := j.at(path); p != nil && p.Cred != nil {
		return p.Cred.text
	}
	return ""
}

func (j *job) use(path string) { j.at(path).Use(time.Time{}) }

func TestOfAFolderInUseTheListAndTheFilesInUseAreLookedAt(t *testing.T) {
	t.Parallel()
	const count = 10_000
	j := newJob(t, count)
	require.Len(t, j.opens, count+1, "at first all are read")
	last := j.path(count - 1)
	j.use(last)
	for range sweep - 1 {
		j.forget()
		require.False(t, j.second())
		require.Empty(t, j.opens)
		require.Equal(t, map[string]int{"/dir": 1, last: 1, "/other": 1}, j.stats)
	}
	j.forget()
	require.False(t, j.second())
	assert.Empty(t, j.opens)
	assert.Len(t, j.stats, count+2, "but for once in a while all are")
}

func TestOfTenThousandFilesOneThatChangedIsRead(t *testing.T) {
	t.Parallel()
	const count = 10_000
	j := newJob(t, count)
	used, other := j.path(count-1), j.path(5000)
	j.use(used)

	j.forget()
	j.put(other, "renamed into its place")
	j.change()
	require.True(t, j.second())
	assert.Equal(t, map[string]int{other: 1}, j.opens, "the folder has changed, so all are looked at, and one is read")
	assert.Equal(t, "renamed into its place", j.has(other))
	assert.Equal(t, "renamed into its place", texts(j.inv)[5000], "the order stays")

	j.forget()
	j.put(used, "written over")
	require.True(t, j.second())
	assert.Equal(t, map[string]int{used: 1}, j.opens)
	assert.Less(t, len(j.stats), 5, "no other is looked at")
	assert.Equal(t, "written over", j.has(used))
	j.use(used)

	for range sweep {
		if j.put(other, "in place"); j.has(other) == "in place" {
			break
		}
		j.forget()
		j.second()
	}
	assert.Equal(t, map[string]int{other: 1}, j.opens, "nothing but its own times tells of it: it is seen in a while")
	assert.Equal(t, "in place", j.has(other))
}

func TestWhenAFileThatNobodyUsesIsLookedAt(t *testing.T) {
	t.Parallel()
	const used, other = "/dir/00001", "/dir/00000"
	end := func(j *job, in time.Duration) { j.at(used).Use(j.now.Add(in)) }
	for name, tt := range map[string]struct {
		prepare func(*job)
		looks   int // until it is seen
	}{
		"a token in use that does not end":   {func(j *job) { j.use(used) }, sweep},
		"nothing is in use":                  {func(*job) {}, 1},
		"something else is in use":           {func(j *job) { j.use("/other") }, sweep},
		"the token in use ends soon":         {func(j *job) { end(j, 3*time.Second) }, 1},
		"it ends later":                      {func(j *job) { end(j, 5*time.Second) }, 3},
		"it has ended":                       {func(j *job) { end(j, -time.Hour) }, 1},
		"a server has refused it":            {func(j *job) { j.use(used); j.inv.Doubt() }, 1},
		"the clock was set back":             {func(j *job) { j.use(used); j.now = j.now.Add(-time.Hour) }, 1},
		"the clock was set back a little":    {func(j *job) { j.use(used); j.now = j.now.Add(-2 * time.Second) }, 1},
		"the machine has slept":              {func(j *job) { j.use(used); j.now = j.now.Add(time.Hour) }, 1},
		"it is the one in use":               {func(j *job) { j.use(other) }, 1},
		"the folder has changed":             {func(j *job) { j.use(used); j.change() }, 1},
		"the folder has changed before that": {func(j *job) { j.use(used); j.change(); j.again() }, sweep},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 2)
			tt.prepare(j)
			j.put(other, "written over")
			looks := 0
			for j.has(other) != "written over" {
				require.Less(t, looks, 2*sweep, "it is never seen")
				j.second()
				looks++
			}
			assert.Equal(t, tt.looks, looks)
		})
	}
}

func TestDoubtsComeToOneLookAtAllFilesASecond(t *testing.T) {
	t.Parallel()
	j := newJob(t, 100)
	j.use(j.path(99))
	looks := 0
	for range 50 { // refusals, in five seconds
		j.use(j.path(99))
		j.inv.Doubt()
		j.now = j.now.Add(100 * time.Millisecond)
		j.forget()
		j.again()
		if len(j.stats) > 50 {
			looks++
		}
	}
	assert.Equal(t, 5, looks)
}

func TestAFolderWithTimesOfNowHasAllItsFilesLookedAtAgain(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.files["dir"].ModTime = j.now
	j.again()
	j.use(j.path(2))
	j.put(j.path(0), "renamed") // in the same tick of the folder's clock
	j.now = j.now.Add(time.Second)
	j.again()
	assert.Equal(t, "renamed", j.has(j.path(0)))
}

func TestAFileWithTimesOfNowIsReadAgainThoughNobodyUsesIt(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.use(j.path(2))
	j.putAt(j.path(0), "one", j.now)
	j.change()
	j.second()
	j.use(j.path(2))
	require.Equal(t, "one", j.has(j.path(0)))
	j.files[key(j.path(0))].Data = []byte("two") // nothing that a look could see
	j.now = j.now.Add(time.Second / 2)
	j.again()
	assert.Equal(t, "two", j.has(j.path(0)))
}

func TestWhatHasNotBeenHandedOutForALongTimeIsInUseNoMore(t *testing.T) {
	t.Parallel()
	j := newJob(t, 5)
	j.use(j.path(1))
	for i := range 6 * sweep { // the other is in use all the time
		j.use(j.path(4))
		j.forget()
		require.False(t, j.second())
		switch {
		case i < sweep-1:
			assert.Contains(t, j.stats, j.path(1), "second %d", i)
		case i > 2*sweep && len(j.stats) < 5:
			assert.NotContains(t, j.stats, j.path(1), "second %d", i)
		}
		assert.Contains(t, j.stats, j.path(4), "second %d", i)
	}
}

func TestATokenIsInUseWhereItIsHandedOutBetweenTwoSweeps(t *testing.T) {
	t.Parallel()
	j := newJob(t, 5)
	j.use(j.path(4))
	for range sweep - 1 {
		j.second()
	}
	j.use(j.path(1))
	j.second() // a sweep
	j.forget()
	j.second()
	assert.Contains(t, j.stats, j.path(1))
	assert.NotContains(t, j.stats, j.path(0))
}

func TestAFileThatNobodyUsesIsKeptThroughAShortTrouble(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	for range 3 {
		j.put(j.path(0), "garbled")
		for range sweep {
			j.use(j.path(2))
			j.second()
		}
		require.Equal(t, j.text(0), j.has(j.path(0)))
		require.ErrorIs(t, j.at(j.path(0)).Err, errGarbled)
	}
	j.put(j.path(0), "whole again")
	for range sweep {
		j.use(j.path(2))
		j.second()
	}
	assert.Equal(t, "whole again", j.has(j.path(0)))
}

func TestAListedFileThatIsGoneIsWithdrawnAtTheSecondLookThoughNobodyUsesIt(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.files[key(j.path(0))] = &fstest.MapFile{Data: []byte("/nowhere"), Mode: fs.ModeSymlink | 0o777} // a link to nothing
	seen := 0
	for range sweep + 2 {
		j.use(j.path(2))
		j.second()
		p := j.at(j.path(0))
		switch {
		case p.Err == nil:
		case p.Cred != nil:
			seen++
		default:
			assert.Equal(t, 1, seen, "it was kept for one look, a second, not for long")
			assert.True(t, p.Absent)
			return
		}
	}
	t.Fatal("it is never withdrawn")
}

func TestAFileThatLeavesTheFolderIsWithdrawn(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.use(j.path(2))
	j.remove(j.path(1))
	j.change()
	j.second()
	assert.Equal(t, []string{j.text(0), j.text(2), "other"}, texts(j.inv))
	j.remove(j.path(0))
	j.remove(j.path(2))
	delete(j.files, "dir")
	j.second()
	assert.Equal(t, []string{"other"}, texts(j.inv))
	j.put(j.path(7), "new")
	j.change()
	j.second()
	assert.Equal(t, []string{"new", "other"}, texts(j.inv))
}

func TestFilesThatComeToAFolderStandInItsOrder(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.use(j.path(2))
	before := j.at(j.path(2)).Cred
	j.forget()
	for _, name := range []string{"/dir/00000a", "/dir/0", "/dir/9"} {
		j.put(name, name)
	}
	j.change()
	j.second()
	assert.Equal(t, []string{"/dir/0", j.text(0), "/dir/00000a", j.text(1), j.text(2), "/dir/9", "other"}, texts(j.inv))
	assert.Len(t, j.opens, 3, "those that were there are not read again")
	assert.Same(t, before, j.at(j.path(2)).Cred)
	assert.True(t, j.at(j.path(2)).InUse(), "and what is in use stays so")
}

// The rules for a file depend on who may write to its folder.
func TestAFolderWhoseModeOrOwnerChangesIsReadAnew(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.files[key(j.path(1))].Sys = osfile.ID{UID: 0, Inode: 9, Changed: j.now.Add(-time.Hour)} // root's
	j.change()
	j.second()
	require.Equal(t, j.text(1), j.has(j.path(1)))
	j.mode = 0o777
	j.change()
	j.second()
	require.ErrorIs(t, j.at(j.path(1)).Err, osfile.ErrOwner)
	j.forget()
	j.files["dir"].Sys = osfile.ID{UID: 2, Inode: 1}
	j.second()
	assert.Len(t, j.opens, 3)
}

func TestWhereTheFolderAloneHasChangedThePlacesAreTheSameSlice(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.use(j.path(1))
	before := j.inv
	j.change() // something else has come to it
	require.True(t, j.second())
	assert.Same(t, &before.Places[0], &j.inv.Places[0])
	assert.Len(t, j.inv.Places, len(before.Places))
	assert.False(t, j.second(), "and that is remembered")
}

func TestAnInventoryDoesNotChangeWhenAFileOfAFolderDoes(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	before := j.inv
	j.put(j.path(1), "new")
	j.second()
	assert.Equal(t, "new", j.has(j.path(1)))
	assert.Equal(t, []string{j.text(0), j.text(1), j.text(2), "other"}, texts(before))
}

func TestWhatWasFoundDoesNotDependOnHowManyLookForIt(t *testing.T) { //nolint:paralleltest // sets how many processors are used
	was := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(was)
	for _, count := range []int{1, 31, 95, 96, 97, 127, 128, 129, 1000} {
		for _, processors := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(processors)
			j := newJob(t, count)
			require.Len(t, j.opens, count+1)
			for path, n := range j.opens {
				require.Equal(t, 1, n, path)
			}
			all := texts(j.inv)
			require.Len(t, all, count+1)
			for i := range count {
				require.Equal(t, j.text(i), all[i])
			}
		}
	}
}

func TestAFileMayDependOnSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.folder("dir", "/dir")
	c.Folder.File = func(l *inventory.Looker, path string) inventory.Place[cred] {
		p := w.read(l, "dir", path)
		if p.Cred != nil {
			_, _, _ = l.Read("/more"+path, osfile.Rule{Max: 1000})
			_, _, _ = l.Read("/beside", osfile.Rule{Max: 1000})
		}
		return p
	}
	for i := range 5 {
		w.put(fmt.Sprintf("/dir/%d", i), "text")
	}
	inv := w.build(nil, c)
	require.Same(t, inv, w.build(inv, c))
	w.forget()
	w.put("/more/dir/3", "new")
	inv2 := w.build(inv, c)
	assert.NotSame(t, inv, inv2)
	assert.Equal(t, map[string]int{"/dir/3": 1, "/more/dir/3": 1, "/beside": 1}, w.opens)
	w.forget()
	w.put("/beside", "new")
	w.build(inv2, c)
	assert.Len(t, w.opens, 11)
}

func TestToSayThatATokenIsInUseTakesNoMemory(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	j := newJob(t, 1)
	path := j.path(0)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if p := j.at(path); !p.InUse() {
			p.Use(j.now)
		}
	}))
	assert.True(t, j.at(j.path(0)).InUse())
	var loose inventory.Place[cred]
	loose.Use(j.now)
	assert.True(t, loose.InUse(), "of what no look has found there is nothing to note")
	(&inventory.Inventory[cred]{}).Doubt()
	(*inventory.Inventory[cred])(nil).Doubt()
}
