// SPDX-License-Identifier: BSD-3-Clause

package floor

// Login passes over the words of a netrc file once and returns the login and the
// password of the first entry for host.
func Login(file []byte, host string) (login, password string, ok bool) {
	var key string       // the word before, if it takes a value
	var here, found bool // whether this entry is for host, and whether one was
	for i := 0; i < len(file); {
		if file[i] <= ' ' {
			i++
			continue
		}
		start := i
		for i < len(file) && file[i] > ' ' {
			i++
		}
		word := file[start:i]
		switch key {
		case "machine":
			if found {
				return login, password, true
			}
			here = string(word) == host
			found, key = here, ""
		case "login":
			if here {
				login = string(word)
			}
			key = ""
		case "password":
			if here {
				password = string(word)
			}
			key = ""
		default:
			switch string(word) {
			case "machine":
				key = "machine"
			case "login":
				key = "login"
			case "password":
				key = "password"
			}
		}
	}
	return login, password, found
}
