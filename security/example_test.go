package security_test

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/zeugkit/zeug/security"
)

func ExampleCheckPassword() {
	// A hash that Werkzeug made, in a database that was there before.
	stored := "pbkdf2:sha1:1000$7ZidnZXsXTtXxKLG$e1677b6634098cb8261d74fb39872142c87485be"
	fmt.Println(security.CheckPassword(stored, "pässwörd"), security.CheckPassword(stored, "password"))
	fmt.Println("make a new one:", security.NeedsRehash(stored, security.Argon2id{}))
	// Output:
	// true false
	// make a new one: true
}

func ExampleSafeJoin() {
	fmt.Println(security.SafeJoin("/srv/www", "css/site.css"))
	fmt.Println(security.SafeJoin("/srv/www", "../../etc/passwd"))
	// Output:
	// /srv/www/css/site.css true
	//  false
}

func ExampleUnicodeFilename() {
	fmt.Println(security.UnicodeFilename(`C:\fakepath\Füße 1.png`), security.SecureFilename(`Füße 1.png`))
	// Output: Füße_1.png Fue_1.png
}

// A token that a Flask application put into a link, with
// URLSafeTimedSerializer("secret").dumps("a@example.org", salt="reset").
func ExampleSigner() {
	tokens := security.Signer{Keys: [][]byte{[]byte("secret")}, Salt: "reset"}
	at := time.Unix(1700000000, 0)
	token, _ := tokens.Sign(base64.RawURLEncoding.EncodeToString([]byte(`"a@example.org"`)), at)
	fmt.Println(token)

	text, _, err := tokens.Unsign(token, 0)
	data, _ := base64.RawURLEncoding.DecodeString(text)
	fmt.Println(string(data), err)
	_, _, err = tokens.Unsign(token, time.Hour)
	fmt.Println(err)
	// Output:
	// ImFAZXhhbXBsZS5vcmci.ZVPxAA.iME5u8jTnqgknaETcolBIh2GwTU
	// "a@example.org" <nil>
	// made too long ago
}
