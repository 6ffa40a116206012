// Package smalldisk gives a test a small disk that no other process sees, on Linux. The test runs again
// in a mount namespace:
//
//	if smalldisk.RunAgain(t) {
//		return
//	}
//	disk := smalldisk.Mount(t, "1m")
package smalldisk
