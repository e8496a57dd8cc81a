// Package share owns what the test of a shared group knows better than the broker: consumers as processes, everything
// that each of them wrote in its order, what of it was acknowledged for certain, and how late the machine itself was.
package share
