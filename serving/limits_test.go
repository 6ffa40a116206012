package serving_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
)

// numbers are the numeric fields of Options, and whether a negative value
// removes their limit.
var numbers = map[string]bool{
	"HeaderTimeout": true, "StallTimeout": true, "MinRate": true, "IdleTimeout": true, "MaxHeader": true,
	"MaxConnections": true, "DrainTimeout": true,
	"DrainDelay": false, "Poll": false, "SocketMode": false,
}

func TestEveryNumberOfTheOptionsHasAMeaning(t *testing.T) {
	seen := 0
	for field := range reflect.TypeFor[serving.Options]().Fields() {
		kind := field.Type.Kind()
		if kind < reflect.Int || kind > reflect.Float64 {
			continue
		}
		seen++
		limit, known := numbers[field.Name]
		require.True(t, known, "say what %s means", field.Name)
		with := func(n int64) error {
			o := serving.Options{Logger: silent}
			v := reflect.ValueOf(&o).Elem().FieldByIndex(field.Index)
			if v.CanUint() {
				v.SetUint(uint64(uint32(n)))
			} else {
				v.SetInt(n)
			}
			s, err := serving.New(app, o)
			if err == nil {
				require.NoError(t, s.Listen("127.0.0.1:0"))
				go s.Serve()
				require.Equal(t, "hello over HTTP/1.1\n", get(t, oneRequest, "http://"+s.Addrs()[0].String()))
				require.NoError(t, s.Close())
			}
			return err
		}
		t.Run(field.Name, func(t *testing.T) {
			require.NoError(t, with(0))
			for _, n := range []int64{-1, math.MinInt64 + 1<<31} {
				if limit {
					require.NoError(t, with(n))
				} else {
					require.ErrorContains(t, with(n), "serving: Options."+field.Name+" is ")
				}
			}
			require.ErrorContains(t, with(math.MaxInt64), "serving: Options."+field.Name+" is ")
			if field.Type == reflect.TypeFor[time.Duration]() {
				require.NoError(t, with(int64(time.Minute)))
			}
		})
	}
	require.Len(t, numbers, seen)
}
