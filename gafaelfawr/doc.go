// SPDX-License-Identifier: BSD-3-Clause

// Package gafaelfawr is a client of Gafaelfawr, the token and user-information
// service of the Rubin Science Platform: who is the user behind a token, which
// groups and quotas do they have, and the tokens of users and services.
package gafaelfawr
