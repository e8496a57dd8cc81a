//go:build !linux

package drive

import "context"

// openStreams is the best engine of this system.
func openStreams(ctx context.Context, c StreamsConfig, to target) (engine, error) {
	return openPortableStreams(ctx, c, to)
}
