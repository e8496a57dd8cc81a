//go:build !unix

package cli

func ignoreFileSizeLimit() {} // there is none
