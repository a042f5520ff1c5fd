// SPDX-License-Identifier: BSD-3-Clause

package der_test

import (
	"bytes"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/der"
)

func TestRead(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{7}, 300)
	for _, tt := range []struct {
		name          string
		input         []byte
		tag           byte
		content, rest []byte
		bad           bool
	}{
		{"short", []byte{2, 1, 5, 9}, der.Integer, []byte{5}, []byte{9}, false},
		{"empty", []byte{5, 0}, der.Null, []byte{}, []byte{}, false},
		{"long length of one byte", append([]byte{4, 0x81, 0x80}, long[:128]...), der.OctetString, long[:128], []byte{}, false},
		{"long length of two bytes", append([]byte{0x30, 0x82, 1, 44}, long...), der.Sequence, long, []byte{}, false},
		{"context", []byte{0xa3, 0}, der.Context(3), []byte{}, []byte{}, false},
		{name: "nothing", input: nil, bad: true},
		{name: "a tag alone", input: []byte{2}, bad: true},
		{name: "content cut short", input: []byte{2, 2, 5}, bad: true},
		{name: "length cut short", input: []byte{2, 0x82, 1}, bad: true},
		{name: "indefinite length", input: []byte{0x30, 0x80, 0, 0}, bad: true},
		{name: "length longer than need be", input: []byte{2, 0x81, 1, 5}, bad: true},
		{name: "length with a leading zero", input: append([]byte{4, 0x82, 0, 0x80}, long[:128]...), bad: true},
		{name: "length of five bytes", input: []byte{4, 0x85, 1, 0, 0, 0, 0}, bad: true},
		{name: "length of 4 GiB", input: []byte{4, 0x84, 0xff, 0xff, 0xff, 0xff, 1}, bad: true},
		{name: "high tag", input: []byte{0x1f, 0x20, 0}, bad: true},
	} {
		v, rest, ok := der.Read(tt.input)
		assert.Equal(t, !tt.bad, ok, tt.name)
		if tt.bad {
			assert.Zero(t, v, tt.name)
			assert.Equal(t, tt.input, rest, tt.name)
			continue
		}
		assert.Equal(t, tt.tag, v.Tag, tt.name)
		assert.Equal(t, tt.content, v.Content, tt.name)
		assert.Equal(t, tt.rest, rest, tt.name)
		assert.Equal(t, tt.input[:len(tt.input)-len(rest)], v.Raw, tt.name)
	}
}

func TestReadTagWantsTheTag(t *testing.T) {
	t.Parallel()
	input := []byte{2, 1, 5}
	v, rest, ok := der.ReadTag(input, der.Integer)
	assert.True(t, ok)
	assert.Empty(t, rest)
	assert.Equal(t, []byte{5}, v.Content)
	_, rest, ok = der.ReadTag(input, der.OID)
	assert.False(t, ok)
	assert.Equal(t, input, rest)
}

func TestAllIsAllOrNothing(t *testing.T) {
	t.Parallel()
	two := []byte{2, 1, 5, 5, 0}
	values, ok := der.All(two, 2)
	require.True(t, ok)
	require.Len(t, values, 2)
	assert.EqualValues(t, der.Null, values[1].Tag)
	_, ok = der.All(two, 1)
	assert.False(t, ok, "more than asked for")
	_, ok = der.All(append(two, 1), 9)
	assert.False(t, ok, "something behind")
	values, ok = der.All(nil, 0)
	assert.True(t, ok)
	assert.Empty(t, values)
}

// FuzzRead holds Read against encoding/asn1, which knows the same rules.
func FuzzRead(f *testing.F) {
	for _, seed := range [][]byte{{2, 1, 5}, {0x30, 3, 2, 1, 1}, {4, 0x81, 0x80}, {0xa0, 0}, {0x30, 0x80}, {0x1f, 0x81, 1, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		v, rest, ok := der.Read(input)
		var theirs asn1.RawValue
		theirRest, err := asn1.Unmarshal(input, &theirs)
		if !ok {
			if err == nil && input[0]&0x1f != 0x1f {
				t.Fatal("encoding/asn1 reads it")
			}
			return
		}
		if err != nil {
			t.Fatal("encoding/asn1 does not read it:", err)
		}
		if !bytes.Equal(v.Content, theirs.Bytes) || !bytes.Equal(v.Raw, theirs.FullBytes) || !bytes.Equal(rest, theirRest) {
			t.Fatal("they differ")
		}
	})
}
