// Package fault owns what can go wrong on the wire: every error code of the surface once, with its status, whether a
// retry may do better, and when it is returned; the one shape in which errors are written; and Explain, the one place
// that puts what an engine or a decoder says into these words. Callers steer by errors.Is and errors.As over the
// engine's own errors, never by what they became here.
package fault
