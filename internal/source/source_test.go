// SPDX-License-Identifier: BSD-3-Clause

package source_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/fresh"
	"github.com/scicred/scicred/internal/source"
)

// token is what the sources of these tests give.
type token struct {
	text    string
	expires time.Time
}

func lasting(d time.Duration) *token { return &token{expires: time.Now().Add(d)} }

var (
	errNotFor  = errors.New("not for this target")
	errTrouble = errors.New("the service is down")
)

type tested = source.Source[string, string, token]

// asking is a source on behalf of an owner, by the clock of testing/synctest.
func asking(ask func(context.Context, string) (*token, error)) *tested {
	return &tested{
		Ask: ask, Now: time.Now, Owner: new(int),
		Alive:  func(t *token) bool { return time.Now().Before(t.expires) },
		Same:   func(a, b *token) bool { return a.text == b.text },
		NotFor: func(err error) bool { return errors.Is(err, errNotFor) },
	}
}

// script is a source that says one thing after the other, and counts.
type script struct {
	say   []func() (*token, error)
	asked int
}

func (s *script) source() *tested {
	return asking(func(context.Context, string) (*token, error) {
		s.asked++
		return s.say[min(s.asked, len(s.say))-1]()
	})
}

func gives(d time.Duration) func() (*token, error) {
	return func() (*token, error) { return lasting(d), nil }
}

func fails(err error) func() (*token, error) { return func() (*token, error) { return nil, err } }

func get(t *testing.T, s *tested) (*token, error) {
	t.Helper()
	got, err := s.Get(t.Context(), "target", "target")
	assert.NotEqual(t, got == nil, err == nil, "a value or an error, never both: %v, %v", got, err)
	return got, err
}

func TestASourceIsAskedOnceASecondForEachTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked [3]atomic.Int32
		s := asking(func(_ context.Context, target string) (*token, error) {
			asked[target[0]-'0'].Add(1)
			return &token{target, time.Now().Add(time.Hour)}, nil
		})
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				target := fmt.Sprint(i % 3)
				for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(50 * time.Millisecond) {
					got, err := s.Get(t.Context(), target, target)
					if assert.NoError(t, err) {
						assert.Equal(t, target, got.text)
					}
				}
			})
		}
		wg.Wait()
		for i := range asked {
			assert.EqualValues(t, 5, asked[i].Load(), "times in five seconds for target %d", i)
		}
	})
}

func TestANoIsRememberedForTheSameSecond(t *testing.T) {
	t.Parallel()
	for _, no := range []error{errNotFor, errTrouble} {
		synctest.Test(t, func(t *testing.T) {
			play := &script{say: []func() (*token, error){fails(no)}}
			s := play.source()
			for range 100 {
				_, err := get(t, s)
				require.ErrorIs(t, err, no)
				time.Sleep(20 * time.Millisecond)
			}
			assert.Equal(t, 2, play.asked, "times in two seconds")
		})
	}
}

func TestNotForThisTargetWithdrawsWhatWasGivenBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := (&script{say: []func() (*token, error){gives(time.Hour), fails(fmt.Errorf("no: %w", errNotFor))}}).source()
		_, err := get(t, s)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = get(t, s)
		assert.ErrorIs(t, err, errNotFor)
	})
}

func TestTroubleDoesNotEndWhatIsStillGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(5 * time.Second), fails(errTrouble)}}
		s := play.source()
		first, err := get(t, s)
		require.NoError(t, err)
		for second := 1; second < 5; second++ {
			time.Sleep(time.Second)
			got, err := get(t, s)
			require.NoError(t, err, second)
			require.Same(t, first, got, second)
		}
		assert.Equal(t, 5, play.asked, "the source goes on being asked")
		time.Sleep(time.Second)
		_, err = get(t, s)
		assert.ErrorIs(t, err, errTrouble, "but not beyond its end")
		_, err = s.Last("target", "target")
		assert.ErrorIs(t, err, errTrouble)
	})
}

func TestAnExpiredValueIsAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(100 * time.Millisecond), gives(time.Hour)}}
		s := play.source()
		first, err := get(t, s)
		require.NoError(t, err)
		time.Sleep(100 * time.Millisecond) // the second is not over
		second, err := get(t, s)
		require.NoError(t, err)
		assert.NotSame(t, first, second)
		assert.Equal(t, 2, play.asked)
	})
}

func TestASourceThatGivesExpiredValuesIsAskedNoMoreOftenThanOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(-time.Minute)}}
		s := play.source()
		for range 100 {
			got, err := get(t, s)
			require.NoError(t, err, "whoever gets it says that it has expired")
			require.NotNil(t, got)
			time.Sleep(20 * time.Millisecond)
		}
		assert.Equal(t, 2, play.asked, "times in two seconds")
	})
}

