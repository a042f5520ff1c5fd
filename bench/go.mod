module github.com/scicred/scicred/bench

go 1.26.0

require (
	github.com/Azure/azure-sdk-for-go/sdk/azcore v1.24.0
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/jdx/go-netrc v1.0.0
	github.com/scicred/scicred v0.1.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/oauth2 v0.37.0
	k8s.io/client-go v0.37.2
)

require (
	github.com/Azure/azure-sdk-for-go/sdk/internal v1.13.0 // indirect
	github.com/go-logr/logr v1.4.3 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.15.0 // indirect
	k8s.io/apimachinery v0.37.2 // indirect
	k8s.io/klog/v2 v2.140.0 // indirect
	k8s.io/utils v0.0.0-20260626114624-be93311217bd // indirect
	software.sslmate.com/src/go-pkcs12 v0.7.4 // indirect
)
