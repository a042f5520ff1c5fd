// SPDX-License-Identifier: BSD-3-Clause

package peers

import (
	"context"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// azure is a pipeline of azcore as a RoundTripper.
type azure struct{ pipeline runtime.Pipeline }

// NewAzcore returns the bearer policy of azcore, in the shortest pipeline that
// it can be had in: without telemetry and retries. The pipeline changes its
// request, so it gets a copy.
func NewAzcore(base http.RoundTripper, token string, expiry time.Time) http.RoundTripper {
	bearer := runtime.NewBearerTokenPolicy(fixed{token, expiry}, []string{"storage.read:/"}, nil)
	return azure{runtime.NewPipeline("bench", "v0.1.0",
		runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}},
		&policy.ClientOptions{
			Telemetry: policy.TelemetryOptions{Disabled: true},
			Retry:     policy.RetryOptions{MaxRetries: -1},
			Transport: sender{base},
		})}
}

// RoundTrip implements [http.RoundTripper].
func (a azure) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := runtime.NewRequestFromRequest(req.Clone(req.Context()))
	if err != nil {
		return nil, err
	}
	runtime.SkipBodyDownload(r) // It reads every body to its end, which no RoundTripper does.
	return a.pipeline.Do(r)
}

// sender is a RoundTripper under the name that azcore wants.
type sender struct{ base http.RoundTripper }

// Do sends the request.
func (s sender) Do(req *http.Request) (*http.Response, error) { return s.base.RoundTrip(req) }

// fixed is a credential that has its token already.
type fixed struct {
	token  string
	expiry time.Time
}

// GetToken implements [azcore.TokenCredential].
func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: f.token, ExpiresOn: f.expiry}, nil
}