func TestASlowSourceIsWaitedForOnlyWithoutAGoodValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slowly := func() (*token, error) {
			time.Sleep(5 * time.Second)
			return lasting(time.Hour), nil
		}
		s := (&script{say: []func() (*token, error){fails(errNotFor), slowly, slowly}}).source()
		_, err := get(t, s)
		require.ErrorIs(t, err, errNotFor)
		time.Sleep(time.Second)
		begun := time.Now()
		first, err := get(t, s)
		require.NoError(t, err, "an old no is no answer")
		assert.Equal(t, 5*time.Second, time.Since(begun))

		time.Sleep(time.Second)
		begun = time.Now()
		got, err := get(t, s)
		require.NoError(t, err)
		assert.Same(t, first, got)
		assert.Equal(t, fresh.Patience, time.Since(begun))
		time.Sleep(time.Minute)
	})
}

func TestASourceThatHangsIsNotCoveredByAnExpiredValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		asked := 0
		s := asking(func(context.Context, string) (*token, error) {
			if asked++; asked > 1 {
				<-hang
			}
			return lasting(time.Second), nil
		})
		_, err := get(t, s)
		require.NoError(t, err)
		time.Sleep(time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := s.Get(ctx, "target", "target")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Nil(t, got)

		_, err = get(t, s)
		require.ErrorIs(t, err, fresh.ErrSlow)
		close(hang)
		synctest.Wait()
		_, err = get(t, s)
		assert.NoError(t, err)
	})
}

func TestAPanicBecomesAnErrorThatShowsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		panics := func() (*token, error) { panic(fmt.Errorf("refused: %s", "geheim")) }
		s := (&script{say: []func() (*token, error){panics, gives(time.Hour), panics}}).source()
		_, err := get(t, s)
		require.ErrorIs(t, err, source.ErrPanicked)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "geheim")
		time.Sleep(time.Second)
		_, err = get(t, s)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = get(t, s)
		assert.NoError(t, err, "it is trouble like other trouble")
	})
}

func TestAnAnswerIsAValueOrAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := (&script{say: []func() (*token, error){
			fails(nil),
			func() (*token, error) { return lasting(time.Hour), errTrouble },
		}}).source()
		_, err := get(t, s)
		require.ErrorIs(t, err, source.ErrNothing)
		time.Sleep(time.Second)
		_, err = get(t, s)
		assert.ErrorIs(t, err, errTrouble, "a value beside an error does not count")
	})
}

func TestASourceThatAsksForItselfIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s *tested
		var inner error
		asked := 0
		s = asking(func(ctx context.Context, target string) (*token, error) {
			asked++
			_, inner = s.Get(ctx, target, target)
			if inner == nil {
				_, inner = s.Get(ctx, "another", "another")
			}
			return lasting(time.Hour), nil
		})
		begun := time.Now()
		_, err := get(t, s)
		require.NoError(t, err)
		assert.ErrorIs(t, inner, source.ErrNotAsked)
		assert.Equal(t, 1, asked)
		assert.Zero(t, time.Since(begun), "nobody waited for himself")
	})
}

func TestACircleIsTheOwnersOwn(t *testing.T) {
	t.Parallel()
	a, b, c := new(int), new(int), new(int)
	plain := t.Context()
	ofA := source.Marked(plain, a)
	ofBoth := source.Marked(ofA, b)
	alsoC := source.Marked(ofA, c)
	for _, tt := range []struct {
		ctx  context.Context
		want [3]bool
	}{
		{plain, [3]bool{}},
		{ofA, [3]bool{true, false, false}},
		{ofBoth, [3]bool{true, true, false}},
		{alsoC, [3]bool{true, false, true}},
	} {
		assert.Equal(t, tt.want, [3]bool{source.InCircle(tt.ctx, a), source.InCircle(tt.ctx, b), source.InCircle(tt.ctx, c)})
	}
}

type contextKey struct{}

func TestWhatAWaiterHasInItsContextDoesNotReachTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s *tested
		s = asking(func(ctx context.Context, _ string) (*token, error) {
			assert.Nil(t, ctx.Value(contextKey{}), "values")
			assert.True(t, source.InCircle(ctx, s.Owner), "but the mark is there")
			deadline, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.Equal(t, 30*time.Second, time.Until(deadline))
			time.Sleep(10 * time.Second)
			assert.NoError(t, ctx.Err(), "cancellation")
			return lasting(time.Hour), nil
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "mine"))
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err := s.Get(t.Context(), "target", "target")
			assert.NoError(t, err, "who waits on gets the answer")
			assert.NotNil(t, got)
		})
		got, err := s.Get(ctx, "target", "target")
		assert.ErrorIs(t, err, context.Canceled)
		assert.Nil(t, got)
		assert.Equal(t, time.Second, time.Since(begun), "who is cancelled leaves")
		wg.Wait()
	})
}

func TestLastNeverAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(time.Minute), fails(errNotFor)}}
		s := play.source()
		_, err := s.Last("target", "target")
		require.ErrorIs(t, err, source.ErrNotAsked)
		require.Zero(t, play.asked)

		first, err := get(t, s)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		last, err := s.Last("target", "target")
		require.NoError(t, err)
		assert.Same(t, first, last)
		_, err = s.Last("another", "another")
		require.ErrorIs(t, err, source.ErrNotAsked)
		require.Equal(t, 1, play.asked)

		_, _ = get(t, s)
		_, err = s.Last("target", "target")
		assert.ErrorIs(t, err, errNotFor)
	})
}

func TestLastIsNotIrritatedByTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := (&script{say: []func() (*token, error){gives(time.Hour), fails(errTrouble)}}).source()
		_, err := get(t, s)
		require.NoError(t, err)
		time.Sleep(time.Second)
		got, err := get(t, s)
		require.NoError(t, err)
		last, err := s.Last("target", "target")
		require.NoError(t, err, "it says what Get said")
		assert.Same(t, got, last)
	})
}

func TestPeekAsksAFunctionThatMayHaveNothingAtHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := (&script{say: []func() (*token, error){gives(time.Hour)}}).source()
		ctx := context.WithValue(t.Context(), contextKey{}, "mine")
		want := lasting(time.Hour)
		for name, tt := range map[string]struct {
			value *token
			err   error
			want  error
		}{
			"a value":   {want, nil, nil},
			"nothing":   {nil, nil, source.ErrNotAsked},
			"an error":  {nil, errNotFor, errNotFor},
			"both":      {want, errTrouble, errTrouble},
			"no answer": {nil, source.ErrNotAsked, source.ErrNotAsked},
		} {
			got, err := s.Peek(ctx, "target", func(ctx context.Context, target string) (*token, error) {
				assert.Equal(t, "mine", ctx.Value(contextKey{}), "it is asked by the one who waits")
				assert.Equal(t, "target", target)
				return tt.value, tt.err
			})
			assert.ErrorIs(t, err, tt.want, name)
			assert.Equal(t, tt.want == nil, got != nil, name)
		}
		got, err := s.Peek(ctx, "target", func(context.Context, string) (*token, error) { panic("geheim") })
		assert.ErrorIs(t, err, source.ErrPanicked)
		assert.Nil(t, got)
		_, err = s.Last("target", "target")
		assert.ErrorIs(t, err, source.ErrNotAsked, "nothing of it is remembered")
	})
}

// refusals notes what a source is told.
type refusals struct{ told []string }

func (r *refusals) of(t *testing.T, s *tested, target, text string) error {
	t.Helper()
	return s.Refused(t.Context(), target, target, &token{text: text}, func(v *token) { r.told = append(r.told, v.text) })
}

func TestASourceIsToldOfARefusalAndAskedAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(time.Hour)}}
		s, r := play.source(), &refusals{}
		first, err := get(t, s)
		require.NoError(t, err)
		require.NoError(t, r.of(t, s, "target", "x"))
		assert.Equal(t, []string{"x"}, r.told)
		assert.Equal(t, 2, play.asked)
		next, err := get(t, s)
		require.NoError(t, err)
		assert.NotSame(t, first, next)
	})
}

func TestASourceIsToldOfOneValueOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(time.Hour)}}
		s, r := play.source(), &refusals{}
		for range 100 {
			require.NoError(t, r.of(t, s, "target", "x"))
			time.Sleep(20 * time.Millisecond)
		}
		assert.Equal(t, []string{"x", "x"}, r.told, "in two seconds")
		assert.Equal(t, 2, play.asked)
		require.NoError(t, r.of(t, s, "target", "x"))
		require.NoError(t, r.of(t, s, "target", "y"))
		assert.Equal(t, []string{"x", "x", "x", "y"}, r.told, "of another at once")
	})
}

func TestRefusalsOfSeveralTargetsDoNotAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(time.Hour)}}
		s, r := play.source(), &refusals{}
		for range 50 {
			require.NoError(t, r.of(t, s, "a", "for a"))
			require.NoError(t, r.of(t, s, "b", "for b"))
			time.Sleep(20 * time.Millisecond)
		}
		assert.Equal(t, []string{"for a", "for b"}, r.told, "in one second")
		assert.Equal(t, 2, play.asked)
	})
}

func TestAClockThatGoesBackwardsDoesNotSilenceRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := (&script{say: []func() (*token, error){gives(time.Hour)}}).source(), &refusals{}
		at := time.Now()
		s.Now = func() time.Time { return at }
		require.NoError(t, r.of(t, s, "target", "x"))
		at = at.Add(-time.Hour)
		require.NoError(t, r.of(t, s, "target", "x"))
		assert.Equal(t, []string{"x", "x"}, r.told)
	})
}

func TestASourceThatPanicsWhenToldIsAskedAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		play := &script{say: []func() (*token, error){gives(time.Hour)}}
		s := play.source()
		assert.NoError(t, s.Refused(t.Context(), "target", "target", &token{}, func(*token) { panic("geheim") }))
		assert.Equal(t, 1, play.asked)
	})
}
