// SPDX-License-Identifier: BSD-3-Clause

package credtest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

const (
	issuerURL = "https://issuer.example.org"
	audience  = "https://data.example.org"
)

// verify checks signature and times, and returns the claims.
func verify(is *credtest.Issuer, token string, opts ...jwt.ParserOption) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	opts = append(opts, jwt.WithValidMethods([]string{"ES256", "RS256"}), jwt.WithExpirationRequired())
	_, err := jwt.NewParser(opts...).ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return is.PublicKey(kid), nil
	})
	return claims, err
}

func TestTokensVerifyAndHaveTheirProfilesClaims(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer(issuerURL)
	for _, tt := range []struct {
		name  string
		token string
		want  map[string]any
	}{
		{"SciToken", is.SciToken(nil), map[string]any{"ver": "scitoken:2.0", "aud": "ANY", "scope": "read:/", "iss": issuerURL, "sub": "test.user"}},
		{"SciToken, RS256", is.SciToken(nil, credtest.RS256()), map[string]any{"ver": "scitoken:2.0"}},
		{"WLCG", is.WLCG(nil), map[string]any{"wlcg.ver": "1.0", "aud": "https://wlcg.cern.ch/jwt/v1/any", "scope": "storage.read:/", "ver": nil}},
		{
			"claims win", is.WLCG(credtest.Claims{"aud": audience, "scope": nil, "n": credtest.Null, "f": credtest.Raw("1e3")}),
			map[string]any{"aud": audience, "scope": nil, "f": 1000.0},
		},
	} {
		claims, err := verify(is, tt.token)
		require.NoError(t, err, tt.name)
		for k, v := range tt.want {
			assert.Equal(t, v, claims[k], "%s: %s", tt.name, k)
		}
		now, exp := time.Now(), int64(claims["exp"].(float64))
		assert.WithinDuration(t, now.Add(time.Hour), time.Unix(exp, 0), time.Minute)
		assert.NotEmpty(t, claims["jti"])
	}
	claims, err := verify(is, is.SciToken(credtest.Claims{"gone": nil, "null": credtest.Null, "jti": nil}))
	require.NoError(t, err)
	assert.Contains(t, claims, "null")
	assert.NotContains(t, claims, "gone")
	assert.NotContains(t, claims, "jti")
}

func TestForgedTokenDiffersInNothingButTheSignature(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer(issuerURL)
	now := credtest.At(time.Now())
	fixed := credtest.Claims{"jti": "1"}
	for _, opts := range [][]credtest.TokenOption{{now}, {now, credtest.RS256()}} {
		good, forged := is.SciToken(fixed, opts...), is.SciToken(fixed, append(opts, credtest.Forged())...)
		cut := strings.LastIndex(good, ".")
		assert.Equal(t, good[:cut], forged[:cut])
		_, err := verify(is, forged)
		require.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid)
	}
}

func TestTokenTimesFollowTheGivenClock(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer(issuerURL)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := jwt.WithTimeFunc(func() time.Time { return now })
	_, err := verify(is, is.SciToken(nil, credtest.At(now)), clock)
	require.NoError(t, err)
	_, err = verify(is, is.SciToken(nil, credtest.At(now), credtest.Expired()), clock)
	require.ErrorIs(t, err, jwt.ErrTokenExpired)
	_, err = verify(is, is.SciToken(nil, credtest.NotYetValid(), credtest.At(now)), clock)
	require.ErrorIs(t, err, jwt.ErrTokenNotValidYet)
	claims, err := verify(is, is.SciToken(nil, credtest.WithValidity(now, now.Add(time.Second))), clock)
	require.NoError(t, err)
	assert.InDelta(t, now.Unix()+1, claims["exp"], 0)
}

func TestHeaderOverridesAndRemoves(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer(issuerURL)
	header := decode(t, is.SciToken(nil, credtest.Header(map[string]any{"kid": nil, "typ": "at+jwt"})), 0)
	assert.Equal(t, map[string]any{"alg": "ES256", "typ": "at+jwt"}, header)
}

// decode returns one part of a token as JSON.
func decode(t *testing.T, token string, part int) (object map[string]any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &object))
	return object
}

func TestJWKSHoldsThePublicKeys(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer(issuerURL)
	var set struct {
		Keys []struct{ Kty, Use, Alg, Kid, Crv, X, Y, N, E string }
	}
	require.NoError(t, json.Unmarshal(is.JWKS(), &set))
	require.Len(t, set.Keys, 2)
	number := func(s string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(s)
		require.NoError(t, err)
		return new(big.Int).SetBytes(b)
	}
	for _, k := range set.Keys {
		assert.Equal(t, "sig", k.Use)
		switch k.Kty {
		case "EC":
			require.Equal(t, []string{"P-256", "ES256", credtest.KeyES256}, []string{k.Crv, k.Alg, k.Kid})
			x, err := base64.RawURLEncoding.DecodeString(k.X)
			require.NoError(t, err)
			y, err := base64.RawURLEncoding.DecodeString(k.Y)
			require.NoError(t, err)
			key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
			require.NoError(t, err)
			assert.True(t, key.Equal(is.PublicKey(k.Kid)))
		case "RSA":
			require.Equal(t, []string{"RS256", credtest.KeyRS256}, []string{k.Alg, k.Kid})
			key := &rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
			assert.True(t, key.Equal(is.PublicKey(k.Kid)))
		default:
			t.Errorf("unexpected key type %q", k.Kty)
		}
	}
	assert.Nil(t, is.PublicKey("no such key"))
}

