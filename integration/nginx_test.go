// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// nginxConfig: every server writes down who saw which secret, as one JSON object
// per request: the kind of the Authorization header, the last eight characters
// of a bearer token, the user of a login, the subject of a certificate. The same
// object is what /whoami answers.
//
// One worker, so that the log has the order of the answers.
var nginxConfig = template.Must(template.New("nginx.conf").Parse(`
daemon off;
worker_processes 1;
user www-data;
pid {{.Dir}}/nginx/pid;
error_log stderr notice;
events { worker_connections 256; }
http {
  default_type text/plain;
  client_body_temp_path {{.Dir}}/nginx/body;
  proxy_temp_path {{.Dir}}/nginx/proxy;
  fastcgi_temp_path {{.Dir}}/nginx/fastcgi;
  uwsgi_temp_path {{.Dir}}/nginx/uwsgi;
  scgi_temp_path {{.Dir}}/nginx/scgi;

  map $http_authorization $authorization_kind {
    ""           "";
    "~*^bearer " bearer;
    "~*^basic "  basic;
    default      other;
  }
  map $http_authorization $token_tail {
    default                     "";
    "~*^bearer .*(?<last>.{8})$" $last;
  }
  map $token_tail $newest_token {
    default          0;
    "{{.NewestTail}}" 1;
  }
  log_format seen escape=json '{{.Seen}}';
  access_log {{.Dir}}/nginx/access.jsonl seen;

  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {{.Host.Cert}};
  ssl_certificate_key {{.Host.Key}};
  ssl_client_certificate {{.CAFile}};
  ssl_verify_depth 5;
  ssl_verify_client optional_no_ca; # Whom it does not accept comes in as well; locations decide.

  server {
    listen 127.0.0.1:{{.Port.web}} ssl;
    location = /whoami { return 200 '{{.Seen}}'; }
    location = /mark { return 204; }
    location = /certificate {
      if ($ssl_client_verify != SUCCESS) { return 403 "a certificate, please\n"; }
      return 200 "hello certificate\n";
    }
    location /login/ {
      auth_basic "integration";
      auth_basic_user_file {{.Dir}}/nginx/logins;
      alias {{.Dir}}/nginx/files/;
    }
    location = /newest-token {
      if ($newest_token = 0) {
        add_header WWW-Authenticate 'Bearer error="invalid_token"';
        return 401 "the newest token, please\n";
      }
      return 200 "hello newest token\n";
    }
    {{- range .Statuses}}
    location = /status/{{.}} { return {{.}} "{{.}}\n"; }
    {{- end}}
    location = /status/401 {
      add_header WWW-Authenticate 'Bearer realm="integration", error="invalid_token"' always;
      return 401 "a token, please\n";
    }
    {{- range $code := .RedirectCodes}}
    {{- range $where, $url := $.Redirects}}
    location = /redirect/{{$code}}/{{$where}} { return {{$code}} {{$url}}?$args; }
    {{- end}}
    location = /redirect/{{$code}}/loop { return {{$code}} /redirect/{{$code}}/loop?$args; }
    {{- end}}
  }
  server {
    listen 127.0.0.1:{{.Port.otherPort}} ssl;
    listen 127.0.0.2:{{.Port.otherPort}} ssl;
    location = /whoami { return 200 '{{.Seen}}'; }
    location = /back { return 302 {{.Web}}/whoami?$args; }
    location = /login/hello.txt {
      auth_basic "integration";
      auth_basic_user_file {{.Dir}}/nginx/logins;
      alias {{.Dir}}/nginx/files/hello.txt;
    }
  }
  server {
    listen 127.0.0.1:{{.Port.plain}};
    location = /whoami { return 200 '{{.Seen}}'; }
    location = /up { return 302 {{.Web}}/whoami?$args; }
  }
  server {
    listen 127.0.0.1:{{.Port.untrusted}} ssl;
    ssl_certificate {{.Strange.Cert}};
    ssl_certificate_key {{.Strange.Key}};
    location = /whoami { return 200 '{{.Seen}}'; }
  }
  server {
    listen 127.0.0.1:{{.Port.issuer}} ssl;
    root {{.Dir}}/nginx/issuer;
    default_type application/json;
  }
}
`))

// seenFormat is what nginx says about a request; [seen] is the same in Go.
const seenFormat = `{"server":"$server_addr:$server_port","method":"$request_method","uri":"$request_uri","status":$status,` +
	`"authorization":"$authorization_kind","tail":"$token_tail","user":"$remote_user",` +
	`"certificate":"$ssl_client_verify","subject":"$ssl_client_s_dn",` +
	`"referer":"$http_referer","cookie":"$http_cookie","connection":$connection}`

// redirectCodes are the statuses that net/http follows.
func redirectCodes() []int { return []int{301, 302, 303, 307, 308} }

// redirects is where /redirect/CODE/NAME leads. The query goes along.
func (b *bed) redirects() map[string]string {
	return map[string]string{
		"same":       b.web + "/whoami",
		"other-port": b.otherPort + "/whoami",
		"other-host": b.otherHost + "/whoami",
		"http":       b.plain + "/whoami",
		"back":       b.otherHost + "/back", // And from there to web again.
		"login":      b.otherPort + "/login/hello.txt",
	}
}

// nginxFile is what /login/hello.txt gives.
const nginxFile = "hello from nginx\n"

func startNginx(b *bed) (*leashed, error) {
	type pair struct{ Cert, Key string }
	var config strings.Builder
	err := nginxConfig.Execute(&config, map[string]any{
		"Dir": b.dir, "CAFile": b.caFile, "Seen": seenFormat, "Web": b.web,
		"Host":    pair{b.host.cert, b.host.key},
		"Strange": pair{b.strange.cert, b.strange.key},
		"Port": map[string]string{
			"web": portOf(b.web), "otherPort": portOf(b.otherPort), "plain": portOf(b.plain),
			"untrusted": portOf(b.untrusted), "issuer": portOf(b.issuer),
		},
		"NewestTail":    tail(b.newestToken),
		"Statuses":      []int{200, 403, 404, 500, 503},
		"RedirectCodes": redirectCodes(),
		"Redirects":     b.redirects(),
	})
	if err != nil {
		return nil, fmt.Errorf("configure nginx: %w", err)
	}
	dir := filepath.Join(b.dir, "nginx")
	for name, content := range map[string]string{
		"nginx.conf":      config.String(),
		"logins":          loginUser + ":{PLAIN}" + loginPassword + "\n",
		"files/hello.txt": nginxFile,
		"issuer/jwks":     string(b.tokens.JWKS()),
		"issuer/.well-known/openid-configuration": string(b.tokens.OpenIDConfiguration()),
	} {
		if _, err := write(0o644, []byte(content), dir, name); err != nil {
			return nil, fmt.Errorf("configure nginx: %w", err)
		}
	}
	return imprison("nginx", b.dir, b.caFile, []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin"},
		"nginx", "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
}

// tail is what nginx writes down of a token.
func tail(token string) string { return token[len(token)-8:] }
