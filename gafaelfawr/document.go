// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
)

// Document is what service discovery (Repertoire) says about a site: what there
// is, and where. All members may be empty. A Document is shared: do not change
// it. Do not keep it for long either, but ask [Discovery.Document] again, which
// costs nothing most of the time.
type Document struct {
	Applications    []string // names of what is installed
	EnvironmentName *string  // such as idfdev
	Datasets        map[string]Dataset
	// InfluxDBs are databases of measurements, by name.
	InfluxDBs map[string]InfluxDB
	// Internal are services with an API, by name; UI those for browsers.
	Internal map[string]APIService
	UI       map[string]UIService
}

// Dataset is a set of data, such as a release.
type Dataset struct {
	ButlerConfig *string // URL of the configuration of its Butler repository
	Description  *string
	DocsURL      *string
	Services     map[string]APIService // those for this data, by name
}

// APIService is a service with an API.
type APIService struct {
	URL      string
	OpenAPI  *string // URL of its description
	Versions map[string]APIVersion
}

// APIVersion is one version of a service's API.
type APIVersion struct {
	URL string
	// IVOAStandardID says which standard of the International Virtual
	// Observatory Alliance it follows.
	IVOAStandardID *string
}

// UIService is a service for browsers.
type UIService struct{ URL string }

// InfluxDB says how to reach a database of measurements.
type InfluxDB struct {
	URL            string
	Database       string
	Local          bool // it belongs to this site
	SchemaRegistry string
	CredentialsURL string // see [Discovery.InfluxDBCredentials]
}

// InternalURL returns the URL of a service, or of one version of its API, and
// false if there is none. There is no way from a version to the service itself.
// An empty version stands for the service.
func (d *Document) InternalURL(service, version string) (string, bool) {
	s, ok := d.Internal[service]
	return s.at(version, ok)
}

// UIURL returns the URL of a service for browsers, and false if there is none.
func (d *Document) UIURL(service string) (string, bool) {
	s, ok := d.UI[service]
	return s.URL, ok
}

// DataURL returns the URL of a service for a dataset, or of one version of its
// API, and false if there is none. An empty version stands for the service.
func (d *Document) DataURL(service, dataset, version string) (string, bool) {
	s, ok := d.Datasets[dataset].Services[service]
	return s.at(version, ok)
}

func (s APIService) at(version string, ok bool) (string, bool) {
	if version == "" || !ok {
		return s.URL, ok
	}
	v, ok := s.Versions[version]
	return v.URL, ok
}

// InternalVersions returns the versions of a service's API in their order as
// texts; none if there is no such service.
func (d *Document) InternalVersions(service string) []string {
	return slices.Sorted(maps.Keys(d.Internal[service].Versions))
}

// DataVersions returns the versions of the API of a service for a dataset, in
// their order as texts; none if there is no such service.
func (d *Document) DataVersions(service, dataset string) []string {
	return slices.Sorted(maps.Keys(d.Datasets[dataset].Services[service].Versions))
}

// DatasetNames returns the names of all datasets in their order as texts.
func (d *Document) DatasetNames() []string { return slices.Sorted(maps.Keys(d.Datasets)) }

// ButlerConfig returns the URL of the configuration of a dataset's Butler
// repository, and false if it has none.
func (d *Document) ButlerConfig(dataset string) (string, bool) {
	config := d.Datasets[dataset].ButlerConfig
	if config == nil {
		return "", false
	}
	return *config, true
}

// ButlerRepositories returns the URL of the configuration of each dataset's
// Butler repository, by dataset; those without one are left out.
func (d *Document) ButlerRepositories() map[string]string {
	out := map[string]string{}
	for name := range d.Datasets {
		if config, ok := d.ButlerConfig(name); ok {
			out[name] = config
		}
	}
	return out
}

// InfluxDBNames returns the names of all databases of measurements in their order
// as texts.
func (d *Document) InfluxDBNames() []string { return slices.Sorted(maps.Keys(d.InfluxDBs)) }

// LocalInfluxDBNames returns the names of those databases that belong to this
// site, or of those that do not.
func (d *Document) LocalInfluxDBNames(local bool) []string {
	return slices.DeleteFunc(d.InfluxDBNames(), func(name string) bool { return d.InfluxDBs[name].Local != local })
}

// UnmarshalJSON reads a document, every member of which may be absent.
func (d *Document) UnmarshalJSON(data []byte) error {
	var out Document
	err := object(
		data, optional("applications", listOf(&out.Applications)), nullable("environment_name", value(&out.EnvironmentName)),
		optional("datasets", dictOf(&out.Datasets)), optional("influxdb_databases", dictOf(&out.InfluxDBs)),
		optional("services", func(raw json.RawMessage) error {
			return object(raw, optional("internal", dictOf(&out.Internal)), optional("ui", dictOf(&out.UI)))
		}),
	)
	if err == nil {
		*d = out
	}
	return err
}

// UnmarshalJSON reads a dataset, every member of which may be absent.
func (d *Dataset) UnmarshalJSON(data []byte) error {
	var out Dataset
	err := object(
		data, nullable("butler_config", webAddress(&out.ButlerConfig)), nullable("description", value(&out.Description)),
		nullable("docs_url", webAddress(&out.DocsURL)), optional("services", dictOf(&out.Services)),
	)
	if err == nil {
		*d = out
	}
	return err
}

// UnmarshalJSON reads a service, which must have a URL.
func (s *APIService) UnmarshalJSON(data []byte) error {
	var out APIService
	var own *string
	err := object(data, required("url", webAddress(&own)), nullable("openapi", webAddress(&out.OpenAPI)), optional("versions", dictOf(&out.Versions)))
	if err == nil {
		out.URL = *own
		*s = out
	}
	return err
}

// UnmarshalJSON reads a version, which must have a URL.
func (v *APIVersion) UnmarshalJSON(data []byte) error {
	var out APIVersion
	var own *string
	err := object(data, required("url", webAddress(&own)), nullable("ivoa_standard_id", value(&out.IVOAStandardID)))
	if err == nil {
		out.URL = *own
		*v = out
	}
	return err
}

// UnmarshalJSON reads a service, which must have a URL.
func (s *UIService) UnmarshalJSON(data []byte) error {
	var own *string
	err := object(data, required("url", webAddress(&own)))
	if err == nil {
		s.URL = *own
	}
	return err
}

// UnmarshalJSON reads how to reach a database.
func (i *InfluxDB) UnmarshalJSON(data []byte) error {
	var out InfluxDB
	var own, registry, credentials *string
	err := object(
		data, required("url", webAddress(&own)), required("database", text(&out.Database)), optional("local", value(&out.Local)),
		required("schema_registry", webAddress(&registry)), required("credentials_url", webAddress(&credentials)),
	)
	if err == nil {
		out.URL, out.SchemaRegistry, out.CredentialsURL = *own, *registry, *credentials
		*i = out
	}
	return err
}

// webAddress decodes an absolute URL of a web server.
func webAddress(into **string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return &FieldError{Problem: "is no http or https URL"}
		}
		*into = &s
		return nil
	}
}