func TestOpenIDConfigurationPointsToTheKeys(t *testing.T) {
	t.Parallel()
	for url, jwks := range map[string]string{issuerURL: issuerURL + "/jwks", issuerURL + "/vo/": issuerURL + "/vo/jwks"} {
		is := credtest.NewIssuer(url)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(is.OpenIDConfiguration(), &doc))
		assert.Equal(t, url, doc["issuer"])
		assert.Equal(t, url, is.URL())
		assert.Equal(t, jwks, doc["jwks_uri"])
	}
}

func TestTokenFaultsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer(issuerURL)
	fixed := credtest.At(time.Now())
	claim := func(name string, want any) func(*testing.T, string) {
		return func(t *testing.T, token string) {
			t.Helper()
			claims := decode(t, token, 1)
			got, there := claims[name]
			assert.Equal(t, want, got)
			if want == nil {
				assert.Equal(t, name == "exp", there, "absent, unless it is null")
			}
			// Whatever is wrong, it is not the signature.
			_, err := jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(token, func(*jwt.Token) (any, error) {
				return is.PublicKey(credtest.KeyES256), nil
			})
			require.NoError(t, err)
		}
	}
	refused := func(reason error) func(*testing.T, string) {
		return func(t *testing.T, token string) {
			t.Helper()
			_, err := verify(is, token)
			require.ErrorIs(t, err, reason)
		}
	}
	holds := func(s string) func(*testing.T, string) {
		return func(t *testing.T, token string) {
			t.Helper()
			assert.Equal(t, 1, strings.Count(token, s))
			_, err := verify(is, strings.Replace(token, s, "", 1))
			require.NoError(t, err, "but for that it is good")
			_, err = verify(is, token)
			require.Error(t, err)
		}
	}
	checks := map[credtest.TokenFault]func(*testing.T, string){
		credtest.TokenTwoParts:         func(t *testing.T, s string) { t.Helper(); assert.Equal(t, 1, strings.Count(s, ".")) },
		credtest.TokenFourParts:        func(t *testing.T, s string) { t.Helper(); assert.Equal(t, 3, strings.Count(s, ".")) },
		credtest.TokenBadBase64:        holds("~"),
		credtest.TokenHeaderNotJSON:    refused(jwt.ErrTokenMalformed),
		credtest.TokenPayloadNotJSON:   refused(jwt.ErrTokenMalformed),
		credtest.TokenPayloadNotObject: refused(jwt.ErrTokenMalformed),
		credtest.TokenInQuotes: func(t *testing.T, s string) {
			t.Helper()
			_, err := verify(is, strings.Trim(s, `"`))
			require.NoError(t, err)
			assert.Equal(t, 2, strings.Count(s, `"`))
		},
		credtest.TokenBearerPrefix:   holds("Bearer "),
		credtest.TokenLineBreak:      holds("\n"),
		credtest.TokenCarriageReturn: holds("\r"),
		credtest.TokenNUL:            holds("\x00"),
		credtest.TokenNotASCII:       holds("é"),
		credtest.TokenOneMegabyte: func(t *testing.T, s string) {
			t.Helper()
			assert.Greater(t, len(s), 1<<20)
			_, err := verify(is, s)
			require.NoError(t, err, "but for its size it is good")
		},
		credtest.TokenAlgNone: func(t *testing.T, s string) {
			t.Helper()
			assert.Equal(t, "none", decode(t, s, 0)["alg"])
			assert.True(t, strings.HasSuffix(s, "."))
			assert.Equal(t, audience, decode(t, s, 1)["aud"])
		},
		credtest.TokenAlgHS256: func(t *testing.T, s string) {
			t.Helper()
			secret, err := is.PublicKey(credtest.KeyES256).(*ecdsa.PublicKey).Bytes()
			require.NoError(t, err)
			_, err = jwt.Parse(s, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithValidMethods([]string{"HS256"}))
			require.NoError(t, err)
		},
		credtest.TokenExpNull:       claim("exp", nil),
		credtest.TokenExpHuge:       claim("exp", 1e30),
		credtest.TokenExpString:     claim("exp", "4102444800"),
		credtest.TokenNbfString:     claim("nbf", "946684800"),
		credtest.TokenAudNumber:     claim("aud", 7.0),
		credtest.TokenAudListNumber: claim("aud", []any{audience, 7.0}),
		credtest.TokenIssNumber:     claim("iss", 7.0),
		credtest.TokenScopeList:     claim("scope", []any{"read:/"}),
		credtest.TokenVerNumber:     claim("ver", 2.0),
		credtest.TokenNoIssuer:      claim("iss", nil),
		credtest.TokenUnknownVer:    claim("ver", "scitoken:99.0"),
		credtest.TokenExpired:       refused(jwt.ErrTokenExpired),
		credtest.TokenExpiresSoon: func(t *testing.T, s string) {
			t.Helper()
			exp := int64(decode(t, s, 1)["exp"].(float64))
			assert.WithinDuration(t, time.Now().Add(30*time.Second), time.Unix(exp, 0), 20*time.Second)
		},
		credtest.TokenNotYetValid:   refused(jwt.ErrTokenNotValidYet),
		credtest.TokenOtherAudience: claim("aud", "https://elsewhere.invalid"),
		credtest.TokenNoAudience:    claim("aud", nil),
		credtest.TokenEmptyAudience: claim("aud", []any{}),
	}
	for _, fault := range credtest.AllTokenFaults() {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			sentence := fault.Sentence()
			assert.True(t, len(sentence) > 20 && strings.HasSuffix(sentence, "."), sentence)
			check := checks[fault]
			require.NotNil(t, check, "the test knows every fault")
			check(t, fault.Token(is, audience, fixed))
		})
	}
	assert.Len(t, credtest.AllTokenFaults(), len(checks))
}
