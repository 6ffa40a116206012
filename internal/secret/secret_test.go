package secret_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/secret"
)

func TestNames(t *testing.T) {
	for _, name := range []string{
		"password", "Password", "user_password", "passwd", "passphrase", "passcode", "pwd", "client_secret", "token", "access_token",
		"X-Auth-Token", "Authorization", "oauth", "auth", "api_key", "apiKey", "X-Api-Key", "AccessKey", "session", "sessionid", "PHPSESSID",
		"sid", "connect.sid", "remember", "remember_token", "rememberMe", "sig", "X-Sig", "card", "cardNumber", "card_number", "PaymentCard", "cardno",
		"X-Vault-Token", "X-Vault-Wrap", "XVault", "Bearer", "bearerValue", "Salt", "passwordSalt", "csrf_token", "cvv", "jwt", "private_key",
		"signature", "pin", "otp", "credentials", "zeug-pin-5000", "__debugger__", "ssn",
	} {
		require.True(t, secret.Name(name), name)
		require.True(t, secret.Parameter(name), name)
	}
	for _, name := range []string{
		"", "author", "authorName", "passenger", "passed", "discard", "cardinality", "wildcard", "cardboard", "design", "signal", "aside", "side", "resident",
		"keyboard", "monkey", "page", "q", "zip_code", "country_code", "Code", "status", "spinner", "option", "basalt", "consider", "assault",
	} {
		require.False(t, secret.Name(name), name)
	}
	require.True(t, secret.Parameter("code"))
	require.False(t, secret.Parameter("zip_code"))
}

func TestQueries(t *testing.T) {
	for query, want := range map[string]string{
		"":                          "",
		"a":                         "a",
		"a=1&b=2":                   "a=1&b=2",
		"a=1&password=x&b=2":        "a=1&password=***&b=2",
		"password=x":                "password=***",
		"access_token=x&code=y":     "access_token=***&code=***",
		"password=":                 "password=",
		"password":                  "password",
		"pass%77ord=x&&a=%zz&":      "pass%77ord=***&&a=%zz&",
		"password=x&password=y&z=1": "password=***&password=***&z=1",
		"%zzpassword=x":             "%zzpassword=***",
		"sig=a=b&c=d":               "sig=***&c=d",
	} {
		require.Equal(t, want, secret.Query(query, secret.Mask, secret.Parameter), query)
	}
}

func TestURIs(t *testing.T) {
	for uri, want := range map[string]string{
		"/":                                  "/",
		"*":                                  "*",
		"/a@b?x=1":                           "/a@b?x=1",
		"/login?user=ann&password=x":         "/login?user=ann&password=***",
		"http://ann:x@host/?token=y":         "http://ann:***@host/?token=***",
		"https://app.test/cb?code=1&state=2": "https://app.test/cb?code=***&state=2",
		"/?__debugger__=KEY":                 "/?__debugger__=***",
	} {
		require.Equal(t, want, secret.URI(uri))
	}
}

func TestTexts(t *testing.T) {
	for text, want := range map[string]string{
		"":      "",
		"plain": "plain",
		"dial postgres://ann:hunter2@db:5432/shop?sslmode=off": "dial postgres://ann:***@db:5432/shop?sslmode=off",
		"redis://:hunter2@localhost:6379/0":                    "redis://:***@localhost:6379/0",
		"amqp://ann:p@ss@host/":                                "amqp://ann:***@host/",
		"ann:hunter2@tcp(127.0.0.1:3306)/shop?parseTime=true":  "ann:***@tcp(127.0.0.1:3306)/shop?parseTime=true",
		"host=db user=ann password=hunter2 dbname=shop":        "host=db user=ann password=*** dbname=shop",
		"host=db password='hunter 2' dbname=shop":              "host=db password='***' dbname=shop",
		"Server=db;User Id=ann;Password=hunter2;":              "Server=db;User Id=ann;Password=***;",
		`{"user": "ann", "password": "hunter2", "n": 1}`:       `{"user": "ann", "password": "***", "n": 1}`,
		"get https://api.test/?access_token=x&page=2: EOF":     "get https://api.test/?access_token=***&page=2: EOF",
		"mail ann@example.org at 10:30":                        "mail ann@example.org at 10:30",
		"unexpected token: }":                                  "unexpected token: }",
		"x=1, author=ann":                                      "x=1, author=ann",
	} {
		require.Equal(t, want, secret.Text(text, secret.Mask, secret.Name), text)
	}
}

func TestQueriesWithoutSecretsCostNothing(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() { secret.URI("/shop?page=2&q=shoes&sort=price") }))
	require.Zero(t, testing.AllocsPerRun(100, func() { secret.Query("page=2&q=shoes&sort=price", secret.Mask, secret.Parameter) }))
}

func BenchmarkURI(b *testing.B) {
	for name, uri := range map[string]string{"no query": "/shop", "query": "/shop?page=2&q=shoes&sort=price", "secret": "/login?user=ann&password=x"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				secret.URI(uri)
			}
		})
	}
}
